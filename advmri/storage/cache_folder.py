"""Where compiled code is kept: the user's cache, or a folder of TMPDIR where that cannot be written.

The standard library is all it needs.
"""

import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "XDG_CACHE_HOME"
"""The environment's name for the user's cache, which Snakemake obeys too."""


def usual_cache() -> Path | None:
    """Return the user's cache; None where there is no home."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return None


def refusal(folder: Path, make: bool = True) -> str | None:
    """Return why nothing can be written into a folder, made where it is missing unless `make` is off; None: it can."""
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def temporary_cache() -> Path | None:
    """Return a folder of TMPDIR that this user alone may write; None where there is none.

    What lies in it is run: a folder of that name that somebody else has made is not taken.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"advmri-cache-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077
    return folder if private else None
