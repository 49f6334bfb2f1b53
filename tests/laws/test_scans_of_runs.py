"""Laws of scans: what they find does not depend on how a run is played, and joins as by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.scan_records import ScanOutcome
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.symbol_changes import ChangeKind
from tests.laws.test_no_look_ahead import changed
from tests.support.files import TRAILING
from tests.support.markets import fill_store, filled_stores, open_new_store, random_bars
from tests.support.runs import LIMIT_S, KeepRecords, at_frontier
from tests.support.tapes import sessions_of

FILE = ("AAA", "BBB")
OTHERS = ("CCC", "DDD", "EEE", "FFF", "GGG", "LATE", "THIN")
LENGTHS = (390, 390, 210)
"""Slots of the sessions played; the last one closes early."""
SCANNERS = [
    {
        "name": "before",
        "where": "prev_close > 49",
        "by": "prev_close",
        "top": 1,
        "at": ["pre_session"],
        "keep": True,
    },
    {
        "name": "movers",
        "where": "change_pct > 0.2 or not change_pct > -0.4",
        "by": "change_pct",
        "top": 2,
        "at": ["09:35", "10:00", {"from": "11:00", "every": "1h"}],
        "max_symbols": 2,
    },
    {
        "name": "busy",
        "where": "day_volume > avg_volume_to_now and sma_3 > 0",
        "by": "day_volume / avg_volume_to_now",
        "at": ["09:40", "12:59", "15:59"],
        "add": False,
    },
]


def config_of(scanners: Sequence[dict[str, Any]] = (), **backtest: Any) -> SessionConfig:
    """Return a session file over three sessions, with scanners."""
    data: dict[str, Any] = {
        "symbols": list(FILE),
        "streams": ["1m", "5m"],
        "historical": {"data": [{"trailing_days": 1, "intervals": ["1d"]}], "indicators": TRAILING},
        "indicators": {
            "sma_3": {"type": "SMA", "interval": "1m", "timeperiod": 3},
            "vwap": {"type": "VWAP", "interval": "1m"},
        },
    }
    if scanners:
        data["universe"] = {"symbols": "all", "indicators": ["sma_3"], "average_days": 3}
        data["scanners"] = list(scanners)
    document = {
        "session_name": "law",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-11-26", "end_date": "2013-11-29", **backtest},
        "session_data_config": data,
    }
    return parse_session_config(document, "law").config


def fill(store: BarStore) -> None:
    """Write a market: one symbol is listed on the second day played, one has few bars."""
    fill_store(store, (*FILE, *OTHERS[:5]), "2013-11-18", "2013-11-29", missing=0.05)
    fill_store(store, ("THIN",), "2013-11-18", "2013-11-29", missing=0.7, seed=9)
    listed = np.concatenate(
        [SessionSlots(day, MINUTE).opened_at for day in sessions_of("2013-11-27", "2013-11-29")]
    )
    store.write("LATE", MINUTE, random_bars(listed, seed=7))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BarStore, BarStore]]:
    with filled_stores(tmp_path_factory.mktemp("law"), fill) as both:
        yield both


class Outcome(NamedTuple):
    """What a run gave."""

    records: list[SessionRecord]
    stamp: str

    @property
    def scans(self) -> list[Any]:
        """The scans of each session, without the times that they took."""
        return [record.scans for record in self.records]


def played(config: SessionConfig, store: BarStore, stops: Sequence[int] = ()) -> Outcome:
    """Play a run, with pauses after some numbers of slots, counted from the run's start."""
    kept = KeepRecords()
    system = SystemManager(config, store, sinks=[kept], tape_cache_bytes=1)
    system.start(paused=bool(stops))
    try:
        if stops:
            at = 0
            for stop in sorted(stops):
                if stop > at:
                    system.step(stop - at)
                    at = stop
                assert system.wait_for(lambda at=at: _slots_played(system) == at, LIMIT_S)
            system.resume()
        assert system.wait(LIMIT_S)
        assert system.error is None, system.error
        for record in kept.records:  # the digest proves that they are recomputed as they were
            assert system.tape_cache is not None
            assert system.tape_cache.session(record.tape.session.trading_day) is not None
            assert system.scans(record.tape.session.trading_day) == record.scans
        return Outcome(kept.records, system.summary().stamp)
    finally:
        system.stop(LIMIT_S)


