"""Print where a run's figures are, and a short table of its results."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from advmri.claims.all_claims import claim_lines
from advmri.errors import InputError
from advmri.image_quality.metrics import shown_metrics
from advmri.scores.cautions import cautions_on
from advmri.scores.leakage import LEAKAGE
from advmri.scores.search_end import STILL_RISING
from advmri.storage.layout import CLAIMS, EXCLUDED, FIGURES, QUALITY, SUMMARY, TABLES
from advmri.storage.tables import read_table
from advmri.volumes.left_out import left_out_lines
from workflow_scripts.program import parser, run

UNITS = {"degrees": "°", "pixels": " px"}


def _interval(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_ci_low"], row[f"{name}_ci_high"]
    return f"{row[f'{name}_mean']:.3f}" + ("" if pd.isna(low) else f" [{low:.3f}, {high:.3f}]")


def _severity(row: pd.Series) -> str:
    """Return a severity in its unit, for instance `2%`, `5°` or `5 px`."""
    if row.severity_unit == "share":
        return f"{100 * row.severity:g}%"
    return f"{row.severity:g}{UNITS[row.severity_unit]}"


def short_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Return SSIM in the boxes, clean and at each attack's largest severity, by model and acceleration."""
    boxes = summary[summary.region == "box"]
    rows = []
    for (model, acceleration), group in boxes.groupby(["model", "acceleration"]):
        clean = group[group.severity == 0]
        row = {"model": model, "acceleration": f"{acceleration}x"}
        row["clean"] = f"{clean.ssim_mean.iloc[0]:.3f}" if len(clean) else ""
        for attack, entries in group.groupby("attack"):
            worst = entries.loc[entries.severity.idxmax()]
            row[f"{attack} {_severity(worst)}"] = _interval(worst, "ssim")
        rows.append(row)
    return pd.DataFrame(rows)


def _claims(path: Path) -> list[str]:
    """Return how often each of the paper's claims holds, where they have been judged."""
    if not path.is_file():
        return []
    return [f"The paper's claims, number of comparisons that ({CLAIMS}):", *claim_lines(read_table(path)), ""]


def _still_rising(boxes: pd.DataFrame) -> list[str]:
    """Return how many attacks rose in their last step: what they found is the largest found, not the largest."""
    if "n_still_rising" not in boxes or boxes.n_still_rising.isna().all():
        return []
    searched = boxes[boxes.n_still_rising.notna()]
    lines = [
        f"  {attack}: {int(rows.n_still_rising.sum())} of {int(rows.n_boxes.sum())} (boxes x networks x severities)"
        for attack, rows in searched.groupby("attack")
    ]
    share = f"over {STILL_RISING:.0%} of the gain in the last step; more steps would find more"
    return [f"Attacks still rising when they stopped ({share}):", *lines, ""]


def _cautions(quality: pd.DataFrame) -> list[str]:
    """Return what speaks against the networks themselves."""
    found = [f"Caution: {caution}" for caution in cautions_on(quality)]
    return [*found, ""] if found else []


def _left_out(path: Path) -> list[str]:
    """Return how many annotations were left out, and why; where tables are copied, that one may not be there."""
    if not path.is_file():
        return []
    excluded = read_table(path)
    return [*left_out_lines(zip(excluded.volume, excluded.reason, strict=True)), ""]


def main(arguments: argparse.Namespace) -> None:
    """Read the tables and print."""
    run_folder = arguments.results
    if not (run_folder / SUMMARY).is_file():
        raise InputError(f"{run_folder / SUMMARY}: not there; has the run finished?")
    summary, quality = read_table(run_folder / SUMMARY), read_table(run_folder / QUALITY)
    if "severity_unit" not in summary:
        raise InputError(f"{run_folder / SUMMARY}: is of before its column severity_unit; run the workflow again.")
    shown = shown_metrics()
    units = ", ".join(f"{metric.label} in {metric.unit}" for metric in shown if metric.unit)
    clean = quality.groupby(["model", "acceleration"])[[metric.name for metric in shown]].mean().round(3).reset_index()
    boxes = summary[summary.region == "box"]
    seen = sorted({*summary.model[summary.trained_on == LEAKAGE]})
    leakage = [f"Trained on the audited split too ({LEAKAGE}): {', '.join(seen)}", ""] if seen else []
    out = [
        "",
        f"Clean quality, mean of {quality.volume.nunique()} validation volumes{f' ({units})' if units else ''}:",
        clean.to_string(index=False),
        "",
        f"SSIM in the {boxes.n_boxes.max()} annotated boxes, mean [95% interval over patients], largest found:",
        short_table(summary).to_string(index=False),
        "",
        *_still_rising(boxes),
        *_cautions(quality),
        *leakage,
        *_left_out(run_folder / EXCLUDED),
        *_claims(run_folder / CLAIMS),
        f"Figures: {run_folder / FIGURES}/*.png and *.svg, each with the CSV behind it",
        f"Tables:  {run_folder / TABLES}/*.csv",
    ]
    sys.stdout.write("\n".join(out) + "\n")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--results", type=Path, default=Path("results/demo"), help="results/<name>")
    return made


if __name__ == "__main__":
    run(main, options())
