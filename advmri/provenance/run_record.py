"""How a file came to be: program, arguments, inputs, code, packages, time and memory, as a JSON object beside it.

Beside the file and not in it: the same result made at another time, or by another commit that computes the same, must
stay the same file bit by bit. The standard library is all it needs.
"""

import hashlib
import json
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from advmri.errors import DamagedFileError, misplaced
from advmri.provenance.loaded_code import loaded_digest
from advmri.provenance.sources import ROOT, WORKFLOW
from advmri.storage.file_digest import file_sha256

FORMAT_VERSION = 2
RECORD_SUFFIX = ".provenance.json"
LARGEST_WHOLE = 64 * 2**20
BLOCKS, BLOCK = 64, 2**16
REQUIREMENTS = WORKFLOW / "envs" / "requirements.in"


def record_path(path: Path) -> Path:
    """Return where the record of a file lies."""
    return path.with_name(f".{path.name}{RECORD_SUFFIX}")


def identity(path: Path) -> dict[str, Any]:
    """Return size and digest of a file: `sha256`, or for more than 64 MiB `sampled_sha256`.

    The latter is over the size and 64 blocks of 64 KiB spread evenly from the first to the last byte: it knows another
    volume, not every flipped bit, and a training on a terabyte is not read once more for it.
    """
    size = path.stat().st_size
    if size <= LARGEST_WHOLE:
        return {"bytes": size, "sha256": file_sha256(path)}
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for number in range(BLOCKS):
            file.seek(number * (size - BLOCK) // (BLOCKS - 1))
            digest.update(file.read(BLOCK))
    return {"bytes": size, "sampled_sha256": digest.hexdigest()}


def noted_digest(entry: Mapping[str, Any]) -> str:
    """Return the digest in what `identity` returned, `sampled:` before that of samples."""
    return str(entry["sha256"]) if "sha256" in entry else f"sampled:{entry['sampled_sha256']}"


def is_same(path: Path, stored: Mapping[str, Any]) -> bool:
    """Whether a file is the one that an entry of a record describes."""
    return path.is_file() and identity(path).items() <= dict(stored).items()


def check_unchanged(path: Path) -> None:
    """Compare a file of a run with the record beside it; one without, or with a damaged one, passes.

    For files that do not say themselves what they are, as weights: put in another's place, they would be taken for it.

    Raises:
        InputError: where it is not the file that its program wrote.
    """
    try:
        record = read_record(path)
    except DamagedFileError:
        return
    if record is not None and not is_same(path, record["file"]):
        raise misplaced(path, "another file", f"what {record['program']} wrote")


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def code_state() -> dict[str, Any]:
    """Return the git commit (None outside a repository), whether tracked files differ from it, and the code's SHA-256.

    `sha256` is over the modules of the project, and of the user in the working folder, that this process has loaded, as
    they were then, whatever git says.
    """
    own = _git("rev-parse", "--show-toplevel") == str(ROOT)
    changes = _git("status", "--porcelain", "--untracked-files=no") if own else None
    return {
        "git_commit": _git("rev-parse", "HEAD") if own else None,
        "uncommitted_changes": None if changes is None else bool(changes),
        "sha256": loaded_digest(),
    }


def package_versions() -> dict[str, str]:
    """Return the versions of Python, of the packages in envs/requirements.in and of an installed AdvMRI."""
    wanted = re.findall(r"^[\w.-]+", REQUIREMENTS.read_text(), flags=re.MULTILINE) if REQUIREMENTS.is_file() else []
    found = {"python": platform.python_version()}
    for name in [*wanted, *(["advmri"] if WORKFLOW != ROOT else [])]:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _gpu() -> dict[str, Any]:
    """Return name and peak memory of the GPU that this process used; empty without one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    return {"gpu": torch.cuda.get_device_name(), "gpu_peak_memory_mb": round(torch.cuda.max_memory_allocated() / 2**20)}


def _decoded(value: Any) -> Any:
    """Return an argument for JSON: settings that were given as JSON text become what they say."""
    if isinstance(value, str) and value[:1] in "{[" and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, list | tuple):
        return [_decoded(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _paths(value: Any) -> list[Path]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, Path)]


def make_record(
    program: str,
    arguments: Mapping[str, Any],
    written: Iterable[Path],
    started: str,
    seconds: float,
    further_inputs: Mapping[str, Iterable[Path]] | None = None,
) -> dict[str, Any]:
    """Describe a run of a program that has just written its files.

    Args:
        program: its module.
        arguments: its command line by name; every path among them that is a file, and was not written, is an input.
        written: paths of the files it has written.
        started: time, ISO 8601.
        seconds: how long it took.
        further_inputs: files it has read that its command line does not name, by what they are.
    """
    outputs = set(written)
    read = {
        name: _paths(value) for name, value in arguments.items() if name != "log" and not outputs & set(_paths(value))
    } | {name: sorted(paths) for name, paths in (further_inputs or {}).items()}
    inputs = {
        name: [{"path": str(path), **identity(path)} for path in paths if path.is_file()]
        for name, paths in read.items()
    }
    return {
        "format_version": FORMAT_VERSION,
        "program": program,
        "arguments": {name: _decoded(value) for name, value in arguments.items()},
        "inputs": {name: files for name, files in inputs.items() if files},
        "code": code_state(),
        "packages": package_versions(),
        "job": {"started": started, "seconds": round(seconds, 2), "peak_memory_mb": _peak_memory_mb(), **_gpu()},
    }


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def record_text(record: Mapping[str, Any], path: Path) -> str:
    """Return the record of one of the files written, as JSON, with its own digest."""
    whole = {"file": {"name": path.name, **identity(path)}, **record}
    return json.dumps({**whole, "record_sha256": _digest(whole)}, indent=1, sort_keys=True) + "\n"


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the record of a file; None where there is none of this version.

    Raises:
        DamagedFileError: where it is not as it was written.
    """
    place = record_path(path)
    try:
        content = place.read_bytes()
    except OSError:
        return None
    try:
        record = json.loads(content)
        if record["format_version"] < FORMAT_VERSION:
            return None
        if record.pop("record_sha256") == _digest(record):
            return dict(record)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise DamagedFileError(f"{place}: damaged; what it says of {path.name} is lost, the file itself is not affected.")
