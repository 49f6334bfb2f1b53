"""Terminal driver that survives a stalled or closed terminal.

Textual 8 writes in a thread that ends with the first error of the terminal; once its queue is full, the
application waits for it forever and handles no signals. Textual also suspends inside the signal handler, in
the middle of the interrupted code, and at exit leaves mouse reports in pixels switched on. Here no thread of
the application waits for a stalled terminal: frames are dropped, and the screen is repainted when the
terminal continues.
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
from typing import Any, Final, TextIO

from textual.app import App
from textual.driver import Driver
from textual.events import InputEvent, Key
from textual.message import Message

from tapedeck.console.cli.terminal import discard_output
from tapedeck.engine.errors import cause_of

log = logging.getLogger(__name__)

_JOB_CONTROL: Final = ("SIGTSTP", "SIGCONT", "SIGWINCH")

# A switch of the terminal (mouse, keyboard, alternate screen) must never be dropped. The marks around a frame
# (mode 2026) may be: the next frame has its own.
_SWITCH: Final = re.compile(r"\x1b\[[?<>](?!2026)")
# Ends a synchronized frame; it is written even if the frame has filled the queue.
_END_OF_FRAME: Final = "\x1b[?2026l"
# Ends an interrupted escape sequence, and a synchronized frame.
_RESET: Final = f"\x18{_END_OF_FRAME}"
_MAX_PENDING: Final = 16_384
"""Characters that may wait for a slow terminal; frames beyond them are dropped."""
_POLL_S: Final = 0.1
# Some terminals report that they are writable, and still accept nothing.
_RETRY_S: Final = 0.005
_CLOSE_TIMEOUT_S: Final = 1.0
"""Longest wait at the end for the pending text to be written, and again for the terminal to be restored."""


@contextmanager
def restored_job_control() -> Iterator[None]:
    """Restore the handlers for suspend, continue and resize afterwards.

    Textual's stay installed after the application has ended; an `fg` while the last export is written would
    then end in an error.
    """
    numbers = [getattr(signal, name) for name in _JOB_CONTROL if hasattr(signal, name)]  # Windows has none
    before = [(number, signal.getsignal(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def is_terminal_there() -> bool:
    """Whether the input is still a terminal; a closed one reads as end of file."""
    stream = sys.__stdin__
    try:
        return stream is not None and os.isatty(stream.fileno())
    except (OSError, ValueError):  # closed
        return False


@dataclass(slots=True)
class TerminalLink:
    """State of the connection to the terminal, kept by its writer and its reader.

    `is_busy`: text is still being written; further frames would queue up and delay every key.
    `is_slow`: a frame has taken long to write. `has_dropped`: text has been dropped, so that the terminal's
    contents are uncertain. `repaints`: number of full repaints: after the terminal was opened, and after text
    was dropped. `has_input`: a key or a mouse event waits for the application. `on_key` is called by the
    reading thread for each key. `terminal_size` returns columns and rows, or None without a terminal.
    `is_ending`: the application is ending. `interrupt_waits`: a ctrl+c has not been handled yet.
    `end_at_once` is called by the reading thread at a ctrl+c in either case.
    """

    is_busy: bool = False
    is_slow: bool = False
    has_input: bool = False
    is_ending: bool = False
    interrupt_waits: bool = False
    has_dropped: bool = False
    repaints: int = 0
    on_key: Callable[[], None] = lambda: None
    terminal_size: Callable[[], tuple[int, int] | None] = lambda: None
    end_at_once: Callable[[], None] = lambda: None

    def note_key(self, key: str) -> None:
        """Note a key that was read; it may be a second ctrl+c."""
        if key == "ctrl+c":
            if self.is_ending or self.interrupt_waits:
                self.end_at_once()
            self.interrupt_waits = True
        self.on_key()


class TerminalWriter:
    """Writes to the terminal in its own thread, so that callers never wait.

    Frames are dropped while a stalled terminal does not accept text; `repaint` is called once it has accepted
    the rest. All text is dropped if the terminal was closed.
    """

    def __init__(self, stream: TextIO, link: TerminalLink, repaint: Callable[[], None]) -> None:
        self._stream = stream
        self._link = link
        self._repaint = repaint
        self._changed = Condition()  # guards the next five, and `link`
        self._pending: list[str] = []
        self._pending_length = 0
        self._takes_frames = False
        self._needs_repaint = False
        self._is_closing = True
        self._give_up = Event()
        self._is_complete = True
        self._thread: Thread | None = None

    # From any thread

    def open(self) -> None:
        """Start the writing thread, unless it runs."""
        if self._thread is not None:
            return
        self._takes_frames, self._needs_repaint, self._is_closing = True, False, False
        self._give_up.clear()
        # A daemon: where writes can only block, a stalled terminal would keep the process alive.
        self._thread = Thread(target=self._run, name="tapedeck-terminal", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue text to be written, if there is room."""
        with self._changed:
            if text == _END_OF_FRAME:
                if not self._takes_frames:
                    return
            elif _SWITCH.match(text) is None and not self._accepts_frames():
                return
            self._pending.append(text)
            self._pending_length += len(text)
            self._link.is_busy = True
            self._changed.notify()

    def drop_frames(self) -> None:
        """Drop all frames from now on, before the screen is left; switches are kept."""
        with self._changed:
            self._takes_frames = False
            self._pending = [_RESET, *_switches(self._pending)]
            self._pending_length = 0
            self._changed.notify()

    def close(self) -> bool:
        """Write the pending text within a time limit; return whether the terminal has accepted it."""
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        thread.join(_CLOSE_TIMEOUT_S)
        self._give_up.set()
        thread.join(_CLOSE_TIMEOUT_S + 2 * _POLL_S)
        return self._is_complete and not thread.is_alive()

    def _accepts_frames(self) -> bool:
        if self._pending_length > _MAX_PENDING:
            self._needs_repaint = self._link.has_dropped = True
        return self._takes_frames and not self._needs_repaint

    # The thread that writes

    def _run(self) -> None:
        file = _open_non_blocking(self._stream.fileno())
        try:
            while texts := self._wait_for_texts():
                self._is_complete = self._write_texts(file, texts, self._give_up.is_set)
                if not self._is_complete:
                    self._is_complete = self._restore(file, texts)
                    return
        except OSError as error:
            log.warning("the terminal cannot be written to (%s)", cause_of(error))
            discard_output(self._stream)
        finally:
            os.close(file)

    def _wait_for_texts(self) -> list[str]:
        """Wait for text and take all of it; an empty list once the writer is closing."""
        with self._changed:
            while not self._pending and not self._is_closing:
                self._link.is_busy = False
                if self._needs_repaint and self._takes_frames:
                    self._needs_repaint = False
                    self._link.repaints += 1
                    self._repaint()
                self._changed.wait()
            return self._take_pending()

    def _take_pending(self) -> list[str]:
        texts, self._pending, self._pending_length = self._pending, [], 0
        return texts

    def _write_texts(self, file: int, texts: list[str], is_cut: Callable[[], bool]) -> bool:
        """Write texts and return True; return False when `is_cut` while the terminal accepts nothing."""
        left = memoryview("".join(texts).encode(self._stream.encoding, self._stream.errors or "strict"))
        was_refused = False
        while left:
            try:
                left, was_refused = left[os.write(file, left) :], False
            except BlockingIOError:
                if is_cut():
                    return False
                select.select([], [file], [], _POLL_S)
                if was_refused:
                    time.sleep(_RETRY_S)
                was_refused = True
        return True

    def _restore(self, file: int, texts: list[str]) -> bool:
        """Discard the text that the terminal has not shown yet, and write the switches that restore it."""
        _discard_output(file)
        with self._changed:
            switches = _switches([*texts, *self._take_pending()])
        deadline = time.monotonic() + _CLOSE_TIMEOUT_S
        return self._write_texts(file, [_RESET, *switches], lambda: time.monotonic() > deadline)


