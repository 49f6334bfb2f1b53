"""Laws of symbols that join and leave: their values are those of a run that had them from the open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError
from tapedeck.engine.intervals import MINUTE, SECOND
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape
from tests.support.files import TRAILING
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.quotes import fill_quotes
from tests.support.runs import LIMIT_S, KeepRecords, at_frontier, play_recorded
from tests.support.tapes import same_bits, sessions_of

FILE = ("AAA", "BBB")
OTHERS = ("DDD", "LATE", "THIN")
LENGTHS = (390, 390, 210)
"""Slots of the sessions played; the last one closes early."""


def config_of(symbols: Sequence[str], speed: float = 0.0, prefetch_days: int = 2) -> SessionConfig:
    """Return a session file over three sessions."""
    document = {
        "session_name": "law",
        "exchange_group": "US_EQUITY",
        "backtest_config": {
            "start_date": "2013-11-26",
            "end_date": "2013-11-29",
            "prefetch_days": prefetch_days,
            "speed_multiplier": speed,
        },
        "session_data_config": {
            "symbols": list(symbols),
            "streams": ["1m", "5m", "1h", "1d", "quotes"],
            "historical": {
                "data": [{"trailing_days": 2, "intervals": ["1m", "1d"]}],
                "indicators": TRAILING,
            },
            "indicators": {
                "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
                "rsi_5m": {"type": "RSI", "interval": "5m", "timeperiod": 3},
                "ad_days": {"type": "AD", "interval": "1d"},
                "sma_weeks": {"type": "SMA", "interval": "1w", "timeperiod": 1},
                "obv": {"type": "OBV", "interval": "1m"},
                "vwap": {"type": "VWAP", "interval": "1m"},
                "vwap_1h": {"type": "VWAP", "interval": "1h"},
                "rel": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"},
                "range": {"type": "OPENING_RANGE_HIGH", "interval": "5m", "minutes": 30},
            },
        },
    }
    return parse_session_config(document, "law").config


def fill(store: BarStore) -> None:
    """Write a market: one symbol is listed on the second day played, one has few bars; some have quotes."""
    fill_store(store, (*FILE, "DDD"), "2013-11-11", "2013-11-29", missing=0.05)
    fill_store(store, ("THIN",), "2013-11-18", "2013-11-29", missing=0.7, seed=9)
    listed = np.concatenate(
        [SessionSlots(day, MINUTE).opened_at for day in sessions_of("2013-11-27", "2013-11-29")]
    )
    store.write("LATE", MINUTE, random_bars(listed, seed=7))
    fill_quotes(store, "AAA", "2013-11-27", "2013-11-29")
    fill_quotes(store, "DDD", "2013-11-26", "2013-11-29", missing=0.9)
    fill_quotes(store, "THIN", "2013-11-26", "2013-11-27", interval=SECOND, missing=0.99)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BarStore, BarStore]]:
    folder: Path = tmp_path_factory.mktemp("law")
    with open_new_store(folder / "bars.db") as sqlite, open_new_store(folder / "bars") as parquet:
        fill(sqlite)
        fill(parquet)
        yield sqlite, parquet


@pytest.fixture(scope="module")
def expected(stores: tuple[BarStore, BarStore]) -> list[Tape]:
    """The sessions of a run that had all symbols from the open."""
    found = [record.tape for record in play_recorded(config_of((*FILE, *OTHERS)), stores[0]).records]
    assert [len(tape) for tape in found] == list(LENGTHS)
    return found


class Move(NamedTuple):
    """Steps of a run, and what follows: a symbol joins, stays for the next sessions, or leaves."""

    slots: int
    word: str
    symbol: str


MOVES = st.lists(
    st.builds(
        Move,
        st.one_of(st.sampled_from([0, 1, 389, 390]), st.integers(0, 250)),
        st.sampled_from(["join", "join", "keep", "leave", "leave"]),
        st.sampled_from([*FILE, *OTHERS]),
    ),
    max_size=10,
)


@dataclass
class Model:
    """Which symbols each session should have had, counted by hand."""

    kept: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=lambda: list(FILE))
    changes: list[SymbolChange] = field(default_factory=list)
    began_with: list[tuple[str, ...]] = field(default_factory=lambda: [FILE])
    days: list[tuple[SymbolChange, ...]] = field(default_factory=list)
    session: int = 0
    frontier: int = 0

    def step(self, slots: int) -> None:
        """Count the slots of steps; a step at the close goes on in the next session."""
        while slots:
            if self.frontier == LENGTHS[self.session]:
                self.next_session()
            played = min(slots, LENGTHS[self.session] - self.frontier)
            self.frontier += played
            slots -= played

    def next_session(self) -> None:
        """Begin the next session: with the file's symbols and the kept ones."""
        self.days.append(tuple(self.changes))
        self.session, self.frontier, self.changes = self.session + 1, 0, []
        self.there = [*FILE, *self.kept]
        self.began_with.append(tuple(self.there))

    def allowed(self, move: Move) -> bool:
        """Whether a change is possible."""
        if move.word == "leave":
            return move.symbol in self.there and len(self.there) > 1
        return move.symbol not in self.there

    def change(self, move: Move) -> SymbolChange:
        """Count a change, and return it."""
        if move.word == "leave":
            self.there.remove(move.symbol)
            self.kept = [symbol for symbol in self.kept if symbol != move.symbol]
            change = SymbolChange(ChangeKind.LEFT, move.symbol, self.frontier)
        else:
            self.there.append(move.symbol)
            change = SymbolChange(ChangeKind.JOINED, move.symbol, self.frontier, move.word == "keep")
            if change.keep and move.symbol not in FILE:
                self.kept.append(move.symbol)
        self.changes.append(change)
        return change

    def end(self) -> None:
        """Play to the end of the run."""
        while self.session < len(LENGTHS) - 1:
            self.next_session()
        self.days.append(tuple(self.changes))


