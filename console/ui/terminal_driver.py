"""Textual's way to the terminal, made to outlast it: one that goes away ends the console, and hangs nothing.

Textual 8 writes in a thread of its own, which an error of the terminal ends; once its queue is full, the
application waits for it for ever, deaf to signals. It suspends the application from wherever a signal finds
it, and leaves the mouse reporting pixels.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

from console.terminal import lead_nowhere

if TYPE_CHECKING:
    from textual.app import App
    from textual.driver import Driver

log = logging.getLogger(__name__)

_JOB_CONTROL: Final = ("SIGTSTP", "SIGCONT", "SIGWINCH")


@contextmanager
def job_control_given_back() -> Iterator[None]:
    """Treat being suspended, continued and resized afterwards as before.

    Textual goes on to handle them when the application is over, and a `fg` while the last export is written
    would end that with an error.
    """
    numbers = [getattr(signal, name) for name in _JOB_CONTROL if hasattr(signal, name)]  # Windows has none
    before = [(number, signal.getsignal(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def is_terminal_there() -> bool:
    """Whether there is still a terminal at the input; a program that has none reads nothing but its end."""
    stream = sys.__stdin__
    try:
        return stream is not None and os.isatty(stream.fileno())
    except (OSError, ValueError):  # closed
        return False


@dataclass(slots=True)
class Line:
    """The line to the terminal, as its writer finds it; `is_busy`: it still takes what it was given.

    Frames that were sent into a busy line would stand in a queue, and make every key late.
    """

    is_busy: bool = False


class LastingOutput:
    """The stream that is written to; what a terminal no longer takes is dropped."""

    def __init__(self, stream: TextIO, line: Line) -> None:
        self._stream = stream
        self._line = line

    def write(self, text: str) -> None:
        """Write, if there is still somebody to read."""
        self._do(lambda: self._stream.write(text))

    def flush(self) -> None:
        """Have all written, if there is still somebody to read."""
        self._do(self._stream.flush)

    def _do(self, write: Callable[[], object]) -> None:
        self._line.is_busy = True
        try:
            write()
        except OSError as error:
            self._lose(error)
        finally:
            self._line.is_busy = False

    def fileno(self) -> int:
        """Return the number of the stream's file."""
        return self._stream.fileno()

    def _lose(self, error: OSError) -> None:
        log.warning("the terminal takes no more (%s)", error.strerror or error)
        lead_nowhere(self._stream)


def lasting(driver_class: type[Driver], line: Line) -> type[Driver]:
    """Return the driver to use in place of Textual's own choice; any but the one for Unix stays as it is.

    It tells `line` when it is busy.
    """
    if driver_class.__name__ != "LinuxDriver":
        return driver_class
    from textual.drivers.linux_driver import LinuxDriver  # noqa: PLC0415 - Windows cannot import it

    class LastingDriver(LinuxDriver):
        """Textual's driver for Unix, on an output that outlasts its terminal."""

        def __init__(
            self,
            app: App[Any],
            *,
            debug: bool = False,
            mouse: bool = True,
            size: tuple[int, int] | None = None,
        ) -> None:
            super().__init__(app, debug=debug, mouse=mouse, size=size)
            self._file: Any = LastingOutput(self._file, line)

        def _sigtstp_application(self, *arguments: object) -> None:
            """Suspend from within the loop: in the middle of a write its queue would be locked for good."""
            self._loop.call_soon_threadsafe(super()._sigtstp_application, *arguments)

        def _sigcont_application(self, *arguments: object) -> None:
            """Take the terminal again, from within the loop."""
            self._loop.call_soon_threadsafe(super()._sigcont_application, *arguments)

        def stop_application_mode(self) -> None:
            """Restore the terminal, the report of the mouse in pixels included."""
            if self._mouse_pixels:
                self.write("\x1b[?1016l")
            super().stop_application_mode()

    return LastingDriver
