"""The rotation of the code published with the paper: x2 bicubic, mirrored border, bilinear, cropped, / 2 bicubic.

Matched to AdvRec, augmentor/adv_rotation.py:41-79 (`transform`, `_get_affine_padding_size`), which calls torchvision;
these are the same PyTorch operations without it. It smooths: even at 0 degrees the image changes.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate, pad

EXACT_AT_ZERO = False


def rotate_complex(image: Tensor, degrees: float) -> Tensor:
    """Rotate real and imaginary parts of images [..., H, W] about the middle of the field of view.

    That is half a pixel off the centre of the FFT where a size is even. Positive angles turn columns towards rows.
    """
    height, width = image.shape[-2:]
    parts = torch.view_as_real(image.reshape(-1, height, width)).movedim(-1, 1)
    turned = _rotate(parts, degrees, (0.0, 0.0))
    return torch.view_as_complex(turned.movedim(1, -1).contiguous()).reshape(image.shape)


def rotate_magnitude(image: Tensor, degrees: float, full_shape: tuple[int, int]) -> Tensor:
    """Rotate real images [B, h, w], cut from the centre of images of `full_shape`, about the middle of those."""
    return _rotate(image[:, None], degrees, _middle_in_crop(full_shape, image.shape[-2:]))[:, 0]


def _middle_in_crop(full: tuple[int, int], crop: tuple[int, ...]) -> tuple[float, float]:
    """Return the full image's middle in (rows, columns) from the crop's; half a pixel where parities differ."""
    rows, columns = ((whole - size) / 2 - (whole - size) // 2 for whole, size in zip(full, crop, strict=True))
    return rows, columns


def _border(shape: tuple[int, int], radians: float) -> tuple[int, int]:
    """Return by how many rows and columns the bounding box of the turned image exceeds it on either side."""
    height, width = shape
    cosine, sine = abs(math.cos(radians)), abs(math.sin(radians))
    rows = math.floor((height * cosine + width * sine - height) / 2)
    columns = math.floor((height * sine + width * cosine - width) / 2)
    return min(max(rows, 0), height - 1), min(max(columns, 0), width - 1)


def _rotate(image: Tensor, degrees: float, middle: tuple[float, float]) -> Tensor:
    """Rotate [B, channels, h, w] about a point given in pixels from the image's middle."""
    shape = (image.shape[-2], image.shape[-1])
    doubled = (2 * shape[0], 2 * shape[1])
    fine = interpolate(image, size=doubled, mode="bicubic", align_corners=False)
    radians = math.radians(degrees)
    rows, columns = _border(doubled, radians)
    fine = pad(fine, (columns, columns, rows, rows), mode="reflect")
    turned = _sample_turned(fine, radians, (2 * middle[0], 2 * middle[1]))
    cut = turned[..., rows : rows + doubled[0], columns : columns + doubled[1]]
    return interpolate(cut, size=shape, mode="bicubic", align_corners=False)


def _sample_turned(image: Tensor, radians: float, middle: tuple[float, float]) -> Tensor:
    """Turn bilinearly, with zeros from outside, as torchvision's `rotate` does."""
    height, width = image.shape[-2:]
    down = torch.arange(height, device=image.device)[:, None] - (height - 1) / 2 - middle[0]
    across = torch.arange(width, device=image.device)[None, :] - (width - 1) / 2 - middle[1]
    cosine, sine = math.cos(radians), math.sin(radians)
    row = cosine * down - sine * across + middle[0]
    column = sine * down + cosine * across + middle[1]
    grid = torch.stack([2 * column / width, 2 * row / height], dim=-1)
    grid = grid.expand(len(image), -1, -1, -1)
    return grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
