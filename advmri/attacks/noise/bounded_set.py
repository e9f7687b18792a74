"""What every bound offers to an optimiser, whatever its geometry."""

from collections.abc import Sequence
from typing import Protocol, Self

import torch
from torch import Tensor


class BoundedSet(Protocol):
    """A set of perturbations z [B, C, H, n] on the measured columns, one of its own per member of the batch.

    Every set is convex, balanced and proportional to its severity: eta' / eta times a member of the set at eta is a
    member of the set at eta'. Each module of `advmri/attacks/noise/bounds` holds one class `Bound`.
    """

    @classmethod
    def of_severity(cls, severity: Tensor, norms: Tensor, shape: tuple[int, int, int]) -> Self:
        """Make the set of a severity.

        Args:
            severity: eta [B].
            norms: ||k_i||_2 of the fully sampled k-space [B, C].
            shape: (C, H, n): coils, readout samples and measured columns.
        """
        ...

    def zero(self) -> Tensor:
        """Return the perturbation that does nothing, complex64 [B, C, H, n]."""
        ...

    def project(self, perturbation: Tensor) -> Tensor:
        """Return the nearest member."""
        ...

    def ascent(self, gradient: Tensor, length: float | Tensor) -> Tensor:
        """Return the step that raises a linear objective most among `length` times the set; `length` may be [B]."""
        ...

    def random_on_surface(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Draw a member that uses the whole budget; one CPU generator per member of the batch."""
        ...

    def gauge(self, perturbation: Tensor) -> Tensor:
        """Return by how much the set must be scaled to just hold the perturbation [B]; at most 1 for its members."""
        ...

    def budget_used(self, perturbation: Tensor) -> Tensor:
        """Return the share of the budget in use [B], averaged over the parts that are bounded separately."""
        ...


def per_member(length: float | Tensor, dimensions: int) -> float | Tensor:
    """Return a length [B] with so many trailing dimensions that it scales members; a number stays a number."""
    return length.reshape(-1, *[1] * dimensions) if isinstance(length, Tensor) else length
