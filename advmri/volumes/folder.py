"""The volume files of a folder: which there are, whether their names are safe, and whether they are whole.

Imported while Snakemake parses, so the standard library is all it needs.
"""

import os
import struct
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from advmri.errors import InputError
from advmri.storage.access import no_access
from advmri.storage.file_kind import FOLDER, file_kind
from advmri.volumes.hdf5_pipeline import HAS_ALWAYS, dataset_filters

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
END_OF_FILE_OFFSET = {0: 40, 1: 44, 2: 28, 3: 28}
"""Where the superblock says how long the file is, by its version (HDF5 file format specification 3.0, II.A)."""
LONGEST_NAME = 200
OTHER_ENDINGS = (".hdf5", ".hdf", ".he5", ".hd5")


def name_problem(name: str) -> str | None:
    """Return why a name cannot become part of paths, wildcards and command lines; None where it can."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if len(encoded) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} bytes"
    if not name.isprintable():
        return "holds characters that do not print"
    if name.startswith("-"):
        return "begins with a dash, which programs take for an option"
    if set(name) & set("{}"):
        return "holds braces, which Snakemake takes for a wildcard"
    if "%" in name:
        return "holds a percent sign, for which SLURM puts other words into the paths of logs"
    return None


def volume_names_in(folder: Path) -> list[str]:
    """Return the names of the volumes in a folder, sorted, without their ending; hidden files are no volumes.

    Raises:
        InputError: where the folder is missing or empty, or names cannot be used: all of them at once.
        NoAccessError: where it cannot be read.
    """
    try:
        entries = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{folder}: there is no such folder; dataset.root needs multicoil_train/ and multicoil_val/."
        ) from error
    except OSError as error:
        raise no_access(folder, error) or error from error
    names = sorted(name.removesuffix(".h5") for name in entries if name.endswith(".h5") and not name.startswith("."))
    if not names:
        raise InputError(f"{folder}: holds no *.h5 volume{other_endings(folder)}.")
    problems = [f"  {name + '.h5'!a} {problem}" for name in names if (problem := name_problem(name))]
    if problems:
        raise InputError(f"{folder}: these volumes need other names:\n" + "\n".join(problems))
    return names


def other_endings(folder: Path) -> str:
    """Return a hint where files of a folder look like volumes but do not end in .h5; empty where none does."""
    found = sorted(
        path.name for path in folder.glob("*") if path.suffix.lower() in OTHER_ENDINGS or path.suffix == ".H5"
    )
    found = [name for name in found if not name.startswith(".")]
    if not found:
        return ""
    return f"; volumes end in .h5: rename {found[0]!a}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")


def _signature_offset(file: BinaryIO | FileIO, size: int) -> int | None:
    """Return where HDF5 begins: at 0, or behind a user block of 512 bytes or a power of two times that."""
    offset = 0
    while offset < size:
        file.seek(offset)
        if file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE:
            return offset
        offset = max(512, 2 * offset)
    return None


def unusual_filters(path: Path, names: tuple[str, ...] = ("kspace", "reconstruction_rss")) -> frozenset[int]:
    """Return the numbers of a volume's compression filters that not every HDF5 has, as far as its header tells."""
    try:
        with path.open("rb", buffering=0) as file:
            start = _signature_offset(file, os.fstat(file.fileno()).st_size)
            return frozenset() if start is None else dataset_filters(file.fileno(), start, names) - HAS_ALWAYS
    except OSError:
        return frozenset()


def file_problem(path: Path) -> str | None:
    """Return what is wrong with a volume's file as far as its first bytes and its length tell; None for nothing.

    Raises:
        NoAccessError: where permissions or the disk keep it from being read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = _signature_offset(file, size)
            if start is None:
                return f"not an HDF5 file but {file_kind(path)}"
            file.seek(start)
            head = file.read(64)
    except OSError as error:
        if unread := no_access(path, error):
            raise unread from error
        return FOLDER if path.is_dir() else f"cannot be read ({error.strerror})"
    if len(head) < 64:
        return "truncated"
    version = head[8]
    offset = END_OF_FILE_OFFSET.get(version)
    size_of_offsets = head[13] if version < 2 else head[9]
    if offset is None or size_of_offsets != 8:
        return None
    (expected,) = struct.unpack_from("<Q", head, offset)
    return f"truncated: {size} of {expected} bytes" if size < expected else None
