"""Space in the past, restarts, and the footer's keys in each state of a run."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tapedeck.console.app.panels.key_line import KeyLine
from tapedeck.console.app.screens.confirm import ConfirmScreen
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.engine.errors import StoreError
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, until
from tests.support.pseudo_terminal import terminal


def bar(console: ConsoleRun) -> str:
    return console.text("#session-line")


def keys(console: ConsoleRun) -> str:
    """Return the footer of the screen on top."""
    return str(console.app.screen.query_one(KeyLine).render())


def is_in_past(console: ConsoleRun, *, playing: bool) -> bool:
    sign, word = ("▶", "playing") if playing else ("‖", "paused")
    return f"◂ PAST {sign} " in bar(console) and f"{word} x" in bar(console)


async def play_on(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Press space, and wait until the past plays."""
    await press(pilot, "space")
    await until(pilot, lambda: is_in_past(console, playing=True), "the past to play")


# Space in the past


def test_a_key_that_is_refused_is_followed_by_a_frame_too(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        frames: list[float] = []
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.frontier == 1, "a slot")
        await press(pilot, "comma")
        await until(pilot, lambda: console.past_frontier == 0, "the open")
        console.app.frames.request = lambda: frames.append(0.0)  # type: ignore[method-assign]
        await console.app.do("step_back")
        assert len(frames) == 1
        await until(pilot, lambda: "the start of the run" in str(list(console.app._notifications)), "it")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_space_plays_the_past_up_to_the_present_and_the_run_goes_on(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system = console.system
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.is_paused, "an hour")
        await console.app.do("speed", "600")
        await press(pilot, "space")
        await until(pilot, lambda: console.frontier > 62, "the run")
        await press(pilot, "O")  # looking back pauses the engine
        await until(pilot, lambda: is_in_past(console, playing=False), "the past")
        begun, present = console.past_frontier, console.frontier
        assert begun == present - 60
        assert console.is_paused
        assert console.app.recording.lines()[-1][0] == "run_to", "as after a pause"
        await play_on(console, pilot)
        await until(pilot, lambda: (console.past_frontier or 0) > begun + 2, "some slots")
        await press(pilot, "space")
        await until(pilot, lambda: is_in_past(console, playing=False), "the stop")
        stopped = console.past_frontier
        await press(pilot, "full_stop", "plus")  # as in the present
        assert console.past_frontier == (stopped or 0) + 1
        await until(pilot, lambda: "paused x3,600" in bar(console), "the speed")
        assert (console.frontier, console.is_paused) == (present, True), "the run has not moved"
        await press(pilot, "space")
        await until(pilot, lambda: console.state is RunState.RUNNING, "the present")
        assert console.past_frontier is None
        assert system.snapshot().speed == 3600
        await until(pilot, lambda: console.frontier > present and "▶ running" in bar(console), "the run")
        await press(pilot, "space")
        await until(pilot, lambda: console.is_paused, "the pause")
        words = [word for word, _ in console.app.recording.lines()]
        assert words[-1] == "run_to", "a script reaches the present"
        assert "step_back" not in words, "and knows no past"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_zero_goes_to_the_present_and_stands_there(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.is_paused, "an hour")
        await press(pilot, "O")
        await play_on(console, pilot)
        assert "playing x60" in bar(console), "a run at maximum speed has a past that can be followed"
        await press(pilot, "0")
        await until(pilot, lambda: "‖ paused" in bar(console), "the present")
        assert (console.past_frontier, console.frontier, console.state) == (None, 60, RunState.PAUSED)
        assert console.system.snapshot().speed == 0
        system = console.system
        await press(pilot, "p")  # this day again, from its open
        await until(pilot, lambda: is_in_past(console, playing=True), "the past to play")
        assert (console.past_frontier or 0) < 30
        assert console.system is system, "the same run, which waits"
        assert (console.frontier, console.state) == (60, RunState.PAUSED)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_past_stops_at_a_breakpoint_set_since(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "o")
        await until(pilot, lambda: console.frontier == 120 and console.is_paused, "two hours")
        await console.app.do("speed", "6000")
        await press(pilot, "O", "O")
        await console.app.do("breakpoint", "time >= 10:15 and time < 10:30")
        await press(pilot, "space")
        await until(pilot, lambda: "◆ time >= 10:15" in bar(console), "the breakpoint")
        assert (console.past_frontier, console.frontier) == (45, 120)
        assert bar(console).startswith(" ◂ PAST ‖ ")
        await press(pilot, "space")
        await until(pilot, lambda: console.state is RunState.RUNNING, "the present")
        assert "◆" not in bar(console)

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_after_the_end_days_play_again_up_to_the_end(console_store: BarStore, tmp_path: Path) -> None:
    """Without memory for earlier sessions: each is recomputed before the past reaches it."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "space")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        assert "R restart" in keys(console)
        await press(pilot, "escape")
        await until(pilot, lambda: "p play day again" in keys(console), "the panels")
        await press(pilot, "p")
        await until(pilot, lambda: is_in_past(console, playing=True), "the last day")
        assert console.app.playback.viewpoint.position is not None
        assert console.app.playback.viewpoint.position.day.isoformat() == "2013-12-02"
        for day in ("2013-11-29", "2013-11-27", "2013-11-26"):
            await press(pilot, "D")
            await until(pilot, lambda day=day: day in bar(console), day)  # type: ignore[misc]
        await console.app.do("speed", "50000")
        days = set[str]()
        await press(pilot, "space")

        def is_at_the_end() -> bool:
            position = console.app.playback.viewpoint.position
            if position is not None:
                days.add(position.day.isoformat())
            return position is None

        await until(pilot, is_at_the_end, "the end")
        assert days >= {"2013-11-27", "2013-11-29", "2013-12-02"}
        await until(pilot, lambda: "■ completed" in bar(console), "the present")
        assert not isinstance(console.app.screen, ReportScreen), "the report came once"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_past_stops_before_a_day_that_cannot_be_recomputed(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_day: date) -> None:
        raise StoreError("the store cannot be read: its disk is gone")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        app = console.app
        await press(pilot, "space")
        await until(pilot, lambda: isinstance(app.screen, ReportScreen), "the report")
        await press(pilot, "escape")
        for day in ("2013-11-29", "2013-11-27", "2013-11-26"):
            await press(pilot, "D")
            await until(pilot, lambda day=day: day in bar(console), day)  # type: ignore[misc]
        await app.do("speed", "50000")
        monkeypatch.setattr(app.playback.tape_cache, "load_ahead", unreadable)
        await press(pilot, "M")
        await play_on(console, pilot)
        await until(pilot, lambda: is_in_past(console, playing=False), "the stop")
        assert "2013-11-27" in bar(console), "the day before in memory has played"
        assert console.past_frontier == 390
        assert [note.message for note in app._notifications if "its disk is gone" in note.message]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


# Restart


def threads_of_runs() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("tapedeck-")]


async def play_to_the_end(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Press space at each pause, until the report is shown."""

    def is_over() -> bool:
        return isinstance(console.app.screen, ReportScreen)

    while not is_over():
        await until(pilot, lambda: console.is_paused or is_over(), "a stop")
        if not is_over():
            await press(pilot, "space")


