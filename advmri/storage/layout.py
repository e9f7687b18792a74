"""Where everything of a run lies below results/<name>/: patterns that rules, programs, figures and tracing share.

Read by the Snakefile, so the standard library is all it needs. docs/file-formats.md describes the files.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from advmri.errors import InputError, misplaced
from advmri.storage.slice_jobs import job_range

SERIES = "{model}-{acceleration}x"
JOB = f"{{attack}}/{SERIES}/{{volume}}/slices_{{slices}}"
"""An attack job, of which attack file, scores, log and benchmark have the name."""

INDEX = "index/{volume}.json"
MASK = "masks/{acceleration}x/{volume}.h5"
MODELS = "models"
CHECKPOINT = f"{MODELS}/{SERIES}/model.pt"
HISTORY = f"{MODELS}/{SERIES}/history.csv"
VALIDATION = f"{MODELS}/{SERIES}/validation.csv"
ATTACKS = "attacks"
ATTACK_FILE = f"{ATTACKS}/{JOB}.h5"
SCORES = "metrics"
SCORE_FILE = f"{SCORES}/{JOB}.csv"
CONVERGENCE = "convergence"
CONVERGENCE_FILE = f"{CONVERGENCE}/{SERIES}.csv"
TABLES = "tables"
METRICS = f"{TABLES}/metrics.csv"
SUMMARY = f"{TABLES}/summary.csv"
EXCLUDED = f"{TABLES}/excluded.csv"
QUALITY = f"{TABLES}/quality.csv"
SWEEPS = f"{TABLES}/sweeps.csv"
CLAIMS = f"{TABLES}/claims.csv"
PROVENANCE = f"{TABLES}/provenance.csv"
SHOWCASE = "showcase.h5"
FIGURES = "figures"
FIGURE = f"{FIGURES}/{{figure}}"
"""Without its ending: `.svg`, `.png`, `.csv`."""
TRAINING_FIGURE = "figure_training"
CONVERGENCE_FIGURE = "figure_convergence"
"""Names of the figures that rules of their own draw, from other tables than the rest."""
BENCHMARKS = "benchmarks"


def place(run: Path, pattern: str, **names: Any) -> Path:
    """Return where one file lies.

    Args:
        run: results/<name>.
        pattern: one of this module's.
        names: what stands in its braces.
    """
    return run / pattern.format(**names)


def names_in(path: Path, pattern: str) -> dict[str, str]:
    """Return what stands in the braces of one of this module's patterns; nothing for a file that lies elsewhere."""
    braces = re.sub(r"\\\{(\w+)\\\}", _group, re.escape(pattern))
    found = re.search(f"(?:^|/){braces}$", path.as_posix())
    return {} if found is None else found.groupdict()


def _group(brace: re.Match[str]) -> str:
    return rf"(?P<{brace[1]}>\d+)" if brace[1] == "acceleration" else f"(?P<{brace[1]}>[^/]+)"


def check_name(path: Path, pattern: str, content: Mapping[str, Any]) -> None:
    """Compare what a file says of itself with its name, where that is one of a run's.

    Args:
        path: of the file.
        pattern: one of this module's.
        content: what the file says, by the words in braces; those that are left out are not compared.

    Raises:
        InputError: where they differ.
    """
    named = names_in(path, pattern)
    differing = [key for key in named if key in content and str(content[key]) != named[key]]
    if differing:
        told = (", ".join(f"{key} {words[key]}" for key in differing) for words in (content, named))
        raise misplaced(path, *told)


def job_files(run: Path, pattern: str, series: Iterable[str], jobs: Iterable[str]) -> list[Path]:
    """Return the files of attack jobs, in the order of series, then jobs.

    Args:
        run: results/<name>.
        pattern: `ATTACK_FILE` or `SCORE_FILE`.
        series: each `<attack>/<model>-<acceleration>x`.
        jobs: each `<volume>/<slices>`.
    """
    named = pattern.replace(f"{{attack}}/{SERIES}", "{series}").replace("{volume}/slices_{slices}", "{job}")
    cut = [(volume, slices) for volume, _, slices in (job.rpartition("/") for job in jobs)]
    return [run / named.format(series=one, job=f"{volume}/slices_{slices}") for one in series for volume, slices in cut]


def job_with(jobs: Iterable[str], volume: str, slice_number: int) -> str:
    """Return which of the jobs `<volume>/<slices>` holds a slice, as `<slices>`.

    Raises:
        InputError: where none does.
    """
    for job in jobs:
        of, _, slices = job.rpartition("/")
        first, last = job_range(slices)
        if of == volume and first <= slice_number <= last:
            return slices
    raise InputError(f"{volume}, slice {slice_number}: none of the attack files given holds it.")
