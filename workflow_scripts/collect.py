"""Collect all scores into tables: metrics, summary with confidence intervals, excluded annotations, clean quality."""

import argparse
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from advmri.errors import InputError
from advmri.scores.named_tables import read_scores, read_validation
from advmri.scores.summary import summarise
from advmri.storage.baseline import BASELINE
from advmri.storage.layout import SCORE_FILE, job_files
from advmri.volumes.annotations import ExcludedAnnotation, read_annotations, unaudited_annotations
from advmri.volumes.index import read_index
from advmri.volumes.left_out import left_out_lines
from workflow_scripts.program import LOGGER, note_inputs, parser, run
from workflow_scripts.table_output import write_table


def main(arguments: argparse.Namespace) -> None:
    """Read, concatenate, summarise, write."""
    paths = job_files(arguments.results, SCORE_FILE, arguments.series, arguments.jobs)
    note_inputs("scores", paths)
    indices = [read_index(path) for path in arguments.indices]
    audited = {index.volume for index in indices}
    rows = read_annotations(arguments.annotations)
    left_out = [entry for index in indices for entry in index.excluded]
    left_out += unaudited_annotations(rows, set(arguments.validation_volumes), audited)
    summary_lines = left_out_lines((entry.volume, entry.reason) for entry in left_out)
    scores = [table for path in paths if not (table := read_scores(path)).empty]
    if not scores:
        raise InputError("\n".join(["no box was attacked, as every annotation is left out:", *summary_lines[1:]]))
    metrics = pd.concat(scores, ignore_index=True)
    excluded = [asdict(entry) for entry in sorted(left_out, key=lambda entry: entry.line)]
    write_table(arguments.metrics, metrics)
    summary = summarise(metrics, arguments.confidence, arguments.resamples, arguments.seed)
    write_table(arguments.summary, summary)
    write_table(arguments.excluded, pd.DataFrame(excluded, columns=list(ExcludedAnnotation.__dataclass_fields__)))
    validation = pd.concat([read_validation(path) for path in arguments.validations], ignore_index=True)
    quality = validation.drop_duplicates(["volume", "model", "acceleration"])
    if arguments.zero_filled and BASELINE not in arguments.zero_filled:
        quality = quality[quality.model != BASELINE]
    write_table(arguments.quality, quality)
    LOGGER.info("%d rows", len(metrics))
    for line in summary_lines:
        LOGGER.info("%s", line)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--results", type=Path, required=True, help="the run's folder, which holds metrics/")
    made.add_argument("--series", nargs="+", required=True, help="<attack>/<model>-<acceleration>x of each")
    made.add_argument("--jobs", nargs="+", required=True, help="<volume>/<slices> of each")
    made.add_argument("--indices", type=Path, nargs="+", required=True, help="index files of the audited volumes")
    made.add_argument("--annotations", type=Path, required=True, help="the CSV of boxes")
    made.add_argument("--validation-volumes", nargs="+", required=True, help="all volumes of the val split")
    made.add_argument("--validations", type=Path, nargs="+", required=True, help="validation.csv of the models")
    made.add_argument(
        "--zero-filled", nargs="*", default=[], help="models that are this: the baseline is left out beside them"
    )
    made.add_argument("--confidence", type=float, default=0.95)
    made.add_argument("--resamples", type=int, default=2000, help="bootstrap samples over patients")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--metrics", type=Path, required=True, help="all rows, CSV")
    made.add_argument("--summary", type=Path, required=True, help="means and intervals, CSV")
    made.add_argument("--excluded", type=Path, required=True, help="annotations not used, CSV")
    made.add_argument("--quality", type=Path, required=True, help="clean quality of all models, CSV")
    return made


if __name__ == "__main__":
    run(main, options())
