"""Sessions that are no longer in memory: recomputed in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from tapedeck.console.app.grid_text import number
from tapedeck.console.app.screens.why import WhyScreen
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_data import SessionData
from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, drive, press, type_line, until
from tests.support.markets import fill_store, open_new_store, random_bars

pytestmark = pytest.mark.usefixtures("no_opening_values")


async def to_the_last_session(console: ConsoleRun, pilot: Pilot[None]) -> None:
    console.system.step(390 + 390 + 210 + 60)
    await until(pilot, lambda: (console.system.snapshot().session, console.frontier) == (4, 60), "an hour")
    await until(pilot, lambda: len(console.app.playback.tape_cache.days()) == 3, "three days that are over")


def day_shown(console: ConsoleRun) -> str:
    place = console.app.playback.viewpoint.position
    return "" if place is None else place.day.isoformat()


def candles(console: ConsoleRun) -> int:
    """Return the number of candles of the session before on the chart."""
    playback, chart = console.app.playback, console.app.main.chart
    parts = playback.history(playback.view_state(), chart.symbol, chart.interval).parts
    return len(parts[-1].bars) if parts else 0


@contextmanager
def slowly(console: ConsoleRun, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make recomputes wait until the event is set."""
    earlier, go_on = console.app.playback.tape_cache, threading.Event()
    session: Callable[[date], PlayedSession] = earlier.session

    def wait(day: date) -> PlayedSession:
        assert go_on.wait(20)
        return session(day)

    with monkeypatch.context() as patched:
        patched.setattr(earlier, "session", wait)
        yield go_on
        go_on.set()


