"""Measure one slice's thermal noise in every way there is."""

import numpy as np
from numpy.typing import NDArray

from advmri.acquisition.thermal.background import measure_background
from advmri.acquisition.thermal.covariance import coil_covariance
from advmri.acquisition.thermal.kspace_edges import sigma_from_edges
from advmri.acquisition.thermal.relative_norm import thermal_relative_norm
from advmri.acquisition.thermal.thermal_noise import ThermalNoise

STANDARD_ERRORS = 3
DIGITS = 6


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


def measure_thermal_noise(kspace: NDArray[np.complex64], padding: tuple[int, int]) -> ThermalNoise:
    """Measure the thermal noise of one slice.

    The background is the better place of the two: weighting keeps signal out of it at any SNR. Where anatomy fills it,
    its estimate exceeds that of the corners of k-space by more than both scatter, and the corners' is used. Corners
    that hold nothing at all (a filter, or an elliptical acquisition) do not count.

    Args:
        kspace: fully sampled k-space [C, H, W].
        padding: acquired columns [left, right).
    """
    edges, edges_error = sigma_from_edges(kspace, padding)
    background = measure_background(kspace, padding)
    unfiltered, edges_error = edges / background.filter_gain, edges_error / background.filter_gain**2
    scatter = STANDARD_ERRORS * np.hypot(background.rms_error, edges_error)
    sigma = np.where((edges > 0) & (background.rms > (1 + scatter) * unfiltered), unfiltered, background.rms)
    covariance = coil_covariance(background.samples)
    acquired = kspace.shape[1] * (padding[1] - padding[0])
    return ThermalNoise(
        sigma=_rounded(sigma),
        edges=_rounded(edges),
        background_rms=_rounded(background.rms),
        background_sd=_rounded(background.sd),
        rss_rms=_rounded(np.array([background.rss_rms]))[0],
        rss_sd=_rounded(np.array([background.rss_sd]))[0],
        covariance_real=[_rounded(row) for row in covariance.real],
        covariance_imaginary=[_rounded(row) for row in covariance.imag],
        relative_norm=_rounded(thermal_relative_norm(sigma, kspace, acquired)),
    )
