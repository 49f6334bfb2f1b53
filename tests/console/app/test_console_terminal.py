"""The console in a pseudo-terminal: start, resizing, signals, exit."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tapedeck.console.app.breakpoint_files import SavedBreakpoint, SavedBreakpoints, kept_path, load_kept
from tests.support.pseudo_terminal import LIMIT_S, Terminal, terminal
from tests.support.terminal_runs import (
    assert_no_leftovers,
    assert_partial_export,
    read_until_playing,
)

Session = Callable[..., list[str]]
SIZES = ((20, 5), (1, 1), (200, 60), (3, 40), (120, 2))
"""Sizes below the minimum of every panel, and one that all panels fit."""


# Leaving


def test_run_opens_paused_and_q_exits_with_a_summary(session: Session, tmp_path: Path) -> None:
    arguments = [word for word in session("--export", str(tmp_path / "out")) if word != "--play"]
    with terminal(tmp_path / "home", *arguments, is_warm=False) as screen:
        screen.read_until_shown("‖ paused", "09:30", "x10", "space play")
        screen.press(" ")
        read_until_playing(screen)
        screen.press("q")
        screen.read_until_shown("quit?")
        screen.press("y")
        assert screen.exit_code() == 0, "left with q"
        assert screen.left_changed() == set()
        _, _, summary = screen.seen.partition(b"stopped; the report is of the part played")
        assert b"stamp: " in summary
        assert b"calendar hits" not in summary, "what the engine needed is on the metrics page"
    assert_partial_export(tmp_path / "out")
    assert_no_leftovers(tmp_path)
    assert (tmp_path / "home" / "state" / "console.json").is_file()


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("\x03", 130)], ids=["q", "ctrl+c"])
def test_a_run_watched_to_its_end_exits_by_the_key(
    session: Session, tmp_path: Path, key: str, code: int
) -> None:
    with terminal(tmp_path / "home", *session("--speed", "0"), NO_COLOR="1") as screen:
        screen.read_until_shown("Run report", "completed")
        screen.press(key)
        assert screen.exit_code() == code
        assert b"Terminal: completed" in screen.seen
        assert screen.left_changed() == set()
        assert b"stamp: " in screen.seen


def test_a_file_of_maximum_speed_opens_at_the_speed_of_the_settings(session: Session, tmp_path: Path) -> None:
    _, path, *options = session()
    file = Path(path)
    file.write_text(
        file.read_text().replace("speed_multiplier: 10", "speed_multiplier: 0, start_time: 11:30")
    )
    with terminal(tmp_path / "home", "run", path, *options[:2], TAPEDECK_SPEED="120") as screen:
        screen.read_until_shown("‖ paused", "11:30", "x120")
        screen.press(" ")
        screen.read_until_shown("▶ running", "11:31")
        screen.press("q")
        screen.read_until_shown("quit?")
        screen.press("y")
        assert screen.exit_code() == 0


def test_a_key_script_drives_the_console(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "steps.txt"
    script.write_text("step 5\ngoto 10:30\nbookmark here\npanel_events\nquit\n")
    with terminal(tmp_path / "home", *session("--speed", "0", "--script", str(script))) as screen:
        assert screen.exit_code() == 0  # as the batch ends
        assert screen.left_changed() == set()
        assert b"partial: 60 of 390 slots" in screen.seen


def test_breakpoints_are_kept_for_the_console_and_not_for_batch_jobs(
    session: Session, tmp_path: Path, tapedeck: Callable[..., Any]
) -> None:
    kept = kept_path(tmp_path / "home" / "state", tmp_path / "session.yaml")
    arguments = session()
    with terminal(tmp_path / "home", *arguments) as screen:
        read_until_playing(screen)
        screen.press("b")
        screen.read_until_shown("Pause when")
        screen.press("time >= 09:45\r")
        screen.read_until_shown("breakpoint 1")
        screen.press("\x03")
        assert screen.exit_code() == 130
    assert load_kept(kept) == (SavedBreakpoints((SavedBreakpoint("time >= 09:45"),)), None)
    done = tapedeck(*arguments, "--json", "--speed", "0", TAPEDECK_HOME=str(tmp_path / "home"))
    assert (done.document["complete"], done.document["stopped_at"]) == (True, None)


# Signals


def test_repeated_signals_end_the_run_in_order(session: Session, tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session("--export", str(tmp_path / "out"))) as screen:
        read_until_playing(screen)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a second SIGINT ends at once
            screen.process.send_signal(number)
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
        assert b"Traceback" not in screen.seen
    assert_partial_export(tmp_path / "out")
    assert_no_leftovers(tmp_path)


def test_ctrl_c_ends_the_run_cleanly_on_any_screen(session: Session, tmp_path: Path) -> None:
    with terminal(tmp_path / "home", *session("--export", str(tmp_path / "out"))) as screen:
        read_until_playing(screen)
        screen.press("g")
        screen.read_until_shown("Go to")
        screen.press("\x03")  # a second one would end the program at once
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
        assert b"interrupted; the report is of the part played" in screen.seen
    assert_partial_export(tmp_path / "out")


# A closed terminal


@pytest.mark.parametrize(
    ("is_controlling", "is_paused"),
    [(True, False), (False, True)],
    ids=["with SIGHUP, while it is written to", "without a word, while it is not"],
)
def test_a_closed_terminal_ends_the_run_cleanly(
    session: Session, tmp_path: Path, *, is_controlling: bool, is_paused: bool
) -> None:
    arguments = session("--export", str(tmp_path / "out"), "--speed", "600")
    with terminal(tmp_path / "home", *arguments, is_controlling=is_controlling) as screen:
        read_until_playing(screen)
        if is_paused:
            screen.press(" ")
            screen.read_until_shown("‖ paused")
        screen.hang_up()
        assert screen.process.wait(LIMIT_S) == 130
    assert_partial_export(tmp_path / "out")
    assert_no_leftovers(tmp_path)
    log = (tmp_path / "home" / "state" / "tapedeck.log").read_text()
    assert "run stopped in" in log
    assert "Traceback" not in log


# Suspend and continue


def test_a_console_continued_while_its_export_is_finished_still_writes_it(
    session: Session, tmp_path: Path
) -> None:
    arguments = session("--export", str(tmp_path / "out"))
    with terminal(tmp_path / "home", "nothing", *arguments, module="tests.support.faulty_console") as screen:
        read_until_playing(screen)
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()
    assert_partial_export(tmp_path / "out")


# Sizes


def lines_at_the_end(screen: Terminal, expected: list[str] | None = None) -> list[str]:
    """Return the main screen after the run: the expected one, or without one the first stable one."""
    screen.read_until_shown("Run report", "completed")
    screen.press("\x1b")
    screen.read_until_shown("■ completed", "1 symbols", "q quit")
    if expected is None:
        screen.read_until_stable()
    else:
        screen.read_until(lambda: screen.lines == expected, "\n".join(["this screen:", *expected]))
    return screen.lines


def test_a_console_resized_to_nothing_and_back_has_the_same_screen(session: Session, tmp_path: Path) -> None:
    def arguments() -> list[str]:
        return session("--speed", "20000", until="2013-12-03")

    with terminal(tmp_path / "untouched", *session("--speed", "0", until="2013-12-03")) as screen:
        expected = lines_at_the_end(screen)
    with terminal(tmp_path / "home", *arguments()) as screen:
        read_until_playing(screen)
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
        screen.read_until(lambda: screen.lines == expected, "the same screen")
        screen.press("q")
        assert screen.exit_code() == 0
        assert screen.left_changed() == set()
