"""Where an interrupted job has left what it had finished."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any


def partial_folder(output: Path, determining: dict[str, Any]) -> Path:
    """Return the folder, hidden beside the output, of interrupted runs with the same determining facts."""
    digest = hashlib.sha256(json.dumps(determining, sort_keys=True).encode()).hexdigest()[:16]
    return output.with_name(f".{output.name}.{digest}.partial")


def claim_partial_folder(output: Path, determining: dict[str, Any]) -> Path:
    """Make that folder, throw those of other facts away, and return it."""
    wanted = partial_folder(output, determining)
    for other in output.parent.glob(f".{output.name}.*.partial"):
        if other != wanted:
            shutil.rmtree(other)
    wanted.mkdir(parents=True, exist_ok=True)
    return wanted
