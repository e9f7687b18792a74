"""Read how isolated the worst angle is in every box's sweep, from the rotation attack's files, into one table."""

import argparse
from pathlib import Path

from advmri.claims.sweeps import read_sweeps
from advmri.storage.layout import ATTACK_FILE, job_files
from workflow_scripts.program import LOGGER, note_inputs, parser, run
from workflow_scripts.table_output import write_table


def main(arguments: argparse.Namespace) -> None:
    """Read, write."""
    paths = job_files(arguments.results, ATTACK_FILE, arguments.series, arguments.jobs)
    note_inputs("attack_files", paths)
    table = read_sweeps(paths)
    write_table(arguments.output, table)
    LOGGER.info("%d sweeps", len(table))


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--results", type=Path, required=True, help="the run's folder, which holds attacks/")
    made.add_argument("--series", nargs="+", required=True, help="<attack>/<model>-<acceleration>x of each")
    made.add_argument("--jobs", nargs="+", required=True, help="<volume>/<slices> of each")
    made.add_argument("--output", type=Path, required=True, help="sweeps.csv")
    return made


if __name__ == "__main__":
    run(main, options())
