"""Summaries of metrics.csv: means over boxes with intervals over patients."""

import pandas as pd

from advmri.scores.statistics import cluster_mean
from advmri.seeds import derive_seed

GROUP = ["model", "acceleration", "attack", "optimiser", "target", "region", "severity"]
METRICS = ("ssim", "psnr", "nmse")


def add_drops(metrics: pd.DataFrame) -> pd.DataFrame:
    """Add `ssim_drop`, `psnr_drop` (clean minus attacked) and `nmse_rise` (attacked minus clean)."""
    return metrics.assign(
        ssim_drop=metrics.clean_ssim - metrics.ssim,
        psnr_drop=metrics.clean_psnr - metrics.psnr,
        nmse_rise=metrics.nmse - metrics.clean_nmse,
    )


def summarise(metrics: pd.DataFrame, confidence: float, resamples: int, seed: int) -> pd.DataFrame:
    """Return one row per model, acceleration, attack (with its optimiser), target, region and severity.

    Columns: `trained_on`, `n_volumes`, `n_boxes`, `thermal_multiple` (mean) and for each of ssim, psnr, nmse, their
    change from clean and the fully sampled image's SSIM: `<name>_mean`, `<name>_ci_low`, `<name>_ci_high`.
    """
    names = [*METRICS, "ssim_drop", "psnr_drop", "nmse_rise", "fully_sampled_ssim"]
    rows = []
    for key, group in add_drops(metrics).groupby(GROUP, sort=True):
        row = dict(zip(GROUP, key, strict=True)) | {
            "trained_on": group.trained_on.iloc[0],
            "n_volumes": group.volume.nunique(),
            "n_boxes": len(group),
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
    return pd.DataFrame(rows)
