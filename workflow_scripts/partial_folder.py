"""Where an interrupted job has left what it had finished, and whose it is now."""

import hashlib
import json
import shutil
from pathlib import Path
from secrets import token_hex
from typing import Any

from workflow_scripts.program import TakenOverError, write_text

OWNER = "owner"
"""The file in the folder that names the process which claimed it last."""


def partial_folder(output: Path, determining: dict[str, Any]) -> Path:
    """Return the folder, hidden beside the output, of interrupted runs with the same determining facts."""
    digest = hashlib.sha256(json.dumps(determining, sort_keys=True).encode()).hexdigest()[:16]
    return output.with_name(f".{output.name}.{digest}.partial")


class Claim:
    """The folder as claimed by this process.

    A process may outlive its node, as the scheduler sees it: the job is started again elsewhere, and both write. The
    later claim holds. The earlier process ends before it writes again, and leaves the folder and the output alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Not host and process: containers have the same of both.
        self._token = token_hex(16)
        write_text(folder / OWNER, self._token)

    def check(self) -> None:
        """Raise TakenOverError where another process has claimed the folder, or finished the job and removed it."""
        try:
            held = (self.folder / OWNER).read_text() == self._token
        except FileNotFoundError:
            held = False
        if not held:
            raise TakenOverError

    def finish(self) -> None:
        """Remove the folder: the job is done."""
        self.check()
        shutil.rmtree(self.folder)


def claim_partial_folder(output: Path, determining: dict[str, Any]) -> Claim:
    """Make that folder, throw those of other facts away, and return it as this process's own."""
    wanted = partial_folder(output, determining)
    for other in output.parent.glob(f".{output.name}.*.partial"):
        if other != wanted:
            shutil.rmtree(other)
    wanted.mkdir(parents=True, exist_ok=True)
    return Claim(wanted)
