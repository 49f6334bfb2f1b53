"""The console in a real pseudo-terminal: opened, resized, suspended, told to end, left, and left alone."""

from __future__ import annotations

import os
import pty
import select
import signal
import threading
import tty
from collections.abc import Callable
from pathlib import Path

import pytest

from tapedeck.console.textual_ext.terminal_driver import TerminalLink, TerminalWriter
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.store.bar_store import BarStore
from tests.support.pseudo_terminal import LIMIT_S, Terminal, terminal

Session = Callable[..., list[str]]
SIZES = ((20, 5), (1, 1), (200, 60), (3, 40), (120, 2))
"""Sizes that no panel is made for, and one that all are."""

PROMPTLY_S = 8.0


@pytest.fixture
def session(console_store: BarStore, tmp_path: Path) -> Session:
    """Return the arguments that play a session file, at ten times real time unless told otherwise."""

    def arguments(*options: str, until: str = "2013-11-27") -> list[str]:
        path = tmp_path / "session.yaml"
        path.write_text(
            "session_name: Terminal\nexchange_group: US_EQUITY\n"
            f"backtest_config: {{start_date: 2013-11-26, end_date: {until}, speed_multiplier: 10}}\n"
            "session_data_config: {symbols: [AAA, BBB], streams: [1m, 5m]}\n"
        )
        return ["run", str(path), "--store", str(console_store.location), *options]

    return arguments


def read_until_it_plays(screen: Terminal) -> None:
    screen.read_until_shown("▶ running", "1 symbols")


def assert_nothing_is_left_of_the_run(folder: Path) -> None:
    """Neither tapes of the run, nor locks, nor files that are not whole."""
    assert not list((folder / "home" / "state").glob("runs/*"))
    assert not [path for path in folder.rglob("*") if path.suffix in (".lock", ".partial")]


def assert_exported_in_part(folder: Path) -> None:
    report = validate_export(folder)
    assert report.ok, report.findings
    assert report.status == "partial"


# Leaving


def test_run_opens_the_console_and_q_leaves_it_with_a_summary(session: Session, tmp_path: Path) -> None:
    arguments = session("--export", str(tmp_path / "out"))
    with terminal(tmp_path / "home", *arguments, is_warm=False) as screen:
        read_until_it_plays(screen)
        screen.press("q")
        screen.read_until_shown("leave?")
        screen.press("y")
        assert screen.exit_code() == 130, "a run that was stopped, as in a batch job"
        assert screen.left_changed() == set()
        assert b"interrupted; what was played is below" in screen.seen
    assert_exported_in_part(tmp_path / "out")
    assert_nothing_is_left_of_the_run(tmp_path)
    assert (tmp_path / "home" / "state" / "console.json").is_file()


def test_a_run_that_was_watched_to_its_end_leaves_with_0(session: Session, tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session("--speed", "0"), NO_COLOR="1") as screen:
        screen.read_until_shown("Report", "completed")
        screen.press("q")
        assert screen.exit_code() == 0
        assert screen.left_changed() == set()
        assert b"stamp: " in screen.seen


