"""Programs in a pseudo-terminal, with a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyte

from tests.support.warm_start import PROJECT, WarmProcess, start_warm

LIMIT_S: Final = 30.0
"""Limit of all waits; generous, for busy machines."""

# Makes the terminal on stdin the controlling one, as a login does, and becomes the program.
_CONTROL_TERMINAL: Final = (
    "import fcntl, os, signal, sys, termios\n"
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
_MODE: Final = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_ON_AT_FIRST: Final = frozenset({7, 25})
"""Wrapping lines and showing the cursor: the private modes that are on in a fresh terminal."""
ALTERNATE_SCREEN: Final = 1049
_FALLBACK: Final = (80, 24)
"""Size that programs assume for a terminal without one."""
_STABLE_S: Final = 0.7
_POLL_S: Final = 0.05
_FULL_POLLS: Final = 4
_KEYBOARD_PUSHED, _KEYBOARD_POPPED = re.compile(rb"\x1b\[>\d+u"), re.compile(rb"\x1b\[<u")


class ColdProcess(subprocess.Popen[bytes]):
    """A program started in a new interpreter."""

    @property
    def is_stopped(self) -> bool:
        """Whether it was suspended."""
        return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None


Program = ColdProcess | WarmProcess


class Terminal:
    """The other end of a program's terminal: keyboard, screen and connection."""

    def __init__(self, process: Program, master: int, line: str, columns: int, rows: int) -> None:
        self.process = process
        self._line = line
        self.seen = b""
        self.is_closed = False
        self.attributes_before = termios.tcgetattr(master)
        self._master = master
        self._screen = pyte.Screen(columns or _FALLBACK[0], rows or _FALLBACK[1])
        self._emulator = pyte.ByteStream(self._screen)
        self._drawn = 0
        self._lines: list[str] | None = None

    # Keyboard and screen

    @property
    def lines(self) -> list[str]:
        """The lines on the screen."""
        self._draw()
        if self._lines is None:
            self._lines = list(self._screen.display)
        return self._lines

    @property
    def text(self) -> str:
        """The text on the screen."""
        return "\n".join(self.lines)

    @property
    def words(self) -> str:
        """The text on the screen as one line, without folding."""
        return " ".join(self.text.split())

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal, and signal it to the program."""
        self._draw()
        self._screen.resize(rows, columns)
        self._lines = None
        _set_size(self._master, columns, rows)
        self.process.send_signal(signal.SIGWINCH)  # the system sends it in a controlling terminal only

    def hang_up(self) -> None:
        """Close the terminal; the system sends SIGHUP if it controls the program."""
        self.is_closed = True
        os.close(self._master)

    def block_line(self, keys: str) -> None:
        """Press keys without reading, until the program's output fills the line."""
        line = os.open(self._line, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        polls = 0

        def is_full() -> bool:
            nonlocal polls
            if not _unread(line) and select.select([], [line], [], 0)[1]:
                self.press(keys)
            has_room = bool(_unread(line) or select.select([], [line], [], 0)[1])
            # While the program writes, the line is locked, and looks full; so poll several times.
            polls = 0 if has_room else polls + 1
            return polls == _FULL_POLLS

        try:
            self.block_until(is_full, "the line to the terminal to fill up")
        finally:
            os.close(line)

    def block_until(self, condition: Callable[[], bool], awaited: str) -> None:
        """Read nothing until a condition holds."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {awaited}"
            time.sleep(_POLL_S)

    # Waiting

    def read_until(self, condition: Callable[[], bool], awaited: str) -> None:
        """Read until a condition holds, with a limit."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {awaited}; the screen:\n{self.text}"
            assert not self.is_closed, (
                f"the program ended before {awaited}:\n{self.text}\n{self.seen[-2000:]!r}"
            )
            self._read()

    def read_until_shown(self, *texts: str) -> None:
        """Read until all these texts are on the screen."""
        self.read_until(lambda: all(text in self.text for text in texts), f"{texts} to be shown")

    def read_until_written(self) -> None:
        """Read until the program has written more."""
        written = len(self.seen)
        self.read_until(lambda: len(self.seen) > written, "another frame")

    def read_until_stable(self) -> None:
        """Read until the screen has not changed for longer than the console's frames take."""
        deadline, since, before = time.monotonic() + LIMIT_S, time.monotonic(), self.lines
        while time.monotonic() - since < _STABLE_S:
            assert time.monotonic() < deadline, f"the screen keeps changing:\n{self.text}"
            self._read()
            if self.lines != before:
                since, before = time.monotonic(), self.lines

    def read_until_suspended(self) -> None:
        """Read until the program is suspended."""
        self.read_until(lambda: self.process.is_stopped, "the program to be suspended")

    def exit_code(self) -> int:
        """Read until the program ends, and return its exit code."""
        deadline = time.monotonic() + LIMIT_S
        while not self.is_closed:
            assert time.monotonic() < deadline, f"the program does not end; the screen:\n{self.text}"
            self._read()
        return self.process.wait(LIMIT_S)

    def _read(self) -> None:
        ready, _, _ = select.select([self._master], [], [], 0.1)
        if not ready:
            return
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the program has closed its end
            data = b""
        self.is_closed = not data
        self.seen += data

    def _draw(self) -> None:
        """Pass new output to the emulator, which is slow, so only before a read."""
        data, self._drawn = self.seen[self._drawn :], len(self.seen)
        if data:
            self._emulator.feed(data)
            self._lines = None

    # State of the terminal after the program

    @property
    def attributes(self) -> list[Any]:
        """The terminal's current attributes: lines, echo, signals."""
        return termios.tcgetattr(self._master)

    def left_changed(self) -> set[str]:
        """Return the modes that the program has changed and not restored."""
        modes: dict[int, bool] = {}
        for numbers, switch in _MODE.findall(self.seen):
            modes |= {int(number): switch == b"h" for number in numbers.split(b";")}
        assert ALTERNATE_SCREEN in modes, f"the console never opened: {self.seen[-2000:]!r}"
        changed = {f"private mode {mode}" for mode, on in modes.items() if on is not (mode in _ON_AT_FIRST)}
        if len(_KEYBOARD_PUSHED.findall(self.seen)) != len(_KEYBOARD_POPPED.findall(self.seen)):
            changed.add("keyboard protocol")
        if self.attributes != self.attributes_before:
            changed.add("attributes")
        return changed

    def close(self) -> None:
        """End the program, and close the terminal."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        try:
            os.close(self._master)
        except OSError:  # hung up before
            return


@contextmanager
def terminal(
    home: Path,
    *arguments: str,
    module: str = "tapedeck",
    columns: int = 80,
    rows: int = 24,
    is_controlling: bool = True,
    is_warm: bool = True,
    **environment: str,
) -> Iterator[Terminal]:
    """Run a module of the project in a new terminal, with its folders below `home`.

    `is_warm`: fork it from a process that has imported the project, which saves most of the start.
    """
    master, slave = pty.openpty()
    _set_size(master, columns, rows)
    known = {"PYTHONPATH": str(PROJECT), "TAPEDECK_HOME": str(home), "TERM": "xterm-256color"}
    known |= {"COLUMNS": "", "LINES": ""}  # so the size comes from the terminal
    start = start_warm if is_warm else _start_cold
    process: Program = start(
        module,
        arguments,
        terminal=slave,
        environment=os.environ | known | environment,
        is_controlling=is_controlling,
    )
    line = os.ttyname(slave)
    os.close(slave)
    screen = Terminal(process, master, line, columns, rows)
    try:
        yield screen
    finally:
        screen.close()


def _start_cold(
    module: str,
    arguments: Sequence[str],
    *,
    terminal: int,
    environment: Mapping[str, str],
    is_controlling: bool,
) -> ColdProcess:
    program = [sys.executable, "-m", module, *arguments]
    controlling = [sys.executable, "-I", "-S", "-c", _CONTROL_TERMINAL, *program]
    return ColdProcess(
        controlling if is_controlling else program,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
    )


def _unread(line: int) -> int:
    """Return the number of characters typed that the program has not read."""
    (count,) = struct.unpack("i", fcntl.ioctl(line, termios.FIONREAD, bytes(4)))
    return int(count)


def _set_size(terminal_end: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal_end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
