"""Explanations of earlier days: as they were at that moment, without later data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from itertools import product
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError, ExportError
from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.read.explain.explanation import Explanation
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.session_record import SessionRecord
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.quotes import fill_quotes
from tests.support.runs import LIMIT_S, at_frontier, play

SYMBOLS = ("AAA", "BBB")
DAYS = tuple(map(date.fromisoformat, ("2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02")))
BARS = ("open", "high", "low", "close", "volume", "last", *DAY_FIGURES, "quality", "missing", "gaps")
QUOTES = ("bid", "ask", "spread", "bid_size", "ask_size")
INDICATORS = {
    "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
    "rsi_5m": {"type": "RSI", "interval": "5m", "timeperiod": 3},
    "sma_days": {"type": "SMA", "interval": "1d", "timeperiod": 2},
    "sma_weeks": {"type": "SMA", "interval": "1w", "timeperiod": 2},
    "vwap": {"type": "VWAP", "interval": "5m"},
    "high_so_far": {"type": "SESSION_HIGH", "interval": "1m"},
    "rel": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"},
}
HISTORICAL = {
    "usual": {"type": "trailing_average", "period": "2d", "granularity": "minute", "field": "volume"},
    "high_2w": {"type": "trailing_max", "period": "2w", "field": "high"},
}
NAMES = (*BARS, *QUOTES, *INDICATORS, *HISTORICAL)
# Sessions and slots at which the run is paused; on the third day, an early close, at its close.
STOPS = ((1, 1), (1, 120), (2, 13), (2, 390), (3, 210), (4, 45))

Given = dict[tuple[date, int, str, str], Explanation]


def same(one: Explanation, other: Explanation) -> bool:
    """Whether two explanations are equal in every word and number, NaN included."""
    plain = all(
        getattr(one, field.name) == getattr(other, field.name)
        for field in fields(Explanation)
        if field.name != "inputs"
    )
    return (
        plain
        and len(one.inputs) == len(other.inputs)
        and all(same_input(a, b) for a, b in zip(one.inputs, other.inputs, strict=True))
    )


def same_input(one: ExplainedInput, other: ExplainedInput) -> bool:
    heads = [(part.name, part.interval, part.earlier) for part in (one, other)]
    return (
        heads[0] == heads[1]
        and np.array_equal(one.opened_at, other.opened_at)
        and np.array_equal(one.values, other.values, equal_nan=True)
    )


def week() -> SessionConfig:
    return session_file(
        SYMBOLS, ["1m", "5m", "1d", "quotes"], "2013-11-26", "2013-12-02", prefetch_days=2,
        historical={"data": [{"trailing_days": 2, "intervals": ["1m", "1w"]}], "indicators": HISTORICAL},
        indicators=INDICATORS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("days") / "bars.db") as made:
        fill_store(made, SYMBOLS, "2013-11-05", "2013-12-03", missing=0.1)
        fill_quotes(made, "AAA", "2013-11-26", "2013-11-29", missing=0.7)
        yield made


def explained_live(system: SystemManager) -> Given:
    """Step through a run, and return the explanation of every number at each stop."""
    given: Given = {}
    now = (1, 0)
    for session, frontier in STOPS:
        lengths = (390, 390, 210, 390)
        slots = sum(lengths[now[0] - 1 : session - 1]) + frontier - now[1]
        system.step(slots)
        assert system.wait_for(at_frontier(system, session, frontier), LIMIT_S)
        for symbol, name in product(SYMBOLS, NAMES):
            given[DAYS[session - 1], frontier, symbol, name] = system.explain(symbol, name)
        now = (session, frontier)
    return given


@pytest.mark.parametrize("tape_cache_bytes", [0, 2**26], ids=["not cached", "in memory"])
def test_a_number_of_a_finished_day_is_explained_as_during_the_day(
    store: BarStore, tape_cache_bytes: int
) -> None:
    system = SystemManager(week(), store, tape_cache_bytes=tape_cache_bytes)
    system.start(paused=True)
    try:
        given = explained_live(system)
        system.resume()
        assert system.wait(LIMIT_S)
        for day in DAYS:
            again = system.recompute_session(day)
            for (then, frontier, symbol, name), live in given.items():
                if then == day:
                    found = system.explain(symbol, name, frontier, session=again)
                    assert same(found, live), (day, frontier, symbol, name)
    finally:
        system.stop(LIMIT_S)
    assert len(given) == len(STOPS) * len(SYMBOLS) * len(NAMES)
    assert sum(live.value is None for live in given.values()) < len(given) / 4
    assert max(live.history_sessions for live in given.values()) > 5


class FirstDayRecorded:
    """A sink that signals the first recorded day; its tape is cached before sinks are called."""

    def __init__(self) -> None:
        self.event = Event()

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Signal a session."""
        self.event.set()


def test_an_earlier_day_is_explained_while_the_run_plays_on(store: BarStore) -> None:
    recorded = FirstDayRecorded()
    system = SystemManager(week(), store, sinks=[recorded], tape_cache_bytes=0)
    system.start(paused=True)
    try:
        system.step(100)
        assert system.wait_for(at_frontier(system, 1, 100), LIMIT_S)
        live = system.explain("AAA", "ema_5")
        with pytest.raises(ExportError, match=r"no tape for 2013-11-26\. No session has ended yet"):
            system.recompute_session(DAYS[0])
        system.step(390)
        assert system.wait_for(at_frontier(system, 2, 100), LIMIT_S)
        assert recorded.event.wait(LIMIT_S)
        again = system.recompute_session(DAYS[0])
        assert same(system.explain("AAA", "ema_5", 100, session=again), live)
        assert system.explain("AAA", "ema_5").clock.date() == DAYS[1]
    finally:
        system.stop(LIMIT_S)


def test_an_interrupted_day_is_explained_up_to_its_frontier(store: BarStore) -> None:
    system = SystemManager(week(), store, tape_cache_bytes=0)
    system.start(paused=True)
    system.step(390 + 25)
    assert system.wait_for(at_frontier(system, 2, 25), LIMIT_S)
    live = system.explain("BBB", "vwap")
    system.stop(LIMIT_S)
    again = system.recompute_session(DAYS[1])
    assert same(system.explain("BBB", "vwap", session=again), live)
    assert system.explain("BBB", "close", 100, session=again).frontier == 25


def test_a_day_whose_bars_have_changed_since_is_not_explained(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-05", "2013-12-02", missing=0.05)
        system = SystemManager(week(), store, tape_cache_bytes=0)
        system.start()
        assert system.wait(LIMIT_S)
        label = SessionSlots(system.time.get_trading_session(DAYS[1]), MINUTE).stored_labels[:1]
        store.write("AAA", MINUTE, random_bars(label, seed=99), replace=True)
        assert system.recompute_session(DAYS[0]).require_tape().frontier == 390
        with pytest.raises(ExportError, match=r"2013-11-27 cannot be recomputed .*: the store has changed"):
            system.recompute_session(DAYS[1])


def test_a_run_that_keeps_no_days_explains_the_last_one_only(store: BarStore) -> None:
    system = play(week(), store)
    with pytest.raises(EngineError, match="earlier sessions cannot be explained: this run has no tape cache"):
        system.recompute_session(DAYS[0])
    why = system.explain("AAA", "close", interval=Interval.parse("5m"))
    assert why.clock.date() == DAYS[-1]
