"""Thermal noise of an acquisition, measured where k-space holds no signal."""

import numpy as np
from numpy.typing import NDArray

EDGE_FRACTION = 0.1
MAD_TO_SD = 1.4826


def thermal_sigma(kspace: NDArray[np.complex64], padding: tuple[int, int]) -> NDArray[np.float64]:
    """Estimate the SD of the real (and imaginary) part of each coil's k-space noise.

    The median absolute deviation of the samples in the four corners of the acquired k-space, where the object's
    signal is smallest and the few samples that hold some are ignored by the median.

    Args:
        kspace: fully sampled k-space [C, H, W].
        padding: acquired columns [left, right).

    Returns:
        sigma [C], in the units of k-space; 0 for a dead coil.
    """
    acquired = kspace[:, :, padding[0] : padding[1]]
    rows = max(1, round(acquired.shape[1] * EDGE_FRACTION))
    columns = max(1, round(acquired.shape[2] * EDGE_FRACTION))
    edge_rows = np.concatenate([acquired[:, :rows], acquired[:, -rows:]], axis=1)
    corners = np.concatenate([edge_rows[:, :, :columns], edge_rows[:, :, -columns:]], axis=2).reshape(len(kspace), -1)
    parts = np.concatenate([corners.real, corners.imag], axis=1)
    return MAD_TO_SD * np.median(np.abs(parts), axis=1).astype(np.float64)


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
