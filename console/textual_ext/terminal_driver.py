"""Textual's way to the terminal, made to outlast it: one that goes away, or stands still, hangs nothing.

Textual 8 writes in a thread of its own, which an error of the terminal ends; once its queue is full, the
application waits for it for ever, deaf to signals. It suspends the application from wherever a signal finds
it, and leaves the mouse reporting pixels. Here nobody waits for a terminal that stalls: what it would be
painted with is dropped, and it is painted anew when it goes on.
"""

from __future__ import annotations

import logging
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Any, Final, TextIO

from textual.events import InputEvent, Key

from tapedeck.console.cli.terminal import discard_output

if TYPE_CHECKING:
    from textual.app import App
    from textual.driver import Driver
    from textual.message import Message

log = logging.getLogger(__name__)

_JOB_CONTROL: Final = ("SIGTSTP", "SIGCONT", "SIGWINCH")

# A switch of the terminal (its mouse, keyboard, alternate screen) is not made up for by another frame; where
# one begins and ends (mode 2026) is.
_SWITCH: Final = re.compile(r"\x1b\[[?<>](?!2026)")
# Ends a frame that is to appear as a whole; it follows what may have taken all room.
_END_OF_FRAME: Final = "\x1b[?2026l"
# Ends what was cut short: a sequence in its middle, a frame that was to appear as a whole.
_AFTER_A_CUT: Final = f"\x18{_END_OF_FRAME}"
_ROOM: Final = 16_384
"""Characters that may wait for a slow terminal; what is painted beyond them is dropped."""
_LOOK_S: Final = 0.1
# Some terminals say that they have room, and take nothing.
_BREATH_S: Final = 0.005
_PATIENCE_S: Final = 1.0
"""How long the end waits for a terminal to take what is left, and again for it to take what restores it."""


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
class TerminalLink:
    """The line to the terminal, as its writer and its reader find it.

    `is_busy`: it still takes what it was given. Frames that were sent into a busy line would stand in a
    queue, and make every key late. `is_slow`: it was found to take its time. `has_lost`: text was dropped at
    some time, so that nobody can say for certain what stands there. `paintings`: how often the terminal had
    to be painted from nothing: when it was taken, and after text had been dropped. `has_input`: a key or the
    mouse waits to be taken by the application; `on_key` is called by the thread that reads as soon as it has
    one.
    """

    is_busy: bool = False
    is_slow: bool = False
    has_input: bool = False
    has_lost: bool = False
    paintings: int = 0
    on_key: Callable[[], None] = lambda: None


