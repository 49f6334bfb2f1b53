"""Scanners of live sessions, by a clock by hand: what they find joins, and the day ends as its backtest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import StoreError
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.fault_script import parse_fault_script
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.history_request import HistoryPurpose
from tapedeck.engine.feeds.live_feed import FeedAbilities
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.recorded_day_feed import recorded_changes, recorded_scans
from tapedeck.engine.feeds.scripted_market import ScriptedMarket
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.run.universe_loader import UniverseLoader
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.universe.scanner_status import ScannerState
from tests.faults.live_changes import play_with
from tests.faults.live_world import HandFeed, HandWorld, KilledError, Told, one_thread
from tests.support.markets import random_bars
from tests.support.memory_store import MemoryStore
from tests.support.runs import KeepRecords, play_recorded

DAY = date(2013, 10, 7)
FILE, OTHERS = ("AAA", "BBB"), ("CCC", "DDD", "EEE", "FFF")
HOURS = {DAY.isoformat(): {"close": "10:00"}}
CALENDAR = TimeManager("XNYS")
MOVERS = {
    "name": "movers",
    "where": "change_pct > -100 and sma_3 > 0",
    "by": "change_pct",
    "top": 3,
    "at": ["09:35", "09:45"],
    "max_symbols": 2,
}
BEFORE = {"name": "before", "where": "prev_close > 0", "by": "-prev_close", "top": 2, "at": ["pre_session"]}
WATCH = {"name": "watch", "where": "day_volume > 0", "at": [{"from": "09:40", "every": "10m"}], "add": False}


def config_of(scanners: Sequence[dict[str, Any]] = ()) -> SessionConfig:
    """Return a session file over half an hour."""
    data: dict[str, Any] = {
        "symbols": list(FILE),
        "streams": ["1m", "5m"],
        "sessions": HOURS,
        "indicators": {"sma_3": {"type": "SMA", "interval": "1m", "timeperiod": 3}},
    }
    if scanners:
        data |= {"universe": {"symbols": "all", "indicators": ["sma_3"]}, "scanners": list(scanners)}
    document = {
        "session_name": "scans",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": DAY.isoformat(), "end_date": DAY.isoformat()},
        "session_data_config": data,
    }
    return parse_session_config(document, "scans").config


SLOTS = SessionSlots(
    TimeManager("XNYS", changes=config_of().session_data_config.sessions).get_trading_session(DAY), MINUTE
)
OPENS = float(SLOTS.opened_at[0])


def bars_of(symbol: str) -> Any:
    """Return a symbol's bars of the day."""
    return random_bars(SLOTS.stored_labels, seed=9 + ord(symbol[0]))


def store_of(location: Path, *, with_day: bool) -> MemoryStore:
    """Return a store with the days before, and the day itself."""
    store = MemoryStore(location)
    past = CALENDAR.trading_sessions(date(2013, 10, 3), date(2013, 10, 4))
    for symbol in (*FILE, *OTHERS):
        for session in past:
            labels = SessionSlots(session, MINUTE).stored_labels
            store.write(symbol, MINUTE, random_bars(labels, seed=ord(symbol[0])))
        if with_day:
            store.write(symbol, MINUTE, bars_of(symbol))
    return store


@dataclass
class Day:
    """A live run of the day: what it records, and what it tells."""

    folder: Path
    scanners: Sequence[dict[str, Any]]
    begins: float = -60.0
    abilities: FeedAbilities = FeedAbilities((MINUTE,))  # noqa: RUF009 - it is frozen
    refuses: frozenset[str] = frozenset()
    speed: float = 10.0

    def __post_init__(self) -> None:
        self.world = HandWorld(Random(3), start=OPENS + self.begins, speed=self.speed)
        self.store = store_of(self.folder / "bars.db", with_day=False)
        self.told = Told()
        bars = []
        for symbol in (*FILE, *OTHERS):
            found = bars_of(symbol)
            columns = (found.opened_at, found.open, found.high, found.low, found.close, found.volume)
            bars += [FeedBar(symbol, *row) for row in zip(*(one.tolist() for one in columns), strict=True)]
        self.market = ScriptedMarket(bars, parse_fault_script({}), zone=SLOTS.session.zone)
        self.kept = KeepRecords()

    @property
    def journal(self) -> Path:
        """The arrival journal of the run."""
        return journal_path(self.store.location)

    def play(self, **options: Any) -> None:
        """Record until the day is over, or the run is killed."""
        world = self.world
        feed = world.feed = HandFeed(self.market, world, [])
        feed.abilities, feed.refuses = self.abilities, self.refuses
        live = LiveOptions(feed, world.clock, self.journal, days=1, first_day=DAY, **options)
        with one_thread(world, self.told):
            self.system = SystemManager(config_of(self.scanners), self.store, sinks=[self.kept], live=live)
            self.system.start()

    def kill_at(self, seconds: float, pause: float) -> None:
        """Play, kill the run some seconds after the open, and let time pass."""
        self.world.kill_at = self.world.at(OPENS + seconds)
        with pytest.raises(KilledError):
            self.play()
        assert self.world.recorder is not None
        self.world.recorder.kill()
        self.world.restart(pause)

    @property
    def record(self) -> SessionRecord:
        """The recorded session."""
        [record] = self.kept.records
        return record

    @property
    def alerts(self) -> list[str]:
        """Texts of the alerts so far."""
        live = self.system.snapshot().live
        assert live is not None
        return [alert.text for alert in live.alerts]


