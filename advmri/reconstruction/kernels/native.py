"""Compile a C file of this folder, with its headers, for this machine's processor, once, where there is a compiler."""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from advmri.provenance.planned_code import check_compiled_code
from advmri.storage.cache_folder import VARIABLE, temporary_cache, usual_cache

LOGGER = logging.getLogger("advmri")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-c")
PROCESSOR_FLAGS = ("-march=native", "-mcpu=native")
THREAD_FLAGS = (("-fopenmp",), ())
"""In parallel where it can be. Nothing is linked for it: the symbols are those of the OpenMP that PyTorch has loaded.

So both share its threads. Others would compete with those, which keep cores busy for a while after each operation.
"""
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


def _compile(compiler: str, flags: tuple[str, ...], source: Path, library: Path) -> None:
    """Write the library under its name at once, so that jobs side by side do not see half of it.

    Raises:
        OSError, subprocess.SubprocessError: where it cannot be made.
    """
    library.parent.mkdir(parents=True, exist_ok=True)
    temporary = library.with_name(f".{library.name}.{os.getpid()}")
    translated = temporary.with_name(f"{temporary.name}.o")
    try:
        for processor in PROCESSOR_FLAGS:
            command = [compiler, *FLAGS, *flags, processor, str(source), "-o", str(translated)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
            if done.returncode == 0:
                link = [compiler, "-shared", str(translated), "-o", str(temporary), "-lm"]
                subprocess.run(link, capture_output=True, timeout=COMPILE_SECONDS, check=True)
                temporary.replace(library)
                return
        raise subprocess.SubprocessError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message")
    finally:
        temporary.unlink(missing_ok=True)
        translated.unlink(missing_ok=True)


def _load(compiler: str, source: Path, folder: Path) -> ctypes.CDLL:
    """Load the library from a folder, making it where it is missing.

    Raises:
        InputError: where it was edited since the run was planned.
        OSError, subprocess.SubprocessError: where that cannot be done, with threads or without.
    """
    check_compiled_code(source)
    texts = [file.read_text() for file in (source, *sorted(source.parent.glob(f"{source.stem}_*.h")))]
    for flags in THREAD_FLAGS:
        text = "\0".join([*texts, compiler, *FLAGS, *flags, *PROCESSOR_FLAGS, _processor()])
        library = folder / f"{source.stem}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.so"
        try:
            if not library.is_file():
                _compile(compiler, flags, source, library)
            return ctypes.CDLL(str(library))
        except (OSError, subprocess.SubprocessError):
            if flags == THREAD_FLAGS[-1]:
                raise
    raise AssertionError


@cache
def load_native(source: Path) -> ctypes.CDLL | None:
    """Return the compiled library of a C file, or None, with a warning, where it cannot be made.

    Kept under the digest of source, headers (`<name of the source>_*.h`), compiler, flags and processor.
    """
    compiler = _compiler()
    if compiler is None:
        LOGGER.warning("no C compiler found: %s is not used, and networks are slower on the CPU", source.name)
        return None
    usual = usual_cache()
    try:
        if usual is None:
            raise OSError("there is no home folder")
        return _load(compiler, source, usual / "advmri")
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    # The cache may not be writable, or not allow code; TMPDIR often does.
    with ExitStack() as stack:
        kept = temporary_cache()
        folder = kept or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        before = set(folder.glob("*.so"))
        try:
            library = _load(compiler, source, folder)
        except (OSError, subprocess.SubprocessError) as error:
            LOGGER.warning("%s cannot be compiled (%s): networks are slower on the CPU", source.name, error)
            return None
        if set(folder.glob("*.so")) - before:
            _say_where(usual or Path("~/.cache"), reason, f"in {kept}" if kept else "for this process alone")
        return library


@cache
def _say_where(usual: Path, reason: str, where: str) -> None:
    """Say, once in a process, that compiled code is not kept where it is looked for."""
    LOGGER.warning(
        "%s: compiled code cannot be kept there (%s); it is kept %s: %s may name another folder",
        *(usual, reason, where, VARIABLE),
    )
