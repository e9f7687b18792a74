"""One L2 ball for the whole acquisition: the bound of Genzel et al. 2022 and Darestani et al. 2021.

Coils share the budget, so that all of it may go where the network is weakest.
"""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from advmri.attacks.noise.radii import RadiusBound
from advmri.attacks.norms import complex_gaussian


def _norm(perturbation: Tensor) -> Tensor:
    return torch.linalg.vector_norm(perturbation, dim=(-3, -2, -1))


def _scale(perturbation: Tensor, norm: Tensor) -> Tensor:
    present = _norm(perturbation)
    factor = torch.where(present > 0, norm / present.clamp_min(torch.finfo(norm.dtype).tiny), 0.0)
    return perturbation * factor[:, None, None, None]


class Bound(RadiusBound):
    """All z [B, C, H, n] with ||z||_2 <= radius, the norm taken over all coils and samples.

    Attributes:
        radius: [B], eta ||k||_2 with k the fully sampled k-space of all coils. The set of `coil_l2` at the same eta
            lies within it and reaches its surface.
        shape: (C, H, n), coils, readout samples and measured columns.
    """

    @classmethod
    def of_severity(cls, severity: Tensor, norms: Tensor, shape: tuple[int, int, int]) -> Self:
        """See `advmri.attacks.noise.bounded_set.BoundedSet`."""
        return cls(severity * torch.linalg.vector_norm(norms, dim=1), shape)

    def project(self, perturbation: Tensor) -> Tensor:
        """Return the nearest member: what lies outside is scaled back to the surface."""
        return _scale(perturbation, torch.minimum(_norm(perturbation), self.radius))

    def ascent(self, gradient: Tensor, length: float | Tensor) -> Tensor:
        """Return the gradient scaled to `length` times the radius."""
        return _scale(gradient, length * self.radius)

    def random_on_surface(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Draw complex Gaussian noise scaled to exactly the radius."""
        return _scale(complex_gaussian(self.shape, list(generators), self.radius.device), self.radius)

    def used(self, perturbation: Tensor) -> Tensor:
        """Return ||z|| / radius [B, 1]."""
        return (_norm(perturbation) / self.radius)[:, None]
