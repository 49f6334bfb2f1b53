"""The universe of a recorded session grows to what its loader reads of it in the end, however bars arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.history_calls import ask_history
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryRequest
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory
from tapedeck.engine.feeds.universe_history import HistoryStoppedError, UniverseHistory
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.run.live_universe import LiveUniverse
from tapedeck.engine.run.recorded_bars import RecordedBars
from tapedeck.engine.run.universe_loader import UniverseLoader, universe_plan
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.tape import Tape
from tapedeck.engine.universe.universe_session import UniverseSession
from tapedeck.engine.universe.view import UniverseView
from tests.support.markets import random_bars
from tests.support.memory_store import MemoryStore

DAY = date(2013, 10, 7)
SESSION = TimeManager("XNYS").get_trading_session(DAY)
ABILITIES = FeedAbilities((MINUTE,))
OPENS = int(SessionSlots(SESSION, MINUTE).opened_at[0])
NO_BARS = RecordedBars.none()
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")
CONFIG = parse_session_config(
    {
        "session_name": "live",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": DAY.isoformat(), "end_date": DAY.isoformat()},
        "session_data_config": {
            "symbols": ["AAA"],
            "streams": ["1m"],
            "indicators": {
                "sma": {"type": "SMA", "interval": "1m", "timeperiod": 3},
                "slow": {"type": "SMA", "interval": "5m", "timeperiod": 2},
            },
            "historical": {
                "indicators": {
                    "usual": {
                        "type": "trailing_average",
                        "period": "2d",
                        "granularity": "daily",
                        "field": "volume",
                    }
                }
            },
            "universe": {"symbols": "all", "indicators": ["sma", "slow", "usual"], "average_days": 2},
        },
    },
    "live",
).config


@dataclass
class Market:
    """A store with some days of the symbols, and a feed that has the history of it."""

    store: MemoryStore
    loader: UniverseLoader
    slots: SessionSlots
    abilities: FeedAbilities = ABILITIES
    name: str = "own"
    unknown: frozenset[str] = frozenset()
    fails: bool = False
    empty_until: int = 0
    asked: list[HistoryRequest] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.asker = UniverseHistory(self, MINUTE, self.answer)  # type: ignore[arg-type]
        self.universe = LiveUniverse(self.loader.begin(self.slots.session), self.asker, self.told.append)

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the stored bars, in no order."""
        if unknown := self.unknown.intersection(symbols):
            raise FeedError(f"unknown symbol {min(unknown)}", is_final=True)
        if self.fails:
            raise FeedError("no connection")
        bars = []
        for symbol in reversed(symbols):
            found = self.store.read(symbol, interval, start, end)
            columns = (found.opened_at, found.open, found.high, found.low, found.close, found.volume)
            bars += [
                FeedBar(symbol, *bar) for bar in zip(*(column.tolist() for column in columns), strict=True)
            ]
        return FeedHistory(bars, self.empty_until)

    def answer(self, request: HistoryRequest) -> None:
        """Answer at once, as the thread of a connection would."""
        self.asked.append(request)
        try:
            answer = ask_history(self, request, 1.0, lambda: 2.0**40)  # type: ignore[arg-type]
        except FeedError as error:
            answer = HistoryAnswer(request, error=error)
        self.asker.answered(answer)

    def recorded(self, symbols: Sequence[str], frontier: int) -> RecordedBars:
        """Return what a session's tape of some symbols has at a frontier."""
        data = DataManager(self.store)
        [grid] = data.load_sessions(symbols, [self.slots])
        tape = Tape.over(self.slots, tuple(symbols), grid)
        tape.frontier = frontier
        return RecordedBars.of(tape, SYMBOLS)


