"""The terminal driver, alone and in a real pseudo-terminal: stalled, suspended, and restored at the end."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import threading
import tty
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Resize
from textual.geometry import Size
from textual.message import Message

from tapedeck.console.textual_ext.terminal_driver import TerminalLink, TerminalWriter, resilient
from tests.support.pseudo_terminal import LIMIT_S, terminal
from tests.support.terminal_runs import (
    assert_no_leftovers,
    assert_partial_export,
    read_until_playing,
)

Session = Callable[..., list[str]]
PROMPTLY_S = 8.0


@pytest.mark.parametrize(
    ("message", "is_input"), [(Key("a", "a"), True), (Resize(Size(1, 1), Size(1, 1)), False)]
)
def test_the_reading_thread_records_a_waiting_key(
    message: Message, is_input: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Message] = []
    monkeypatch.setattr(LinuxDriver, "process_message", lambda _driver, message: sent.append(message))
    keys: list[Message] = []
    link = TerminalLink(on_key=lambda: keys.append(message))

    async def read() -> None:  # a driver needs a running loop
        resilient(LinuxDriver, link)(App[None](), size=(80, 24)).process_message(message)

    asyncio.run(read())
    assert sent == [message]
    assert link.has_input is is_input
    assert keys == ([message] if is_input else [])


# A terminal that stalls

MANY_KEYS = "s" * 5
"""Keys that change the screen, however many of them are handled at once."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_whose_terminal_has_stalled(
    session: Session, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = session("--export", str(tmp_path / "out"), "--speed", "600")
    with terminal(tmp_path / "home", *arguments) as screen:
        read_until_playing(screen)
        screen.block_line(MANY_KEYS)
        screen.press(MANY_KEYS)
        screen.process.send_signal(number)
        assert screen.process.wait(PROMPTLY_S) == 130
        assert screen.exit_code() == 130
        assert screen.left_changed() == set(), "once the terminal continues"
        assert b"interrupted; the report is of the part played" in screen.seen
    assert_partial_export(tmp_path / "out")
    assert_no_leftovers(tmp_path)
    log = (tmp_path / "home" / "state" / "tapedeck.log").read_text()
    assert "run stopped in" in log
    assert "Traceback" not in log


def test_a_terminal_that_continues_shows_the_current_screen(session: Session, tmp_path: Path) -> None:
    def upper_part() -> list[str]:
        return screen.lines[:20]  # below, a toast of the export is shown for a while

    with terminal(tmp_path / "home", *session(), columns=160, rows=45) as screen:
        read_until_playing(screen)
        screen.press(" ")
        screen.read_until_shown("‖ paused")
        screen.press("6z")
        screen.read_until(lambda: "session opens" in screen.text and "AAA" not in screen.text, "the events")
        screen.read_until_stable()
        expected = upper_part()
        screen.press("z1")
        screen.read_until_shown("AAA")
        screen.block_line(MANY_KEYS)
        screen.press(4 * MANY_KEYS + "6ze")
        exports = (tmp_path / "home").rglob
        screen.block_until(lambda: any(exports("manifest.json")), "the last key to be answered")
        what = "\n".join(["this screen, once the terminal continues:", *expected])
        screen.read_until(lambda: upper_part() == expected, what)
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()


def test_frames_for_a_stalled_terminal_are_dropped() -> None:
    reader, writer = pty.openpty()
    tty.setraw(writer)
    repainted, link = threading.Event(), TerminalLink()
    with open(writer, "w", encoding="utf-8") as stream:
        writer_thread = TerminalWriter(stream, link, repainted.set)
        writer_thread.open()
        for _ in range(1000):
            writer_thread.write("x" * 10_000)
        writer_thread.write("\x1b[?1006h")
        assert link.is_busy
        assert not repainted.is_set()
        seen = b""
        while select.select([reader], [], [], 0 if repainted.is_set() else LIMIT_S)[0]:
            seen += os.read(reader, 65_536)
        assert repainted.is_set()
        assert len(seen) < 200_000
        assert seen.endswith(b"\x1b[?1006h"), "a switch is never dropped"
        writer_thread.write("the whole screen")
        writer_thread.write("\x1b[?1006l")
        while not seen.endswith(b"l"):
            assert select.select([reader], [], [], LIMIT_S)[0]
            seen += os.read(reader, 65_536)
        assert b"the whole screen" in seen
        assert writer_thread.close()
    os.close(reader)


def test_a_large_frame_between_marks_is_written_whole() -> None:
    reader, writer = pty.openpty()
    tty.setraw(writer)
    repainted, link = threading.Event(), TerminalLink()
    frame = f"\x1b[?2026h{40_000 * 'x'}\x1b[?2026l"
    with open(writer, "w", encoding="utf-8") as stream:
        writer_thread = TerminalWriter(stream, link, repainted.set)
        writer_thread.open()
        for _ in range(5):
            for part in ("\x1b[?2026h", 40_000 * "x", "\x1b[?2026l"):  # as Textual writes a frame
                writer_thread.write(part)
            seen = b""
            while len(seen) < len(frame):
                assert select.select([reader], [], [], LIMIT_S)[0]
                seen += os.read(reader, 65_536)
            assert seen.decode() == frame
        assert writer_thread.close()
    assert not repainted.is_set()
    assert not link.has_dropped
    os.close(reader)


# Suspended


@pytest.mark.parametrize("way", ["ctrl+z", "ctrl+z in a dialog", "a signal"])
def test_a_suspended_console_restores_the_terminal_and_opens_it_again(
    session: Session, tmp_path: Path, way: str
) -> None:
    with terminal(tmp_path / "home", *session()) as screen:
        read_until_playing(screen)
        playing = screen.attributes
        if way == "a signal":
            screen.process.send_signal(signal.SIGTSTP)
        else:
            screen.press("?\x1a" if "dialog" in way else "\x1a")
        screen.read_until_suspended()
        screen.read_until(lambda: screen.left_changed() == set(), "the terminal as it was before")
        written = len(screen.seen)
        screen.process.send_signal(signal.SIGCONT)
        screen.read_until(lambda: b"\x1b[?1049h" in screen.seen[written:], "the console again")
        if "dialog" not in way:
            screen.press("?")
        screen.read_until_shown("escape back")
        assert screen.attributes == playing
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
    steps = (tmp_path / "home" / "state" / "tapedeck.log").read_text()
    assert steps.index("suspended") < steps.index("continued"), "the run is held while suspended"


# Restored


def test_a_terminal_with_size_reports_is_restored(session: Session, tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session(), columns=0, rows=0) as screen:
        read_until_playing(screen)
        screen.press("\x1b[?2048;1$y")
        screen.read_until(lambda: b"\x1b[?1016h" in screen.seen, "the mouse in pixels")
        screen.press("\x1b[48;5;20;100;160t")
        screen.read_until_written()
        screen.process.send_signal(signal.SIGTERM)
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
