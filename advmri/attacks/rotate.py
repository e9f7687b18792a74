"""Rotation of images about their centre by three Fourier shears."""

import math

import torch
from torch import Tensor


def _shift_lines(image: Tensor, shifts: Tensor, dim: int) -> Tensor:
    """Shift each line of [..., H, W] along `dim` (-1 or -2) by its own number of pixels (exact, periodic)."""
    size = image.shape[dim]
    frequencies = torch.fft.fftfreq(size, device=image.device, dtype=torch.float32)
    phase = -2 * math.pi * frequencies[None, :] * shifts[:, None]
    ramp = torch.polar(torch.ones_like(phase), phase)
    if size % 2 == 0:
        ramp[:, size // 2] = phase[:, size // 2].cos()
    if dim == -2:
        ramp = ramp.T
    return torch.fft.ifft(torch.fft.fft(image, dim=dim) * ramp, dim=dim)


def _centred_coordinates(size: int, device: torch.device) -> Tensor:
    return torch.arange(size, device=device, dtype=torch.float32) - size // 2


def rotate_complex(image: Tensor, degrees: float) -> Tensor:
    """Rotate complex images [..., H, W] about the pixel (H // 2, W // 2), the centre of fastMRI's FFTs.

    Three shears (Unser, Thevenaz & Yaroslavsky 1995), each an exact sinc interpolation of a periodic image, so that
    nothing is smoothed and opposite angles undo each other. Positive angles turn columns towards rows; 0 degrees
    returns `image` itself.
    """
    if degrees == 0:
        return image
    angle = math.radians(degrees)
    rows = _centred_coordinates(image.shape[-2], image.device)
    columns = _centred_coordinates(image.shape[-1], image.device)
    along_rows, along_columns = -math.tan(angle / 2) * rows, math.sin(angle) * columns
    image = _shift_lines(image, along_rows, -1)
    image = _shift_lines(image, along_columns, -2)
    return _shift_lines(image, along_rows, -1)


def rotate_magnitude(image: Tensor, degrees: float, full_shape: tuple[int, int]) -> Tensor:
    """Rotate real images [B, h, w], cut from the centre of images of `full_shape`, about the centre of those.

    The border is mirrored as far as the largest shear reaches, which keeps the wrap-around out of the image and most of
    its ringing; what turns in from outside is the mirrored border.
    """
    if degrees == 0:
        return image
    height, width = image.shape[-2:]
    reach = max(height, width) * abs(math.sin(math.radians(degrees)))
    margin = min(math.ceil(reach) + 8, height - 2, width - 2)
    # One more row or column where the full image's centre is not at (h // 2, w // 2) of the crop.
    more = [_centre_in_crop(full, size) - size // 2 for full, size in zip(full_shape, (height, width), strict=True)]
    padding = (margin, margin + more[1], margin, margin + more[0])
    padded = torch.nn.functional.pad(image[:, None], padding, mode="reflect")[:, 0]
    turned = rotate_complex(padded.to(torch.complex64), degrees).real
    return turned[:, margin : margin + height, margin : margin + width]


def _centre_in_crop(full: int, size: int) -> int:
    """Return where the pixel full // 2 lies in the central `size` pixels, as fastMRI cuts them."""
    return full // 2 - (full - size) // 2
