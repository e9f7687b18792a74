"""Gather the records beside a run's files into one table: which job made each file, when, from what, at what cost."""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from advmri.errors import DamagedFileError
from advmri.provenance.run_record import RECORD_SUFFIX, noted_digest, read_record
from advmri.storage.layout import ATTACKS, METRICS, SCORES
from workflow_scripts.program import LOGGER, parser, run
from workflow_scripts.table_output import write_table

COLUMNS = (
    *("file", "sha256", "program", "seed", "started", "seconds", "peak_memory_mb", "gpu"),
    *("git_commit", "uncommitted_changes", "code_sha256", "packages", "inputs"),
)


UNKNOWN = "unknown: its record is damaged"


def row_of(path: Path, record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a file's row; digests of its inputs by path as JSON, those of more than 64 MiB over samples of them."""
    code, job, arguments = record["code"], record["job"], record["arguments"]
    inputs = {one["path"]: noted_digest(one) for files in record["inputs"].values() for one in files}
    return {
        "file": path.relative_to(folder).as_posix(),
        "sha256": noted_digest(record["file"]),
        "program": record["program"],
        "seed": arguments.get("seed"),
        **{key: job.get(key) for key in ("started", "seconds", "peak_memory_mb", "gpu")},
        **{key: code[key] for key in ("git_commit", "uncommitted_changes")},
        "code_sha256": code["sha256"],
        "packages": " ".join(f"{name}=={version}" for name, version in record["packages"].items()),
        "inputs": json.dumps(inputs),
    }


def leftovers(folder: Path) -> set[Path]:
    """Return scores and attack files that the tables are not made of: an earlier cut into jobs, or another config."""
    metrics = folder / METRICS
    try:
        record = read_record(metrics) or {}
    except DamagedFileError:
        return set()
    if "scores" not in record.get("inputs", {}):
        return set()
    used = {Path(one["path"]).resolve().relative_to((folder / SCORES).resolve()) for one in record["inputs"]["scores"]}
    found = {path for kind in (SCORES, ATTACKS) for path in (folder / kind).rglob("slices_*")}
    return {path for path in found if Path(*path.relative_to(folder).parts[1:]).with_suffix(".csv") not in used}


def main(arguments: argparse.Namespace) -> None:
    """Find the records, write the table."""
    folder: Path = arguments.results
    rows: list[dict[str, Any]] = []
    unused = leftovers(folder)
    for place in sorted(folder.rglob(f".*{RECORD_SUFFIX}")):
        path = place.with_name(place.name.removeprefix(".").removesuffix(RECORD_SUFFIX))
        if not path.is_file() or path == arguments.output or path in unused:
            continue
        try:
            record = read_record(path)
        except DamagedFileError as error:
            LOGGER.warning("%s", error)
            rows.append({"file": path.relative_to(folder).as_posix(), "program": UNKNOWN})
            continue
        if record is not None:
            rows.append(row_of(path, record, folder))
    write_table(arguments.output, pd.DataFrame(rows, columns=COLUMNS).convert_dtypes())
    LOGGER.info("%s: %d files", arguments.output, len(rows))


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--results", type=Path, required=True, help="a run's folder, results/<name>")
    made.add_argument("--output", type=Path, required=True, help="CSV")
    return made


if __name__ == "__main__":
    run(main, options())
