"""Interrupts: a first ctrl+c or termination signal stops work cleanly, a second ctrl+c ends it at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from types import FrameType, TracebackType
from typing import Any, Final

from tapedeck.console.cli.failures import INTERRUPTED
from tapedeck.console.cli.terminal_state import TerminalState

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_MOST_BYTES: Final = 64


class Interrupts:
    """Records termination signals within the context; until `hold` they also end the program at once.

    Signals ignored before (by a background job, `nohup`) stay ignored. Only the main thread may enter.
    A second ctrl+c (SIGINT) restores the terminal and ends the process with exit code 130, whatever it waits
    for. A second SIGTERM has no further effect: `timeout` sends two.
    """

    def __init__(self) -> None:
        self.seen = False
        self._held = False
        self._before: dict[int, Any] = {}
        self._terminal = TerminalState()
        self._watch: _SignalWatch | None = None

    def __enter__(self) -> Interrupts:
        self._terminal.save()
        self._watch = _SignalWatch(self.end_at_once)
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
        if self._watch is not None:
            self._watch.close()

    def hold(self) -> None:
        """Only record signals from now on; the running work checks `seen`, and stops cleanly."""
        self._held = True

    def note_full_screen(self) -> None:
        """Note that the console has the terminal: `end_at_once` then leaves its screen, too."""
        self._terminal.is_full_screen = True

    def end_at_once(self) -> None:
        """Restore the terminal, and end the process; for any thread."""
        self._terminal.restore()
        os._exit(INTERRUPTED)

    def _record(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        if not self._held:
            raise KeyboardInterrupt


class _SignalWatch:
    """A thread that learns of signals from Python's C code, and calls `on_second` at the second SIGINT.

    A handler in Python would wait for the main thread to return from a system call or a library.
    """

    def __init__(self, on_second: Callable[[], None]) -> None:
        self._on_second = on_second
        self._reader, self._writer = os.pipe()
        if hasattr(os, "set_blocking"):  # Windows has it from Python 3.12 on, and does not need it
            os.set_blocking(self._writer, False)
        self._before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._thread = Thread(target=self._run, name="tapedeck-interrupts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        with suppress(ValueError):  # the descriptor from before was closed meanwhile
            signal.set_wakeup_fd(self._before)
        os.close(self._writer)
        self._thread.join()
        os.close(self._reader)

    def _run(self) -> None:
        presses = 0
        while numbers := os.read(self._reader, _MOST_BYTES):
            presses += numbers.count(signal.SIGINT)
            if presses > 1:
                self._on_second()
