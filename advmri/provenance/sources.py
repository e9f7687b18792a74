"""Which source files a program depends on, so that an edit reruns what it touches and nothing else."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def module_file(name: str) -> Path | None:
    """Return the file of a module in this repository's folder; None where it is not there."""
    stem = ROOT.joinpath(*name.split("."))
    for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _package_of(file: Path, level: int) -> str:
    """Return the package that `level` dots mean in a file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[: len(parts) - level])


@cache
def _direct_imports(file: Path) -> frozenset[str]:
    """Return the modules in this repository's folder that a source file imports anywhere in it."""
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


@cache
def module_sources(module: str) -> tuple[str, ...]:
    """Return the files of `module` and of every project module it imports, transitively, relative to the root.

    A C file beside a module, of the same name, belongs to it, with the headers whose names begin with its own.
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
    for pattern in ("{}.c", "{}_*.h"):
        files |= {compiled for file in tuple(files) for compiled in file.parent.glob(pattern.format(file.stem))}
    return tuple(sorted(file.relative_to(ROOT).as_posix() for file in files))


def sources(modules: Iterable[str]) -> list[str]:
    """Return the files of several modules and all they import, each once."""
    return sorted({file for module in modules for file in module_sources(module)})


def sources_digest(modules: Iterable[str]) -> str:
    """Return the SHA-256 over names and contents of all source files of `modules`."""
    digest = hashlib.sha256()
    for file in sources(modules):
        digest.update(file.encode() + b"\0" + (ROOT / file).read_bytes() + b"\0")
    return digest.hexdigest()
