"""Which source files a program depends on, so that an edit reruns what it touches and nothing else."""

import ast
import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from advmri.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the project's packages: the repository, or `site-packages` where it is installed."""
PACKAGES = ("advmri", "workflow_scripts")
WORKFLOW = ROOT if (ROOT / "Snakefile").is_file() else ROOT / "advmri" / "workflow"
"""The folder that holds the Snakefile: the repository, or a folder inside the installed package."""


def module_file(name: str) -> Path | None:
    """Return the file of a module of the project, or of the user's in the working folder; None where there is none."""
    folder = ROOT if name.partition(".")[0] in PACKAGES else Path.cwd()
    stem = folder.joinpath(*name.split("."))
    for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def in_packages(file: Path) -> bool:
    """Whether a file belongs to the project's packages."""
    return file.is_relative_to(ROOT) and file.relative_to(ROOT).parts[0] in PACKAGES


def module_path(file: Path) -> Path:
    """Return a source file's path as its import names it: from `ROOT`, or from the working folder for a user's."""
    return file.relative_to(ROOT if in_packages(file) else Path.cwd())


def check_working_folder() -> None:
    """Check that jobs run this code: each starts in the working folder, whose packages Python takes first.

    Raises:
        InputError: where another copy of the project lies there.
    """
    folder = Path.cwd()
    if folder == ROOT:
        return
    if any((folder / name / "__init__.py").is_file() for name in PACKAGES):
        raise InputError(
            f"{folder} holds another copy of AdvMRI than {ROOT}, and jobs would run that one: start this in another"
            " folder, or `snakemake` in that copy."
        )
    for name in PACKAGES:
        if (folder / f"{name}.py").exists():
            raise InputError(f"{folder / name}.py has the name of a package that jobs import: rename it.")


def outside_path() -> dict[str, str]:
    """Return the environment with which Python finds a repository's programs in another working folder.

    An installed project is found without; `site-packages` on the path would lead other environments' Pythons there.
    """
    known = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    if WORKFLOW != ROOT or str(ROOT) in known or Path.cwd() == ROOT:
        return {}
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *known])}


def _package_of(file: Path, level: int) -> str:
    """Return the package that `level` dots mean in a file."""
    parts = module_path(file).with_suffix("").parts
    return ".".join(parts[: len(parts) - level])


@cache
def _direct_imports(file: Path) -> frozenset[str]:
    """Return the modules of the project, and of the user, that a source file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(), filename=str(file))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = _package_of(file, node.level) if node.level else ""
            base = ".".join(filter(None, (package, node.module)))
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return frozenset(name for name in names if module_file(name))


def with_compiled(file: Path) -> list[Path]:
    """Return a module's file, then the C file of the same name beside it and its headers, `<name>_*.h`."""
    source = file.with_suffix(".c")
    return [file, source, *sorted(file.parent.glob(f"{file.stem}_*.h"))] if source.is_file() else [file]


@cache
def _module_files(module: str) -> frozenset[Path]:
    """Return the files of `module` and of every module of project and user that it imports, transitively.

    Those that are compiled for a module belong to it (`with_compiled`).
    Imports made by name at run time (architectures, optimisers, figures) are not seen: a rule adds those it uses.

    Raises:
        ModuleNotFoundError: where there is no such module in this project.
    """
    if module_file(module) is None:
        raise ModuleNotFoundError(f"{module}: no such module in {ROOT}")
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = module_file(name)
        if name in found or file is None:
            continue
        found.add(name)
        waiting.extend(_direct_imports(file))
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    files = {file for name in found if (file := module_file(name)) is not None}
    return frozenset(one for file in files for one in with_compiled(file))


def _all_files(modules: Iterable[str]) -> list[tuple[str, Path]]:
    """Return the files of several modules and all they import, each once with its name, in the order of names."""
    return sorted((module_path(file).as_posix(), file) for file in frozenset().union(*map(_module_files, modules)))


def sources(modules: Iterable[str]) -> list[str]:
    """Return the names of the source files of several modules and of all they import: paths as imports name them."""
    return [name for name, _ in _all_files(modules)]


def source_paths(modules: Iterable[str], absolute: bool = False) -> list[str]:
    """Return where these files lie: by name inside the working folder, so that a repository may be moved.

    Args:
        modules: the modules.
        absolute: whole paths all the same.
    """
    here = Path.cwd()
    return [name if here / name == file and not absolute else str(file) for name, file in _all_files(modules)]


def sources_digest(modules: Iterable[str]) -> str:
    """Return the SHA-256 over names and contents of all source files of `modules`."""
    digest = hashlib.sha256()
    for name, file in _all_files(modules):
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