def joins(record: SessionRecord) -> list[tuple[str, int]]:
    return [(change.symbol, change.frontier) for change in record.tape.changes]


def found(scans: Sequence[ScanRecord]) -> list[tuple[Any, ...]]:
    """Return what scans found, in the order of their moments."""
    lines = [(scan.frontier, scan.scanner, scan.outcome, scan.found) for scan in scans]
    return sorted(lines, key=lambda line: line[:2])


def backtest(folder: Path, scanners: Sequence[dict[str, Any]]) -> SessionRecord:
    """Play the day from a store that has all of it."""
    [record] = play_recorded(config_of(scanners), store_of(folder / "all.db", with_day=True)).records
    return record


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> SessionRecord:
    """The day with all three scanners, played from a store that has all of it."""
    return backtest(tmp_path_factory.mktemp("expected"), [BEFORE, MOVERS, WATCH])


def digest_with_the_same_changes(day: Day, record: SessionRecord) -> str:
    """Play what the recording has stored, without scanners, with the changes of its session by hand."""
    kept = KeepRecords()
    system = SystemManager(config_of(), day.store, sinks=[kept])
    try:
        play_with(system, [record.tape])
    finally:
        system.stop(30.0)
    [played] = kept.records
    return session_digest(played.tape, played.frontier)


def test_scans_find_what_they_find_in_a_backtest_and_the_day_ends_as_one_with_the_same_joins(
    tmp_path: Path, expected: SessionRecord
) -> None:
    day = Day(tmp_path, [BEFORE, MOVERS, WATCH])
    day.play()
    assert day.system.error is None
    assert found(day.record.scans) == found(expected.scans)
    assert len([scan for scan in expected.scans if scan.found]) == 6
    assert [symbol for symbol, _ in joins(day.record)] == [symbol for symbol, _ in joins(expected)]
    reported = [scan for scan in expected.scans if scan.scanner == "watch" and scan.found]
    assert len([text for text in day.alerts if text.startswith("watch: found ")]) == len(reported) > 0
    assert not [text for text in day.alerts if text.startswith(("movers", "before"))], "they join"
    mine = session_digest(day.record.tape, day.record.frontier)
    assert mine == digest_with_the_same_changes(day, day.record)
    with ArrivalJournal(day.journal) as journal:
        [recorded] = journal.days()
        assert journal.scans(recorded) == day.record.scans


def test_the_session_goes_on_while_a_scan_runs_and_others_are_skipped(
    tmp_path: Path,
) -> None:
    every = {**MOVERS, "at": [{"from": "09:33", "to": "09:40", "every": "1m"}], "add": True}
    day = Day(tmp_path, [every])
    day.world.scan_s = 15.0
    day.play()
    scans = day.record.scans
    outcomes = {scan.frontier: scan.outcome for scan in scans}
    # Loading takes as long as a scan: the first moment is over by then, and each scan takes 2½ minutes; after
    # it, its joins are loaded.
    assert next(at for at, outcome in outcomes.items() if outcome is ScanOutcome.DONE) == 3
    assert set(outcomes) == set(range(3, 11))
    skipped = [scan for scan in scans if scan.outcome is ScanOutcome.SKIPPED]
    assert len(skipped) >= 4
    reasons = {scan.error for scan in skipped}
    assert {"another scan was running"} <= reasons <= {"another scan was running", "a later one was due, too"}
    [status] = day.system.scanners()
    assert (status.skipped, status.runs) == (len(skipped), len(scans) - len(skipped))
    first = next(scan for scan in scans if scan.outcome is ScanOutcome.DONE)
    expected = [one for one in found(backtest(tmp_path, [every]).scans) if one[0] == first.frontier]
    assert [one.symbol for one in first.found] == [one.symbol for one in expected[0][3]]
    assert len(joins(day.record)) == 2
    # The scan itself, and the load of what joins.
    assert {at for _, at in joins(day.record)} == {first.frontier + 5}
    mine = session_digest(day.record.tape, day.record.frontier)
    assert mine == digest_with_the_same_changes(day, day.record)


@pytest.mark.parametrize("killed_s", [290.0, 910.5, 1400.0])
def test_after_a_kill_joins_come_again_and_nothing_is_scanned_twice(
    tmp_path: Path, expected: SessionRecord, killed_s: float
) -> None:
    scanners = [BEFORE, MOVERS, WATCH]
    day = Day(tmp_path, scanners)
    day.kill_at(killed_s, 3.0)
    before = [scan for scan in found(expected.scans) if scan[0] * 60 < killed_s]
    with ArrivalJournal(day.journal) as journal:
        [recorded] = journal.days()
        assert found(journal.scans(recorded)) == before
    day.play()
    assert found(day.record.scans) == found(expected.scans)
    assert sum(status.runs for status in day.system.scanners()) == len(expected.scans) - len(before)
    assert joins(day.record) == joins(expected)
    mine = session_digest(day.record.tape, day.record.frontier)
    assert mine == digest_with_the_same_changes(day, day.record)


