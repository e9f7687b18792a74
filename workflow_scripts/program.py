"""What every program of the workflow shares: options, log, clear errors, atomic output, records and progress."""

import argparse
import errno
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import randbits
from types import TracebackType
from typing import Self

from tqdm import tqdm

from advmri.errors import InputError, missing_package
from advmri.provenance.planned_code import check_loaded_code
from advmri.provenance.run_record import make_record, record_path, record_text
from workflow_scripts.launcher import devices_asked_for, heed_launcher, is_first_process

LOGGER = logging.getLogger("advmri")
SECONDS_BETWEEN_LINES = 20.0
EXIT_STATUS_TERMINATED = 143
NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
"""What the system says where a file cannot be written."""


class TakenOverError(Exception):
    """The job was started again elsewhere, as after a lost node, and that process has its files now."""


_WRITTEN: set[Path] = set()
"""What this process has written; `run` describes those of them that its command line names."""
_READ: dict[str, set[Path]] = {}
"""What it has read besides what its command line names."""


def _on_terminal() -> bool:
    return sys.stderr.isatty()


class _AboveBars(logging.Handler):
    """Write messages to stderr without breaking a progress bar; none that the bar shows already."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        if not (_on_terminal() and getattr(record, "shown_by_bar", False)):
            tqdm.write(self.format(record), file=sys.stderr)


def parser(description: str) -> argparse.ArgumentParser:
    """Return an option parser with `--log`."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    made.add_argument("--log", type=Path, default=None, help="also write messages to this file")
    return made


def add_compute_options(options: argparse.ArgumentParser) -> None:
    """Add `--device`, `--precision` and `--threads`."""
    options.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    options.add_argument("--precision", choices=("float32", "tf32"), default="float32", help="of GPU convolutions")
    options.add_argument("--threads", type=int, default=1, help="CPU threads")


def add_factory_option(options: argparse.ArgumentParser) -> None:
    """Add `--factory`."""
    options.add_argument(
        "--factory", help="package.module:function, where the checkpoint is of a network of one's own: as in the config"
    )


def run(main: Callable[[argparse.Namespace], None], options: argparse.ArgumentParser) -> None:
    """Parse the command line and run `main`; an InputError becomes one line and exit status 1.

    Beside every file written, its record (`advmri.provenance.run_record`).
    """
    arguments = options.parse_args()
    devices = devices_asked_for(getattr(arguments, "devices", "1"), getattr(arguments, "device", "cpu"))
    heed_launcher(devices * getattr(arguments, "nodes", 1) > 1)
    begun, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    handlers: list[logging.Handler] = [_AboveBars()]
    if arguments.log is not None and is_first_process():
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(arguments.log, mode="w"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=handlers)
    LOGGER.setLevel(logging.INFO if is_first_process() else logging.ERROR)
    try:
        check_loaded_code()
        main(arguments)
        sys.stdout.flush()
        _write_records(_name_of(main), arguments, started, time.monotonic() - begun)
    except InputError as error:
        LOGGER.error("error: %s", error)
        sys.exit(1)
    except TakenOverError:
        # With exit status 0: after another Snakemake would delete what that process has written.
        LOGGER.warning("this job was started again elsewhere, and is left to that process")
    except SystemExit as stop:
        LOGGER.error("stopped before the end; run again to go on from the last state")
        sys.exit(stop.code or EXIT_STATUS_TERMINATED)
    except BrokenPipeError:
        # Who reads has seen enough, as with `| head`. Python would write what is left when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            LOGGER.exception("error: unexpected; the traceback follows")
        else:
            place = error.filename or "an output"
            LOGGER.error("error: %s: %s; mend that and start the same command again", place, error.strerror)
        sys.exit(1)
    except Exception as error:
        sentence = missing_package(error) if isinstance(error, ImportError) else None
        if sentence is None:
            LOGGER.exception("error: unexpected; the traceback follows")
        else:
            LOGGER.error("error: %s", sentence)
        sys.exit(1)


def _remove_leftovers(path: Path) -> None:
    """Remove what killed processes left of an output; Snakemake lets one job at a time write it."""
    leftover = re.compile(rf"\.{re.escape(path.name)}\.\d+\.tmp")
    for other in path.parent.iterdir():
        if leftover.fullmatch(other.name):
            other.unlink(missing_ok=True)


def _name_of(main: Callable[[argparse.Namespace], None]) -> str:
    """Return a program's module, which `python -m` calls `__main__`."""
    module = main.__module__
    return f"workflow_scripts.{Path(sys.argv[0]).stem}" if module == "__main__" else module


def _write_records(program: str, arguments: argparse.Namespace, started: str, seconds: float) -> None:
    """Write the record of every file that the command line names and this process wrote."""
    named = vars(arguments)
    written = sorted(_WRITTEN & {value for value in named.values() if isinstance(value, Path)})
    if not written:
        return
    record = make_record(program, named, written, started, seconds, _READ)
    for path in written:
        write_text(record_path(path), record_text(record, path))


def note_inputs(name: str, paths: Iterable[Path]) -> None:
    """Count files that were read as inputs of what is written: those of a folder, where the command line names that."""
    _READ.setdefault(name, set()).update(paths)


@contextmanager
def atomic_output(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, renamed to it on success and removed on failure."""
    check_loaded_code()
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    # By chance and not by process: on two nodes these may have the same number.
    temporary = path.with_name(f".{path.name}.{randbits(60)}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _WRITTEN.add(path)
    except OSError as error:
        if error.errno in NOT_WRITABLE:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_output(path) as temporary:
        temporary.write_text(text)


class Progress:
    """A bar on a terminal; elsewhere (logs, clusters) a line now and then."""

    def __init__(self, name: str, total: int, unit: str) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._begun = self._last_line = time.monotonic()
        self._done = self._before = 0
        self._bar = tqdm(total=total, desc=name, unit=unit, leave=False, dynamic_ncols=True, disable=not _on_terminal())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def update(self, done: int, **facts: str) -> None:
        """Say that `done` of the total are finished; `facts` go behind."""
        self._move_bar(done, facts)
        now = time.monotonic()
        if self._bar.disable and now - self._last_line >= SECONDS_BETWEEN_LINES and done:
            self._last_line = now
            self._write_line("", done, facts)

    def finished(self, what: str, done: int, found_before: bool = False, **facts: str) -> None:
        """Say that `what` is finished, `done` of the total with it: the bar moves, the log gets a line.

        What an interrupted run had finished says nothing about the time that is left.
        """
        if found_before:
            self._before += done - self._done
        self._move_bar(done, facts)
        self._write_line(f"{what} {'found' if found_before else 'done'}, ", done, facts)
        self._done = done

    def _move_bar(self, done: int, facts: dict[str, str]) -> None:
        if not self._bar.disable:
            self._bar.set_postfix(facts, refresh=False)
            self._bar.update(done - self._bar.n)

    def _write_line(self, what: str, done: int, facts: dict[str, str]) -> None:
        elapsed, new = time.monotonic() - self._begun, done - self._before
        left = f", {elapsed / new * (self._total - done):.0f} s left" if new else ""
        behind = "".join(f", {key} {value}" for key, value in facts.items())
        counts = f"{done} of {self._total} {self._unit}{left}"
        LOGGER.info("%s: %s%s%s", self._name, what, counts, behind, extra={"shown_by_bar": True})
