"""Compile a C file of this folder for this machine's processor, once, where there is a compiler."""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

LOGGER = logging.getLogger("advmri")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", "-pthread")
PROCESSOR_FLAGS = ("-march=native", "-mcpu=native")
COMPILE_SECONDS = 120


def _compiler() -> str | None:
    """Return the C compiler: `CC` where it is set, as conda environments do, else the system's."""
    wanted = os.environ.get("CC", "").split()
    return next((found for name in (*wanted[:1], *COMPILERS) if (found := shutil.which(name))), None)


def _processor() -> str:
    """Return what tells processors apart for which different code is made: a home folder may be shared by many."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.system()} {platform.machine()} {features}"


def _compile(compiler: str, source: Path, library: Path) -> None:
    """Write the library under its name at once, so that jobs side by side do not see half of it.

    Raises:
        OSError, subprocess.SubprocessError: where it cannot be made.
    """
    library.parent.mkdir(parents=True, exist_ok=True)
    temporary = library.with_name(f".{library.name}.{os.getpid()}")
    try:
        for flag in PROCESSOR_FLAGS:
            command = [compiler, *FLAGS, flag, str(source), "-o", str(temporary), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
            if done.returncode == 0:
                temporary.replace(library)
                return
        raise subprocess.SubprocessError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message")
    finally:
        temporary.unlink(missing_ok=True)


def _load(compiler: str, source: Path, folder: Path, name: str) -> ctypes.CDLL:
    if not (folder / name).is_file():
        _compile(compiler, source, folder / name)
    return ctypes.CDLL(str(folder / name))


@cache
def load_native(source: Path) -> ctypes.CDLL | None:
    """Return the compiled library of a C file, or None, with a warning, where it cannot be made.

    Kept under the digest of source, compiler, flags and processor.
    """
    compiler = _compiler()
    if compiler is None:
        LOGGER.warning("no C compiler found: %s is not used, and networks are slower on the CPU", source.name)
        return None
    text = "\0".join([source.read_text(), compiler, *FLAGS, *PROCESSOR_FLAGS, _processor()])
    name = f"{source.stem}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.so"
    cache_home = os.environ.get("XDG_CACHE_HOME")
    kept = (Path(cache_home) if cache_home else Path("~/.cache").expanduser()) / "advmri"
    try:
        return _load(compiler, source, kept, name)
    except (OSError, subprocess.SubprocessError):
        # The cache may not be writable, or not allow code; a folder of this process alone often does.
        with tempfile.TemporaryDirectory() as folder:
            try:
                return _load(compiler, source, Path(folder), name)
            except (OSError, subprocess.SubprocessError) as error:
                LOGGER.warning("%s cannot be compiled (%s): networks are slower on the CPU", source.name, error)
    return None
