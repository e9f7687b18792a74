"""The confidence interval resamples patients, each with all of its boxes."""

from itertools import product

import numpy as np
import pytest

from advmri.scores.statistics import cluster_mean


def hand_made_interval(values, clusters, confidence, resamples, seed):
    """A bootstrap over clusters, spelled out with a loop."""
    rng = np.random.default_rng(seed)
    names = sorted(set(clusters))
    members = [values[np.asarray(clusters) == name] for name in names]
    means = []
    for _ in range(resamples):
        drawn = rng.integers(0, len(names), len(names))
        means.append(np.concatenate([members[i] for i in drawn]).mean())
    return np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])


def test_equals_a_bootstrap_by_hand(rng):
    clusters = rng.integers(0, 12, 80)
    values = rng.standard_normal(80) + 2 * rng.standard_normal(12)[clusters]
    mean, low, high = cluster_mean(values, clusters, confidence=0.9, resamples=20_000, seed=1)
    expected = hand_made_interval(values, clusters, 0.9, 20_000, seed=2)
    assert mean == pytest.approx(values.mean())
    np.testing.assert_allclose([low, high], expected, atol=0.03)


def test_is_wider_than_an_interval_over_boxes(rng):
    """Boxes of one patient are alike: resampling them one by one would claim too much."""
    clusters = np.repeat(np.arange(10), 20)
    values = rng.standard_normal(10)[clusters] + 0.1 * rng.standard_normal(200)
    _, low, high = cluster_mean(values, clusters, confidence=0.95, resamples=2000, seed=1)
    _, naive_low, naive_high = cluster_mean(values, np.arange(200), confidence=0.95, resamples=2000, seed=1)
    assert high - low > 2.5 * (naive_high - naive_low)


def test_order_and_names_of_patients_do_not_matter(rng):
    values, clusters = rng.random(12), np.repeat(["a", "b", "c"], 4)
    order = rng.permutation(12)
    asked = {"confidence": 0.95, "resamples": 500, "seed": 3}
    first, second = cluster_mean(values, clusters, **asked), cluster_mean(values[order], clusters[order], **asked)
    np.testing.assert_allclose(first, second)


def test_one_patient_has_a_mean_but_no_interval():
    mean, low, high = cluster_mean([1.0, 2.0], ["a", "a"], confidence=0.95, resamples=100, seed=0)
    assert mean == 1.5 and np.isnan(low) and np.isnan(high)


def test_equal_patients_have_an_interval_of_no_width():
    mean, low, high = cluster_mean([1.0, 3.0, 1.0, 3.0], ["a", "a", "b", "b"], confidence=0.95, resamples=100, seed=0)
    assert (mean, low, high) == (2.0, 2.0, 2.0)


def test_patients_with_more_boxes_weigh_more():
    mean, _, _ = cluster_mean([1.0, 1.0, 1.0, 5.0], ["a", "a", "a", "b"], confidence=0.95, resamples=100, seed=0)
    assert mean == 2.0


def test_few_patients_have_the_exact_interval(rng):
    """All samples counted: what ever more of them tend to, whatever the seed."""
    clusters = np.array([0, 0, 1, 2, 2, 2, 3, 4])
    values = rng.random(8)
    drawn = np.array(list(product(range(5), repeat=5)))
    sums, counts = np.bincount(clusters, values), np.bincount(clusters)
    means = np.sort(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    asked = {"confidence": 0.9, "resamples": 100}
    _, low, high = cluster_mean(values, clusters, seed=1, **asked)
    places = [int(np.ceil(share * len(means))) - 1 for share in (0.05, 0.95)]
    np.testing.assert_allclose([low, high], means[places])
    assert (low, high) == cluster_mean(values, clusters, seed=2, **asked)[1:]


def test_same_seed_same_interval(rng):
    values, clusters = rng.random(30), rng.permutation(np.arange(30) % 12)
    asked = {"confidence": 0.95, "resamples": 200}
    assert cluster_mean(values, clusters, seed=1, **asked) == cluster_mean(values, clusters, seed=1, **asked)
    assert cluster_mean(values, clusters, seed=1, **asked) != cluster_mean(values, clusters, seed=2, **asked)


def test_coverage_is_near_the_confidence(rng):
    """The truth lies in about 90% of the intervals of 200 data sets; a percentile bootstrap is a bit narrow."""
    hits = 0
    for trial in range(200):
        clusters = np.repeat(np.arange(25), 3)
        values = rng.standard_normal(25)[clusters] + rng.standard_normal(75)
        _, low, high = cluster_mean(values, clusters, confidence=0.9, resamples=200, seed=trial)
        hits += low <= 0 <= high
    assert 0.8 <= hits / 200 <= 0.96
