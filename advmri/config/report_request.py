"""Whether there is a run to report: Snakemake names a file that does not exist, and no config that would have it."""

from collections.abc import Sequence
from pathlib import Path

from advmri.errors import InputError
from advmri.storage.layout import PROVENANCE, place

OPTION = "--report"
NAMED = 5
"""Runs that the message names."""


def check_report(words: Sequence[str], run: Path) -> None:
    """Check that the run of the config is finished, where its report is asked for.

    Args:
        words: the command line.
        run: results/<name>.

    Raises:
        InputError: naming the option that gives another config, and the runs that are finished.
    """
    asked = any(word.partition("=")[0] == OPTION for word in words)
    last = place(run, PROVENANCE)
    if not asked or last.is_file():
        return
    finished = sorted(path.name for path in run.parent.glob("*") if place(path, PROVENANCE).is_file())
    shown = ", ".join(finished[:NAMED]) + ", ..." * (len(finished) > NAMED)
    raise InputError(
        f"{run}: no finished run to report ({last.name} is missing); give --configfile (and --config) as when it ran,"
        f" or finish it first by the same command without {OPTION}; finished here: {shown or 'none'}."
    )