def test_days_back_come_in_the_order_of_the_keys(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        await pilot.press("D", "D", "D")
        await until(pilot, lambda: day_shown(console) == "2013-11-26", "three days back")
        assert console.past_frontier == 60
        await pilot.press("d")
        await until(pilot, lambda: day_shown(console) == "2013-11-27", "a day on")
        assert candles(console) == 390

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_chart_has_the_day_before_on_the_left(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        for shown in ("2013-11-29", "2013-11-27"):
            await pilot.press("D")
            await until(pilot, lambda shown=shown: day_shown(console) == shown, shown)
            assert candles(console) == 390
        await pilot.press("D")
        await until(pilot, lambda: day_shown(console) == "2013-11-26", "the first day of the run")
        await until(pilot, lambda: candles(console) == 390, "the day before the run, from the store")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_screen_responds_while_a_day_is_recomputed(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        with slowly(console, monkeypatch) as go_on:
            await pilot.press("g")
            await type_line(pilot, "2013-11-26 10:00")
            await until(
                pilot,
                lambda: any("recomputing" in note.message for note in console.app._notifications),
                "word of it",
            )
            await press(pilot, "comma")
            assert console.past_frontier == 59
            go_on.set()
            await until(pilot, lambda: day_shown(console) == "2013-11-26", "the day")
        assert console.past_frontier == 30

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_end_cancels_a_step_back_that_waits_for_a_recompute(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        with slowly(console, monkeypatch) as go_on:
            await press(pilot, "comma", "D", "end")
            go_on.set()
            await until(pilot, lambda: not list(console.app.workers), "the worker's end")
        assert console.past_frontier is None

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_day_with_changed_bars_is_an_error_and_nothing_moves(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-02", missing=0.05)

        async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
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

        with console_run(store, tmp_path) as console:
            drive(console, act)


# A slot at a time


def test_slot_by_slot_back_the_close_and_the_open_are_both_passed(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        await pilot.press("O")
        seen: list[tuple[str, int | None]] = []
        for shown, slot in (("2013-12-02", 0), ("2013-11-29", 210), ("2013-11-29", 209)):
            await until(pilot, lambda shown=shown, slot=slot: place_of(console) == (shown, slot), f"{slot}")
            seen.append(place_of(console))
            await pilot.press("comma")
        await until(pilot, lambda: place_of(console) == ("2013-11-29", 208), "a slot further")
        for slot in (209, 210):
            await press(pilot, "full_stop")
            assert place_of(console) == ("2013-11-29", slot)
        await press(pilot, "full_stop")
        assert place_of(console) == ("2013-12-02", 0)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_weekday_that_the_run_does_not_reach_is_the_one_before(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await to_the_last_session(console, pilot)
        for said, frontier in (("friday", 0), ("last friday close", 210), ("nov 29 noon", 150)):
            await press(pilot, "end")
            await console.app.do("goto", said)
            await until(
                pilot,
                lambda frontier=frontier: place_of(console) == ("2013-11-29", frontier),
                said,
            )

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def place_of(console: ConsoleRun) -> tuple[str, int | None]:
    return day_shown(console), console.past_frontier


# Why


@contextmanager
def counted_replays(
    console: ConsoleRun, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[list[date], threading.Event]]:
    """Count recomputes for explanations, which wait until the event is set."""
    days, go_on = list[date](), threading.Event()
    again: Callable[[date], SessionData] = console.system.recompute_session

    def noted(day: date) -> SessionData:
        days.append(day)
        assert go_on.wait(20)
        return again(day)

    with monkeypatch.context() as patched:
        patched.setattr(console.system, "recompute_session", noted)
        yield days, go_on
        go_on.set()


def test_why_explains_every_number_of_an_earlier_day_as_it_was_then(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then: list[str] = []

    def names(console: ConsoleRun) -> OptionList:
        return console.app.screen.query_one("#why-names", OptionList)

    async def all_told(console: ConsoleRun, pilot: Pilot[None]) -> list[str]:
        await until(pilot, lambda: "formula" in console.text("#why-text"), "an explanation")
        explained = []
        for place in range(names(console).option_count):
            names(console).highlighted = place
            await pilot.pause()
            explained.append(" ".join(console.text("#why-text").split()))  # however it is folded
        return explained

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        await press(pilot, "w")
        then.extend(await all_told(console, pilot))
        assert len(then) == 19
        await press(pilot, "escape")
        console.system.step(390 + 390)
        await until(pilot, lambda: console.system.snapshot().session == 3, "the third day")
        await until(pilot, lambda: len(console.app.playback.tape_cache.days()) == 2, "two days that are over")
        await console.app.do("goto", "2013-11-26 10:30")
        await until(pilot, lambda: place_of(console) == ("2013-11-26", 60), "the first day")
        with counted_replays(console, monkeypatch) as (days, go_on):
            await press(pilot, "w")
            assert console.text("#why-text") == "… recomputing 2013-11-26"
            await press(pilot, "down", "up")  # the screen lives on
            assert console.app.screen.query_one("#why-names", OptionList).highlighted == 0
            go_on.set()
            assert await all_told(console, pilot) == then
            assert days == [date(2013, 11, 26)]
        assert ", Tue 2013-11-26" in console.text(".dialog-title")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_why_of_a_day_with_changed_bars_shows_the_error(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-02", missing=0.05)

        async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
            await to_the_last_session(console, pilot)
            await press(pilot, "D")
            await until(pilot, lambda: day_shown(console) == "2013-11-29", "a day back")
            session = TimeManager("XNYS").get_trading_session(date(2013, 11, 29))
            label = SessionSlots(session, MINUTE).stored_labels[:1]
            store.write("AAA", MINUTE, random_bars(label, seed=99), replace=True)
            await press(pilot, "w")
            await until(pilot, lambda: "the store has changed" in console.text("#why-text"), "the reason")
            assert isinstance(console.app.screen, WhyScreen)

        with console_run(store, tmp_path) as console:
            drive(console, act)


def test_why_keeps_its_day_while_the_run_continues_to_the_next(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        first = console.system.explain("AAA", "ema_5")
        await press(pilot, "w")
        console.system.step(390)
        await until(pilot, lambda: console.system.snapshot().session == 2, "the second day")
        await until(pilot, lambda: bool(console.app.playback.tape_cache.days()), "the first day is over")
        names = console.app.screen.query_one("#why-names", OptionList)
        names.highlighted = next(
            at for at in range(names.option_count) if names.get_option_at_index(at).prompt == "ema_5"
        )
        await until(pilot, lambda: number(first.value, 4) in console.text("#why-text"), "its own number")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_why_shows_the_age_of_the_last_price(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.step(120)
        await until(pilot, lambda: console.frontier == 120, "two hours")
        system = console.system
        found = [system.explain("AAA", "last", at) for at in range(1, 121)]
        ages = {at: why.missing_bars for at, why in enumerate(found, 1) if why.missing_bars}
        slot, missing = max(ages.items(), key=lambda item: item[1])
        await console.app.do("step_back", str(120 - slot))
        await console.app.do("why", "last")
        await until(pilot, lambda: "formula" in console.text("#why-text"), "an explanation")
        assert f"{missing} min ago" in console.text("#why-text")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_quality_of_history_is_that_of_the_day_shown(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-11-25")
        fill_store(store, SYMBOLS, "2013-11-26", "2013-12-02", missing=0.5)

        async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
            await to_the_last_session(console, pilot)
            for shown, is_full in (("2013-11-29", False), ("2013-11-27", False), ("2013-11-26", True)):
                await pilot.press("D")
                await until(pilot, lambda shown=shown: day_shown(console) == shown, shown)
                playback = console.app.playback
                view = playback.view_state().view
                assert view is not None
                known = view.historical_quality
                assert {symbol for symbol, _ in known} == set(SYMBOLS)
                assert all((quality.percent == 100) is is_full for quality in known.values())

        with console_run(store, tmp_path) as console:
            drive(console, act)
