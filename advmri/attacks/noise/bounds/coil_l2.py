"""The bound of eq. (4): a product of L2 balls, one per coil, on the measured columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from advmri.attacks.noise.bounded_set import per_member
from advmri.attacks.norms import coil_norms, complex_gaussian, scale_coils


@dataclass(frozen=True)
class Bound:
    """All z [B, C, H, n] with ||z_i||_2 <= radius_i for every coil i.

    Attributes:
        radius: [B, C], eta ||k_i||_2 with k_i the coil's fully sampled k-space.
        shape: (C, H, n), coils, readout samples and measured columns.
    """

    radius: Tensor
    shape: tuple[int, int, int]

    @classmethod
    def of_severity(cls, severity: Tensor, norms: Tensor, shape: tuple[int, int, int]) -> Self:
        """See `advmri.attacks.noise.bounded_set.BoundedSet`."""
        return cls(severity[:, None] * norms, shape)

    def zero(self) -> Tensor:
        """Return the perturbation that does nothing, complex64 [B, C, H, n]."""
        return torch.zeros((len(self.radius), *self.shape), dtype=torch.complex64, device=self.radius.device)

    def project(self, perturbation: Tensor) -> Tensor:
        """Return the nearest member: coils outside their ball are scaled back to its surface, the others kept."""
        return scale_coils(perturbation, torch.minimum(coil_norms(perturbation), self.radius))

    def ascent(self, gradient: Tensor, length: float | Tensor) -> Tensor:
        """Return the gradient scaled to `length` times the radius in every coil."""
        return scale_coils(gradient, per_member(length, 1) * self.radius)

    def random_on_surface(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Draw complex Gaussian noise scaled to exactly the radius in every coil."""
        return scale_coils(complex_gaussian(self.shape, list(generators), self.radius.device), self.radius)

    def _used(self, perturbation: Tensor) -> Tensor:
        return coil_norms(perturbation) / self.radius

    def gauge(self, perturbation: Tensor) -> Tensor:
        """Return the largest ||z_i|| / radius_i of the coils that may be perturbed [B]."""
        return self._used(perturbation).nan_to_num(0.0).amax(dim=1)

    def budget_used(self, perturbation: Tensor) -> Tensor:
        """Return the mean of ||z_i|| / radius_i over the coils that may be perturbed [B]."""
        return self._used(perturbation).nanmean(dim=1)
