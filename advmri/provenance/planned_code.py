"""Whether the code that a job has loaded is the code that its run was planned with.

An edit while a run goes on would mix results of two states into its tables: files are compared by content when the next
run is planned, and by then the edit may have been taken back.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from advmri.errors import InputError
from advmri.provenance.loaded_code import (
    file_digest,
    loaded_modules,
    module_place,
    note_file,
    note_loaded,
    noted_digest,
)
from advmri.provenance.sources import PACKAGES, ROOT, in_packages, source_paths, with_compiled

VARIABLE = "ADVMRI_PLANNED_CODE"
"""The environment's name for the file that a plan writes. A job without it, started by hand, compares nothing."""
FOLDER = Path(".snakemake/advmri")
KEPT_SECONDS = 90 * 24 * 3600
"""A note that no run has needed for so long is removed."""
SUFFIXES = (".py", ".c", ".h")
_COMPARED: set[str] = set()
"""Modules of this process whose files have been compared."""


def note_planned_code(
    user_modules: Iterable[str], folder: Path = FOLDER, outside: Mapping[str, Path] | None = None
) -> None:
    """Write the digest of every source file that a job may load, and tell the jobs of this process where it is.

    Args:
        user_modules: factories' modules in the working folder.
        folder: where the file goes, named by its content: runs side by side do not disturb one another.
        outside: source files of factories elsewhere, by their paths as imports name them.

    Raises:
        InputError: where it cannot be written.
    """
    own = (file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.suffix in SUFFIXES)
    files = {file.relative_to(ROOT).as_posix(): file for file in own}
    files |= {path: Path(path) for path in source_paths(user_modules) if not in_packages(Path(path).resolve())}
    files |= outside or {}
    text = json.dumps({place: file_digest(file) for place, file in sorted(files.items())})
    path = (folder / f"code-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json").resolve()
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.write_text(text)
            temporary.replace(path)
        path.touch()
        for other in path.parent.glob("code-*.json"):
            if other.stat().st_mtime < time.time() - KEPT_SECONDS:
                other.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); start in a folder of your own.") from error
    os.environ[VARIABLE] = str(path)


@cache
def _read_plan(path: str) -> dict[str, str]:
    file = Path(path)
    return dict(json.loads(file.read_text())) if file.is_file() else {}


def _plan() -> dict[str, str]:
    """Return the planned digests by path, as imports name those; none for a program that was started by hand."""
    return _read_plan(os.environ.get(VARIABLE, ""))


def _compare(place: str, file: Path, digest: str) -> None:
    """Compare a file's digest with the plan; raises InputError where that has another one for its path."""
    if digest != _plan().get(place, digest):
        raise InputError(
            f"{file}: edited since this run was planned; its tables would mix two states of the code. Start the"
            " same command again: what the edit touches is made anew."
        )


def _compare_module(name: str, module: Path) -> None:
    """Compare the files of a loaded module with the plan."""
    place = module_place(name, module)
    if place in _plan():
        for file in with_compiled(module):
            _compare(Path(place).with_name(file.name).as_posix(), file, noted_digest(file))


class _Imports(MetaPathFinder):
    """Compares a module when it is imported: one that is loaded by name may be put back before anything is written."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find what Python would, of the packages that may be in the plan; the others are for other finders."""
        if fullname.partition(".")[0] not in _top_names(os.environ.get(VARIABLE, "")):
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is not None and found.origin is not None and found.origin.endswith(".py"):
            for file in with_compiled(Path(found.origin)):
                note_file(file)
            _compare_module(fullname, Path(found.origin))
        return found


@cache
def _top_names(plan: str) -> frozenset[str]:
    """Return the packages and modules that are the project's or in a plan."""
    return frozenset([*PACKAGES, *(place.partition("/")[0].removesuffix(".py") for place in _read_plan(plan))])


def check_loaded_code() -> None:
    """Compare the files of the modules that this process has loaded since the last call with the plan.

    Called when a program starts, and before it writes. From the first call on a module is compared before it is loaded,
    and the digest of each is kept for the record of what is written.

    Raises:
        InputError: where one has another content than when the run was planned.
    """
    if not any(isinstance(finder, _Imports) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Imports())
    loaded = loaded_modules()
    new = loaded.keys() - _COMPARED
    if new:
        note_loaded()
    for name in sorted(new):
        _compare_module(name, Path(loaded[name]))
    _COMPARED.update(new)


def check_compiled_code(source: Path) -> None:
    """Compare a C file of the project and its headers, which are about to be compiled, with the plan.

    Raises:
        InputError: where one has another content than when the run was planned.
    """
    source = source.resolve()
    if in_packages(source):
        for file in with_compiled(source.with_suffix(".py"))[1:]:
            _compare(file.relative_to(ROOT).as_posix(), file, note_file(file))
