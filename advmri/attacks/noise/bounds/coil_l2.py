"""The bound of eq. (4): a product of L2 balls, one per coil, on the measured columns."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from advmri.attacks.noise.bounded_set import per_member
from advmri.attacks.noise.radii import RadiusBound
from advmri.attacks.norms import coil_norms, complex_gaussian, scale_coils


class Bound(RadiusBound):
    """All z [B, C, H, n] with ||z_i||_2 <= radius_i for every coil i.

    Attributes:
        radius: [B, C], eta ||k_i||_2 with k_i the coil's fully sampled k-space.
        shape: (C, H, n), coils, readout samples and measured columns.
    """

    @classmethod
    def of_severity(cls, severity: Tensor, norms: Tensor, shape: tuple[int, int, int]) -> Self:
        """See `advmri.attacks.noise.bounded_set.BoundedSet`."""
        return cls(severity[:, None] * norms, shape)

    def project(self, perturbation: Tensor) -> Tensor:
        """Return the nearest member: coils outside their ball are scaled back to its surface, the others kept."""
        return scale_coils(perturbation, torch.minimum(coil_norms(perturbation), self.radius))

    def ascent(self, gradient: Tensor, length: float | Tensor) -> Tensor:
        """Return the gradient scaled to `length` times the radius in every coil."""
        return scale_coils(gradient, per_member(length, 1) * self.radius)

    def random_on_surface(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Draw complex Gaussian noise scaled to exactly the radius in every coil."""
        return scale_coils(complex_gaussian(self.shape, list(generators), self.radius.device), self.radius)

    def used(self, perturbation: Tensor) -> Tensor:
        """Return ||z_i|| / radius_i of every coil [B, C]."""
        return coil_norms(perturbation) / self.radius
