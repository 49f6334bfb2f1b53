"""Keys in fast succession, or between two sessions: each acts after the moves before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tapedeck.console.actions.key_script import Script
from tapedeck.console.app.playback import Playback
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run import session_coordinator
from tapedeck.engine.run.session_feed import SessionFeed
from tapedeck.engine.run.tape_cache import TapeCache
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import (
    LIMIT_S,
    SYMBOLS,
    ConsoleRun,
    console_run,
    document,
    drive,
    press,
    type_line,
    until,
)
from tests.support.markets import fill_store, open_new_store


def notices(console: ConsoleRun) -> list[str]:
    return [note.message for note in console.app._notifications]


class SessionBreak:
    """The time before the second session, which the engine does not load until `release`."""

    def __init__(self) -> None:
        self.is_reached, self._is_over = threading.Event(), threading.Event()
        self._loads = 0

    def release(self) -> None:
        """Let the engine load the second session."""
        self._is_over.set()

    def wait(self, receive: Callable[[float], None]) -> None:
        """Wait, and receive commands, as the engine does while it waits for its loader."""
        self._loads += 1
        if self._loads == 2:
            self.is_reached.set()
            while not self._is_over.is_set():
                receive(0.02)


@pytest.fixture
def session_break(monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionBreak]:
    """Stops the engine between its first two sessions."""
    blocker, load = SessionBreak(), SessionFeed.next_session

    def wait_and_load(feed: SessionFeed, receive: Any) -> Any:
        blocker.wait(receive)
        return load(feed, receive)

    monkeypatch.setattr(SessionFeed, "next_session", wait_and_load)
    yield blocker
    blocker.release()


def is_recorded(console: ConsoleRun) -> bool:
    """Whether the first session is recorded, which happens during the second."""
    return len(console.app.playback.tape_cache.days()) > 0


async def play_to_the_break(console: ConsoleRun, pilot: Pilot[None], session_break: SessionBreak) -> None:
    await press(pilot, "0", "space")
    await until(pilot, session_break.is_reached.is_set, "the end of the first session")
    assert console.system.session_data.tape is None


# Steps back right after a move


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        (["step", "step"], ("2013-11-26", 1)),
        (["hour_on", "minute_on", "minute_on"], ("2013-11-26", 61)),
        (["next_session"], ("2013-11-26", 390)),
        (["next_session", "step"], ("2013-11-27", 0)),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_a_step_back_counts_from_the_end_of_the_moves_before_it(
    console_store: BarStore, tmp_path: Path, moves: list[str], expected: tuple[str, int]
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for move in moves:
            await console.app.do(move)
        await console.app.do("step_back")
        assert notices(console) == []
        await until(pilot, lambda: console.past_frontier is not None, "the past")
        place = console.app.playback.viewpoint.position
        assert place is not None
        assert (str(place.day), place.frontier) == expected

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


@pytest.mark.parametrize(("back", "expected"), [("step_back", 390), ("day_back", 0)])
def test_a_step_back_over_the_open_waits_until_the_day_before_is_recorded(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: str, expected: int
) -> None:
    is_waited_for, keep, wait = (
        threading.Event(),
        TapeCache.write_session,
        Playback.wait_for_previous_session,
    )

    def keep_late(*arguments: Any) -> None:
        assert is_waited_for.wait(LIMIT_S)
        keep(*arguments)

    async def wait_for_it(playback: Playback) -> None:
        is_waited_for.set()
        await wait(playback)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("next_session")
        await until(pilot, lambda: console.system.snapshot().session == 2, "the second day")
        assert not is_recorded(console)
        await console.app.do(back)
        assert notices(console) == []
        place = console.app.playback.viewpoint.position
        assert place is not None
        assert (str(place.day), place.frontier) == ("2013-11-26", expected)

    monkeypatch.setattr(TapeCache, "write_session", keep_late)
    monkeypatch.setattr(Playback, "wait_for_previous_session", wait_for_it)
    with console_run(console_store, tmp_path) as console:
        try:
            drive(console, act)
        finally:
            is_waited_for.set()


def test_a_bookmark_is_at_the_time_in_its_prompt(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "apostrophe")
        title = console.text(".dialog-title")
        assert "10:30 EST" in title
        console.system.step(60)
        await until(pilot, lambda: console.frontier == 120, "another hour")
        await type_line(pilot, "note")
        marks = [event for event in console.system.events() if event.kind is EventKind.BOOKMARK]
        assert [(mark.frontier, mark.text) for mark in marks] == [(60, "note")]
        await console.app.do("save_script", str(tmp_path / "saved.keys"))
        assert "bookmark" not in (tmp_path / "saved.keys").read_text(), "it would mark another moment"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_earlier_days_can_be_bookmarked(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("next_session")
        await until(pilot, lambda: is_recorded(console), "the first day to be kept")
        await console.app.do("step_back", "30")
        await console.app.do("step_back", "30")
        place = console.app.playback.viewpoint.position
        assert place is not None
        assert place.frontier == 360
        await console.app.do("bookmark", "late")
        [mark] = [event for event in console.system.events() if event.kind is EventKind.BOOKMARK]
        assert (str(mark.trading_day), mark.frontier) == ("2013-11-26", 360)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


# Between two sessions


def test_keys_between_two_sessions_act_on_the_session_shown(
    console_store: BarStore, tmp_path: Path, session_break: SessionBreak
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await play_to_the_break(console, pilot, session_break)
        await until(pilot, lambda: len(console.app.playback.tape_cache.days()) == 1, "the recording")
        for action, argument in (("why", "last"), ("goto", "10:30"), ("step_back", ""), ("present", "")):
            await console.app.do(action, argument)
            if action == "why":
                await press(pilot, "escape")
        assert notices(console) == []
        await console.app.do("export_csv")
        await pilot.app.workers.wait_for_complete()
        [folder] = (tmp_path / "exports").iterdir()
        assert folder.name == "console-test-2013-11-26-160000"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


@pytest.mark.parametrize("key", ["pause", "breakpoint"])
def test_moves_between_two_sessions_are_saved_with_an_end(
    console_store: BarStore, tmp_path: Path, session_break: SessionBreak, key: str
) -> None:
    saved = tmp_path / "saved.keys"

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await play_to_the_break(console, pilot, session_break)
        doing = asyncio.ensure_future(console.app.do(key, "time >= 11:00" if key == "breakpoint" else ""))
        await until(pilot, lambda: console.state is RunState.PAUSED or doing.done(), "the command")
        session_break.release()
        await doing
        await until(pilot, lambda: console.state is RunState.PAUSED, "a pause")
        await until(pilot, console.system.session_data.is_session_active, "the second session")
        await console.app.do("minute_on")
        await until(pilot, lambda: console.frontier in (1, 91), "a minute")
        await console.app.do("save_script", str(saved))

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    lines = [(line.action, line.argument) for line in Script.parse(saved.read_text(), "saved").lines]
    expected = {
        "pause": [("max_speed", ""), ("run_to", "2013-11-27 open"), ("step", "1")],
        "breakpoint": [
            ("max_speed", ""),
            ("run_to", "2013-11-26 close"),
            ("break", "time >= 11:00"),
            ("run_to", "2013-11-27 11:00"),
            ("run_to", "2013-11-27 11:01"),
        ],
    }
    assert lines == expected[key]


@pytest.mark.parametrize("key", ["quit", "suspend"])
def test_actions_without_an_effect_on_the_run_are_not_saved(
    console_store: BarStore, tmp_path: Path, key: str
) -> None:
    saved = tmp_path / "saved.keys"

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("step")
        await console.app.do(key)
        await press(pilot, "n") if key == "quit" else None
        await console.app.do("save_script", str(saved))

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    assert [line.action for line in Script.parse(saved.read_text(), "saved").lines] == ["step"]


# Jumps and speeds


def test_a_jump_that_the_engine_refuses_leaves_speed_and_script_alone(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        app = console.app
        await app.do("step", "5")
        await app.do("speed", "60")
        await until(pilot, lambda: console.system.snapshot().speed == 60, "x60")
        await until(pilot, lambda: console.frontier == 5, "five slots")
        done, view = list(app.done), console.system.snapshot().view
        assert view is not None
        with pytest.raises(EngineError):
            app.transport.run_to(view.session, view.clock)
        taken = console.system.mark()
        await until(pilot, taken.is_set, "all commands")
        assert console.system.snapshot().speed == 60
        assert app.done == done

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_faster_during_a_jump_is_faster_than_the_speed_that_comes_after_it(
    console_store: BarStore, tmp_path: Path, session_break: SessionBreak
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("next_session")
        await until(pilot, session_break.is_reached.is_set, "the end of the first session")
        await console.app.do("faster")
        session_break.release()
        await until(pilot, lambda: console.state is RunState.PAUSED, "the second open")
        await until(pilot, lambda: console.system.snapshot().speed == 360, "x360")
        assert console.system.snapshot().session == 2

    with console_run(console_store, tmp_path, config=document(speed_multiplier=60)) as console:
        drive(console, act)


def test_a_console_that_is_continued_does_not_play_past_a_breakpoint(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system, playback = console.system, console.app.playback
        await console.app.do("breakpoint", "time >= 10:00")
        await console.app.do("resume")
        running = system.snapshot()
        await until(pilot, lambda: system.snapshot().stopped_at is not None, "the breakpoint")
        with monkeypatch.context() as patch:  # the session was loaded at the check, not at the pause
            patch.setattr(system, "snapshot", lambda: running)
            playback.suspend()
        playback.resume()
        taken = system.mark()
        await until(pilot, taken.is_set, "all commands")
        assert (console.state, console.frontier) == (RunState.PAUSED, 30)

    with console_run(console_store, tmp_path, config=document(speed_multiplier=36000)) as console:
        drive(console, act)


# Events of earlier days


def test_a_missing_symbol_is_not_an_event_of_the_day_before(tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        def errors() -> list[str]:
            known = console.app.playback.events_until(console.app.view_state())
            return [event.text for event in known if event.kind is EventKind.ERROR]

        await console.app.do("next_session")
        await until(pilot, lambda: is_recorded(console), "the first day to be kept")
        await console.app.playback.wait_for_moves()
        assert any("CCC" in text for text in errors())
        await console.app.do("step_back", "10")
        await until(pilot, lambda: console.app.view_state().is_past, "the day before")
        assert errors() == []

    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS[:2], "2013-11-20", "2013-12-03")
        fill_store(store, SYMBOLS[2:], "2013-11-20", "2013-11-26")
        fill_store(store, SYMBOLS[2:], "2013-11-29", "2013-12-03")
        with console_run(store, tmp_path) as console:
            drive(console, act)


def test_a_session_is_never_in_its_own_history(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled: list[bool] = []
    roll = session_coordinator.extend_history

    def watched_roll(*arguments: object) -> None:
        roll(*arguments)  # type: ignore[arg-type]
        rolled.append(console.system.session_data.tape is None)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "0", "space")
        await until(pilot, lambda: console.state is RunState.COMPLETED, "the end")

    monkeypatch.setattr(session_coordinator, "extend_history", watched_roll)
    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    assert rolled == [True, True, True]
