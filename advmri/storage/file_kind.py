"""What a file is, by its first bytes, for messages about one that is of another kind than was asked for.

The standard library is all it needs.
"""

from pathlib import Path

FOLDER, EMPTY, ZEROS = "a folder", "an empty file", "a file of zeros"
HDF5, TEXT, UNKNOWN = "an HDF5 file", "a text file", "a file of unknown kind"
SIGNATURES = {
    b"\x89HDF\r\n\x1a\n": HDF5,
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
}
MAY_BE_LEFT = (HDF5, EMPTY, ZEROS, UNKNOWN)
"""What a damaged HDF5 file may look like; anything else was never one."""
DICOM = (b"DICM", 128)
"""And where it stands."""
READ = 4096


def file_kind(path: Path) -> str:
    """Return what a path is, in words: one of those above.

    Raises:
        OSError: where it cannot be read.
    """
    if path.is_dir():
        return FOLDER
    with path.open("rb") as file:
        head = file.read(READ)
    if not head.strip(b"\0"):
        return ZEROS if head else EMPTY
    for signature, kind in SIGNATURES.items():
        if head.startswith(signature):
            return kind
    mark, offset = DICOM
    if head[offset : offset + len(mark)] == mark:
        return "a DICOM file"
    return TEXT if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    """Whether bytes are UTF-8; the last character may be cut."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if len(head) < READ or error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return all(sign.isprintable() or sign.isspace() for sign in text)
