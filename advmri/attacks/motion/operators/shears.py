"""Three Fourier shears: nothing is smoothed, and opposite angles undo each other."""

import math

import torch
from torch import Tensor

from advmri.attacks.motion.border import SPARE_PIXELS, crop_extension, extend
from advmri.attacks.motion.fourier_shift import shift_lines

EXACT_AT_ZERO = True


def _centred_coordinates(size: int, device: torch.device) -> Tensor:
    return torch.arange(size, device=device, dtype=torch.float32) - size // 2


def rotate_complex(image: Tensor, degrees: float) -> Tensor:
    """Rotate complex images [..., H, W] about the pixel (H // 2, W // 2), the centre of fastMRI's FFTs.

    Three shears (Unser, Thevenaz & Yaroslavsky 1995), each an exact sinc interpolation of a periodic image. Positive
    angles turn columns towards rows; 0 degrees returns `image` itself.
    """
    if degrees == 0:
        return image
    angle = math.radians(degrees)
    rows = _centred_coordinates(image.shape[-2], image.device)
    columns = _centred_coordinates(image.shape[-1], image.device)
    along_rows, along_columns = -math.tan(angle / 2) * rows, math.sin(angle) * columns
    image = shift_lines(image, along_rows, -1)
    image = shift_lines(image, along_columns, -2)
    return shift_lines(image, along_rows, -1)


def rotate_magnitude(image: Tensor, degrees: float, full_shape: tuple[int, int]) -> Tensor:
    """Rotate real images [B, h, w], cut from the centre of images of `full_shape`, about the centre of those.

    The image is first continued beyond its border as far as the largest shear reaches, which keeps the wrap-around out
    of it and most of the ringing (`advmri/attacks/motion/border.py`); that continuation is what turns in from outside.
    """
    if degrees == 0:
        return image
    height, width = image.shape[-2:]
    reach = max(height, width) * abs(math.sin(math.radians(degrees)))
    margin = math.ceil(reach) + SPARE_PIXELS
    # One more row or column where the full image's centre is not at (h // 2, w // 2) of the crop.
    more = [_centre_in_crop(full, size) - size // 2 for full, size in zip(full_shape, (height, width), strict=True)]
    padding = (margin, margin + more[1], margin, margin + more[0])
    turned = rotate_complex(extend(image, padding).to(torch.complex64), degrees).real
    return crop_extension(turned, padding)


def _centre_in_crop(full: int, size: int) -> int:
    """Return where the pixel full // 2 lies in the central `size` pixels, as fastMRI cuts them."""
    return full // 2 - (full - size) // 2