def stored(seed: int, last: date = DAY) -> MemoryStore:
    """Return some days of the symbols, with bars before each open; many are missing."""
    store = MemoryStore(Path("memory"))
    sessions = TimeManager("XNYS").trading_sessions(date(2013, 10, 2), DAY)
    labels = [SessionSlots(session, MINUTE).stored_labels for session in sessions]
    early = [opened[:30] - 3600 for opened in labels]
    times = np.concatenate([part for pair in zip(early, labels, strict=True) for part in pair])
    kept = int(np.searchsorted(times, SessionSlots(SESSION, MINUTE).opened_at[0] - 9 * 3600))
    for number, symbol in enumerate(SYMBOLS):
        bars = random_bars(times, seed=seed + number, missing=0.3)
        store.write(symbol, MINUTE, bars if last == DAY else take(bars, bars.opened_at < times[kept]))
    return store


STORES = {seed: stored(10 * seed) for seed in range(2)}
BEFORE = {seed: stored(10 * seed, date(2013, 10, 4)) for seed in range(2)}


def market(seed: int = 0, **changes: Any) -> Market:
    """Return a feed of a day of which the store has nothing yet."""
    return Market(STORES[seed], loader_of(BEFORE[seed]), SessionSlots(SESSION, MINUTE), **changes)


def loader_of(store: MemoryStore) -> UniverseLoader:
    """Return the loader of the day's universe, with its history."""
    data, time = DataManager(store), TimeManager("XNYS")
    played = StreamRequirements(CONFIG, time, data).plan(may_be_empty=True)
    plan = universe_plan(CONFIG, played, SYMBOLS, time, data)
    universe = CONFIG.session_data_config.universe
    assert universe is not None
    loader = UniverseLoader(plan, data, time, universe)
    loader.load_history()
    return loader


def values(session: UniverseSession, frontier: int) -> dict[str, list[float]]:
    """Return all that a scan may read at a frontier."""
    view = UniverseView(session, frontier)
    found = {name: view.value(name).ravel().tolist() for name in view.names()}
    return found | {f"bars of {name}": view.bars(name).ravel().tolist() for name in FIELDS}


WHOLE = {seed: loader_of(store).load([SESSION])[0] for seed, store in STORES.items()}


@given(
    seed=st.sampled_from(list(STORES)),
    cuts=st.lists(st.integers(0, 60), min_size=1, max_size=5).map(sorted),
    recorded=st.lists(st.sampled_from(SYMBOLS), max_size=3, unique=True),
    most=st.none() | st.integers(1, 3),
    fails_at=st.sets(st.integers(0, 3)),
)
@settings(max_examples=12, deadline=None)
def test_a_universe_that_grew_has_what_its_loader_reads_of_the_day(
    seed: int, cuts: list[int], recorded: list[str], most: int | None, fails_at: set[int]
) -> None:
    one = market(seed, abilities=FeedAbilities((MINUTE,), most_symbols=most))
    for number, cut in enumerate(cuts):
        one.fails = number in fails_at and number < len(cuts) - 1
        one.universe.grow(cut, one.recorded(recorded, cut))
    found, expected = values(one.universe.session, cuts[-1]), values(WHOLE[seed], cuts[-1])
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column, name)
    assert all(len(request.symbols) <= (most or 5) for request in one.asked)
    assert not one.told or one.told == [
        "universe: bars are missing, which are asked for again: no connection"
    ]


@pytest.mark.parametrize("early", [0.0, 1.0])
def test_bars_that_are_corrected_count_as_if_they_had_been_right(early: float) -> None:
    one = market()
    right = one.recorded(["BBB", "DDD"], 20)
    wrong = np.where(np.arange(20) % 3 == 0, np.nan, right.values[:, :, :20] + early)
    one.fails = True
    one.universe.grow(20, replace(right, values=wrong))
    one.fails = False
    one.universe.grow(21, one.recorded(["BBB", "DDD"], 21))
    np.testing.assert_equal(values(one.universe.session, 21), values(WHOLE[0], 21))


