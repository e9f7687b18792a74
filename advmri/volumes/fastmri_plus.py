"""The published fastMRI+ annotations of knees and brains: one pinned version, downloaded once and checked.

Imported while Snakemake parses, so pooch, which does the work, is loaded only for a download.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from advmri.errors import InputError

COMMIT = "67ed9a68ee33d3197f93893e8125688470c4a577"
FOLDER = f"https://raw.githubusercontent.com/microsoft/fastmri-plus/{COMMIT}/Annotations"
TIMEOUT = 60.0
"""Seconds without an answer."""


@dataclass(frozen=True)
class Published:
    """One published file.

    Attributes:
        url: where it lies; path: where it is kept; sha256: of its content.
    """

    url: str
    path: Path
    sha256: str


PUBLISHED = {
    "fastmri+": Published(
        f"{FOLDER}/knee.csv",
        Path("data/fastmri-plus/knee.csv"),
        "c1f4a083646cec815b67f005f8d7764313d1b82a028b90c272a4d000330d065b",
    ),
    "fastmri+brain": Published(
        f"{FOLDER}/brain.csv",
        Path("data/fastmri-plus/brain.csv"),
        "38c8c9d91d708425f2297293c3a0c4ce1f537c7c272cc9b07429b2339ac1e6bf",
    ),
}
"""By the value of dataset.annotations that asks for it: knees, brains."""


def keyword_problem(annotations: str) -> str | None:
    """Say what is wrong with a value of dataset.annotations that looks like a keyword and is none; else None."""
    if not annotations.lower().startswith("fastmri+") or annotations in PUBLISHED or annotations.endswith(".csv"):
        return None
    return f"{annotations!r} is no published file; {' and '.join(PUBLISHED)} are, of knees and of brains"


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())


def download_annotations(path: Path, url: str, sha256: str) -> None:
    """Download the annotations to `path`, complete and checked or not at all.

    Raises:
        InputError: where the file cannot be had, or is not the one that is wanted; says where to put it by hand.
    """
    by_hand = f"download it where there is a network and put it at {path}, or name your own copy in dataset.annotations"
    import pooch

    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
    try:
        pooch.retrieve(url, f"sha256:{sha256}", fname=path.name, path=path.parent, downloader=downloader)
    except (OSError, ValueError) as error:
        if found := re.search(r"expected \S+ but got (\w+)", str(error)):
            raise InputError(
                f"{url}: not the expected file (SHA-256 {found[1]}, expected {sha256}); {by_hand}."
            ) from error
        code = getattr(getattr(error, "response", None), "status_code", None)
        status = f"HTTP status {code}, " if code else ""
        raise InputError(
            f"{url}: the fastMRI+ annotations cannot be downloaded ({status}{_one_line(error)}); {by_hand}."
        ) from error
    path.chmod(0o644)  # pooch's temporary file is for its owner alone


def ensure_annotations(path: Path, url: str, sha256: str) -> bool:
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
