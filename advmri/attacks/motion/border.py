"""Images continued beyond their border, so that what is moved in from outside is neither zero nor the other side.

A Fourier shift rings wherever a periodic image jumps or its slope does. So each side is continued with the slope that
it has (mirrored through the outermost pixel), after a few pixels merely mirrored, and at last faded to one level for
the whole image: where lines end, shears then move nothing but a constant.
"""

import math

import torch
from torch import Tensor

Padding = tuple[int, int, int, int]
"""Columns before and after, rows before and after."""
SLOPE_PIXELS = 4.0
"""How far the slope is kept."""
SPARE_PIXELS = 16
"""The outermost of a padding, where it fades: beyond what is moved into the image."""


def extend(image: Tensor, padding: Padding) -> Tensor:
    """Continue real, non-negative images [B, h, w] to periodic images without jumps, also after a shear."""
    edges = [image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]]
    level = torch.cat(edges, dim=1).mean(dim=1)[:, None, None]
    return _extend_lines(_extend_lines(image, *padding[:2], -1, level), *padding[2:], -2, level)


def crop_extension(image: Tensor, padding: Padding) -> Tensor:
    """Cut off what `extend` added."""
    left, right, top, bottom = padding
    return image[..., top : image.shape[-2] - bottom, left : image.shape[-1] - right]


def _extend_lines(image: Tensor, before: int, after: int, dim: int, level: Tensor) -> Tensor:
    """Continue lines along `dim` by so many pixels before and after, to the level [B, 1, 1] at their outer ends."""
    size = image.shape[dim]
    front, back = torch.arange(-before, 0, device=image.device), torch.arange(after, device=image.device)
    first = _continued(image, 0, front, -front, dim, level)
    last = _continued(image, size - 1, size + back, back + 1, dim, level)
    return torch.cat([first, image, last], dim)


def _continued(image: Tensor, border: int, places: Tensor, distance: Tensor, dim: int, level: Tensor) -> Tensor:
    """Return lines at places beyond the pixel `border`."""
    mirrored = image.index_select(dim, _mirrored(places, image.shape[dim]))
    near = torch.exp(-((distance / SLOPE_PIXELS) ** 2))
    fade = ((distance - 0.5 - (len(distance) - SPARE_PIXELS)) / SPARE_PIXELS).clamp(0, 1)
    share = 0.5 + 0.5 * torch.cos(math.pi * fade)
    if dim == -2:
        near, share = near[:, None], share[:, None]
    continued = (mirrored + 2 * near * (image.narrow(dim, border, 1) - mirrored)).clamp_min(0)
    return share * continued + (1 - share) * level


def _mirrored(places: Tensor, size: int) -> Tensor:
    """Return places of a line of `size` pixels that is mirrored about both ends, again and again."""
    period = 2 * (size - 1)
    places = places % period
    return torch.where(places >= size, period - places, places)
