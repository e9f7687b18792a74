"""Means and their ratios with confidence intervals that respect that boxes of one patient are not independent."""

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
    ones = np.ones(np.shape(values))
    return cluster_ratio(values, ones, clusters, confidence=confidence, resamples=resamples, seed=seed)


def cluster_ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    clusters: ArrayLike,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> tuple[float, float, float]:
    """Return the mean of one number per box over the mean of another, and its interval; as `cluster_mean`."""
    names, members = np.unique(np.asarray(clusters), return_inverse=True)
    tops = np.bincount(members, weights=np.asarray(numerators, dtype=float))
    bottoms = np.bincount(members, weights=np.asarray(denominators, dtype=float))
    value = float(tops.sum() / bottoms.sum())
    if len(names) < 2:
        return value, float("nan"), float("nan")

    def ratio(top: np.ndarray, bottom: np.ndarray, axis: int = -1) -> np.ndarray:
        return top.sum(axis=axis) / bottom.sum(axis=axis)

    interval = bootstrap(
        (tops, bottoms),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return value, float(interval.low), float(interval.high)
