"""Thermal noise per coil from the corners of the acquired k-space."""

import numpy as np
from numpy.typing import NDArray

EDGE_FRACTION = 0.1
MAD_TO_SD = 1.4826
"""SD of a centred Gaussian over the median of its modulus."""
MAD_EFFICIENCY = 0.37
"""Variance of the usual SD over that of this one."""


def _both_ends(array: NDArray[np.complex64], axis: int) -> NDArray[np.complex64]:
    count = max(1, round(array.shape[axis] * EDGE_FRACTION))
    first, last = np.split(array, [count, array.shape[axis] - count], axis=axis)[::2]
    return np.concatenate([first, last], axis=axis)


def sigma_from_edges(kspace: NDArray[np.complex64], padding: tuple[int, int]) -> tuple[NDArray[np.float64], float]:
    """Estimate the SD of the real part of each coil's noise from the four corners of k-space, by the median of moduli.

    Good at low and moderate SNR. Sharp edges of the object reach the corners and make it too large at high SNR; a
    filter of the scanner's, or corners that were not acquired, make it too small.

    Args:
        kspace: fully sampled k-space [C, H, W].
        padding: acquired columns [left, right).

    Returns:
        sigma [C], in the units of k-space, and its relative standard error.
    """
    corners = _both_ends(_both_ends(kspace[:, :, padding[0] : padding[1]], 1), 2).reshape(len(kspace), -1)
    parts = np.abs(np.concatenate([corners.real, corners.imag], axis=1))
    sigma = MAD_TO_SD * np.median(parts, axis=1).astype(np.float64)
    return sigma, float(1 / np.sqrt(2 * MAD_EFFICIENCY * parts.shape[1]))