def changed(system: SystemManager, move: Move) -> SymbolChange:
    """Ask a run for a change."""
    if move.word == "leave":
        return system.remove_symbol(move.symbol)
    return system.add_symbol(move.symbol, keep=move.word == "keep")


def played(config: SessionConfig, store: BarStore, moves: Sequence[Move], *, looks_back: bool) -> Outcome:
    """Play moves to the end of the run, and check each change against the model."""
    kept, model = KeepRecords(), Model()
    system = SystemManager(config, store, sinks=[kept], tape_cache_bytes=1)
    system.start(paused=True)
    try:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        for move in moves:
            if model.session * 390 + model.frontier + move.slots > sum(LENGTHS) - 1:
                break
            model.step(move.slots)
            if move.slots:
                system.step(move.slots)
            assert system.wait_for(at_frontier(system, model.session + 1, model.frontier), LIMIT_S)
            if model.allowed(move):
                assert changed(system, move) == model.change(move)
            else:
                with pytest.raises(EngineError):
                    changed(system, move)
            assert system.session_data.get_active_symbols() == tuple(model.there)
            if looks_back:
                look_back(system, model)
        model.end()
        system.resume()
        assert system.wait(LIMIT_S)
        assert system.error is None, system.error
        records = kept.records
        check_recomputed(system, records)
        return Outcome(records, system.summary().stamp, model)
    finally:
        system.stop(LIMIT_S)


class Outcome(NamedTuple):
    """What a run gave."""

    records: list[SessionRecord]
    stamp: str
    model: Model


def check_recomputed(system: SystemManager, records: Sequence[SessionRecord]) -> None:
    """Check that sessions that are not in memory are recomputed as they were; the digest proves values."""
    assert system.tape_cache is not None
    for record in records:
        handle = system.tape_cache.session(record.tape.session.trading_day)
        assert handle.view().changes == record.tape.changes
        assert handle.tape.whole().symbols == record.tape.whole().symbols


