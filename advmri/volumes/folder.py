"""The volume files of a folder: which there are, whether their names are safe, and whether they are whole.

Imported while Snakemake parses, so the standard library is all it needs.
"""

import struct
from pathlib import Path

from advmri.errors import InputError

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
END_OF_FILE_OFFSET = {0: 40, 1: 44, 2: 28, 3: 28}
"""Where the superblock says how long the file is, by its version (HDF5 file format specification 3.0, II.A)."""
LONGEST_NAME = 200


def _name_problem(name: str) -> str | None:
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
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; dataset.root needs multicoil_train/ and multicoil_val/.")
    names = sorted(path.name.removesuffix(".h5") for path in folder.glob("*.h5") if not path.name.startswith("."))
    if not names:
        raise InputError(f"{folder}: holds no *.h5 volume.")
    problems = [f"  {name + '.h5'!a} {problem}" for name in names if (problem := _name_problem(name))]
    if problems:
        raise InputError(f"{folder}: these volumes need other names:\n" + "\n".join(problems))
    return names


def file_problem(path: Path) -> str | None:
    """Return what is wrong with a volume's file as far as its first bytes and its length tell; None for nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not head.startswith(HDF5_SIGNATURE):
        return "not an HDF5 file"
    if len(head) < 64:
        return "truncated"
    version = head[8]
    offset = END_OF_FILE_OFFSET.get(version)
    size_of_offsets = head[13] if version < 2 else head[9]
    if offset is None or size_of_offsets != 8:
        return None
    (expected,) = struct.unpack_from("<Q", head, offset)
    found = path.stat().st_size
    return f"truncated: {found} of {expected} bytes" if found < expected else None
