"""SHA-256 of the text files of a run: inside a JSON object, beside a CSV file.

A CSV file has no place for it that every program would pass over. Its checksum lies in a hidden file beside it, in the
format of `sha256sum`: `sha256sum --check .summary.csv.sha256` in its folder compares the two.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from advmri.errors import damaged
from advmri.storage.file_digest import file_sha256

DIGEST = "content_sha256"


def _content_digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def with_digest(content: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON object with the SHA-256 of all else as its last key."""
    plain = {key: value for key, value in json.loads(json.dumps(content)).items() if key != DIGEST}
    return plain | {DIGEST: _content_digest(plain)}


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that has its digest, and return it without.

    Raises:
        DamagedFileError: where it is no such object, or not what its digest says.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        same = content.pop(DIGEST) == _content_digest(content)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise damaged(path, f"not a JSON object with a checksum ({error})") from error
    if not same:
        raise damaged(path, "its content is not what its checksum says")
    return content


def checksum_file(path: Path) -> Path:
    """Return where the checksum of a table lies."""
    return path.with_name(f".{path.name}.sha256")


def checksum_line(path: Path, name: str) -> str:
    """Return what `sha256sum` prints for a file that is to be called `name`."""
    return f"{file_sha256(path)}  {name}\n"


def check_table(path: Path) -> None:
    """Compare a table with the checksum beside it; one without, made elsewhere, passes.

    Raises:
        DamagedFileError: where they differ.
    """
    beside = checksum_file(path)
    if beside.is_file() and path.is_file():
        found = checksum_line(path, path.name)
        if beside.read_text(encoding="utf-8", errors="replace") != found:
            raise damaged(path, f"its content is not what {beside.name} beside it says")
