"""The published fastMRI+ knee annotations: one pinned version, downloaded once and checked.

Imported while Snakemake parses, so the standard library is all it needs.
"""

import hashlib
import os
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from advmri.errors import InputError

KEYWORD = "fastmri+"
"""Value of dataset.annotations that asks for the published file."""
COMMIT = "67ed9a68ee33d3197f93893e8125688470c4a577"
URL = f"https://raw.githubusercontent.com/microsoft/fastmri-plus/{COMMIT}/Annotations/knee.csv"
SHA256 = "c1f4a083646cec815b67f005f8d7764313d1b82a028b90c272a4d000330d065b"
PATH = Path("data/fastmri-plus/knee.csv")
LARGEST = 1 << 24
"""Bytes; the file has less than one million."""
TIMEOUT = 60.0
"""Seconds without an answer."""


def _fetch(url: str) -> bytes:
    """Return the content at `url`; raises OSError where there is none."""
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        if answer.status != HTTPStatus.OK:
            raise OSError(f"HTTP status {answer.status}")
        content: bytes = answer.read(LARGEST + 1)
    return content


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())


def download_annotations(path: Path = PATH, url: str = URL, sha256: str = SHA256) -> None:
    """Download the annotations to `path`, complete and checked or not at all.

    Raises:
        InputError: where the file cannot be had, or is not the one that is wanted; says where to put it by hand.
    """
    by_hand = f"download it where there is a network and put it at {path}, or name your own copy in dataset.annotations"
    try:
        content = _fetch(url)
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        status = f"HTTP status {error.code}, " if isinstance(error, urllib.error.HTTPError) else ""
        raise InputError(
            f"{url}: the fastMRI+ annotations cannot be downloaded ({status}{_one_line(reason)}); {by_hand}."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(f"{url}: not the expected file (SHA-256 {found}, expected {sha256}); {by_hand}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def ensure_annotations(path: Path = PATH, url: str = URL, sha256: str = SHA256) -> bool:
    """Download the annotations unless they are there; return whether that was needed.

    Raises:
        InputError: as `download_annotations`, or where the file that is there is another one.
    """
    if not path.is_file():
        download_annotations(path, url, sha256)
        return True
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise InputError(
            f"{path}: not the published fastMRI+ file (SHA-256 {found}, expected {sha256}); remove it to have it"
            " downloaded again, or name it in dataset.annotations to use it as it is."
        )
    return False
