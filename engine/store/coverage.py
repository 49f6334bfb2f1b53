"""Data coverage: stored bars of a session file by symbol and day, measured before play."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import DataMissingError
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.quality.gaps_and_scores import score
from tapedeck.engine.store.bar_store import BarStore, Ints
from tapedeck.engine.store.data_manager import DataManager

# Largest size of the grids of one read of the store, in bytes.
_CHUNK_BYTES: Final = 64 * 2**20
_BYTES_PER_SLOT: Final = 5 * 8

Status = Literal["full", "partial", "missing"]


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """Number of stored bars of one trading day, and number of its slots."""

    trading_day: date
    bars: int
    slots: int

    @property
    def pct(self) -> float:
        """Percentage of slots with a bar; 100 only if all have one."""
        return score(self.bars, self.slots)

    @property
    def status(self) -> Status:
        """`full`, `partial` or `missing`: all, some or none of the bars are stored."""
        if self.bars == self.slots:
            return "full"
        return "partial" if self.bars else "missing"


@dataclass(frozen=True, slots=True)
class SymbolCoverage:
    """One symbol's coverage, day by day, oldest first."""

    symbol: str
    days: tuple[DayCoverage, ...]

    def count(self, status: Status) -> int:
        """Return the number of days that are full, partial or missing."""
        return sum(day.status == status for day in self.days)

    @property
    def pct(self) -> float:
        """Percentage of the slots of all days with a bar."""
        return score(sum(day.bars for day in self.days), sum(day.slots for day in self.days))


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of symbols over trading days, at the interval that a run would stream.

    Every symbol has the same days. `unknown`: symbols without any stored bars of that interval; all their
    days are missing.
    """

    interval: Interval
    days: tuple[date, ...]
    symbols: tuple[SymbolCoverage, ...]
    unknown: tuple[str, ...]

    def incomplete(self, min_quality_pct: float | None = None) -> tuple[tuple[str, DayCoverage], ...]:
        """Return the symbols and days that are missing, or below `min_quality_pct` if given."""
        return tuple(
            (row.symbol, day)
            for row in self.symbols
            for day in row.days
            if day.status == "missing" or (min_quality_pct is not None and day.pct < min_quality_pct)
        )


def measure_coverage(
    symbols: Sequence[str], requested: Sequence[Interval], sessions: Sequence[TradingSession], store: BarStore
) -> Coverage:
    """Count the stored bars in the regular hours of `sessions` (ascending, at least one).

    The interval is the one that a run would stream for the `requested` ones: the coarsest one stored for all
    symbols from which all of them can be made; without one, the interval stored for most symbols. Raises
    DataMissingError if no symbol has a stored interval from which they can be made.
    """
    data = DataManager(store)
    stored = data.stored_intervals(symbols)
    interval = _streamed(requested, list(stored.values()), store)
    known = [symbol for symbol in symbols if interval in stored[symbol]]
    slots = [SessionSlots(session, interval) for session in sessions]
    counts = dict(zip(known, _count_bars(known, slots, data), strict=True))
    no_bars = np.zeros(len(slots), dtype=np.int64)
    rows = tuple(_row(symbol, counts.get(symbol, no_bars), slots) for symbol in symbols)
    unknown = tuple(symbol for symbol in symbols if symbol not in counts)
    return Coverage(interval, tuple(session.trading_day for session in sessions), rows, unknown)


def _streamed(
    requested: Sequence[Interval], stored: Sequence[frozenset[Interval]], store: BarStore
) -> Interval:
    """Return the base interval stored for most symbols; the coarsest of several."""
    candidates = [
        base
        for base in sorted(BASE_INTERVALS, reverse=True)
        if all(wanted.can_be_made_from(base) for wanted in requested)
    ]
    holders = {base: sum(base in intervals for intervals in stored) for base in candidates}
    best = max(candidates, key=holders.__getitem__)
    if not holders[best]:
        needed = " or ".join(str(base) for base in candidates)
        raise DataMissingError(
            f"no {needed} bars stored in {store.location} for the symbols of the session file; "
            f"{_listed(requested)} bars are made from them. Import them: `tapedeck import lean PATH --store "
            f"{store.location}`, or `import csv`, `import parquet`.",
            interval=str(candidates[0]),
        )
    return best


def _count_bars(symbols: Sequence[str], slots: Sequence[SessionSlots], data: DataManager) -> Ints:
    """Return the number of slots with a bar, int64, shape (S, sessions)."""
    parts = [
        grid.present.sum(axis=1, dtype=np.int64)
        for chunk in _chunks(slots, len(symbols))
        for grid in data.load_sessions(symbols, chunk)
    ]
    return np.stack(parts, axis=1)


def _chunks(slots: Sequence[SessionSlots], symbols: int) -> Iterator[Sequence[SessionSlots]]:
    """Yield runs of sessions with grids of limited size; at least one session each."""
    longest = max(len(session) for session in slots)
    step = max(1, _CHUNK_BYTES // (_BYTES_PER_SLOT * longest * symbols))
    for start in range(0, len(slots), step):
        yield slots[start : start + step]


def _row(symbol: str, counts: Ints, slots: Sequence[SessionSlots]) -> SymbolCoverage:
    days = tuple(
        DayCoverage(session.session.trading_day, count, len(session))
        for session, count in zip(slots, counts.tolist(), strict=True)
    )
    return SymbolCoverage(symbol, days)


def _listed(intervals: Sequence[Interval]) -> str:
    return ", ".join(str(interval) for interval in sorted(set(intervals)))
