"""Names of attack jobs, and of their files: the slices of one volume that a job covers."""

import re
from pathlib import Path

FILE = re.compile(r"slices_(\d+(?:-\d+)?)")


def job_name(slices: list[int]) -> str:
    """Return `017` for one slice, `012-027` for several, of which the first and last are named."""
    return f"{slices[0]:03d}" if len(slices) == 1 else f"{slices[0]:03d}-{slices[-1]:03d}"


def job_range(name: str) -> tuple[int, int]:
    """Return the first and last slice of a job's name."""
    first, _, last = name.partition("-")
    return int(first), int(last or first)


def range_of_file(path: Path) -> tuple[int, int] | None:
    """Return the first and last slice that a file's name says, `slices_<job>`; None for any other name."""
    found = FILE.fullmatch(path.stem)
    return None if found is None else job_range(found[1])
