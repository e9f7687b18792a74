"""Where the code of a user's factory lies and what state it is in, without importing it (Snakemake reads this)."""

import hashlib
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from advmri.provenance.sources import module_file


def module_of(factory: str) -> str:
    """Return `package.module` of `package.module:function`."""
    return factory.partition(":")[0]


def in_project(factory: str) -> bool:
    """Whether the factory's module lies in the working folder: its files are then inputs of rules."""
    return module_file(module_of(factory)) is not None


def _installed_root(factory: str) -> Path | None:
    """Return the file or folder of the factory's outermost package on Python's path, where the module is inside."""
    first, *rest = module_of(factory).split(".")
    found = PathFinder.find_spec(first)
    if found is None:
        return None
    folders = [Path(folder) for folder in found.submodule_search_locations or ()]
    if not folders:
        return Path(found.origin) if found.origin is not None and not rest else None
    for folder in folders:
        inside = folder.joinpath(*rest)
        if any(path.is_file() for path in (inside.with_suffix(".py"), inside / "__init__.py")):
            return folder
    return None


def is_found(factory: str) -> bool:
    """Whether the factory's module is in the working folder or on Python's path."""
    return in_project(factory) or _installed_root(factory) is not None


def outside_files(factory: str) -> dict[str, Path]:
    """Return the source files of the factory's outermost package, by path; none of one in the working folder.

    Code elsewhere cannot be an input of a rule by files that are known to belong to it: all of the package counts.
    """
    root = None if in_project(factory) else _installed_root(factory)
    if root is None:
        return {}
    files = sorted(root.rglob("*.py")) if root.is_dir() else [root]
    return {file.relative_to(root.parent).as_posix(): file for file in files}


@cache
def factory_digest(factory: str) -> str:
    """Return the SHA-256 over names and contents of `outside_files`; empty where there are none."""
    files = outside_files(factory)
    if not files:
        return ""
    digest = hashlib.sha256()
    for place, file in files.items():
        digest.update(place.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
