"""Thermal noise of an acquisition, measured where k-space and the image hold no signal."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGE_FRACTION = 0.1
MARGIN_FRACTION = 0.05
BANDS = 16
QUIET_BANDS = 1 / 3
MAD_TO_SD = 1.4826


def _sd(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Return the SD of the real and imaginary part of each coil [C] of samples [C, ...], by the median of moduli."""
    flat = samples.reshape(len(samples), -1)
    return MAD_TO_SD * np.median(np.abs(np.concatenate([flat.real, flat.imag], axis=1)), axis=1).astype(np.float64)


def _both_ends(array: NDArray[Any], fraction: float, axis: int) -> NDArray[Any]:
    count = max(1, round(array.shape[axis] * fraction))
    first, last = np.split(array, [count, array.shape[axis] - count], axis=axis)[::2]
    return np.concatenate([first, last], axis=axis)


def thermal_sigma(kspace: NDArray[np.complex64], padding: tuple[int, int]) -> NDArray[np.float64]:
    """Estimate the SD of the real (and imaginary) part of each coil's k-space noise.

    Two places hold little signal; signal only adds to either estimate, so the smaller one is taken:

    - the corners of the acquired k-space (not at high SNR: sharp edges reach there);
    - the image's margins along phase encoding, beside the anatomy, in bands along the readout. A third of the bands
      are quieter than the value taken: that leaves out bands with ghosts and ringing, and the outermost ones, where
      the receiver's filter has removed noise (measured: to 0.4 of the plateau in the phantom scan of the tests).

    Args:
        kspace: fully sampled k-space [C, H, W].
        padding: acquired columns [left, right).

    Returns:
        sigma [C], in the units of k-space; 0 for a dead coil.
    """
    acquired = kspace[:, :, padding[0] : padding[1]]
    corners = _both_ends(_both_ends(acquired, EDGE_FRACTION, 1), EDGE_FRACTION, 2)
    axes = (-2, -1)
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(acquired, axes=axes), norm="ortho"), axes=axes)
    bands = np.array_split(_both_ends(images, MARGIN_FRACTION, 2), min(BANDS, acquired.shape[1]), axis=1)
    margins = np.quantile([_sd(band) for band in bands], QUIET_BANDS, axis=0)
    return np.minimum(_sd(corners), margins)


def thermal_relative_norm(
    sigma: NDArray[np.float64], kspace: NDArray[np.complex64], measured_samples: int
) -> NDArray[np.float64]:
    """Return eta_thermal [C]: the expected norm of a coil's thermal noise on the measured samples over ||k_i||.

    Comparable with the severity eta of eq. (4), whose perturbation also lives on the measured columns only.

    Args:
        sigma: SD of the real part of the noise per coil [C].
        kspace: fully sampled k-space [C, H, W].
        measured_samples: samples per coil on the measured columns.
    """
    norms = np.linalg.norm(kspace.reshape(len(kspace), -1).astype(np.complex128), axis=1)
    expected = sigma * np.sqrt(2.0 * measured_samples)
    return np.divide(expected, norms, out=np.full(len(norms), np.nan), where=norms > 0)