def _slots_played(system: SystemManager) -> int:
    now = system.snapshot()
    return sum(LENGTHS[: now.session - 1]) + now.frontier if now.session else -1


@pytest.fixture(scope="module")
def expected(stores: tuple[BarStore, BarStore]) -> Outcome:
    return played(config_of(SCANNERS), stores[0])


def test_each_scanner_of_the_law_finds_something_and_something_joins(expected):
    found: dict[str, int] = {}
    for record in expected.records:
        for scan in record.scans:
            assert scan.outcome is ScanOutcome.DONE, scan.error
            found[scan.scanner] = found.get(scan.scanner, 0) + len(scan.found)
    assert set(found) == {"before", "movers", "busy"}
    assert all(found.values()), found
    assert any(change.kind is ChangeKind.JOINED for r in expected.records for change in r.tape.changes)


def test_each_scan_runs_once_at_exactly_its_slot(expected):
    for record, length in zip(expected.records, LENGTHS, strict=True):
        assert len(record.tape) == length
        slots = [(scan.scanner, scan.frontier) for scan in record.scans]
        movers = [5, 30, *range(90, length + 1, 60)]
        busy = [at for at in (10, 209, 389) if at <= length]
        planned = [("before", 0), *(("movers", at) for at in movers), *(("busy", at) for at in busy)]
        assert slots == sorted(planned, key=lambda one: one[1])


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stops=st.lists(st.integers(0, sum(LENGTHS) - 1), max_size=5),
    speed=st.sampled_from([0.0, 1e6]),
    prefetch=st.integers(1, 4),
    store=st.integers(0, 1),
)
def test_scans_do_not_depend_on_cut_speed_store_or_chunking(stores, expected, stops, speed, prefetch, store):
    config = config_of(SCANNERS, prefetch_days=prefetch, speed_multiplier=speed)
    outcome = played(config, stores[store], stops)
    assert outcome.scans == expected.scans
    assert outcome.stamp == expected.stamp


def test_what_scans_add_is_as_if_added_by_hand(stores, expected):
    kept = KeepRecords()
    system = SystemManager(config_of(), stores[0], sinks=[kept])
    system.start(paused=True)
    try:
        for number, record in enumerate(expected.records, 1):
            at = 0
            if number > 1:
                system.run_to(record.tape.session.regular_open)
                assert system.wait_for(at_frontier(system, number, 0), LIMIT_S)
            for change in record.tape.changes:
                if change.frontier > at:
                    system.step(change.frontier - at)
                    at = change.frontier
                assert system.wait_for(at_frontier(system, number, at), LIMIT_S)
                assert system.add_symbol(change.symbol, keep=change.keep) == change
            assert system.wait_for(at_frontier(system, number, at), LIMIT_S)
        system.resume()
        assert system.wait(LIMIT_S)
        assert system.error is None, system.error
        assert system.summary().stamp == expected.stamp
        assert [record.tape.changes for record in kept.records] == [r.tape.changes for r in expected.records]
        assert all(record.scans == () for record in kept.records)
    finally:
        system.stop(LIMIT_S)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    session=st.integers(0, 2),
    slot=st.sampled_from([5, 31, 90, 150, 209]),
    how=st.sampled_from(["cut", "altered"]),
)
def test_what_comes_after_a_scan_does_not_change_what_it_finds(stores, expected, session, slot, how):
    moment = expected.records[session].tape.slots.clock(slot)
    later = SessionSlots(expected.records[-1].tape.session, MINUTE).closed_at[-1] - 60
    kept_from = int(later) if how == "cut" else 0  # a symbol needs a bar in the range
    with tempfile.TemporaryDirectory() as folder, open_new_store(Path(folder) / "bars.db") as other:
        for symbol in (*FILE, *OTHERS):
            other.write(symbol, MINUTE, changed(stores[0], symbol, moment, how, kept_from))
        outcome = played(config_of(SCANNERS), other)
    for earlier in range(session):
        assert outcome.scans[earlier] == expected.scans[earlier]
    ours, theirs = (
        [scan for scan in one.scans[session] if scan.frontier <= slot] for one in (outcome, expected)
    )
    assert ours == theirs
    assert ours
    if session < 2 or slot < 150:  # later scans follow, and the change reaches them
        assert outcome.scans != expected.scans
