"""Sessions, grids and tapes for tests of computations, without a store or threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Floats, Mask
from tapedeck.engine.tape.tape import Tape
from tests.support.markets import random_bars


@cache
def exchange_time(exchange: str) -> TimeManager:
    """Return one time manager per exchange for all tests."""
    return TimeManager(exchange)


def session_of(day: str, exchange: str = "XNYS") -> TradingSession:
    """Return the session of a trading day, from the calendar."""
    return exchange_time(exchange).get_trading_session(date.fromisoformat(day))


def sessions_of(start: str, end: str, exchange: str = "XNYS") -> tuple[TradingSession, ...]:
    """Return the sessions of a span, both ends included."""
    return exchange_time(exchange).trading_sessions(date.fromisoformat(start), date.fromisoformat(end))


def slots_of(day: str, interval: str = "1m", exchange: str = "XNYS") -> SessionSlots:
    """Return the slots of a trading day."""
    return SessionSlots(session_of(day, exchange), Interval.parse(interval))


def random_values(symbols: int, slots: int, *, seed: int, missing: float = 0.0) -> Floats:
    """Return bars of several symbols, float64 (5, S, n), some missing at random."""
    random = np.random.default_rng(seed)
    rows = []
    for row in range(symbols):
        bars = random_bars(np.arange(slots), seed=seed * 1000 + row)
        rows.append(np.stack([getattr(bars, name) for name in FIELDS]))
    values = np.stack(rows, axis=1) if rows else np.empty((5, 0, slots))
    values[:, random.random((symbols, slots)) < missing] = np.nan
    return values


def with_presence(values: Floats, present: Mask) -> Floats:
    """Return a copy of the bars without those that are not `present` (S, n)."""
    cut = values.copy()
    cut[:, ~present] = np.nan
    return cut


def tape_over(
    slots: SessionSlots,
    values: Floats,
    *,
    derived: Iterable[str] = (),
    symbols: Sequence[str] | None = None,
    measure_quality: bool = True,
) -> Tape:
    """Return a tape over copies of `values`, at frontier 0."""
    names = tuple(symbols or (f"S{row}" for row in range(values.shape[1])))
    base = BarGrid.loaded(values.copy())
    intervals = [Interval.parse(text) for text in derived]
    return Tape.over(slots, names, base, derived=intervals, measure_quality=measure_quality)


def compute(
    tape: Tape,
    specs: Sequence[IndicatorSpec] = (),
    history: Mapping[Interval, Sequence[BarGrid]] | None = None,
    *,
    cuts: Iterable[int] = (),
    min_completeness: float = 0.0,
) -> Tape:
    """Play a tape to its close in blocks that end at `cuts`, with derived bars, indicators and scores."""
    earlier = history or {}
    computer = BlockComputer(
        tape, specs, lambda interval: earlier.get(interval, ()), min_completeness=min_completeness
    )
    scores = None if tape.scores is None else RunningScores(tape.scores)
    edges = sorted({0, *cuts, len(tape)})
    for start, stop in pairwise(edges):
        assert computer.compute(start, stop)
        if scores is not None:
            scores.advance(tape.base.present, stop)
        tape.frontier = tape.processed = tape.scored = stop
    return tape


def frame_of(values: Floats, opened_at: np.ndarray) -> pd.DataFrame:
    """Return one symbol's bars (5, n) as a plain frame without the missing ones, indexed by UTC open."""
    index = pd.to_datetime(opened_at, unit="s", utc=True)
    return pd.DataFrame(values.T.copy(), columns=list(FIELDS), index=index).dropna()


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays have one shape and the same bits, NaN and signs of zero included."""
    return left.shape == right.shape and left.dtype == right.dtype and left.tobytes() == right.tobytes()
