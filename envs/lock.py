"""Write requirements.lock and requirements-dev.lock from what is installed: the closure of the two .in files."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).resolve().parent
LEFT_OUT = {"torchvision"}  # declared by fastmri, imported by nothing
FIRST = "torch"  # installed before the lock, with its own dependencies
HEAD = "# Made from {} by `make lock`. Complete: install with --no-deps after torch (see Makefile).\n"


def canonical(name: str) -> str:
    """Return a distribution's normalised name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def roots(path: Path) -> list[str]:
    """Return the names in a .in file."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [Requirement(line).name for line in lines if line and not line.startswith("#")]


def closure(names: list[str]) -> set[str]:
    """Return the names and all they need, as installed here."""
    found: set[str] = set()
    waiting = [canonical(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found or name in LEFT_OUT:
            continue
        try:
            requirements = [Requirement(text) for text in distribution(name).requires or []]
        except PackageNotFoundError as error:
            raise SystemExit(f"{name} is not installed; run `make environment` first.") from error
        found.add(name)
        waiting.extend(canonical(r.name) for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""}))
    return found


def write(path: Path, source: Path, names: set[str]) -> None:
    """Write one lock file."""
    pins = [f"{name}=={distribution(name).version.partition('+')[0]}" for name in sorted(names - {FIRST})]
    path.write_text(HEAD.format(source.name) + "\n".join(pins) + "\n")


if __name__ == "__main__":
    runtime = closure(roots(HERE / "requirements.in"))
    write(HERE / "requirements.lock", HERE / "requirements.in", runtime)
    development = closure(roots(HERE / "requirements-dev.in")) - runtime
    write(HERE / "requirements-dev.lock", HERE / "requirements-dev.in", development)