def look_back(system: SystemManager, model: Model) -> None:
    """Check which symbols a view of each earlier moment of the session has."""
    handle = system.session_data.played()
    assert handle is not None
    for frontier in {0, model.frontier // 2, max(0, model.frontier - 1), model.frontier}:
        there, gone = list(model.began_with[-1]), set[str]()
        for change in model.changes:
            if change.kind is ChangeKind.JOINED:
                there = [symbol for symbol in there if symbol != change.symbol] + [change.symbol]
                gone.discard(change.symbol)
            elif change.frontier <= frontier:
                gone.add(change.symbol)
        assert handle.view(frontier).symbols == tuple(symbol for symbol in there if symbol not in gone)


def rows_of(tape: Tape, symbol: str, stop: int) -> dict[str, np.ndarray]:
    """Return what a tape has of a symbol up to a frontier."""
    row = tape.rows[symbol]
    found = {"scores": tape.scores[row, : stop + 1]}
    for interval in tape.intervals:
        columns = tape.columns_over(interval, stop)
        found[f"bars {interval}"] = tape.grid(interval).values[:, row, :columns]
    for interval, grid in tape.derived.items():
        found[f"counts {interval}"] = grid.base_bars[row, : tape.columns_over(interval, stop)]
    for name, column in tape.indicators.items():
        found[name] = column.values[row, : tape.columns_over(column.interval, stop)]
    for name, value in tape.historical.items():
        found[name] = np.atleast_1d(value.values[row])
        found[f"{name} used"] = np.atleast_1d(value.used[row])
    found["quotes"] = tape.quotes.values[:, row, :stop]
    found["quotes made"] = tape.quotes.made[row : row + 1]
    found["prior close"] = np.array([tape.prior_close.values[row]])
    return found


def check(outcome: Outcome, expected: Sequence[Tape]) -> None:
    """Compare each symbol of each session with the run that had all from the open."""
    model = outcome.model
    for record, whole, changes, opening in zip(
        outcome.records, expected, model.days, model.began_with, strict=True
    ):
        tape = record.tape
        assert tape.changes == changes
        assert tape.opening == opening
        made = tape.whole()
        assert made.symbols == tuple(stay.symbol for stay in tape.stays)
        for stay in tape.stays:
            stop = len(tape) if stay.left is None else stay.left
            ours, theirs = rows_of(made, stay.symbol, stop), rows_of(whole, stay.symbol, stop)
            assert ours.keys() == theirs.keys()
            for name, values in theirs.items():
                assert same_bits(ours[name], values), (tape.session.trading_day, stay, name)
            row = made.rows[stay.symbol]
            assert not made.base.present[row, stop:].any()
            assert np.isnan(made.quotes.values[:, row, stop:]).all()
            for quality in whole.historical_quality:
                if quality[0] == stay.symbol:
                    assert made.historical_quality[quality] == whole.historical_quality[quality]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=MOVES)
def test_each_symbol_is_as_if_it_had_been_there_from_the_open(stores, expected, moves):
    check(played(config_of(FILE), stores[0], moves, looks_back=True), expected)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=MOVES, prefetch=st.integers(1, 4))
def test_the_same_changes_give_the_same_stamp_from_both_stores_at_any_speed(stores, moves, prefetch):
    first = played(config_of(FILE), stores[0], moves, looks_back=False)
    again = played(config_of(FILE, 1e6, prefetch), stores[1], moves, looks_back=False)
    assert again.stamp == first.stamp


def test_changes_are_part_of_the_stamp(stores):
    def stamp(*moves: Move) -> str:
        return played(config_of(FILE), stores[0], moves, looks_back=False).stamp

    joined = Move(60, "join", "DDD")
    stamps = [
        stamp(),
        stamp(joined),
        stamp(joined, Move(0, "leave", "DDD")),
        stamp(Move(61, "join", "DDD")),
        stamp(Move(60, "keep", "DDD")),
        stamp(Move(60, "leave", "BBB")),
    ]
    assert len(set(stamps)) == len(stamps)
