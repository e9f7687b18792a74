"""A multi-coil acquisition of a magnitude image: what to do with real images that come without their coils."""

import numpy as np
from numpy.typing import NDArray

from advmri.simulation.coils import Orientation, add_thermal_noise, biot_savart_sensitivities, smooth_phase

PEAK = 1e-3
"""Largest value of the image, as in fastMRI's volumes."""


def multicoil_kspace(
    image: NDArray[np.float32],
    *,
    pixel_mm: float,
    coils: int,
    snr: float,
    rng: np.random.Generator,
    orientation: Orientation = "axial",
) -> tuple[NDArray[np.complex64], float]:
    """Give a real magnitude image coils, a smooth phase and thermal noise, and return its k-space.

    Args:
        image: magnitude [H, W], any units; scaled so that its maximum is `PEAK`.
        pixel_mm: side of a pixel in mm.
        coils: receive loops around the limb.
        snr: 99th percentile of the image over the SD of the real part of the noise in one coil image.
        rng: of coils, phase and noise.
        orientation: of the slice in the limb.

    Returns:
        k-space complex64 [C, H, W], centred and orthonormal, and the noise's SD in it.
    """
    scaled = image.astype(np.float32) * np.float32(PEAK / image.max())
    height, width = scaled.shape
    maps = biot_savart_sensitivities((height, width), pixel_mm, coils, rng, orientation=orientation)
    coil_images = maps * scaled * np.exp(1j * smooth_phase((height, width), rng))
    axes = (-2, -1)
    kspace = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(coil_images, axes=axes), norm="ortho"), axes=axes)
    sigma = float(np.percentile(scaled, 99) / snr)
    return add_thermal_noise(kspace.astype(np.complex64), sigma, rng), sigma


def reduce_matrix(kspace: NDArray[np.complex64], shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Keep the central `shape` = (H, W) of k-space [C, H, W]: the same field of view at a lower resolution."""
    top, left = ((size - kept) // 2 for size, kept in zip(kspace.shape[-2:], shape, strict=True))
    return np.ascontiguousarray(kspace[..., top : top + shape[0], left : left + shape[1]])
