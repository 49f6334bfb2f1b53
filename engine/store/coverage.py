"""Data coverage: stored bars of a session file by symbol and day, measured before play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.clock.unplayed_bars import CalendarSpans, PlaceTally, calendar_spans, describe_unplayed
from tapedeck.engine.errors import DataMissingError
from tapedeck.engine.intervals import BASE_INTERVALS, DAY, Interval
from tapedeck.engine.quality.day_differences import DayDifference, find_difference
from tapedeck.engine.quality.gaps_and_scores import score
from tapedeck.engine.store.bar_store import BarStore, Ints
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.store.left_out_bars import LeftOutBars, session_edges
from tapedeck.engine.store.symbol_hints import similar_names
from tapedeck.engine.tape.bar_grid import BarGrid
from tapedeck.engine.tape.buckets import made_bars

# Largest size of the grids of one read of the store, in bytes.
_CHUNK_BYTES: Final = 64 * 2**20
_BYTES_PER_SLOT: Final = 5 * 8

Status = Literal["full", "partial", "missing"]


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """Number of stored bars of one trading day, of its slots, and of those that are confirmed empty."""

    trading_day: date
    bars: int
    slots: int
    empty: int = 0

    @property
    def expected(self) -> int:
        """Number of slots that are not confirmed empty."""
        return self.slots - self.empty

    @property
    def pct(self) -> float:
        """Percentage of expected slots with a bar; 100 only if all have one."""
        return score(self.bars, self.expected)

    @property
    def status(self) -> Status:
        """`full`, `partial` or `missing`: all, some or none of the expected bars are stored."""
        if self.bars == self.expected:
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
        """Percentage of the expected slots of all days with a bar."""
        return score(sum(day.bars for day in self.days), sum(day.expected for day in self.days))


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of symbols over trading days, at the interval that a run would stream.

    Every symbol has the same days. `unknown`: symbols without any stored bars of that interval; all their
    days are missing. `warnings`: sentences about stored bars that no session plays, and daily bars that
    differ. `similar`: a line with the stored symbols whose names are near to unknown ones, or empty.
    """

    interval: Interval
    days: tuple[date, ...]
    symbols: tuple[SymbolCoverage, ...]
    unknown: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    similar: str = ""

    def incomplete(self, min_quality_pct: float | None = None) -> tuple[tuple[str, DayCoverage], ...]:
        """Return the symbols and days that are missing, or below `min_quality_pct` if given."""
        return tuple(
            (row.symbol, day)
            for row in self.symbols
            for day in row.days
            if day.status == "missing" or (min_quality_pct is not None and day.pct < min_quality_pct)
        )


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """Dates of an exchange's calendar, both inclusive, which need not be trading days."""

    time: TimeManager
    first: date
    last: date

    def spans(self, interval: Interval) -> CalendarSpans:
        """Return the calendar of these dates, for bars of an interval."""
        return calendar_spans(self.time, interval, self.first, self.last)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Numbers of slots with a bar and of confirmed-empty ones, int64 (S, sessions) each.

    With bars outside all sessions, and a different 1d bar.
    """

    counts: Ints
    empty: Ints
    left_out: PlaceTally | None
    difference: DayDifference | None


def measure_coverage(
    symbols: Sequence[str],
    requested: Sequence[Interval],
    sessions: Sequence[TradingSession],
    store: BarStore,
    *,
    calendar: CalendarPart | None = None,
    uses_daily_bars: bool = False,
) -> Coverage:
    """Count the stored bars in the regular hours of `sessions` (ascending, at least one).

    `calendar`: the dates over which bars outside all sessions are counted; None: they are not.
    `uses_daily_bars`: whether stored 1d bars are compared with those of the counted bars.

    The interval is the one that a run would stream for the `requested` ones: the coarsest one stored for all
    symbols from which all of them can be made; without one, the interval stored for most symbols. Raises
    DataMissingError if no symbol has a stored interval from which they can be made.
    """
    data = DataManager(store)
    stored = data.stored_intervals(symbols)
    interval = _streamed(requested, stored, store)
    known = [symbol for symbol in symbols if interval in stored[symbol]]
    slots = [SessionSlots(session, interval) for session in sessions]
    compares = interval.is_intraday and uses_daily_bars
    compared = [row for row, symbol in enumerate(known) if compares and DAY in stored[symbol]]
    spans = None if calendar is None else calendar.spans(interval)
    found = _count_bars(known, slots, data, spans, compared)
    counts = dict(zip(known, zip(found.counts, found.empty, strict=True), strict=True))
    none = np.zeros(len(slots), dtype=np.int64)
    rows = tuple(_row(symbol, *counts.get(symbol, (none, none)), slots) for symbol in symbols)
    unknown = tuple(symbol for symbol in symbols if symbol not in counts)
    warnings = _warnings(known, interval, found)
    similar = similar_names(unknown, store.series()) if unknown else ""
    days = tuple(session.trading_day for session in sessions)
    return Coverage(interval, days, rows, unknown, warnings, similar)


def _streamed(
    requested: Sequence[Interval], stored: Mapping[str, frozenset[Interval]], store: BarStore
) -> Interval:
    """Return the base interval stored for most symbols; the coarsest of several."""
    candidates = [
        base
        for base in sorted(BASE_INTERVALS, reverse=True)
        if all(wanted.can_be_made_from(base) for wanted in requested)
    ]
    holders = {base: sum(base in intervals for intervals in stored.values()) for base in candidates}
    best = max(candidates, key=holders.__getitem__)
    if not holders[best]:
        needed = " or ".join(str(base) for base in candidates)
        raise DataMissingError(
            f"no {needed} bars stored in {store.location} for the symbols of the session file; "
            f"{_listed(requested)} bars are made from them. Import them: `tapedeck import lean PATH --store "
            f"{store.location}`, or `import csv`, `import parquet`.{similar_names(stored, store.series())}",
            interval=str(candidates[0]),
        )
    return best


def _count_bars(
    symbols: Sequence[str],
    slots: Sequence[SessionSlots],
    data: DataManager,
    spans: CalendarSpans | None,
    compare_days: Sequence[int],
) -> _Counted:
    """Count the slots with a bar and the bars outside all sessions; compare the 1d bars of some rows."""
    sessions = [own.session for own in slots]
    counts: list[Ints] = []
    empty: list[Ints] = []
    left_out: PlaceTally | None = None
    difference: DayDifference | None = None
    for chunk in _chunks(slots, len(symbols)):
        between = None
        if spans is not None:
            edges = session_edges(spans, chunk, sessions)
            between = LeftOutBars(spans.part(edges[0], edges[-1]), len(symbols))
        grids = data.load_sessions(symbols, chunk, left_out=between)
        counts += [grid.present.sum(axis=1, dtype=np.int64) for grid in grids]
        empty += [_count_empty(grid) for grid in grids]
        tally = None if between is None else between.tally(0, len(between.spans))
        if tally is not None:
            left_out = tally if left_out is None else left_out + tally
        if difference is None and compare_days:
            difference = _day_difference(symbols, compare_days, chunk, grids, data)
    return _Counted(np.stack(counts, axis=1), np.stack(empty, axis=1), left_out, difference)


def _count_empty(grid: BarGrid) -> Ints:
    if grid.confirmed_empty is None:
        return np.zeros(grid.shape[0], dtype=np.int64)
    counts: Ints = grid.confirmed_empty.sum(axis=1, dtype=np.int64)
    return counts


def _day_difference(
    symbols: Sequence[str],
    rows: Sequence[int],
    chunk: Sequence[SessionSlots],
    grids: Sequence[BarGrid],
    data: DataManager,
) -> DayDifference | None:
    """Return the first difference between the stored 1d bars of a chunk and those made of its bars."""
    names = [symbols[row] for row in rows]
    stored = data.load_days(names, [own.session for own in chunk], DAY)
    for at, (own, grid) in enumerate(zip(chunk, grids, strict=True)):
        derived = made_bars(grid, own, DAY).values[:, list(rows), 0]
        found = find_difference(names, own.session.trading_day, stored[:, :, at], derived)
        if found is not None:
            return found
    return None


def _warnings(symbols: Sequence[str], interval: Interval, counted: _Counted) -> tuple[str, ...]:
    unplayed = None
    if counted.left_out is not None:
        unplayed = describe_unplayed(dict(zip(symbols, counted.left_out.unplayed(), strict=True)), interval)
    different = None if counted.difference is None else counted.difference.describe(interval)
    return tuple(text for text in (unplayed, different) if text is not None)


def _chunks(slots: Sequence[SessionSlots], symbols: int) -> Iterator[Sequence[SessionSlots]]:
    """Yield runs of sessions with grids of limited size; at least one session each."""
    longest = max(len(session) for session in slots)
    step = max(1, _CHUNK_BYTES // (_BYTES_PER_SLOT * longest * symbols))
    for start in range(0, len(slots), step):
        yield slots[start : start + step]


def _row(symbol: str, counts: Ints, empty: Ints, slots: Sequence[SessionSlots]) -> SymbolCoverage:
    days = tuple(
        DayCoverage(session.session.trading_day, bars, len(session), none)
        for session, bars, none in zip(slots, counts.tolist(), empty.tolist(), strict=True)
    )
    return SymbolCoverage(symbol, days)


def _listed(intervals: Sequence[Interval]) -> str:
    return ", ".join(str(interval) for interval in sorted(set(intervals)))
