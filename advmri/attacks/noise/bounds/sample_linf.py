"""A bound on the modulus of every sample: no spike may hide in a norm."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from advmri.attacks.noise.bounded_set import per_member
from advmri.attacks.noise.radii import RadiusBound
from advmri.attacks.norms import complex_gaussian


def _to_modulus(perturbation: Tensor, modulus: Tensor) -> Tensor:
    """Scale every sample of [B, C, H, n] to the given modulus; a zero stays zero."""
    present = perturbation.abs()
    factor = torch.where(present > 0, modulus / present.clamp_min(torch.finfo(modulus.dtype).tiny), 0.0)
    return perturbation * factor


class Bound(RadiusBound):
    """All z [B, C, H, n] with abs(z_ij) <= radius_i for every sample j of every coil i.

    Attributes:
        radius: [B, C], eta ||k_i||_2 / sqrt(H n). A member that uses the whole bound in all H n measured samples has
            the norm eta ||k_i||_2: the set lies within that of `coil_l2` at the same eta, and its corners touch it.
        shape: (C, H, n), coils, readout samples and measured columns.
    """

    @classmethod
    def of_severity(cls, severity: Tensor, norms: Tensor, shape: tuple[int, int, int]) -> Self:
        """See `advmri.attacks.noise.bounded_set.BoundedSet`."""
        return cls(severity[:, None] * norms / (shape[1] * shape[2]) ** 0.5, shape)

    @property
    def _modulus(self) -> Tensor:
        return self.radius[:, :, None, None]

    def project(self, perturbation: Tensor) -> Tensor:
        """Return the nearest member: samples outside their disc are moved to its edge, the others kept."""
        return _to_modulus(perturbation, torch.minimum(perturbation.abs(), self._modulus))

    def ascent(self, gradient: Tensor, length: float | Tensor) -> Tensor:
        """Return the gradient with every sample scaled to `length` times the radius: the complex sign."""
        return _to_modulus(gradient, per_member(length, 3) * self._modulus)

    def random_on_surface(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Draw independent uniform phases at the largest modulus."""
        return _to_modulus(complex_gaussian(self.shape, list(generators), self.radius.device), self._modulus)

    def used(self, perturbation: Tensor) -> Tensor:
        """Return abs(z_ij) / radius_i of every sample [B, C H n]."""
        return (perturbation.abs() / self._modulus).flatten(1)
