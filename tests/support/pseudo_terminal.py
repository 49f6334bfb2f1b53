"""A program in a pseudo-terminal, and a terminal emulator that shows what its user would see."""

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
"""How long a test waits for anything; much longer than it takes, as machines may be busy."""

# Makes the terminal on stdin the controlling one, as a login does, and becomes the program.
_TAKE_TERMINAL: Final = (
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
"""What programs take a terminal for that tells no size."""
_REST_S: Final = 0.7
_LOOK_S: Final = 0.05
_FULL_LOOKS: Final = 4
_KEYBOARD_PUSHED, _KEYBOARD_POPPED = re.compile(rb"\x1b\[>\d+u"), re.compile(rb"\x1b\[<u")


class ColdProcess(subprocess.Popen[bytes]):
    """A program that was started as any other is."""

    @property
    def is_stopped(self) -> bool:
        """Whether it was suspended."""
        return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None


Program = ColdProcess | WarmProcess


class Terminal:
    """The other end of a program's terminal: its keyboard, its screen, and its plug."""

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

    # The user's side

    @property
    def lines(self) -> list[str]:
        """The lines that are on the screen."""
        self._draw()
        return list(self._screen.display)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines)

    @property
    def words(self) -> str:
        """What is on the screen, as one line of words however it was folded."""
        return " ".join(self.text.split())

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, and tell the program so."""
        self._draw()
        self._screen.resize(rows, columns)
        _set_size(self._master, columns, rows)
        self.process.send_signal(signal.SIGWINCH)  # the system itself tells it in a controlling terminal only

    def hang_up(self) -> None:
        """Take the terminal away; where it controls the program, the system sends it SIGHUP."""
        self.is_closed = True
        os.close(self._master)

    def stand_still(self, keys: str) -> None:
        """Press keys, but read nothing, until the program finds no room for what it writes."""
        line = os.open(self._line, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        looks = 0

        def is_full() -> bool:
            nonlocal looks
            if not _unread(line) and select.select([], [line], [], 0)[1]:
                self.press(keys)
            has_room = bool(_unread(line) or select.select([], [line], [], 0)[1])
            # While the program writes, the line is locked, and looks full: it has to stay so.
            looks = 0 if has_room else looks + 1
            return looks == _FULL_LOOKS

        try:
            self.stand_still_until(is_full, "the line to the terminal to fill up")
        finally:
            os.close(line)

    def stand_still_until(self, condition: Callable[[], bool], what: str) -> None:
        """Read nothing until a condition holds."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(_LOOK_S)

    # Waiting

    def read_until(self, condition: Callable[[], bool], what: str) -> None:
        """Read on until a condition holds, with a limit."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}; the screen:\n{self.text}"
            assert not self.is_closed, f"the program ended before {what}:\n{self.text}\n{self.seen[-2000:]!r}"
            self._read()

    def read_until_shown(self, *texts: str) -> None:
        """Read on until all these texts are on the screen."""
        self.read_until(lambda: all(text in self.text for text in texts), f"{texts} to be shown")

    def read_until_written(self) -> None:
        """Read on until the program has written something more."""
        written = len(self.seen)
        self.read_until(lambda: len(self.seen) > written, "another frame")

    def read_until_it_rests(self) -> None:
        """Read on until the screen has not changed for as long as a console that has changes shows none."""
        deadline, since, before = time.monotonic() + LIMIT_S, time.monotonic(), self.lines
        while time.monotonic() - since < _REST_S:
            assert time.monotonic() < deadline, f"the screen never rests:\n{self.text}"
            self._read()
            if self.lines != before:
                since, before = time.monotonic(), self.lines

    def read_until_it_stops(self) -> None:
        """Read on until the program is suspended."""
        self.read_until(lambda: self.process.is_stopped, "the program to be suspended")

    def exit_code(self) -> int:
        """Wait until the program is over, reading all that it still writes."""
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
        """Have the emulator draw what was read; it takes its time, and what nobody looks at needs none."""
        data, self._drawn = self.seen[self._drawn :], len(self.seen)
        self._emulator.feed(data)

    # How the terminal was left

    @property
    def attributes(self) -> list[Any]:
        """How the terminal treats lines, echo and signals now."""
        return termios.tcgetattr(self._master)

    def left_changed(self) -> set[str]:
        """Return what the program has switched in the terminal and not switched back."""
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
        """Let go of both."""
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

    `is_warm`: it need not import the project first, which takes most of its start.
    """
    master, slave = pty.openpty()
    _set_size(master, columns, rows)
    known = {"PYTHONPATH": str(PROJECT), "TAPEDECK_HOME": str(home), "TERM": "xterm-256color"}
    known |= {"COLUMNS": "", "LINES": ""}  # the terminal itself tells its size
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
    taken = [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *program]
    return ColdProcess(
        taken if is_controlling else program,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
    )


def _unread(line: int) -> int:
    """Return how many characters that were pressed the program has not read."""
    (count,) = struct.unpack("i", fcntl.ioctl(line, termios.FIONREAD, bytes(4)))
    return int(count)


def _set_size(terminal_end: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal_end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