def test_of_a_recorded_symbol_missing_bars_alone_are_asked_for_once() -> None:
    one = market()
    bars = one.recorded(["BBB"], 20)
    whole = replace(bars, values=np.where(np.isnan(bars.values), 1.0, bars.values))
    one.universe.grow(20, whole)
    asked = [request for request in one.asked if "BBB" in request.symbols and request.start >= OPENS]
    assert not asked
    lacking = np.pad(whole.values, ((0, 0), (0, 0), (0, 5)), constant_values=np.nan)
    for frontier in (25, 25, 26):
        bars = one.recorded(["BBB"], frontier)
        values_now = np.pad(lacking, ((0, 0), (0, 0), (0, frontier - 25)), constant_values=2.0)
        one.universe.grow(frontier, replace(bars, values=values_now))
    asked = [request for request in one.asked if "BBB" in request.symbols and request.start >= OPENS]
    assert [(request.start - OPENS, request.slots) for request in asked] == [(1200, 5)]
    held = one.universe.session.tape.base.values[3, 1, :26]
    np.testing.assert_array_equal(held[20:25], WHOLE[0].tape.base.values[3, 1, 20:25])
    assert held[25] == 2.0


def test_symbols_that_the_feed_does_not_know_are_named_once_and_the_others_are_there() -> None:
    one = market(unknown=frozenset({"BBB", "EEE"}))
    for frontier in (5, 9):
        one.universe.grow(frontier, NO_BARS)
    assert one.told == [
        "universe: no bars of 1 of 5 symbols today, BBB: unknown symbol BBB",
        "universe: no bars of 1 of 5 symbols today, EEE: unknown symbol EEE",
    ]
    assert one.universe.refused == ("BBB", "EEE")
    found = UniverseView(one.universe.session, 9)
    has_bars = ~np.isnan(found.bars("close")).all(axis=1)
    assert dict(zip(found.symbols, has_bars.tolist(), strict=True)) == {
        "AAA": True,
        "BBB": False,
        "CCC": True,
        "DDD": True,
        "EEE": False,
    }
    last = one.asked[-1]
    assert (last.symbols, last.slots) == (("AAA", "CCC", "DDD"), 4)  # the last slots alone, in one request


@pytest.mark.parametrize(
    ("abilities", "reason"),
    [
        (FeedAbilities((MINUTE,), has_history=False), "the feed own has no history"),
        (FeedAbilities((Interval.parse("1s"),)), "the feed own has no 1m bars, only 1s"),
    ],
)
def test_without_history_the_symbols_that_are_not_recorded_are_named(
    abilities: FeedAbilities, reason: str
) -> None:
    one = market(abilities=abilities)
    for frontier in (5, 9):
        one.universe.grow(frontier, one.recorded(["BBB"], frontier))
    assert one.told == [f"universe: no bars of 4 of 5 symbols today, AAA, CCC, DDD, EEE: {reason}"]
    assert one.asked == []
    bars = UniverseView(one.universe.session, 9).bars("close")
    np.testing.assert_array_equal(bars[1], WHOLE[0].tape.base.values[3, 1, :9])


def test_what_was_asked_for_before_a_symbol_is_recorded_is_not_lost() -> None:
    one = market()
    one.universe.grow(10, NO_BARS)
    one.universe.grow(12, one.recorded(["CCC"], 12))
    one.universe.grow(20, NO_BARS)  # it has left
    np.testing.assert_equal(values(one.universe.session, 20), values(WHOLE[0], 20))


def test_slots_that_are_confirmed_empty_are_not_missing() -> None:
    one = market()
    one.empty_until = int(one.slots.closed_at[9])
    one.universe.grow(20, NO_BARS)
    covered = one.universe.session.tape.base.covered
    assert covered[:, :10].all()
    assert not covered[:, 10:20].all()


def test_a_request_has_few_enough_bars_that_a_missing_bar_does_not_wait_long() -> None:
    one = market()
    one.asker = asker = UniverseHistory(one, MINUTE, one.answer)  # type: ignore[arg-type]
    symbols = [f"S{number}" for number in range(1000)]
    assert sum(len(answer.request.symbols) for answer in asker.ask(symbols, 0, 60, 200)) == 1000
    assert max(request.most_bars for request in one.asked) == 20_000


def test_the_wait_for_an_answer_ends_with_the_run() -> None:
    asker = UniverseHistory(market(), MINUTE, lambda request: asker.stop())  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(HistoryStoppedError):
            list(asker.ask(["AAA"], 0, 60, 1))
