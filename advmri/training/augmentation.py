"""Random affine transforms of complex coil images, before k-space is sampled (MRAugment, Fabian et al. 2021)."""

import math

import torch
from torch import Tensor

from advmri.training.settings import AugmentationSettings


def _uniform(generator: torch.Generator, limit: float) -> float:
    return limit * (2 * torch.rand((), generator=generator).item() - 1)


def augment(coil_images: Tensor, crop: tuple[int, int], settings: AugmentationSettings, seed: int) -> Tensor:
    """Mirror, rotate, scale and shift the coil images of one slice together, by bicubic interpolation.

    Sensitivities move with the anatomy, so the result is a valid multi-coil acquisition of a moved and scaled patient.

    Args:
        coil_images: complex64 [C, H, W].
        crop: (h, w) of the reconstruction, the unit of shifts.
        settings: what to draw from.
        seed: of this sample.

    Returns:
        complex64 [C, H, W].
    """
    generator = torch.Generator().manual_seed(seed)
    if settings.flip and torch.rand((), generator=generator).item() < 0.5:
        coil_images = coil_images.flip(-1)
    angle = math.radians(_uniform(generator, settings.rotate_degrees))
    scale = 1 + _uniform(generator, settings.scale)
    down, right = (_uniform(generator, settings.shift) * size for size in crop)
    height, width = coil_images.shape[-2:]
    cosine, sine = math.cos(angle) / scale, math.sin(angle) / scale
    # affine_grid works in coordinates from -1 to 1, so the pixel's aspect ratio has to be undone.
    matrix = torch.tensor(
        [
            [cosine, -sine * height / width, 2 * right / width],
            [sine * width / height, cosine, 2 * down / height],
        ]
    )
    parts = torch.view_as_real(coil_images).permute(0, 3, 1, 2).reshape(1, -1, height, width)
    grid = torch.nn.functional.affine_grid(matrix[None], [1, 1, height, width], align_corners=False)
    moved = torch.nn.functional.grid_sample(parts, grid, mode="bicubic", padding_mode="zeros", align_corners=False)
    return torch.view_as_complex(moved.reshape(-1, 2, height, width).permute(0, 2, 3, 1).contiguous())
