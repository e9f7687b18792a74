"""The source files that this process has loaded, each with the digest that it had then.

A file may be edited, or put back, while a program computes: what is read later is not what has run.
"""

import hashlib
import sys
from functools import cache
from pathlib import Path

from advmri.provenance.sources import PACKAGES, ROOT, in_packages, with_compiled

INSTALLED = "site-packages"
_DIGESTS: dict[Path, str] = {}
"""SHA-256 by file, as its content was when it was loaded."""
_NOTED: set[str] = set()
"""Modules whose files have been looked at."""


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a source file; empty where it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def note_file(file: Path) -> str:
    """Keep the digest of a file that is loaded now, and return it."""
    file = file.resolve()
    _DIGESTS[file] = file_digest(file)
    return _DIGESTS[file]


def noted_digest(file: Path) -> str:
    """Return the digest with which a file was loaded; where nothing was noted then, that of now is."""
    return _DIGESTS.get(file.resolve()) or note_file(file)


def module_place(name: str, file: Path) -> str:
    """Return the path that a module's import means, wherever its file lies: `package/module.py`."""
    parts = name.split(".")
    if file.stem == "__init__" and parts[-1] != "__init__":
        parts.append("__init__")
    return "/".join(parts) + file.suffix


def loaded_modules() -> dict[str, str]:
    """Return the Python file of every module that is loaded, by its name: of `__main__` by that of its import."""
    found = {}
    for name, module in [*sys.modules.items()]:
        specification = getattr(module, "__spec__", None)
        file = getattr(module, "__file__", None) if specification is None else specification.origin
        if isinstance(file, str) and file.endswith(".py"):
            found[name if specification is None else specification.name] = file
    return found


def _place_of(file: Path) -> Path | None:
    """Return the path of a source file as its import names it; None where it is neither the project's nor a user's."""
    if in_packages(file):
        return file.relative_to(ROOT)
    here = Path.cwd()
    inside = file.is_relative_to(here) and INSTALLED not in file.parts
    place = file.relative_to(here) if inside else None
    return None if place is None or place.parts[0].startswith(".") else place


@cache
def _resolved(folder: str) -> Path:
    return Path(folder).resolve()


def is_own(file: str) -> bool:
    """Whether a file is the project's, or a user's in the working folder."""
    # Thousands of modules are loaded: without a look at the disk first.
    _, installed, inside = file.rpartition(f"/{INSTALLED}/")
    if installed and inside.partition("/")[0] not in PACKAGES:
        return False
    folder, _, name = file.rpartition("/")
    path = _resolved(folder) / name
    return _place_of(path) is not None and path.is_file()


def note_loaded() -> None:
    """Note the files of the modules of project and user that were loaded since the last call."""
    loaded = loaded_modules()
    for name in loaded.keys() - _NOTED:
        if is_own(loaded[name]):
            for file in with_compiled(Path(loaded[name])):
                noted_digest(file)
    _NOTED.update(loaded)


def loaded_digest() -> str:
    """Return the SHA-256 over names and contents of the files of project and user, as they were when loaded."""
    note_loaded()
    places = {place.as_posix(): _DIGESTS[file] for file in _DIGESTS if (place := _place_of(file)) is not None}
    whole = hashlib.sha256("".join(f"{place}\0{places[place]}\0" for place in sorted(places)).encode())
    return whole.hexdigest()
