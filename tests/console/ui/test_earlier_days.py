"""Looking back at days that are no longer in memory: they are played again, and the screen lives on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.clock.slots import SessionSlots
from engine.clock.time_manager import TimeManager
from engine.intervals import MINUTE
from engine.store.bar_store import BarStore
from engine.tape.tape import Tape
from tests.support.console_runs import SYMBOLS, Watched, drive, press, type_line, until, watched
from tests.support.markets import fill_store, open_new_store, random_bars


async def to_the_last_session(console: Watched, pilot: Pilot[None]) -> None:
    console.system.step(390 + 390 + 210 + 60)
    await until(pilot, lambda: (console.system.snapshot().session, console.frontier) == (4, 60), "an hour")
    await until(pilot, lambda: len(console.app.playback.earlier.days()) == 3, "three days that are over")


def day_shown(console: Watched) -> str:
    place = console.app.playback.viewpoint.place
    return "" if place is None else place.day.isoformat()


def candles(console: Watched) -> int:
    """How many candles of the session before stand to the left of the chart."""
    playback, chart = console.app.playback, console.app.main.chart
    return sum(len(day) for day in playback.history(playback.picture(), chart.symbol, chart.interval))


@contextmanager
def slowly(console: Watched, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Have days played again only when the event is set."""
    earlier, go_on = console.app.playback.earlier, threading.Event()
    tape: Callable[[date], Tape] = earlier.tape

    def wait(day: date) -> Tape:
        assert go_on.wait(20)
        return tape(day)

    with monkeypatch.context() as patched:
        patched.setattr(earlier, "tape", wait)
        yield go_on
        go_on.set()


def test_days_back_come_in_the_order_of_the_keys(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        await pilot.press("D", "D", "D")
        await until(pilot, lambda: day_shown(console) == "2013-11-26", "three days back")
        assert console.looked_at == 60
        await pilot.press("d")
        await until(pilot, lambda: day_shown(console) == "2013-11-27", "a day on")
        assert candles(console) == 390

    with watched(console_store, tmp_path) as console:
        drive(console, act)


def test_the_day_before_stands_to_the_left_of_the_chart(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        for shown, before in (("2013-11-29", 390), ("2013-11-27", 390), ("2013-11-26", 0)):
            await pilot.press("D")
            await until(pilot, lambda shown=shown: day_shown(console) == shown, shown)
            assert candles(console) == before

    with watched(console_store, tmp_path) as console:
        drive(console, act)


def test_the_screen_lives_on_while_a_day_is_played_again(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        with slowly(console, monkeypatch) as go_on:
            await pilot.press("g")
            await type_line(pilot, "2013-11-26 10:00")
            await until(
                pilot,
                lambda: any("is played again" in note.message for note in console.app._notifications),
                "word of it",
            )
            await press(pilot, "comma")
            assert console.looked_at == 59
            go_on.set()
            await until(pilot, lambda: day_shown(console) == "2013-11-26", "the day")
        assert console.looked_at == 30

    with watched(console_store, tmp_path) as console:
        drive(console, act)


def test_end_gives_up_a_day_that_is_still_being_played_again(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        with slowly(console, monkeypatch) as go_on:
            await press(pilot, "comma", "D", "end")
            go_on.set()
            await until(pilot, lambda: not list(console.app.workers), "the worker's end")
        assert console.looked_at is None

    with watched(console_store, tmp_path) as console:
        drive(console, act)


def test_a_day_whose_bars_have_changed_since_is_told_and_nothing_moves(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-02", missing=0.05)

        async def act(console: Watched, pilot: Pilot[None]) -> None:
            await to_the_last_session(console, pilot)
            session = TimeManager("XNYS").get_trading_session(date(2013, 11, 27))
            label = SessionSlots(session, MINUTE).stored_labels[:1]
            store.write("AAA", MINUTE, random_bars(label, seed=99), replace=True)
            await press(pilot, "comma", "D", "D")
            await until(
                pilot,
                lambda: any("the store has changed" in note.message for note in console.app._notifications),
                "the reason",
            )
            assert day_shown(console) == "2013-12-02"

        with watched(store, tmp_path) as console:
            drive(console, act)
