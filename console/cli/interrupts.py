"""Ctrl-C and the system's wish to end: noted while work goes on, so that it can end in order."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Final

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """While entered, signals that end a program are noted; until `hold` they also end it at once.

    Signals that were ignored before (a job in the background, `nohup`) stay ignored. Only the main thread
    may enter. A second signal changes nothing: the first has set everything going.
    """

    def __init__(self) -> None:
        self.seen = False
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """From now on signals are noted only: whoever works asks `seen`, and ends in order."""
        self._held = True

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        if not self._held:
            raise KeyboardInterrupt