def _switches(texts: list[str]) -> list[str]:
    return [text for text in texts if _SWITCH.match(text) is not None]


def _open_non_blocking(number: int) -> int:
    """Open a terminal again for writing without blocking; its own file is shared with other programs."""
    try:
        return os.open(os.ttyname(number), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:  # not a terminal, or opened by another user
        return os.dup(number)


def _discard_output(number: int) -> None:
    import termios  # noqa: PLC0415 - Windows has none

    with suppress(termios.error):  # not a terminal
        termios.tcflush(number, termios.TCOFLUSH)


def resilient(driver_class: type[Driver], link: TerminalLink) -> type[Driver]:
    """Return the driver to use instead of Textual's choice: only its driver for Unix is replaced.

    The driver keeps `link` up to date.
    """
    if driver_class.__name__ != "LinuxDriver":
        return driver_class
    from textual.drivers.linux_driver import LinuxDriver  # noqa: PLC0415 - Windows cannot import it

    class ResilientDriver(LinuxDriver):
        """Textual's driver for Unix with a `TerminalWriter`."""

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
            self._writer = TerminalWriter(stream, link, self._repaint)
            link.terminal_size = self._get_terminal_size

        def process_message(self, message: Message) -> None:
            """Forward an event, noting input first; called in the reading thread."""
            if isinstance(message, InputEvent):
                link.has_input = True
            if isinstance(message, Key):
                link.note_key(message.key)
            super().process_message(message)

        def write(self, data: str) -> None:
            """Queue text to be written, bypassing Textual's own writer."""
            self._writer.write(data)

        def _repaint(self) -> None:
            """Have the whole screen painted; called in the writing thread."""
            self._loop.call_soon_threadsafe(self._app.refresh)

        def start_application_mode(self) -> None:
            """Open the terminal."""
            self._writer.open()
            link.repaints += 1
            super().start_application_mode()  # type: ignore[no-untyped-call]

        def _sigtstp_application(self, *arguments: object) -> None:
            """Suspend from the event loop: in the middle of a write, its queue would stay locked."""
            self._loop.call_soon_threadsafe(self._suspend)

        def _suspend(self) -> None:
            self._app.app_suspend_signal.publish(self._app)
            super()._sigtstp_application()

        def _sigcont_application(self, *arguments: object) -> None:
            """Open the terminal again, from the event loop."""
            self._loop.call_soon_threadsafe(super()._sigcont_application, *arguments)

        def stop_application_mode(self) -> None:
            """Restore the terminal, including the mouse reports in pixels."""
            self._writer.drop_frames()
            if self._mouse_pixels:
                self.write("\x1b[?1016l")
            super().stop_application_mode()

        def suspend_application_mode(self) -> None:
            """Suspend: restore the terminal, if it accepts the switches."""
            self.stop_application_mode()
            super().close()
            self._writer.close()

        def close(self) -> None:
            """Restore the terminal; if it has stalled, discard later output, which would block."""
            super().close()
            if not self._writer.close():
                log.warning("the terminal has stalled, and is left as it is")
                for stream in (sys.__stdout__, sys.__stderr__):
                    if stream is not None:
                        discard_output(stream)

    return ResilientDriver
