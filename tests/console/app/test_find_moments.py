"""Keys that find the moments where a condition became true, and play to the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tapedeck.console.app.screens.confirm import ConfirmScreen
from tapedeck.console.app.screens.find import FindScreen
from tapedeck.console.app.screens.search import SearchScreen
from tapedeck.engine.read.moments import Moment
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import (
    ConsoleRun,
    console_run,
    document,
    drive,
    enter_line,
    press,
    type_line,
    until,
)

DAYS = ("2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02")


def shown(console: ConsoleRun) -> tuple[str, int]:
    """Return the day and frontier shown."""
    day, frontier = console.app.navigation.shown_place()
    return str(day), frontier


async def find(pilot: Pilot[None], key: str, condition: str) -> None:
    """Press a key, and enter a condition in place of the one proposed."""
    await press(pilot, key)
    assert isinstance(pilot.app.screen, FindScreen)
    await enter_line(pilot, condition)


async def to_the_last_session(console: ConsoleRun, pilot: Pilot[None]) -> None:
    console.system.step(390 + 390 + 210 + 60)
    await until(pilot, lambda: (console.system.snapshot().session, console.frontier) == (4, 60), "an hour")
    await until(pilot, lambda: len(console.app.playback.tape_cache.days()) == 3, "three days that are over")


def toasts(console: ConsoleRun) -> list[str]:
    return [toast.message for toast in console.app._notifications]


def test_keys_find_the_next_and_previous_moments_over_recomputed_days(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        await find(pilot, "F", "time >= 10:15")
        await until(pilot, lambda: shown(console) == (DAYS[3], 45), "this morning")
        await press(pilot, "less_than_sign", "less_than_sign", "less_than_sign")
        await until(pilot, lambda: shown(console) == (DAYS[0], 45), "three days before")
        await press(pilot, "less_than_sign")
        await until(pilot, lambda: any("not found before" in text for text in toasts(console)), "no more")
        assert shown(console) == (DAYS[0], 45)
        await press(pilot, "greater_than_sign")
        await until(pilot, lambda: shown(console) == (DAYS[1], 45), "the next day")
        # The line proposes the last condition, selected.
        await press(pilot, "f")
        line = console.app.screen.query_one(Input)
        assert (line.value, line.selected_text) == ("time >= 10:15", "time >= 10:15")
        assert "becomes true next" in console.text("#meaning")
        await press(pilot, "enter")
        await until(pilot, lambda: shown(console) == (DAYS[2], 45), "the day after")
        await press(pilot, "F")
        await type_line(pilot, "time >= 9:45")
        await until(pilot, lambda: shown(console) == (DAYS[2], 15), "the same day")
        await press(pilot, "F", "down", "down", "enter")
        await until(pilot, lambda: shown(console) == (DAYS[1], 45), "the condition before, chosen")
        await press(pilot, "F")
        assert console.app.screen.query_one(OptionList).option_count == 2
        await enter_line(pilot, "AAA.closs > 3")
        assert "Did you mean 'close'" in console.text("#meaning")
        assert (console.system.snapshot().session, console.frontier) == (4, 60)

    with console_run(console_store, tmp_path) as console:
        drive(console, act, toasts=True)


def test_what_is_not_found_yet_is_played_to_without_a_breakpoint(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "greater_than_sign")
        await until(pilot, lambda: isinstance(console.app.screen, FindScreen), "a first condition")
        await enter_line(pilot, "time >= 9:45 and time < 10:00")
        await until(pilot, lambda: isinstance(console.app.screen, ConfirmScreen), "the question")
        await press(pilot, "n")
        assert shown(console) == (DAYS[0], 60)
        await press(pilot, "comma", "greater_than_sign")
        await until(pilot, lambda: isinstance(console.app.screen, ConfirmScreen), "the question")
        await press(pilot, "y")
        await until(pilot, lambda: console.is_paused and shown(console) == (DAYS[1], 15), "the next day")
        assert console.past_frontier is None
        stopped_at = console.system.snapshot().stopped_at
        assert stopped_at is not None
        assert stopped_at.text == "time >= 9:45 and time < 10:00"
        assert console.system.breakpoints() == ()
        assert console.app.playback.speed == 10.0
        assert console.app.recording.lines()[-1] == ("run_to", f"{DAYS[1]} 09:45")
        assert "break" not in dict(console.app.recording.lines())
        await press(pilot, "space")
        await until(pilot, lambda: not console.is_paused, "play")
        console.system.set_speed(0)
        await until(pilot, lambda: console.state.is_over, "the end: it does not stop again")

    config = document(speed_multiplier=10.0)
    with console_run(console_store, tmp_path, config=config) as console:
        drive(console, act)


def test_a_long_search_shows_its_day_and_escape_cancels_it(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search waits at its second day until it is cancelled."""
    entered = threading.Event()

    def slow(find: Callable[..., Moment | None]) -> Callable[..., Moment | None]:
        def search(*words: Any, cancelled: Callable[[], bool], **options: Any) -> Moment | None:
            seen: list[date] = []

            def waits() -> bool:
                if len(seen) == 2:
                    entered.set()
                    while not cancelled():
                        threading.Event().wait(0.01)
                return cancelled()

            def report(day: date, done: int, total: int) -> None:
                seen.append(day)
                options["on_progress"](day, done, total)

            return find(*words, **{**options, "on_progress": report}, cancelled=waits)

        return search

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        monkeypatch.setattr(console.system, "find_moment", slow(console.system.find_moment))
        await find(pilot, "F", "time >= 23:00")
        await until(pilot, lambda: isinstance(console.app.screen, SearchScreen), "the progress")
        await until(pilot, lambda: "Fri 2013-11-29, session 2 of 4" in console.text("#meaning"), "the day")
        console.system.step(5)
        await until(pilot, lambda: console.frontier == 65, "the run continues")
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(console.app.screen, SearchScreen), "the end")
        assert shown(console) == (DAYS[3], 65)
        # The console can be left while a search waits.
        entered.clear()
        await press(pilot, "less_than_sign")
        await until(pilot, entered.is_set, "another search")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_breakpoint_set_in_the_past_or_after_the_end_tells_where_it_was_true(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def told(console: ConsoleRun, pilot: Pilot[None], condition: str) -> str:
        await press(pilot, "b")
        await enter_line(pilot, condition)
        start = f"{condition}: "
        await until(pilot, lambda: any(text.startswith(start) for text in toasts(console)), "the count")
        return next(text for text in toasts(console) if text.startswith(start)).removeprefix(start)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        await press(pilot, "comma")
        assert await told(console, pilot, "time >= 10:15") == (
            "true 4 times up to now: Tue 2013-11-26 10:15, Wed 2013-11-27 10:15, Fri 2013-11-29 10:15, "
            "… last Mon 2013-12-02 10:15; F finds them"
        )
        await press(pilot, "F", "enter")
        await until(pilot, lambda: shown(console) == (DAYS[3], 45), "the last of them")
        await press(pilot, "end")
        console.system.remove_breakpoint(1)
        console.system.resume()
        await until(pilot, lambda: console.state.is_over, "the end")
        await until(pilot, lambda: console.app.screen is not console.app.main, "the report")
        await press(pilot, "escape")
        assert await told(console, pilot, "time >= 23:00") == "never true up to now"
        assert await told(console, pilot, "time >= 15:59") == (
            "true 3 times up to now: Tue 2013-11-26 15:59, Wed 2013-11-27 15:59, "
            "Mon 2013-12-02 15:59; F finds them"
        )
        await find(pilot, "f", "time >= 9:40")
        await until(pilot, lambda: any("not found after" in text for text in toasts(console)), "no offer")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, toasts=True)
