"""Means and their ratios with confidence intervals that respect that boxes of one patient are not independent."""

from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, multinomial

EXACT_PATIENTS = 8
"""Up to so many patients every bootstrap sample is counted (6,435 distinct ones of eight), beyond they are drawn."""


@cache
def _all_draws(patients: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how often each patient is drawn in each distinct bootstrap sample [R, patients], and how likely [R]."""
    drawn = np.array(list(combinations_with_replacement(range(patients), patients)))
    times = (drawn[:, :, None] == np.arange(patients)).sum(axis=1)
    return times, multinomial.pmf(times, patients, np.full(patients, 1 / patients))


def cluster_mean(
    values: ArrayLike, clusters: ArrayLike, *, confidence: float, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Return the mean over all values and its bootstrap percentile interval over clusters (patients).

    Patients are drawn with replacement, each with all its boxes, and the mean over the boxes drawn is taken. Of few
    patients all samples are counted, so that the interval is exact; else `resamples` of them are drawn.

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

    if len(names) <= EXACT_PATIENTS:
        draws, probabilities = _all_draws(len(names))
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        ratios = draws @ tops / (draws @ bottoms)
        low, high = np.quantile(ratios, tails, weights=probabilities, method="inverted_cdf")
        return value, float(low), float(high)

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
