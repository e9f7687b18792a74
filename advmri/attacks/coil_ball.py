"""The threat model of eq. (4): a product of L2 balls, one per coil, on the measured columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


def coil_norms(perturbation: Tensor) -> Tensor:
    """Return the L2 norm of each coil [..., C] of a complex tensor [..., C, H, n]."""
    return torch.linalg.vector_norm(perturbation, dim=(-2, -1))


def scale_coils(perturbation: Tensor, norms: Tensor) -> Tensor:
    """Scale each coil of [..., C, H, n] to the given norms [..., C]; a coil of zeros stays zero."""
    present = coil_norms(perturbation)
    factor = torch.where(present > 0, norms / present.clamp_min(torch.finfo(norms.dtype).tiny), 0.0)
    return perturbation * factor[..., None, None]


@dataclass(frozen=True)
class CoilBall:
    """All z [B, C, H, n] with ||z_i||_2 <= radius_i for every coil i.

    Attributes:
        radius: [B, C], eta ||k_i||_2 with k_i the coil's fully sampled k-space.
        shape: (H, n), readout samples and measured columns.
    """

    radius: Tensor
    shape: tuple[int, int]

    def zero(self) -> Tensor:
        """Return the perturbation that does nothing, complex64 [B, C, H, n]."""
        return torch.zeros((*self.radius.shape, *self.shape), dtype=torch.complex64, device=self.radius.device)

    def project(self, perturbation: Tensor) -> Tensor:
        """Return the nearest member: coils outside their ball are scaled back to its surface, the others kept."""
        return scale_coils(perturbation, torch.minimum(coil_norms(perturbation), self.radius))

    def random_on_surface(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Draw complex Gaussian noise scaled to exactly the radius in every coil.

        Args:
            generators: on the CPU, one per member of the batch, so that neither device nor batch size matter.
        """
        shape = (self.radius.shape[1], *self.shape)
        draws = [torch.randn(shape, dtype=torch.complex64, generator=generator) for generator in generators]
        return scale_coils(torch.stack(draws).to(self.radius.device), self.radius)
