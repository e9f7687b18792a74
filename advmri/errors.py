"""Exceptions that are shown to a user without a traceback."""

from pathlib import Path
from shlex import quote


class InputError(Exception):
    """A file, key or row given by the user is wrong; the message names it and says what to do."""


class UnusableSliceError(InputError):
    """One slice of a volume cannot be used; the others may be."""


class DamagedFileError(InputError):
    """A file is not as it was written: a bit has flipped, or a part is missing."""


def damaged(path: Path, how: str) -> DamagedFileError:
    """Return the error that names a damaged file and says how to get it back."""
    return DamagedFileError(
        f"{path}: damaged: {how}; delete it (rm {quote(str(path))}) and start the same command again; a file of"
        " your own has to be restored."
    )