def test_a_start_in_mid_session_runs_the_last_moment_and_those_before_the_session(
    tmp_path: Path, expected: SessionRecord
) -> None:
    day = Day(tmp_path, [BEFORE, MOVERS, WATCH], begins=1_230.0)
    day.play()
    done = {(scan.scanner, scan.frontier) for scan in day.record.scans if scan.outcome is ScanOutcome.DONE}
    skipped = {
        (scan.scanner, scan.frontier) for scan in day.record.scans if scan.outcome is ScanOutcome.SKIPPED
    }
    assert done == {("before", 0), ("watch", 20), ("watch", 30)}
    assert skipped == {("movers", 5), ("movers", 15), ("watch", 10)}
    assert {scan.error for scan in day.record.scans} == {None, "a later one was due, too"}
    assert {at for _, at in joins(day.record)} == {20}
    others = {one[:2]: one[3] for one in found(expected.scans)}
    for scan in day.record.scans:
        if scan.outcome is ScanOutcome.DONE:
            assert scan.found == others[scan.frontier, scan.scanner]


def test_symbols_that_the_feed_refuses_or_has_no_room_for_do_not_join(
    tmp_path: Path, expected: SessionRecord
) -> None:
    wanted = [one.symbol for one in expected.scans[0].found]
    day = Day(tmp_path, [BEFORE], refuses=frozenset(wanted[:1]))
    day.play()
    assert joins(day.record) == [(wanted[1], 0)]
    assert [one.joined for one in day.record.scans[0].found] == [False, True]
    reason = f"before: {wanted[0]} does not join: "
    assert len([text for text in day.alerts if text.startswith(reason)]) == 1

    folder = tmp_path / "few"
    folder.mkdir()
    day = Day(folder, [BEFORE, WATCH], abilities=FeedAbilities((MINUTE,), most_symbols=3))
    day.play()
    assert joins(day.record) == [(wanted[0], 0)]
    [text] = [text for text in day.alerts if "does not join" in text]
    assert "4 symbols are too many: hand takes at most 3" in text
    asked = [request for request, _ in day.told.asked if request.purpose is HistoryPurpose.UNIVERSE]
    assert max(len(request.symbols) for request in asked) == 3


def test_without_history_what_cannot_be_fetched_is_named_once_and_missing(tmp_path: Path) -> None:
    day = Day(tmp_path, [WATCH], abilities=FeedAbilities((MINUTE,), has_history=False))
    day.play()
    text = "universe: no bars of 4 of 6 symbols today, CCC, DDD, EEE, FFF: the feed hand has no history"
    assert day.alerts.count(text) == 1
    events = [event.text for event in day.system.events() if event.kind is EventKind.ERROR]
    assert events.count(text) == 1
    assert [[one.symbol for one in scan.found] for scan in day.record.scans] == [["AAA", "BBB"]] * 3


def test_a_recorded_day_that_is_played_again_has_its_scans_and_runs_none(tmp_path: Path) -> None:
    day = Day(tmp_path, [BEFORE, MOVERS])
    day.play()
    wanted = day.journal, DAY, MINUTE, FILE
    folder = tmp_path / "again"
    folder.mkdir()
    again = Day(folder, [BEFORE, MOVERS])
    kept, changes = recorded_changes(*wanted)
    again.play(kept=kept, changes=changes, scans=recorded_scans(*wanted))
    assert again.record.scans == day.record.scans
    assert joins(again.record) == joins(day.record)
    assert not [one for one, _ in again.told.asked if one.purpose is HistoryPurpose.UNIVERSE]
    assert {status.runs for status in again.system.scanners()} == {0}


def test_without_its_universe_a_session_is_recorded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> Any:
        raise StoreError("the store cannot be read")

    day = Day(tmp_path, [BEFORE, MOVERS])
    monkeypatch.setattr(UniverseLoader, "begin", broken)
    day.play()
    assert day.system.error is None
    assert day.record.tape.base.present.all()
    assert day.record.scans == ()
    assert day.alerts.count("scanners are off for this session: the store cannot be read") == 1


@pytest.mark.parametrize("at", [-30.0, 330.0])
def test_a_stop_while_the_universe_is_loaded_or_scanned_ends_in_order(tmp_path: Path, at: float) -> None:
    day = Day(tmp_path, [BEFORE, MOVERS])
    day.world.scan_s = 4.5
    day.world.call(day.world.at(OPENS + at) - day.world.machine, lambda: day.system.stop(0))
    day.play()
    assert day.system.error is None
    assert {status.state for status in day.system.scanners()} == {ScannerState.ENDED}