class TerminalWriter:
    """Writes to the terminal in a thread of its own; whoever gives it text never waits.

    What is painted while a terminal that stalls has no room is dropped, and `paint_anew` is called once it
    has taken the rest. All is dropped where the terminal has gone away.
    """

    def __init__(self, stream: TextIO, line: TerminalLink, paint_anew: Callable[[], None]) -> None:
        self._stream = stream
        self._line = line
        self._paint_anew = paint_anew
        self._changed = Condition()  # guards the next five, and `line`
        self._pending: list[str] = []
        self._waiting = 0
        self._is_painted = False
        self._is_torn = False
        self._is_over = True
        self._cut = Event()
        self._has_all = True
        self._thread: Thread | None = None

    # From any thread

    def open(self) -> None:
        """Begin to write, unless that has begun."""
        if self._thread is not None:
            return
        self._is_painted, self._is_torn, self._is_over = True, False, False
        self._cut.clear()
        # A daemon: where writing has to block, a terminal that stands still would keep the program for good.
        self._thread = Thread(target=self._run, name="tapedeck-terminal", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Have something written soon, if there is room."""
        with self._changed:
            if text == _END_OF_FRAME:
                if not self._is_painted:
                    return
            elif _SWITCH.match(text) is None and not self._has_room():
                return
            self._pending.append(text)
            self._waiting += len(text)
            self._line.is_busy = True
            self._changed.notify()

    def leave_unpainted(self) -> None:
        """Drop what is only painted, from now on: the screen is about to be left."""
        with self._changed:
            self._is_painted = False
            self._pending = [_AFTER_A_CUT, *_switches(self._pending)]
            self._waiting = 0
            self._changed.notify()

    def close(self) -> bool:
        """Write what is left, but not for ever; return whether the terminal has taken it."""
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        with self._changed:
            self._is_over = True
            self._changed.notify()
        thread.join(_PATIENCE_S)
        self._cut.set()
        thread.join(_PATIENCE_S + 2 * _LOOK_S)
        return self._has_all and not thread.is_alive()

    def _has_room(self) -> bool:
        if self._waiting > _ROOM:
            self._is_torn = self._line.has_lost = True
        return self._is_painted and not self._is_torn

    # The thread that writes

    def _run(self) -> None:
        file = _way_that_never_blocks(self._stream.fileno())
        try:
            while texts := self._next():
                self._has_all = self._put(file, texts, self._cut.is_set)
                if not self._has_all:
                    self._has_all = self._restore(file, texts)
                    return
        except OSError as error:
            log.warning("the terminal takes no more (%s)", error.strerror or error)
            discard_output(self._stream)
        finally:
            os.close(file)

    def _next(self) -> list[str]:
        """Wait for text, and take all that is there; nothing where it is over."""
        with self._changed:
            while not self._pending and not self._is_over:
                self._line.is_busy = False
                if self._is_torn and self._is_painted:
                    self._is_torn = False
                    self._line.paintings += 1
                    self._paint_anew()
                self._changed.wait()
            return self._take()

    def _take(self) -> list[str]:
        texts, self._pending, self._waiting = self._pending, [], 0
        return texts

    def _put(self, file: int, texts: list[str], is_cut: Callable[[], bool]) -> bool:
        """Write texts, unless that is cut short while the terminal has no room; return whether it was not."""
        left = memoryview("".join(texts).encode(self._stream.encoding, self._stream.errors or "strict"))
        was_refused = False
        while left:
            try:
                left, was_refused = left[os.write(file, left) :], False
            except BlockingIOError:
                if is_cut():
                    return False
                select.select([], [file], [], _LOOK_S)
                if was_refused:
                    time.sleep(_BREATH_S)
                was_refused = True
        return True

    def _restore(self, file: int, texts: list[str]) -> bool:
        """Throw away what the terminal has not shown yet: that makes room for what restores it."""
        _discard_output(file)
        with self._changed:
            switches = _switches([*texts, *self._take()])
        deadline = time.monotonic() + _PATIENCE_S
        return self._put(file, [_AFTER_A_CUT, *switches], lambda: time.monotonic() > deadline)


def _switches(texts: list[str]) -> list[str]:
    return [text for text in texts if _SWITCH.match(text) is not None]


def _way_that_never_blocks(number: int) -> int:
    """Open a terminal once more, so that writing does not block; the file itself is shared with others."""
    try:
        return os.open(os.ttyname(number), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:  # no terminal, or one that another user has opened
        return os.dup(number)


def _discard_output(number: int) -> None:
    import termios  # noqa: PLC0415 - Windows has none

    with suppress(termios.error):  # no terminal
        termios.tcflush(number, termios.TCOFLUSH)


def resilient(driver_class: type[Driver], line: TerminalLink) -> type[Driver]:
    """Return the driver to use in place of Textual's own choice; any but the one for Unix stays as it is.

    It tells `line` when it is busy.
    """
    if driver_class.__name__ != "LinuxDriver":
        return driver_class
    from textual.drivers.linux_driver import LinuxDriver  # noqa: PLC0415 - Windows cannot import it

    class ResilientDriver(LinuxDriver):
        """Textual's driver for Unix, written to by an outlet of ours."""

        def __init__(
            self,
            app: App[Any],
            *,
            debug: bool = False,
            mouse: bool = True,
            size: tuple[int, int] | None = None,
        ) -> None:
            super().__init__(app, debug=debug, mouse=mouse, size=size)
            stream: Any = self._file
            self._outlet = TerminalWriter(stream, line, self._paint_anew)

        def process_message(self, message: Message) -> None:
            """Send on what was typed; in the thread that reads."""
            if isinstance(message, InputEvent):
                line.has_input = True
            if isinstance(message, Key):
                line.on_key()
            super().process_message(message)

        def write(self, data: str) -> None:
            """Have something written; Textual's own writer has nothing to do."""
            self._outlet.write(data)

        def _paint_anew(self) -> None:
            """Have the whole screen painted, from the writer's thread."""
            self._loop.call_soon_threadsafe(self._app.refresh)

        def start_application_mode(self) -> None:
            """Take the terminal."""
            self._outlet.open()
            line.paintings += 1
            super().start_application_mode()  # type: ignore[no-untyped-call]

        def _sigtstp_application(self, *arguments: object) -> None:
            """Suspend from within the loop: in the middle of a write its queue would be locked for good."""
            self._loop.call_soon_threadsafe(self._suspend)

        def _suspend(self) -> None:
            self._app.app_suspend_signal.publish(self._app)
            super()._sigtstp_application()

        def _sigcont_application(self, *arguments: object) -> None:
            """Take the terminal again, from within the loop."""
            self._loop.call_soon_threadsafe(super()._sigcont_application, *arguments)

        def stop_application_mode(self) -> None:
            """Restore the terminal, the report of the mouse in pixels included."""
            self._outlet.leave_unpainted()
            if self._mouse_pixels:
                self.write("\x1b[?1016l")
            super().stop_application_mode()

        def suspend_application_mode(self) -> None:
            """Give the terminal back for a while, as far as it takes that."""
            self.stop_application_mode()
            super().close()
            self._outlet.close()

        def close(self) -> None:
            """Give the terminal back; where it takes nothing, have nobody after this wait for it."""
            super().close()
            if not self._outlet.close():
                log.warning("the terminal stands still, and is left as it is")
                for stream in (sys.__stdout__, sys.__stderr__):
                    if stream is not None:
                        discard_output(stream)

    return ResilientDriver
