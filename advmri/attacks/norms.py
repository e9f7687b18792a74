"""L2 norms per coil of complex tensors."""

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


def complex_gaussian(shape: tuple[int, ...], generators: list[torch.Generator], device: torch.device) -> Tensor:
    """Draw standard complex Gaussian noise [B, *shape], one CPU generator per member: no device, no batch matters."""
    draws = [torch.randn(shape, dtype=torch.complex64, generator=generator) for generator in generators]
    return torch.stack(draws).to(device)
