"""Thermal noise from the image's background, beside the anatomy: Firbank et al. 1999, SD and RMS estimators."""

from dataclasses import dataclass
from math import exp, lgamma, sqrt

import numpy as np
from numpy.typing import NDArray

from advmri.acquisition.thermal.receiver_filter import bands_on_the_slope, corner_power

MARGIN_FRACTION = 0.08
BANDS = 16
QUIET_QUANTILE = 1 / 3
QUIET_TOLERANCE = 1.1
HANN_CORRELATION = 35 / 18
"""Background samples for one independent sample: mean(w^4) / mean(w^2)^2 of the Hann weights w."""


def chi_mean(coils: int) -> float:
    """Return the mean of the RSS of `coils` channels of pure noise over sigma: sqrt(2) G(N + 1/2) / G(N).

    1.2533 for one coil (Rayleigh), 5.4318 for 15.
    """
    return sqrt(2) * exp(lgamma(coils + 0.5) - lgamma(coils))


def chi_sd(coils: int) -> float:
    """Return the SD of the RSS of `coils` channels of pure noise over sigma; 0.655 for one coil (Rayleigh)."""
    return sqrt(2 * coils - chi_mean(coils) ** 2)


@dataclass(frozen=True)
class Background:
    """Estimates from the background of one slice; sigma is the SD of the real part of k-space noise.

    Attributes:
        rms: sqrt(mean(M^2) / 2) of each coil's magnitude M [C].
        rms_error: relative standard error of `rms` [C].
        sd: SD(M) / 0.655 of each coil's magnitude [C].
        rss_rms: sqrt(mean(M^2) / 2N) of the RSS image of N coils: the root mean square over coils, robust to their
            correlation.
        rss_sd: SD(M) over that of N independent equal coils; wrong where coils are correlated (42% at 0.3).
        samples: complex background samples of all coils [C, n], of the noise's SD in k-space.
        filter_gain: root mean square over the readout of what the receiver's filter leaves of the noise; 1: no filter.
    """

    rms: NDArray[np.float64]
    rms_error: NDArray[np.float64]
    sd: NDArray[np.float64]
    rss_rms: float
    rss_sd: float
    samples: NDArray[np.complex64]
    filter_gain: float


def _margin_bands(kspace: NDArray[np.complex64], padding: tuple[int, int]) -> list[NDArray[np.complex64]]:
    """Return the image's margins along phase encoding, cut into bands along the readout, each [C, n].

    k-space is weighted along phase encoding (Hann), so that the edges of the anatomy do not ring into the margins; the
    weights have a mean square of 1, which keeps the noise's SD.
    """
    acquired = kspace[:, :, padding[0] : padding[1]]
    columns = acquired.shape[2]
    weights = np.sin(np.pi * (np.arange(columns) + 0.5) / columns) ** 2
    weights /= np.sqrt((weights**2).mean())
    axes = (-2, -1)
    weighted = np.fft.ifftshift(acquired * weights.astype(np.float32), axes=axes)
    images = np.fft.fftshift(np.fft.ifft2(weighted, norm="ortho"), axes=axes)
    width = min(max(2, round(columns * MARGIN_FRACTION)), columns // 2)
    margins = np.concatenate([images[:, :, :width], images[:, :, columns - width :]], axis=2)
    bands = np.array_split(margins, min(BANDS, margins.shape[1]), axis=1)
    return [band.reshape(len(kspace), -1) for band in bands]


def _quiet(power: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which bands [B, n] hold noise only: those whose power is near the lower third quantile.

    Above it lie bands with anatomy or ghosts; below it what is left of the receiver's filter. Pooling all that agree
    avoids a bias.
    """
    level = np.quantile(power, QUIET_QUANTILE, axis=0)
    tolerance = QUIET_TOLERANCE**2
    near = (power <= level * tolerance) & (power >= level / tolerance)
    nearest = np.abs(power - level).min(axis=0)
    return near | (np.abs(power - level) <= nearest)


def _filter_gain(power: NDArray[np.float64], level: NDArray[np.float64], inside: slice) -> float:
    """Return the root mean square gain over bands [B, C], of those outside `inside` by their power, else 1."""
    live = level > 0
    gain = np.minimum((power[:, live] / level[live]).mean(axis=1), 1.0) if live.any() else np.ones(len(power))
    gain[inside] = 1.0
    return float(np.sqrt(gain.mean()))


def measure_background(kspace: NDArray[np.complex64], padding: tuple[int, int]) -> Background:
    """Estimate the noise from the margins of the image along phase encoding.

    Too large where anatomy, or its ghosts, fill the field of view along phase encoding in two thirds of the bands.

    Args:
        kspace: fully sampled k-space [C, H, W].
        padding: acquired columns [left, right).
    """
    bands = _margin_bands(kspace, padding)
    every = np.stack([(np.abs(band) ** 2).mean(axis=1, dtype=np.float64) / 2 for band in bands])
    corners = corner_power(kspace[:, :, padding[0] : padding[1]], len(bands))
    error_of_band = 0.5 * np.sqrt(HANN_CORRELATION / bands[0].size)
    slope = bands_on_the_slope(every, corners, error_of_band)
    inside = slice(slope, len(bands) - slope)
    power, bands = every[inside], bands[inside]
    quiet = _quiet(power)
    rms, error, sd = [], [], []
    for coil in range(len(kspace)):
        kept = [band[coil] for band, keep in zip(bands, quiet[:, coil], strict=True) if keep]
        magnitude = np.abs(np.concatenate(kept)).astype(np.float64)
        rms.append(np.sqrt((magnitude**2).mean() / 2))
        error.append(0.5 * np.sqrt(HANN_CORRELATION / len(magnitude)))
        sd.append(magnitude.std() / chi_sd(1))
    level = np.square(rms)
    relative = np.divide(power, level, out=np.zeros_like(power), where=level > 0)
    shared = _quiet(relative.mean(axis=1, keepdims=True))[:, 0]
    samples = np.concatenate([band for band, keep in zip(bands, shared, strict=True) if keep], axis=1)
    rss = np.sqrt((np.abs(samples).astype(np.float64) ** 2).sum(axis=0))
    coils = len(kspace)
    return Background(
        rms=np.array(rms),
        rms_error=np.array(error),
        sd=np.array(sd),
        rss_rms=float(np.sqrt((rss**2).mean() / (2 * coils))),
        rss_sd=float(rss.std() / chi_sd(coils)),
        samples=samples.astype(np.complex64),
        filter_gain=_filter_gain(every, level, inside),
    )
