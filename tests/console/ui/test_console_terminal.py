"""The console in a real pseudo-terminal: opened from the command line, left, and left alone."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.store.bar_store import BarStore

PROJECT = Path(__file__).resolve().parents[3]
LIMIT_S = 30.0


class Terminal:
    """The other end of a program's terminal."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.master = master
        self.seen = b""
        self.closed = False

    def read_until(self, condition: Callable[[bytes], bool], what: str) -> None:
        """Read on until what was written fulfils a condition, with a limit."""
        deadline = time.monotonic() + LIMIT_S
        while not condition(self.seen):
            assert time.monotonic() < deadline, f"{what}: {self.seen[-2000:]!r}"
            ready, _, _ = select.select([self.master], [], [], 0.2)
            if ready:
                try:
                    data = os.read(self.master, 65536)
                except OSError:  # the program has closed its end
                    data = b""
                self.seen += data
                self.closed = not data

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self.master, keys.encode())

    def exit_code(self) -> int:
        """Wait until the program is over, reading what it still writes."""
        self.read_until(lambda _seen: self.closed or self.process.poll() is not None, "the end")
        return self.process.wait(LIMIT_S)


@contextmanager
def terminal(home: Path, *arguments: str, **environment: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "console", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=PROJECT,
        env=os.environ
        | {"PYTHONPATH": str(PROJECT), "TAPEDECK_HOME": str(home), "TERM": "xterm-256color"}
        | environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)


@pytest.fixture
def session(console_store: BarStore, tmp_path: Path) -> list[str]:
    """The arguments that play a session file at ten times real time."""
    path = tmp_path / "session.yaml"
    path.write_text(
        "session_name: Terminal\nexchange_group: US_EQUITY\n"
        "backtest_config: {start_date: 2013-11-26, end_date: 2013-11-27, speed_multiplier: 10}\n"
        "session_data_config: {symbols: [AAA, BBB], streams: [1m]}\n"
    )
    return ["run", str(path), "--store", str(console_store.location)]


def restored(seen: bytes) -> bool:
    """Whether the program left the alternate screen that it had entered."""
    return seen.rfind(b"\x1b[?1049l") > seen.rfind(b"\x1b[?1049h") >= 0


def test_run_opens_the_console_and_q_leaves_it_with_a_summary(session: list[str], tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session, "--export", str(tmp_path / "out")) as screen:
        screen.read_until(lambda seen: b"09:3" in seen and b"symbols" in seen, "the first frame")
        screen.press("q")
        screen.read_until(lambda seen: b"leave?" in seen, "the question")
        screen.press("y")
        assert screen.exit_code() == 130, "a run that was stopped, as in a batch job"
    assert restored(screen.seen)
    assert b"interrupted; what was played is below" in screen.seen
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert not list((tmp_path / "home" / "state" / "runs").iterdir())
    assert (tmp_path / "home" / "state" / "console.json").is_file()


def test_a_run_that_was_watched_to_its_end_leaves_with_0(session: list[str], tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session, "--speed", "0", NO_COLOR="1") as screen:
        screen.read_until(lambda seen: b"Report" in seen, "the report")
        screen.press("q")
        assert screen.exit_code() == 0
    assert b"stamp: " in screen.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_in_order(session: list[str], tmp_path: Path, number: signal.Signals) -> None:
    with terminal(tmp_path / "home", *session, "--export", str(tmp_path / "out")) as screen:
        screen.read_until(lambda seen: b"symbols" in seen and b"09:3" in seen, "the first frame")
        screen.process.send_signal(number)
        assert screen.exit_code() == 130
    assert restored(screen.seen)
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_a_terminal_that_goes_away_ends_the_run_in_order(session: list[str], tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session, "--export", str(tmp_path / "out")) as screen:
        screen.read_until(lambda seen: b"symbols" in seen and b"09:3" in seen, "the first frame")
        os.close(screen.master)
        screen.master = os.open(os.devnull, os.O_RDONLY)
        screen.process.send_signal(signal.SIGHUP)
        screen.process.wait(LIMIT_S)
    assert (tmp_path / "out" / "manifest.json").is_file(), "nothing recorded is lost"


def test_a_key_script_drives_the_console(session: list[str], tmp_path: Path) -> None:
    script = tmp_path / "steps.txt"
    script.write_text("step 5\ngoto 10:30\nbookmark here\npanel_events\nquit\n")
    with terminal(tmp_path / "home", *session, "--speed", "0", "--script", str(script)) as screen:
        assert screen.exit_code() == 130
    assert b"cut short at 60 of 390" in screen.seen