async def restart(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Restart, and wait until the first open is shown."""
    ended = weakref.ref(console.system)
    await press(pilot, "R")
    await until(pilot, lambda: console.system is not ended(), "the next run")
    await until(
        pilot,
        lambda: console.is_paused and "‖ paused" in bar(console) and "09:30" in bar(console),
        "its open",
    )
    gc.collect()
    assert ended() is None, "the run that has ended is freed"


def test_a_restart_gives_the_same_stamp_and_keeps_the_screen(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        app, main = console.app, console.app.main
        await press(pilot, "tab", "i")
        await app.do("breakpoint", "time >= 15:59")
        kept = (main.symbol, main.chart.interval, main.panel_layout)
        threads, stamps = len(threads_of_runs()), list[str]()
        for _ in range(2):
            await play_to_the_end(console, pilot)
            stamps.append(console.system.summary().stamp)
            assert [known.hits for known in console.system.breakpoints()] == [3]
            await restart(console, pilot)
            assert app.screen is main
            assert (main.symbol, main.chart.interval, main.panel_layout) == kept
            assert [known.text for known in console.system.breakpoints()] == ["time >= 15:59"]
            assert app.recording.lines() == (("break", "time >= 15:59"),)
            assert len(threads_of_runs()) == threads
        assert stamps[0] == stamps[1] != ""

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_run_that_is_not_over_restarts_after_a_question(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        first = id(console.system)
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.is_paused, "an hour")
        await press(pilot, "O")
        await play_on(console, pilot)
        await press(pilot, "R")
        await until(pilot, lambda: isinstance(console.app.screen, ConfirmScreen), "the question")
        await press(pilot, "n")
        assert id(console.system) == first
        await press(pilot, "R", "y")
        await until(pilot, lambda: "slot   0/390" in bar(console) and "‖ paused" in bar(console), "the open")
        assert (id(console.system) != first, console.past_frontier, console.frontier) == (True, None, 0)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_with_an_export_the_last_run_is_written(session: Callable[..., list[str]], tmp_path: Path) -> None:
    arguments = session("--export", str(tmp_path / "out"), "--speed", "50000", until="2013-11-26")
    with terminal(tmp_path / "home", *arguments) as screen:
        screen.read_until_shown("Run report", "completed")
        for _ in range(2):
            screen.press("R")
            screen.read_until_shown("▶ running")
            screen.read_until_shown("Run report", "completed")
        screen.press("q")
        assert screen.exit_code() == 0
        assert screen.left_changed() == set()
    report = validate_export(tmp_path / "out")
    assert (report.ok, report.status) == (True, "complete")
    assert not list(tmp_path.rglob("*.partial"))


# The footer


def test_the_footer_names_only_keys_that_do_something(console_store: BarStore, tmp_path: Path) -> None:
    async def shows(console: ConsoleRun, pilot: Pilot[None], wanted: str, *others: str) -> None:
        def is_shown() -> bool:
            found = f"{keys(console)}  "
            return f"{wanted}  " in found and not any(f"{other}  " in found for other in others)

        await until(pilot, is_shown, f"{wanted}, without {others}")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await shows(console, pilot, "space play  . step", ", back", "end present", "R restart", "+ faster")
        await press(pilot, "m")
        await shows(console, pilot, "space play  . step  , back", "end present")
        await console.app.do("speed", "60")
        await press(pilot, "space")
        await shows(console, pilot, "space pause  . step  , back  + faster", "end present", "R restart")
        await press(pilot, "comma")
        await shows(console, pilot, "space play  . step", "R restart")
        await shows(console, pilot, "end present")
        await press(pilot, "M", "M")
        await until(pilot, lambda: console.past_frontier == 0, "the first open")
        await shows(console, pilot, "space play  . step", ", back")
        await press(pilot, "0", "0", "space")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        await shows(console, pilot, "escape panels  p play day again  R restart  e export  ? help  q quit")
        await press(pilot, "escape")
        await shows(console, pilot, ", back  p play day again  R restart", "space play", ". step", "- slower")
        await press(pilot, "comma")
        await shows(console, pilot, "space play  . step  , back", "p play day again")

    with console_run(console_store, tmp_path, config=document(end_date="2013-11-26")) as console:
        drive(console, act, size=(200, 36))


def test_a_failed_run_exits_with_1_after_q_and_offers_a_restart(
    console_store: BarStore, session: Callable[..., list[str]], tmp_path: Path
) -> None:
    arguments = session("--speed", "0", until="2013-12-02")
    with terminal(tmp_path / "home", "store", *arguments, module="tests.support.faulty_console") as screen:
        screen.read_until_shown("Run report", "R restart", "q quit")
        screen.press("\x1b")
        screen.read_until_shown("! error", "R restart")
        assert "space" not in screen.lines[-1]
        screen.press("q")
        assert screen.exit_code() == 1
