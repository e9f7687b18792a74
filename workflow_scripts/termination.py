"""End a program at its next good moment: SIGTERM and SIGUSR1 (time limits, preemption, `scancel`) ask for it."""

import signal
import sys
from types import FrameType, TracebackType
from typing import Any, Self

from workflow_scripts.program import EXIT_STATUS_TERMINATED, LOGGER


class Termination:
    """While this is open, SIGTERM and SIGUSR1 are noted; `obey` then ends the program where nothing is lost.

    A scheduler sends the signal and some time later SIGKILL: what lies between two calls of `obey` should be shorter.
    """

    def __init__(self) -> None:
        self.requested = False
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGUSR1):
            self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True

    def obey(self) -> None:
        """End the program if it was asked to."""
        if self.requested:
            LOGGER.error("asked to end by a signal")
            sys.exit(EXIT_STATUS_TERMINATED)
