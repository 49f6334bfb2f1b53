"""Symbols that join and leave a live run, with all threads: it ends as a backtest with the same changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from test_live_runs import config_of

from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.recorded_day_feed import recorded_changes, recorded_day_feed
from tapedeck.engine.feeds.symbol_claims import SymbolClaims, SymbolsClaimedError, claims_folder
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.symbol_changes import ChangeKind
from tests.support.live_runs import Replay, reach
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, KeepRecords, at_frontier

DAY = date(2013, 10, 7)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with some weeks of four symbols; some bars are missing."""
    location = tmp_path_factory.mktemp("base") / "bars.db"
    with open_new_store(location) as store:
        fill_store(store, ["AAA", "BBB", "CCC", "DDD"], "2013-09-20", "2013-10-08", missing=0.02)
    return location


def digest(record: SessionRecord) -> str:
    return session_digest(record.tape, record.frontier)


def backtest_digest(base: Path, recorded: SessionRecord) -> str:
    """Play the stored day with the changes of a recording."""
    kept = KeepRecords()
    with open_store(base) as store:
        system = SystemManager(config_of(), store, sinks=[kept])
        try:
            system.start(paused=True)
            at = 0
            for change in recorded.tape.changes:
                if change.frontier > at:
                    system.step(change.frontier - at)
                at = change.frontier
                assert system.wait_for(at_frontier(system, 1, at), LIMIT_S)
                if change.kind is ChangeKind.JOINED:
                    assert system.add_symbol(change.symbol, keep=change.keep) == change
                else:
                    assert system.remove_symbol(change.symbol) == change
            system.resume()
            assert system.wait(LIMIT_S)
        finally:
            system.stop(LIMIT_S)
    return digest(kept.records[0])


@pytest.mark.parametrize("top", ["top.db", "top"])
def test_it_ends_as_the_backtest_is_gone_on_with_after_a_kill_and_played_again(
    base: Path, tmp_path: Path, top: str
) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY, speed=6_000.0, top=top)
    replay.hold_at(replay.opens + 60 * 60)  # the market waits for what is done, however busy the machine is
    with replay.system() as (system, _):
        system.start()
        assert system.wait_for(lambda: system.session_data.tape is not None, LIMIT_S)
        made = [system.add_symbol("CCC", keep=True)]
        replay.hold_at(replay.opens + 120 * 60)
        reach(system, made[0].frontier + 10)
        made += [system.remove_symbol("AAA"), system.add_symbol("DDD"), system.remove_symbol("CCC")]
        replay.hold_at(replay.opens + 180 * 60)
        reach(system, made[-1].frontier + 10)
        system.stop()
    replay.hold_at(replay.opens + 240 * 60)
    with replay.system() as (system, kept):
        system.start()
        reach(system, made[-1].frontier + 1)
        assert system.session_data.get_active_symbols() == ("BBB", "DDD")
        made.append(system.add_symbol("CCC"))
        replay.play_out(system)
        [record] = kept.records
    assert record.tape.changes == tuple(made)
    assert record.tape.symbols == ("BBB", "DDD", "CCC")
    expected = backtest_digest(base, record)
    assert digest(record) == expected

    journal = journal_path(tmp_path / top)
    with ArrivalJournal(journal) as opened:
        [day] = opened.days()
    assert (day.changes, day.kept) == (record.tape.changes, ())
    assert played_again(base, tmp_path, journal) == expected


def played_again(base: Path, folder: Path, journal: Path) -> str:
    """Play a recorded day from its journal, and return its digest."""
    config, kept = config_of(), KeepRecords()
    waits = config.live_config.model_copy(update={"reconcile_within_seconds": 3600.0})
    again = Replay(config.model_copy(update={"live_config": waits}), base, folder, DAY)
    opens, clock, wanted = again.opens, again.clock, (DAY, MINUTE, ["AAA", "BBB"])
    with (
        open_store(base, read_only=True) as stored,
        open_store(folder / "again.db", create=True) as upper,
    ):
        overlay = OverlayStore(stored, upper, cutoff=opens - 4 * 3600, cutoff_day=DAY)
        feed = recorded_day_feed(journal, *wanted, clock)
        path = journal_path(folder / "again.db")
        live = LiveOptions(feed, clock, path, 1, DAY, *recorded_changes(journal, *wanted))
        system = SystemManager(again.config, overlay, sinks=[kept], live=live)
        try:
            system.start()
            again.play_out(system)
        finally:
            system.stop(LIMIT_S)
    assert system.error is None
    return digest(kept.records[0])


class _PickyFeed:
    """A feed that has one bar of each symbol in its history, and knows three symbols."""

    name = "picky"
    abilities = FeedAbilities((MINUTE,))

    def connect(self, sink: object, timeout: float) -> None:
        """Connect."""

    def subscribe(self, symbols: object, interval: object) -> None:
        """Refuse DDD."""
        if "DDD" in symbols:
            raise FeedError("unknown symbol DDD", is_final=True)

    def history(self, symbols, interval, start: int, end: int, timeout: float) -> FeedHistory:
        """Return the first bar of each symbol."""
        return FeedHistory([FeedBar(symbol, start, 1.0, 1.0, 1.0, 1.0, 1.0) for symbol in symbols])

    def close(self) -> None:
        """Do nothing."""


def test_symbols_that_cannot_join_are_refused_with_the_reason(base: Path, tmp_path: Path) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY, speed=60.0, begins_s=600.0)
    claims = SymbolClaims(claims_folder(journal_path(tmp_path / "top.db")))
    with replay.system(_PickyFeed()) as (system, _):
        system.start()
        reach(system, 5)
        claims.add(["CCC"])
        for symbol, kind, reason in (
            ("DDD", FeedError, "unknown symbol DDD"),
            ("CCC", SymbolsClaimedError, "CCC: recorded into this store by process"),
            ("BBB", EngineError, "in the session already"),
        ):
            with pytest.raises(kind, match=reason):
                system.add_symbol(symbol)
        claims.release()
        with pytest.raises(EngineError, match="unknown symbol"):
            system.remove_symbol("CCC")
        system.add_symbol("CCC")
        system.remove_symbol("AAA")
        system.remove_symbol("CCC")
        with pytest.raises(EngineError, match="a session needs at least one symbol"):
            system.remove_symbol("BBB")
        assert system.session_data.get_active_symbols() == ("BBB",)
