"""The published fastMRI+ knee annotations: one pinned version, downloaded once and checked.

Imported while Snakemake parses, so pooch, which does the work, is loaded only for a download.
"""

import hashlib
import re
from pathlib import Path

from advmri.errors import InputError

KEYWORD = "fastmri+"
"""Value of dataset.annotations that asks for the published file."""
COMMIT = "67ed9a68ee33d3197f93893e8125688470c4a577"
URL = f"https://raw.githubusercontent.com/microsoft/fastmri-plus/{COMMIT}/Annotations/knee.csv"
SHA256 = "c1f4a083646cec815b67f005f8d7764313d1b82a028b90c272a4d000330d065b"
PATH = Path("data/fastmri-plus/knee.csv")
TIMEOUT = 60.0
"""Seconds without an answer."""


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())


def download_annotations(path: Path = PATH, url: str = URL, sha256: str = SHA256) -> None:
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
