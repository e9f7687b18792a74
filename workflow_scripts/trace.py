"""Print where a number in a table or a figure came from, and whether every file on the way is still the same.

From the row to the rows of metrics.csv it is made of, their score files and attack files, the checkpoints and the
volumes. Give conditions until one row is left; without any, the program says what can be chosen from:

    python -m workflow_scripts.trace results/demo/tables/summary.csv model=unet attack=noise-box severity=0.025
    python -m workflow_scripts.trace results/demo/figures/figure_1a.png model=varnet severity=0.025 series=attacked

These two list what is left to choose; with acceleration=4, and region=box for the first, they follow one row.
Run it in the folder of the run. Exits with 1 where something does not agree.
"""

import argparse
import math
import sys
from pathlib import Path

import pandas as pd

from advmri.errors import InputError
from advmri.storage.baseline import BASELINE
from advmri.storage.layout import CHECKPOINT, CONVERGENCE, FIGURES, METRICS, MODELS, SCORES, TABLES, place
from advmri.storage.tables import read_table
from advmri.tracing.origins import Origins
from advmri.tracing.report import TraceReport
from advmri.tracing.selection import choose_row, compare_means, rows_behind
from workflow_scripts.program import parser, run

FOLLOWED_BY_ROW = ("scores", "attack_files")
"""Inputs of tables and figures of which only those behind the row are followed: there may be thousands."""
CONTENTS = {TABLES, FIGURES, MODELS, SCORES, CONVERGENCE}


def _run_folder(path: Path) -> Path:
    """Return results/<name>, which a table lies in."""
    for folder in path.parents:
        if folder.name in CONTENTS and (folder.parent / METRICS).is_file():
            return folder.parent
    raise InputError(f"{path}: lies in no finished run; give a table or figure below results/<name>/.")


def _table_of(path: Path) -> Path:
    """Return the CSV behind a figure, or the table itself."""
    table = path.with_suffix(".csv") if path.suffix in (".png", ".svg") else path
    if not table.is_file() or table.suffix != ".csv":
        raise InputError(f"{table}: no such table; give a .csv below results/<name>/, or a figure.")
    return table


def _model_files(folder: Path, row: pd.Series) -> list[Path]:
    """Return the checkpoint of a row that no attack is behind: clean quality, or a training curve."""
    if not {"model", "acceleration"} <= set(row.index) or row["model"] == BASELINE:
        return []
    return [place(folder, CHECKPOINT, model=row["model"], acceleration=row["acceleration"])]


def trace(path: Path, conditions: list[str], with_volumes: bool) -> TraceReport:
    """Follow one row of a table to its origins."""
    report = TraceReport()
    table, folder = _table_of(path), _run_folder(path)
    chosen = choose_row(read_table(table), conditions, table)
    report.say(0, f"{table}, line {int(str(chosen.name)) + 2}")
    shown = {name: f"{value:g}" if isinstance(value, float) else value for name, value in chosen.items()}
    report.say(1, ", ".join(f"{name}={value}" for name, value in shown.items() if value not in ("nan", "")))
    record = report.record(1, table)
    names = [name for name in record.get("inputs", {}) if name not in FOLLOWED_BY_ROW]
    report.inputs(1, {"inputs": {name: record["inputs"][name] for name in names}}, table)
    metrics_file = folder / METRICS
    rows = rows_behind(chosen, read_table(metrics_file))
    scores: list[Path] = []
    if len(rows):
        report.say(0, f"{metrics_file}: {len(rows)} row{'s' if len(rows) > 1 else ''} behind it")
        record = record if table == metrics_file else report.record(1, metrics_file)
        scores = [Path(entry["path"]) for entry in record.get("inputs", {}).get("scores", [])]
    origins = Origins(folder, report, with_volumes, scores)
    if len(rows):
        for name, (stored, mean) in compare_means(chosen, rows).items():
            same = math.isclose(stored, mean, rel_tol=1e-9, abs_tol=1e-12) or stored == mean
            report.compare(1, f"{name}={stored:g}, their mean", same, f"the mean of these rows is {mean:g}")
        origins.follow_rows(rows)
    elif {"ssim", "volume", "model", "acceleration"} <= set(chosen.index):
        origins.follow_validation(chosen)
    else:
        origins.checkpoints.update(_model_files(folder, chosen))
    for checkpoint in sorted(origins.checkpoints):
        origins.follow_checkpoint(checkpoint)
    for packages, files in report.packages.items():
        every = "everything" if len(report.packages) == 1 else ", ".join(map(str, files))
        report.say(0, f"made with {packages}: {every}")
    return report


def main(arguments: argparse.Namespace) -> None:
    """Print; exit with 1 where something does not agree."""
    report = trace(arguments.table, arguments.conditions, not arguments.skip_volumes)
    sys.stdout.write("\n".join(report.lines) + "\n\n")
    sys.stdout.flush()
    if report.problems:
        found = "".join(f"\n  {problem}" for problem in report.problems)
        raise InputError(f"{len(report.problems)} of these do not agree:{found}")
    sys.stdout.write("Everything agrees.\n")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.add_argument("table", type=Path, help="a CSV below results/<name>/, or a figure (.png, .svg)")
    made.add_argument("conditions", nargs="*", metavar="column=value", help="until one row is left")
    made.add_argument(
        "--skip-volumes", action="store_true", help="do not read volumes, which takes long for large ones"
    )
    return made


if __name__ == "__main__":
    run(main, options())
