"""Interrupts: records Ctrl-C and termination signals, so that work can stop cleanly."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Final

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """Records termination signals within the context; until `hold` they also end the program at once.

    Signals ignored before (by a background job, `nohup`) stay ignored. Only the main thread may enter.
    A second signal has no further effect.
    """

    def __init__(self) -> None:
        self.seen = False
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._record)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """Only record signals from now on; the running work checks `seen`, and stops cleanly."""
        self._held = True

    def _record(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        if not self._held:
            raise KeyboardInterrupt
