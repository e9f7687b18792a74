"""Means with confidence intervals that respect that boxes of one patient are not independent."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap


def cluster_mean(
    values: ArrayLike, clusters: ArrayLike, *, confidence: float, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Return the mean over all values and its bootstrap percentile interval over clusters (patients).

    Patients are drawn with replacement, each with all its boxes, and the mean over the boxes drawn is taken.

    Args:
        values: one number per box.
        clusters: the patient of each box.
        confidence: for instance 0.95.
        resamples: number of bootstrap samples.
        seed: of the resampling.

    Returns:
        mean, low, high; low and high are NaN with fewer than two patients.
    """
    numbers = np.asarray(values, dtype=float)
    names, members = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(members, weights=numbers)
    counts = np.bincount(members).astype(float)
    mean = float(sums.sum() / counts.sum())
    if len(names) < 2:
        return mean, float("nan"), float("nan")

    def ratio(total: np.ndarray, count: np.ndarray, axis: int = -1) -> np.ndarray:
        return total.sum(axis=axis) / count.sum(axis=axis)

    interval = bootstrap(
        (sums, counts),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return mean, float(interval.low), float(interval.high)
