"""Bookmarks, and views of earlier days."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError, ExportError
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.run.tape_cache import MEMORY_BYTES, TapeCache
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.stamp import session_digest
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.runs import LIMIT_S, at_frontier, play, play_recorded, until

Config = Callable[..., SessionConfig]


def days_of(system: SystemManager) -> tuple[date, ...]:
    """Return the ended days of a run."""
    assert system.tape_cache is not None
    return system.tape_cache.days()


@pytest.fixture
def marked(session_config: Config, gapped_store: BarStore):
    system = SystemManager(session_config(), gapped_store)
    system.start(paused=True)
    assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
    yield system
    system.stop(LIMIT_S)


def test_a_bookmark_is_at_the_current_or_at_an_earlier_slot(marked: SystemManager) -> None:
    marked.step(20)
    assert marked.wait_for(at_frontier(marked, 1, 20), LIMIT_S)
    marked.add_bookmark()
    marked.add_bookmark("turn", 12)
    marks = [event for event in marked.events() if event.kind is EventKind.BOOKMARK]
    assert [(event.frontier, event.text) for event in marks] == [(12, "turn"), (20, "bookmark")]
    with pytest.raises(EngineError, match="invalid slot 21 for a bookmark: use 0 to 20"):
        marked.add_bookmark("ahead", 21)


def test_no_bookmark_is_possible_before_a_session(session_config: Config, gapped_store: BarStore) -> None:
    with pytest.raises(EngineError, match="no bookmark possible before the first session"):
        SystemManager(session_config(), gapped_store).add_bookmark()


@pytest.fixture
def over(session_config: Config, gapped_store: BarStore) -> TapeCache:
    """The sessions of an ended run, with only the last one in memory."""
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=0)
    system.start()
    assert system.wait(LIMIT_S)
    assert system.tape_cache is not None
    return system.tape_cache


@pytest.mark.parametrize("memory_bytes", [0, MEMORY_BYTES], ids=["played again", "in memory"])
def test_an_earlier_day_can_be_viewed_again(
    session_config: Config, gapped_store: BarStore, memory_bytes: int
) -> None:
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=memory_bytes)
    system.start(paused=True)
    earlier = system.tape_cache
    assert earlier is not None
    first = date(2013, 11, 26)
    try:
        system.step(390)
        assert system.wait_for(at_frontier(system, 1, 390), LIMIT_S)
        whole = system.session_data.view()
        assert whole is not None
        closes = whole.bars_grid(whole.indicator_interval("ema_5"))[3].tobytes()
        system.step(390 + 30)
        assert system.wait_for(at_frontier(system, 3, 30), LIMIT_S)
        assert until(lambda: len(earlier.days()) == 2)
        assert (earlier.cached(first) is None) is (memory_bytes == 0)
        again = earlier.session(first).view()
        assert earlier.cached(first) == earlier.session(first)
    finally:
        system.stop(LIMIT_S)
    assert again.frontier == 390
    assert again.bars_grid(again.indicator_interval("ema_5"))[3].tobytes() == closes
    with pytest.raises(ExportError, match=r"no tape for 2013-12-02\. Available: .*; nearest: 2013-11-"):
        earlier.session(date(2013, 12, 2))


def test_every_recomputed_day_equals_the_played_one(
    session_config: Config, gapped_store: BarStore, over: TapeCache
) -> None:
    played = play_recorded(session_config(), gapped_store).records
    assert [record.tape.session.trading_day for record in played] == list(over.days())
    for record in played:
        then, now = SessionView(record.tape), over.session(record.tape.session.trading_day).view()
        assert now.frontier == now.slots
        for interval in record.tape.intervals:
            np.testing.assert_array_equal(now.bars_grid(interval), then.bars_grid(interval))
            np.testing.assert_array_equal(now.base_bars_grid(interval), then.base_bars_grid(interval))
        for name in then.indicator_names():
            np.testing.assert_array_equal(now.indicator_grid(name), then.indicator_grid(name))
        for name, value in record.tape.historical.items():
            np.testing.assert_array_equal(now.historical_value(name).values, value.values)
        for symbol in then.symbols:
            assert now.gaps(symbol) == then.gaps(symbol)
            assert now.quality(symbol) == then.quality(symbol)


def test_recomputed_records_equal_the_recorded_ones(
    session_config: Config, gapped_store: BarStore, over: TapeCache
) -> None:
    played = play_recorded(session_config(), gapped_store).records
    facts = [(record.frontier, record.state, record.historical_quality) for record in played]
    again = list(over.records())
    assert [(record.frontier, record.state, record.historical_quality) for record, _ in again] == facts
    assert [digest for _, digest in again] == [session_digest(one.tape, one.frontier) for one in played]


def test_without_memory_only_the_requested_day_and_the_one_before_are_cached(
    over: TapeCache,
) -> None:
    days = over.days()
    assert [str(day) for day in days] == ["2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02"]
    for at in (3, 2, 1, 0, 2):
        assert over.session(days[at]).trading_day == days[at]
        there = {day for day in days if over.cached(day) is not None}
        assert there >= {days[at], days[max(0, at - 1)], days[-1]}
        assert len(there) <= 3
    assert over.session(days[2]) == over.cached(days[2])


def test_a_partial_session_is_returned_as_far_as_it_was_played(
    session_config: Config, gapped_store: BarStore
) -> None:
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=0)
    system.start(paused=True)
    system.step(390 + 25)
    assert system.wait_for(at_frontier(system, 2, 25), LIMIT_S)
    system.stop(LIMIT_S)
    assert system.tape_cache is not None
    records = [record for record, _ in system.tape_cache.records()]
    assert [(record.frontier, record.state) for record in records] == [(390, "running"), (25, "stopped")]
    assert system.tape_cache.session(date(2013, 11, 27)).frontier == 25


def test_a_run_that_began_in_mid_session_has_that_day_whole(
    session_config: Config, gapped_store: BarStore
) -> None:
    system = SystemManager(session_config(start_time="11:00"), gapped_store, tape_cache_bytes=0)
    system.start()
    assert system.wait(LIMIT_S)
    assert system.tape_cache is not None
    digests = [digest for _, digest in system.tape_cache.records()]
    assert digests == [session.digest for session in system.summary().sessions]


def test_a_changed_store_is_an_error(session_config: Config, tmp_path: Path, gapped_store: BarStore) -> None:
    config = session_config()
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, config.session_data_config.symbols, "2013-11-20", "2013-12-02", missing=0.05)
        system = SystemManager(config, store, tape_cache_bytes=0)
        system.start()
        assert system.wait(LIMIT_S)
        label = SessionSlots(system.time.get_trading_session(date(2013, 11, 27)), MINUTE).stored_labels[:1]
        store.write("AAA", MINUTE, random_bars(label, seed=99), replace=True)
        earlier = system.tape_cache
        assert earlier is not None
        assert earlier.session(date(2013, 11, 26)).frontier == 390
        with pytest.raises(ExportError, match=r"2013-11-27 cannot be recomputed .*: the store has changed"):
            earlier.session(date(2013, 11, 27))
        with pytest.raises(ExportError, match="2013-11-27 cannot be recomputed"):
            system.export_csv(tmp_path / "out")
    assert not (tmp_path / "out" / "bars.csv").exists()


def test_a_run_that_keeps_no_days_cannot_export_them(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    system = play(session_config(), gapped_store)
    with pytest.raises(EngineError, match="this run has no tape cache"):
        system.export_csv(tmp_path / "out")


def test_an_export_in_mid_session_is_a_valid_partial_export(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=MEMORY_BYTES)
    system.start(paused=True)
    try:
        system.step(400)
        assert system.wait_for(at_frontier(system, 2, 10), LIMIT_S)
        assert until(
            lambda: len(days_of(system)) == 1 and system.session_data.require_tape().computed_frontier() == 10
        )
        manifest = system.export_csv(tmp_path / "out")
        system.export_json(tmp_path / "state" / "now.json")
    finally:
        system.stop(LIMIT_S)
    assert (manifest.status, manifest.state) == ("partial", "stopped")
    assert [(session.played, session.slots) for session in manifest.sessions] == [(390, 390), (10, 390)]
    assert validate_export(tmp_path / "out").findings == ()
    document = json.loads((tmp_path / "state" / "now.json").read_text())
    assert document["stamp"] == manifest.stamp
    assert document == json.loads((tmp_path / "out" / "session.json").read_text())


def test_after_the_run_an_export_is_the_one_that_the_run_would_have_written(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=MEMORY_BYTES)
    system.start()
    assert system.wait(LIMIT_S)
    manifest = system.export_csv(tmp_path / "out")
    assert (manifest.status, manifest.stamp) == ("complete", system.summary().stamp)


def test_before_the_first_session_an_export_has_no_session(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=MEMORY_BYTES)
    with pytest.raises(EngineError, match="has not been started"):
        system.export_csv(tmp_path / "out")
    assert not (tmp_path / "out").exists()
