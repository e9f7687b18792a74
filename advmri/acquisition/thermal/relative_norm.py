"""Thermal noise in the units of the attack's severity."""

import numpy as np
from numpy.typing import NDArray


def thermal_relative_norm(
    sigma: NDArray[np.float64], kspace: NDArray[np.complex64], samples: int
) -> NDArray[np.float64]:
    """Return eta_thermal [C]: the expected norm of a coil's thermal noise on so many samples, over ||k_i||.

    Comparable with the severity eta of eq. (4), whose perturbation also lives on the measured columns only.

    Args:
        sigma: SD of the real part of the noise per coil [C].
        kspace: fully sampled k-space [C, H, W].
        samples: samples per coil that are counted: those on the measured, or on all acquired columns.
    """
    norms = np.linalg.norm(kspace.reshape(len(kspace), -1).astype(np.complex128), axis=1)
    expected = sigma * np.sqrt(2.0 * samples)
    return np.divide(expected, norms, out=np.full(len(norms), np.nan), where=norms > 0)
