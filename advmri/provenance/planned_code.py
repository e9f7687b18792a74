"""Whether the code that a job has loaded is the code that its run was planned with.

An edit while a run goes on would mix results of two states into its tables: files are compared by content when the next
run is planned, and by then the edit may have been taken back.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from advmri.errors import InputError
from advmri.provenance.sources import PACKAGES, ROOT, in_packages, source_paths

VARIABLE = "ADVMRI_PLANNED_CODE"
"""The environment's name for the file that a plan writes. A job without it, started by hand, compares nothing."""
FOLDER = Path(".snakemake/advmri")
KEPT_SECONDS = 90 * 24 * 3600
"""A note that no run has needed for so long is removed."""
_COMPARED: set[str] = set()
"""Modules of this process whose files have been compared."""


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def note_planned_code(user_modules: Iterable[str], folder: Path = FOLDER) -> None:
    """Write the digest of every source file that a job may load, and tell the jobs of this process where it is.

    Args:
        user_modules: factories' modules in the working folder.
        folder: where the file goes, named by its content: runs side by side do not disturb one another.

    Raises:
        InputError: where it cannot be written.
    """
    files = {file.relative_to(ROOT): file for package in PACKAGES for file in (ROOT / package).rglob("*.py")}
    own = {Path(path) for path in source_paths(user_modules) if path.endswith(".py")}
    files |= {path: path for path in own if not in_packages(path.resolve())}
    text = json.dumps({_module_name(path): _digest(file) for path, file in sorted(files.items())})
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


def check_loaded_code() -> None:
    """Compare the files of the modules that this process has loaded since the last call with the plan.

    Called when a program starts, and before it writes: what is loaded by name comes in between.

    Raises:
        InputError: where one has another content now than when the run was planned.
    """
    path = Path(os.environ.get(VARIABLE) or "/")
    if not path.is_file():
        return
    # Of the program itself the name is `__main__`, but not in its specification.
    specifications = [getattr(module, "__spec__", None) for module in [*sys.modules.values()]]
    loaded = {spec.name: spec.origin for spec in specifications if spec is not None}
    new = loaded.keys() - _COMPARED
    planned = json.loads(path.read_text()) if new else {}
    for name in sorted(new & planned.keys()):
        file = loaded[name]
        if file is not None and _digest(Path(file)) != planned[name]:
            raise InputError(
                f"{file}: edited since this run was planned; its tables would mix two states of the code. Start the"
                " same command again: what the edit touches is made anew."
            )
    _COMPARED.update(new)
