"""Summaries of metrics.csv: means over boxes with intervals over patients."""

import pandas as pd

from advmri.image_quality.metrics import METRICS
from advmri.scores.search_end import STILL_RISING
from advmri.scores.statistics import cluster_mean
from advmri.seeds import derive_seed

GROUP = ["model", "acceleration", "attack", "optimiser", "target", "region", "severity"]


def add_drops(metrics: pd.DataFrame) -> pd.DataFrame:
    """Add what the attack costs in every metric: `ssim_drop` (clean minus attacked), `nmse_rise` (the reverse)."""
    costs = {metric.change: metric.cost(metrics[f"clean_{name}"], metrics[name]) for name, metric in METRICS.items()}
    return metrics.assign(**costs)


def summarise(metrics: pd.DataFrame, confidence: float, resamples: int, seed: int) -> pd.DataFrame:
    """Return one row per model, acceleration, attack (with its optimiser), target, region and severity.

    Columns: `trained_on`, `severity_unit`, `n_volumes`, `n_boxes`, `n_still_rising` (of these, how many searches gained
    more than `STILL_RISING` in their last step; empty where that is not known), `last_step_gain` and `thermal_multiple`
    (means), and for each metric, each one's change from clean (`add_drops`) and the fully sampled image's SSIM:
    `<name>_mean`, `<name>_ci_low`, `<name>_ci_high`.
    """
    names = [*METRICS, *(metric.change for metric in METRICS.values()), "fully_sampled_ssim"]
    rows = []
    for key, group in add_drops(metrics).groupby(GROUP, sort=True):
        row = dict(zip(GROUP, key, strict=True)) | {
            "trained_on": group.trained_on.iloc[0],
            "severity_unit": group.severity_unit.iloc[0],
            "n_volumes": group.volume.nunique(),
            "n_boxes": len(group),
            "n_still_rising": still_rising(group.last_step_gain),
            "last_step_gain": group.last_step_gain.mean(),
            "thermal_multiple": group.thermal_multiple.mean(),
        }
        for name in names:
            mean, low, high = cluster_mean(
                group[name],
                group.patient,
                confidence=confidence,
                resamples=resamples,
                seed=derive_seed(seed, "bootstrap"),
            )
            row |= {f"{name}_mean": mean, f"{name}_ci_low": low, f"{name}_ci_high": high}
        rows.append(row)
    return pd.DataFrame(rows).astype({"n_still_rising": "Int64"})


def still_rising(gains: pd.Series) -> int | None:
    """Return how many searches rose in their last step by more than counts; None where no gain is known."""
    return int((gains > STILL_RISING).sum()) if gains.notna().any() else None
