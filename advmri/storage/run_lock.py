"""One run at a time in a results folder, also where several clones of the workflow share it by a link.

Snakemake locks its own working folder, and knows nothing of a second one whose `results` leads to the same place. So a
run leaves a note in the results folder while it goes on. Each has a file of its own, written first and compared after,
which needs no lock of the file system: of two that start at once at least one stops.

A note outlives a killed run. On the machine of that run its process is looked for; elsewhere the note counts as long as
it is refreshed, by the clock of the file server.
"""

import atexit
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from advmri.errors import InputError

FOLDER = ".running"
SECONDS_BETWEEN_SIGNS = 30.0
SECONDS_WITHOUT_SIGN = 300.0
"""After so long a run on another machine counts as ended."""


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").split("\n")[0]
    except OSError:
        return ""


def _machine() -> list[str]:
    """Return what tells where numbers of processes mean the same: host, its last start, and the container."""
    try:
        container = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        container = ""
    return [platform.node(), _first_line("/proc/sys/kernel/random/boot_id"), container]


def _started(process: int) -> str | None:
    """Return when a process of this machine was started, in ticks ("" where that is not told); None without one."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    words = _first_line(f"/proc/{process}/stat").rpartition(")")[2].split()
    # A zombie has ended. The 20th word after the name is the time of its start.
    if words[:1] == ["Z"]:
        return None
    return words[19] if len(words) > 19 else ""


def _identity(folder: Path) -> list[Any]:
    """Return what a working folder is known by, on every machine that sees it."""
    return [str(folder.resolve()), folder.stat().st_ino]


class RunLock:
    """The note of one run.

    Args:
        results: results/<name>.
        folder: the working folder. Snakemake itself minds other runs in the same one.
    """

    def __init__(self, results: Path, folder: Path | None = None) -> None:
        self._results = results
        self._place = results / FOLDER
        self._content = {
            "machine": _machine(),
            "process": os.getpid(),
            "started": _started(os.getpid()),
            "folder": _identity(folder or Path.cwd()),
        }
        self._file = self._place / f"{platform.node()}-{os.getpid()}.json"
        self._ended = threading.Event()
        # What is going on now may have ended when the run starts, and its files were not there for the plan.
        self._at_planning = next(self._others(), None)

    def take(self) -> None:
        """Leave the note, and keep it fresh; where nothing can be written, the jobs say so.

        Raises:
            InputError: where another run goes on, or went on when this one was planned.
        """
        temporary = self._file.with_suffix(".new")
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._content), encoding="utf-8")
            temporary.replace(self._file)
        except OSError:
            return
        atexit.register(self.release)
        other = next(self._others(remove_old=True), None)
        if other or self._at_planning:
            self.release()
            raise InputError(self._sentence(other or self._at_planning or {}, goes_on=other is not None))
        threading.Thread(target=self._give_signs, daemon=True).start()

    def release(self) -> None:
        """Remove the note; again does no harm."""
        self._ended.set()
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
            self._place.rmdir()

    def _sentence(self, other: dict[str, Any], goes_on: bool) -> str:
        where = f"{other['folder'][0]} on {other['machine'][0]} (process {other['process']})"
        if not goes_on:
            return (
                f"{self._results}: a run in {where} has ended since this one was planned; start the same command again."
            )
        return (
            f"{self._results}: a run in {where} goes on and writes the same files; wait for its end, or give this one"
            " another `name`."
        )

    def _give_signs(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_SIGNS):
            with suppress(OSError):
                os.utime(self._file)

    def _others(self, remove_old: bool = False) -> Iterator[dict[str, Any]]:
        """Give the notes of runs in other working folders that still go on."""
        try:
            found = sorted(set(self._place.glob("*.json")) - {self._file})
        except OSError:
            return
        for file in found:
            try:
                content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
                goes_on = self._goes_on(content, file)
            except (OSError, ValueError, KeyError):
                continue
            if not goes_on:
                if remove_old:
                    file.unlink(missing_ok=True)
            elif content["folder"] != self._content["folder"]:
                yield content

    def _goes_on(self, content: dict[str, Any], file: Path) -> bool:
        if content["machine"] == self._content["machine"]:
            return _started(content["process"]) == content["started"]
        # The own note was written just now by the same clock; before that this machine's has to do.
        with suppress(OSError):
            return self._file.stat().st_mtime - file.stat().st_mtime < SECONDS_WITHOUT_SIGN
        return time.time() - file.stat().st_mtime < SECONDS_WITHOUT_SIGN