def test_a_key_script_drives_the_console(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "steps.txt"
    script.write_text("step 5\ngoto 10:30\nbookmark here\npanel_events\nquit\n")
    with terminal(tmp_path / "home", *session("--speed", "0", "--script", str(script))) as screen:
        assert screen.exit_code() == 0  # as the batch ends
        assert screen.left_changed() == set()
        assert b"cut short at 60 of 390" in screen.seen


# Being told to end


def test_signals_one_after_the_other_end_the_run_in_order(session: Session, tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session("--export", str(tmp_path / "out"))) as screen:
        read_until_it_plays(screen)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            screen.process.send_signal(number)
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
        assert b"Traceback" not in screen.seen
    assert_exported_in_part(tmp_path / "out")
    assert_nothing_is_left_of_the_run(tmp_path)


def test_ctrl_c_pressed_twice_ends_the_run_in_order_whatever_is_open(
    session: Session, tmp_path: Path
) -> None:
    with terminal(tmp_path / "home", *session("--export", str(tmp_path / "out"))) as screen:
        read_until_it_plays(screen)
        screen.press("g")
        screen.read_until_shown("Go to")
        screen.press("\x03\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
    assert_exported_in_part(tmp_path / "out")


# A terminal that goes away


@pytest.mark.parametrize(
    ("is_controlling", "is_paused"),
    [(True, False), (False, True)],
    ids=["with SIGHUP, while it is written to", "without a word, while it is not"],
)
def test_a_terminal_that_goes_away_ends_the_run_in_order(
    session: Session, tmp_path: Path, *, is_controlling: bool, is_paused: bool
) -> None:
    arguments = session("--export", str(tmp_path / "out"), "--speed", "600")
    with terminal(tmp_path / "home", *arguments, is_controlling=is_controlling) as screen:
        read_until_it_plays(screen)
        if is_paused:
            screen.press(" ")
            screen.read_until_shown("‖ paused")
        screen.hang_up()
        assert screen.process.wait(LIMIT_S) == 130
    assert_exported_in_part(tmp_path / "out")
    assert_nothing_is_left_of_the_run(tmp_path)
    log = (tmp_path / "home" / "state" / "tapedeck.log").read_text()
    assert "run stopped in" in log
    assert "Traceback" not in log


# A terminal that stands still

MANY_KEYS = "s" * 5
"""Keys that have something painted, however many of them are taken at once."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_whose_terminal_takes_nothing_is_told_to_end_and_does(
    session: Session, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = session("--export", str(tmp_path / "out"), "--speed", "600")
    with terminal(tmp_path / "home", *arguments) as screen:
        read_until_it_plays(screen)
        screen.stand_still(MANY_KEYS)
        screen.press(MANY_KEYS)
        screen.process.send_signal(number)
        assert screen.process.wait(PROMPTLY_S) == 130
        assert screen.exit_code() == 130
        assert screen.left_changed() == set(), "once the terminal goes on"
        assert b"interrupted; what was played is below" in screen.seen
    assert_exported_in_part(tmp_path / "out")
    assert_nothing_is_left_of_the_run(tmp_path)
    log = (tmp_path / "home" / "state" / "tapedeck.log").read_text()
    assert "run stopped in" in log
    assert "Traceback" not in log


def test_a_terminal_that_goes_on_shows_what_it_would_have_shown(session: Session, tmp_path: Path) -> None:
    def upper_part() -> list[str]:
        return screen.lines[:20]  # below, word of the export stands for a while

    with terminal(tmp_path / "home", *session(), columns=160, rows=45) as screen:
        read_until_it_plays(screen)
        screen.press(" ")
        screen.read_until_shown("‖ paused")
        screen.press("6z")
        screen.read_until(lambda: "session opens" in screen.text and "AAA" not in screen.text, "the events")
        screen.read_until_it_rests()
        expected = upper_part()
        screen.press("z1")
        screen.read_until_shown("AAA")
        screen.stand_still(MANY_KEYS)
        screen.press(4 * MANY_KEYS + "6ze")
        exports = (tmp_path / "home").rglob
        screen.stand_still_until(lambda: any(exports("manifest.json")), "the last key to be answered")
        what = "\n".join(["this screen, once the terminal goes on:", *expected])
        screen.read_until(lambda: upper_part() == expected, what)
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()


def test_what_is_painted_on_a_terminal_that_stands_still_is_not_kept() -> None:
    reader, writer = pty.openpty()
    tty.setraw(writer)
    painted_anew, line = threading.Event(), TerminalLink()
    with open(writer, "w", encoding="utf-8") as stream:
        outlet = TerminalWriter(stream, line, painted_anew.set)
        outlet.open()
        for _ in range(1000):
            outlet.write("x" * 10_000)
        outlet.write("\x1b[?1006h")
        assert line.is_busy
        assert not painted_anew.is_set()
        seen = b""
        while select.select([reader], [], [], 0 if painted_anew.is_set() else LIMIT_S)[0]:
            seen += os.read(reader, 65_536)
        assert painted_anew.is_set()
        assert len(seen) < 200_000
        assert seen.endswith(b"\x1b[?1006h"), "a switch is never dropped"
        outlet.write("the whole screen")
        outlet.write("\x1b[?1006l")
        while not seen.endswith(b"l"):
            assert select.select([reader], [], [], LIMIT_S)[0]
            seen += os.read(reader, 65_536)
        assert b"the whole screen" in seen
        assert outlet.close()
    os.close(reader)


def test_a_large_frame_between_marks_is_written_whole() -> None:
    reader, writer = pty.openpty()
    tty.setraw(writer)
    painted_anew, line = threading.Event(), TerminalLink()
    frame = f"\x1b[?2026h{40_000 * 'x'}\x1b[?2026l"
    with open(writer, "w", encoding="utf-8") as stream:
        outlet = TerminalWriter(stream, line, painted_anew.set)
        outlet.open()
        for _ in range(5):
            for part in ("\x1b[?2026h", 40_000 * "x", "\x1b[?2026l"):  # as Textual writes a frame
                outlet.write(part)
            seen = b""
            while len(seen) < len(frame):
                assert select.select([reader], [], [], LIMIT_S)[0]
                seen += os.read(reader, 65_536)
            assert seen.decode() == frame
        assert outlet.close()
    assert not painted_anew.is_set()
    assert not line.has_lost
    os.close(reader)


# Suspended, and back


@pytest.mark.parametrize("way", ["ctrl+z", "ctrl+z in a dialog", "a signal"])
def test_a_suspended_console_gives_the_terminal_back_and_takes_it_again(
    session: Session, tmp_path: Path, way: str
) -> None:
    with terminal(tmp_path / "home", *session()) as screen:
        read_until_it_plays(screen)
        playing = screen.attributes
        if way == "a signal":
            screen.process.send_signal(signal.SIGTSTP)
        else:
            screen.press("?\x1a" if "dialog" in way else "\x1a")
        screen.read_until_it_stops()
        screen.read_until(lambda: screen.left_changed() == set(), "the terminal as it was before")
        written = len(screen.seen)
        screen.process.send_signal(signal.SIGCONT)
        screen.read_until(lambda: b"\x1b[?1049h" in screen.seen[written:], "the console again")
        if "dialog" not in way:
            screen.press("?")
        screen.read_until_shown("escape goes back")
        assert screen.attributes == playing
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
    steps = (tmp_path / "home" / "state" / "tapedeck.log").read_text()
    assert steps.index("suspended") < steps.index("continued"), "the run is held meanwhile"


def test_a_console_continued_while_its_export_is_finished_still_writes_it(
    session: Session, tmp_path: Path
) -> None:
    arguments = session("--export", str(tmp_path / "out"))
    with terminal(tmp_path / "home", "nothing", *arguments, module="tests.support.faulty_console") as screen:
        read_until_it_plays(screen)
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
    assert_exported_in_part(tmp_path / "out")


# Sizes


def lines_at_the_end(screen: Terminal, expected: list[str] | None = None) -> list[str]:
    """Return the main screen once the run is over: as expected, or, where nothing is, once it rests."""
    screen.read_until_shown("Report", "completed")
    screen.press("\x1b")
    screen.read_until_shown("■ completed", "1 symbols", "q quit")
    if expected is None:
        screen.read_until_it_rests()
    else:
        screen.read_until(lambda: screen.lines == expected, "\n".join(["this screen:", *expected]))
    return screen.lines


def test_a_console_that_was_resized_to_nothing_and_back_looks_as_if_it_never_was(
    session: Session, tmp_path: Path
) -> None:
    def arguments() -> list[str]:
        return session("--speed", "20000", until="2013-12-03")

    with terminal(tmp_path / "untouched", *session("--speed", "0", until="2013-12-03")) as screen:
        expected = lines_at_the_end(screen)
    with terminal(tmp_path / "home", *arguments()) as screen:
        read_until_it_plays(screen)
        for columns, rows in SIZES:
            screen.resize(columns, rows)
            screen.read_until_written()
            screen.resize(80, 24)
            screen.read_until_written()
        screen.press("0")
        screen.resize(20, 5)
        screen.resize(80, 24)
        assert lines_at_the_end(screen, expected) == expected
        screen.resize(1, 1)
        screen.resize(80, 24)
        screen.read_until(lambda: screen.lines == expected, "the same screen again")
        screen.press("q")
        assert screen.exit_code() == 0
        assert screen.left_changed() == set()


def test_a_terminal_that_has_no_size_at_first_and_tells_it_by_itself_is_restored_too(
    session: Session, tmp_path: Path
) -> None:
    with terminal(tmp_path / "home", *session(), columns=0, rows=0) as screen:
        read_until_it_plays(screen)
        screen.press("\x1b[?2048;1$y")
        screen.read_until(lambda: b"\x1b[?1016h" in screen.seen, "the mouse in pixels")
        screen.press("\x1b[48;5;20;100;160t")
        screen.read_until_written()
        screen.process.send_signal(signal.SIGTERM)
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
