"""Shifts by any number of pixels, as linear phases of the Fourier transform."""

import math

import torch
from torch import Tensor

from advmri.attacks.motion.border import SPARE_PIXELS, crop_extension, extend


def shift_lines(image: Tensor, shifts: Tensor, dim: int) -> Tensor:
    """Shift each line of complex images [..., H, W] along `dim` (-1 or -2) by its own number of pixels.

    Exact sinc interpolation of a periodic line. At an even size's highest frequency, whose sign is unknown, the phase
    is replaced by its cosine: real lines stay real.
    """
    size = image.shape[dim]
    frequencies = torch.fft.fftfreq(size, device=image.device, dtype=torch.float32)
    phase = -2 * math.pi * frequencies[None, :] * shifts[:, None]
    ramp = torch.polar(torch.ones_like(phase), phase)
    if size % 2 == 0:
        ramp[:, size // 2] = phase[:, size // 2].cos()
    if dim == -2:
        ramp = ramp.T
    return torch.fft.ifft(torch.fft.fft(image, dim=dim) * ramp, dim=dim)


def shift_kspace(kspace: Tensor, rows: float, columns: float) -> Tensor:
    """Return the centred k-space [..., H, W] of the object shifted by `rows` and `columns` pixels.

    A linear phase: every sample keeps its modulus, shifts add up, and masking before or after is the same. What leaves
    the field of view on one side comes back on the other.
    """
    phases = [
        -2 * math.pi * amount / size * (torch.arange(size, device=kspace.device, dtype=torch.float64) - size // 2)
        for amount, size in zip((rows, columns), kspace.shape[-2:], strict=True)
    ]
    ramps = [torch.polar(torch.ones_like(phase), phase).to(kspace.dtype) for phase in phases]
    return kspace * ramps[0][:, None] * ramps[1]


def shift_magnitude(image: Tensor, rows: float, columns: float) -> Tensor:
    """Shift real images [B, h, w]; what comes in from outside is the continued border."""
    if rows == 0 and columns == 0:
        return image
    high, wide = (math.ceil(abs(amount)) + SPARE_PIXELS for amount in (rows, columns))
    padding = (wide, wide, high, high)
    shifted = extend(image, padding).to(torch.complex64)
    for amount, dim in ((columns, -1), (rows, -2)):
        lines = shifted.shape[-1 if dim == -2 else -2]
        shifted = shift_lines(shifted, torch.full((lines,), float(amount), device=image.device), dim)
    return crop_extension(shifted.real, padding)
