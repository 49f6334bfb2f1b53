"""A breakpoint pauses a run at exactly the first slot where its condition becomes true, at any speed."""

from __future__ import annotations

import csv
import io
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ConditionError, EngineError
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.breakpoints import Breakpoints
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.imports import import_lean
from tests.support.runs import LIMIT_S

Config = Callable[..., SessionConfig]


@pytest.fixture
def system(session_config: Config, gapped_store: BarStore):
    made = SystemManager(session_config(), gapped_store)
    yield made
    made.stop(LIMIT_S)


def stops(system: SystemManager) -> list[tuple[int, int]]:
    """Return session and frontier of every stop until the run is over, resuming after each."""
    found = []
    while rests(system, system.mark()):
        now = system.snapshot()
        found.append((now.session, now.frontier))
        system.resume()
    return found


def rests(system: SystemManager, taken: threading.Event) -> bool:
    """Wait until the run is paused or has ended; return whether it is paused."""
    assert system.wait_for(
        lambda: system.state.is_over or (taken.is_set() and system.state is RunState.PAUSED), LIMIT_S
    )
    return not system.state.is_over


def test_a_run_pauses_where_spy_first_closed_above_a_price(lean_root: Path, tmp_path: Path) -> None:
    folder = lean_root / "equity" / "usa" / "minute" / "spy"
    with zipfile.ZipFile(folder / "20131010_trade.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = [row for row in csv.reader(io.StringIO(text)) if 34_200_000 <= int(row[0]) < 57_600_000]
    assert len(rows) == 390
    expected = next(slot for slot, row in enumerate(rows) if int(row[4]) > 1_685_000)

    with open_store(tmp_path / "bars.db", create=True) as store:
        import_lean(folder, store)
        config = session_file(["SPY"], ["1m"], "2013-10-10", "2013-10-11")
        system = SystemManager(config, store)
        system.add_breakpoint("SPY.close > 168.5")
        system.start()
        try:
            assert system.wait_for(lambda: system.state is RunState.PAUSED, LIMIT_S)
            now = system.snapshot()
        finally:
            system.stop(LIMIT_S)
    assert now.frontier == expected + 1
    assert now.stopped_at is not None
    assert (now.stopped_at.text, now.stopped_at.frontier) == ("SPY.close > 168.5", expected + 1)
    assert now.stopped_at.local_clock.strftime("%H:%M %Z") == "15:04 EDT"


@pytest.mark.parametrize("speed", [0.0, 60_000.0, 1e8])
def test_it_fires_on_every_day_at_any_speed(
    session_config: Config, gapped_store: BarStore, speed: float
) -> None:
    system = SystemManager(session_config(speed_multiplier=speed), gapped_store)
    system.add_breakpoint("time >= 10:30")
    system.start()
    try:
        assert stops(system) == [(1, 60), (2, 60), (3, 60), (4, 60)]
    finally:
        system.stop(LIMIT_S)
    (shown,) = system.breakpoints()
    assert shown.hits == 4


def test_what_holds_at_the_open_fires_at_the_open(system: SystemManager) -> None:
    system.add_breakpoint("time >= 9:30")
    system.start()
    assert stops(system) == [(1, 0), (2, 0), (3, 0), (4, 0)]


def test_a_start_in_mid_session_checks_the_first_frontier(
    session_config: Config, gapped_store: BarStore
) -> None:
    system = SystemManager(session_config(start_time="11:00"), gapped_store)
    system.add_breakpoint("time >= 10:30")
    system.start()
    try:
        assert stops(system)[:2] == [(1, 90), (2, 60)]
    finally:
        system.stop(LIMIT_S)


def test_it_fires_where_the_condition_becomes_true_and_not_while_it_stays_so(system: SystemManager) -> None:
    system.add_breakpoint("any.gaps > 0 and time < 11:00 or time >= 15:00")
    system.start()
    found = stops(system)
    assert [session for session, _ in found].count(1) == 2
    assert found[1] == (1, 330)


def test_steps_end_at_a_breakpoint_and_go_on_after_it(system: SystemManager) -> None:
    system.add_breakpoint("time >= 9:40")
    system.start(paused=True)
    system.step(25)
    assert system.wait_for(lambda: system.snapshot().stopped_at is not None, LIMIT_S)
    now = system.snapshot()
    assert (now.frontier, now.steps_left) == (10, 0)
    system.step(25)
    assert system.wait_for(lambda: system.snapshot().frontier == 35, LIMIT_S)
    assert system.snapshot().stopped_at is None


def test_a_run_to_a_time_ends_at_a_breakpoint_on_the_way(system: SystemManager) -> None:
    system.add_breakpoint("time >= 10:00")
    system.start(paused=True)
    assert system.wait_for(lambda: system.snapshot().clock is not None, LIMIT_S)
    system.run_to(datetime(2013, 11, 26, 18, tzinfo=UTC))
    assert system.wait_for(lambda: system.snapshot().stopped_at is not None, LIMIT_S)
    assert system.snapshot().frontier == 30


def test_two_that_fire_at_one_slot_are_one_stop_and_two_events(system: SystemManager) -> None:
    system.add_breakpoint("time >= 10:00")
    system.add_breakpoint("time  ==  10:00")
    system.start()
    assert stops(system) == [(1, 30), (2, 30), (3, 30), (4, 30)]
    assert [breakpoint.hits for breakpoint in system.breakpoints()] == [4, 4]
    breaks = [event for event in system.events() if event.kind is EventKind.BREAK]
    assert [event.text for event in breaks[:2]] == ["time >= 10:00", "time == 10:00"]
    assert {event.slot for event in breaks} == {29}


def test_one_that_is_set_while_it_holds_fires_at_the_next_slot(system: SystemManager) -> None:
    system.start(paused=True)
    system.step(40)
    assert system.wait_for(lambda: system.snapshot().frontier == 40, LIMIT_S)
    system.add_breakpoint("time >= 10:00")
    system.resume()
    assert stops(system)[:2] == [(1, 41), (2, 30)]


def test_breakpoints_are_set_and_removed_while_the_clock_drives(
    session_config: Config, gapped_store: BarStore
) -> None:
    system = SystemManager(session_config(speed_multiplier=6_000.0), gapped_store)
    system.start()
    try:
        removed = system.add_breakpoint("time >= 11:00")
        system.remove_breakpoint(removed.number)
        kept = system.add_breakpoint("time >= 12:00")
        assert system.wait_for(lambda: system.snapshot().stopped_at is not None, LIMIT_S)
        assert system.snapshot().frontier == 150
        assert [breakpoint.number for breakpoint in system.breakpoints()] == [kept.number]
        assert system.snapshot().breakpoints == system.breakpoints()
    finally:
        system.stop(LIMIT_S)


def test_a_breakpoint_that_cannot_be_is_refused_at_once(system: SystemManager) -> None:
    with pytest.raises(ConditionError, match="Did you mean 'ema_5'"):
        system.add_breakpoint("AAA.ema_6 > 3")
    assert system.breakpoints() == ()


def test_an_unknown_breakpoint_cannot_be_removed(system: SystemManager) -> None:
    with pytest.raises(EngineError, match=r"unknown breakpoint 7 \(set: none\)"):
        system.remove_breakpoint(7)
    system.add_breakpoint("time >= 10:00")
    with pytest.raises(EngineError, match=r"unknown breakpoint 7 \(set: 1\)"):
        system.remove_breakpoint(7)
    system.remove_breakpoint(1)


def test_deleting_an_unknown_breakpoint_changes_nothing() -> None:
    breakpoints = Breakpoints()
    breakpoints.remove(3)
    assert breakpoints.listed == ()
    assert not breakpoints.any_set


def test_every_name_of_the_session_file_may_be_used(system: SystemManager) -> None:
    words = system.vocabulary()
    assert words.symbols == ("AAA", "BBB", "CCC")
    assert [str(interval) for interval in words.intervals] == ["1m", "5m", "1d"]
    assert words.indicators == ("ema_5", "rsi_5m", "vwap", "rel")
    assert words.historical == ("usual", "high_2w")
    for name in words.names:
        system.add_breakpoint(f"any.{name} < -1")
    assert len(system.breakpoints()) == len(words.names)


def test_one_that_is_switched_off_is_listed_and_does_not_fire(system: SystemManager) -> None:
    first = system.add_breakpoint("time >= 10:00")
    later = system.add_breakpoint("time >= 11:00", enabled=False)
    assert [(b.number, b.enabled) for b in system.breakpoints()] == [(first.number, True), (2, False)]
    assert [number for number, _ in system.conditions()] == [first.number]
    system.start()
    assert rests(system, system.mark())
    assert system.snapshot().frontier == 30
    system.enable_breakpoint(first.number, False)
    system.enable_breakpoint(later.number, True)
    assert [b.enabled for b in system.breakpoints()] == [False, True]
    system.resume()
    assert stops(system) == [(1, 90), (2, 90), (3, 90), (4, 90)]
    assert [b.hits for b in system.breakpoints()] == [1, 4]
    system.enable_breakpoint(later.number, False)  # after the end
    assert [b.enabled for b in system.breakpoints()] == [False, False]
    with pytest.raises(EngineError, match=r"unknown breakpoint 7 \(set: 1, 2\)"):
        system.enable_breakpoint(7, True)


def test_one_that_is_switched_on_while_it_holds_fires_at_the_next_slot(system: SystemManager) -> None:
    number = system.add_breakpoint("time >= 10:00", enabled=False).number
    system.start(paused=True)
    system.step(40)
    assert system.wait_for(lambda: system.snapshot().frontier == 40, LIMIT_S)
    system.enable_breakpoint(number, True)
    system.resume()
    assert stops(system)[:2] == [(1, 41), (2, 30)]


def test_a_run_until_a_condition_ends_where_it_becomes_true_and_leaves_no_breakpoint(
    system: SystemManager,
) -> None:
    system.add_breakpoint("time >= 11:00 and time < 11:01")
    system.start(paused=True)
    system.step(40)
    assert system.wait_for(lambda: system.snapshot().frontier == 40, LIMIT_S)
    system.run_until("time >= 10:00")  # it is true already, and becomes true on the next day
    assert [breakpoint.number for breakpoint in system.breakpoints()] == [1]
    assert rests(system, system.mark())
    assert (system.snapshot().session, system.snapshot().frontier) == (1, 90)  # another pause on the way
    system.resume()
    assert rests(system, system.mark())
    now = system.snapshot()
    assert (now.session, now.frontier) == (2, 30)
    assert now.stopped_at is not None
    assert (now.stopped_at.number, now.stopped_at.text) == (0, "time >= 10:00")
    assert [event.text for event in system.events() if event.kind is EventKind.BREAK][-1] == "time >= 10:00"
    system.resume()
    assert stops(system) == [(2, 90), (3, 90), (4, 90)]


def test_a_run_to_a_time_replaces_a_run_until_a_condition(
    session_config: Config, gapped_store: BarStore
) -> None:
    system = SystemManager(session_config(speed_multiplier=1.0), gapped_store)
    system.start(paused=True)
    try:
        with pytest.raises(ConditionError, match="unknown value"):
            system.run_until("AAA.what > 3")
        assert system.wait_for(lambda: system.snapshot().clock is not None, LIMIT_S)
        system.run_until("time >= 15:00")
        system.run_to(datetime(2013, 11, 27, 17, tzinfo=UTC))
        system.set_speed(0.0)
        assert rests(system, system.mark())
        now = system.snapshot()
        assert (now.session, now.frontier, now.stopped_at) == (2, 150, None)
    finally:
        system.stop(LIMIT_S)


def test_another_run_of_the_same_file_has_the_same_breakpoints(system: SystemManager) -> None:
    removed = system.add_breakpoint("time >= 9:45")
    system.add_breakpoint("time >= 10:00", enabled=False)
    system.add_breakpoint("time >= 11:00")
    system.remove_breakpoint(removed.number)
    again = system.renewed()
    assert [(known.text, known.enabled) for known in again.breakpoints()] == [
        ("time >= 10:00", False),
        ("time >= 11:00", True),
    ]
