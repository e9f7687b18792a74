"""summary.csv: one row per model, acceleration, attack with its optimiser, target, region and severity."""

import numpy as np
import pandas as pd
import pytest

from advmri.scores.scoring import columns
from advmri.scores.summary import GROUP, add_drops, summarise


@pytest.fixture
def metrics(rng):
    """Two models, three patients with one to three boxes, two severities, in shuffled order."""
    rows = [
        {
            "volume": f"v{patient}",
            "patient": f"p{patient}",
            "slice": 1,
            "box": box,
            "label": "tear",
            "acquisition": "CORPD_FBK",
            "model": model,
            "acceleration": 4,
            "trained_on": "train" if model == "unet" else "train+val",
            "attack": "noise-box",
            "optimiser": "pgd",
            "target": "box",
            "severity": severity,
            "severity_unit": "share",
            "region": region,
            **dict.fromkeys(("angle", "shift_rows", "shift_columns"), np.nan),
            **{name: rng.random() for name in columns() if name.endswith(("ssim", "psnr", "nmse"))},
            "last_step_gain": np.nan if severity == 0 else (0.1, 0.01, 0.0)[patient],
            "relative_norm": severity,
            "thermal_multiple": 2 * severity,
        }
        for model in ("unet", "varnet")
        for patient in range(3)
        for box in range(patient + 1)
        for severity in (0.0, 0.02)
        for region in ("box", "image")
    ]
    assert set(rows[0]) == set(columns())
    return pd.DataFrame(rows).sample(frac=1, random_state=1)


def test_rows_and_columns(metrics):
    summary = summarise(metrics, confidence=0.95, resamples=100, seed=1)
    assert len(summary) == 2 * 2 * 2
    assert not summary.duplicated(GROUP).any()
    assert (summary.n_volumes == 3).all() and (summary.n_boxes == 6).all()
    names = ["ssim", "psnr", "nmse", "ssim_drop", "psnr_drop", "nmse_rise", "fully_sampled_ssim"]
    values = [f"{name}_{part}" for name in names for part in ("mean", "ci_low", "ci_high")]
    assert list(summary.columns) == [
        *GROUP,
        "trained_on",
        "severity_unit",
        "n_volumes",
        "n_boxes",
        "n_still_rising",
        "last_step_gain",
        "thermal_multiple",
        *values,
    ]
    assert set(summary.severity_unit) == {"share"}
    assert dict(zip(summary.model, summary.trained_on, strict=True)) == {"unet": "train", "varnet": "train+val"}
    for name in names:
        assert (summary[f"{name}_ci_low"] <= summary[f"{name}_mean"]).all()
        assert (summary[f"{name}_mean"] <= summary[f"{name}_ci_high"]).all()


def test_means_are_over_boxes_and_drops_are_from_clean(metrics):
    summary = summarise(metrics, confidence=0.95, resamples=100, seed=1).set_index(GROUP)
    chosen = metrics[(metrics.model == "unet") & (metrics.severity == 0.02) & (metrics.region == "box")]
    row = summary.loc["unet", 4, "noise-box", "pgd", "box", "box", 0.02]
    assert row.ssim_mean == pytest.approx(chosen.ssim.mean())
    assert row.ssim_drop_mean == pytest.approx((chosen.clean_ssim - chosen.ssim).mean())
    assert row.nmse_rise_mean == pytest.approx((chosen.nmse - chosen.clean_nmse).mean())
    assert row.thermal_multiple == pytest.approx(0.04)


def test_searches_that_still_rose_are_counted(metrics):
    """More than 1% of the whole gain in the last step; nothing is searched at severity 0."""
    summary = summarise(metrics, confidence=0.95, resamples=100, seed=1)
    attacked = summary[summary.severity > 0]
    assert (attacked.n_still_rising == 1).all(), "one box of six: exactly 1% does not count"
    assert attacked.last_step_gain.to_numpy() == pytest.approx((0.1 + 2 * 0.01) / 6)
    assert summary.n_still_rising[summary.severity == 0].isna().all()


def test_drop_of_an_unchanged_reconstruction_is_zero(metrics):
    same = metrics.assign(**{name: metrics[f"clean_{name}"] for name in ("ssim", "psnr", "nmse")})
    assert (add_drops(same)[["ssim_drop", "psnr_drop", "nmse_rise"]] == 0).all(axis=None)


def test_intervals_are_over_patients(metrics):
    """With one patient there is a mean and no interval."""
    summary = summarise(metrics[metrics.patient == "p2"], confidence=0.95, resamples=100, seed=1)
    assert summary.ssim_mean.notna().all() and summary.ssim_ci_low.isna().all()
    assert (summary.n_boxes == 3).all()


def test_order_of_the_rows_does_not_matter(metrics):
    first = summarise(metrics, 0.95, 100, 1)
    second = summarise(metrics.sort_values(["volume", "box"], ascending=False), 0.95, 100, 1)
    pd.testing.assert_frame_equal(first, second)
