"""Exceptions that are shown to a user without a traceback (the standard library is all it needs)."""

from __future__ import annotations  # so that an older Python gets as far as the sentence that names the version

import sys
from pathlib import Path
from shlex import quote
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
OURS = ("advmri", "workflow_scripts")
OLDEST_PYTHON = (3, 11)


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


def misplaced(path: Path, content: str, named: str) -> InputError:
    """Return the error that names a file in another's place, and says how to get the right one."""
    return InputError(
        f"{path}: holds {content}, where {named} belongs; delete it (rm {quote(str(path))}) and start the same"
        " command again."
    )


def missing_package(error: ImportError) -> str | None:
    """Return what to do where a package that AdvMRI needs is not installed for this Python; None for other errors."""
    if sys.version_info < OLDEST_PYTHON:
        return f"{sys.executable}: Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; {_environment()}."
    package = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or not package or package in OURS:
        return None
    return f"{sys.executable}: {package} is not installed for this Python; {_environment()}."


def _environment() -> str:
    """Say how to come by a Python with all packages: where the repository is, by its Makefile."""
    made = ROOT / ".venv"
    activate = f"activate AdvMRI's environment (. {quote(str(made / 'bin' / 'activate'))})"
    again = "and start the same command with its python or snakemake"
    if (made / "bin" / "activate").is_file() and Path(sys.prefix).resolve() != made.resolve():
        return f"{activate} {again}"
    if (ROOT / "Makefile").is_file():
        return f"run `make -B -C {quote(str(ROOT))} environment`, {activate} {again}"
    return "install AdvMRI with its packages (`pip install .` in its folder) and start the same command again"


def report_missing_package(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one sentence that a package is missing, and show other errors as Python does: for `sys.excepthook`."""
    sentence = missing_package(error) if isinstance(error, ImportError) else None
    if sentence is None:
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.write(f"error: {sentence}\n")
