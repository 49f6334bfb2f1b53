"""Session view: a tape cut at a frontier. Every reader gets its data here; this is the only cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import (
    FULL_SCORE,
    Gap,
    HistoricalQuality,
    find_gaps,
    gap_slots,
)
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, OPEN, Counts, Floats, Ints, Mask
from tapedeck.engine.tape.day_figures import DAY_FIGURES, DayValues
from tapedeck.engine.tape.held_values import last_column, last_columns
from tapedeck.engine.tape.historical_value import HistoricalValue
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.quote_grid import ASK, BID, QUOTE_FIELDS
from tapedeck.engine.tape.quote_view import QuoteView
from tapedeck.engine.tape.session_totals import (
    NO_BAR,
    SessionTotals,
    first_values,
    last_values,
    minutes_of_last_bars,
)
from tapedeck.engine.tape.symbol_changes import SymbolChange
from tapedeck.engine.tape.tape import Tape

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one symbol and interval, oldest first, gaps as NaN: read-only views, shape (n,).

    `opened_at`: int64, seconds UTC; `base_bars`: int32, number of base bars behind each bar.
    """

    opened_at: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    base_bars: Counts

    def __len__(self) -> int:
        return len(self.opened_at)


@dataclass(frozen=True, slots=True)
class HistoricalFigure:
    """Value of a historical indicator for one symbol at a frontier.

    `value`: NaN without any earlier bar; `used`: number of earlier bars in it; `minute`: its minute of the
    session, None for a daily indicator.
    """

    value: float
    used: int
    minute: int | None


class SessionView:
    """A session at frontier k: bars, derived bars, indicators, quality and clock, all cut at k.

    Data known before the open is not cut: symbols, calendar, intervals, names, historical values. A
    `frontier` past the tape's is reduced to it, a negative one is raised to 0, the open. A view is cheap
    (slices, no copy, no lock) and free of look-ahead: no value past k can be reached through it. Values not
    yet computed by the data processor or the quality manager are left out. Grids hold all symbols, shape
    (S, columns over), and are read-only.
    """

    __slots__ = ("_computed", "_scored", "_tape", "frontier")

    def __init__(self, tape: Tape, frontier: int | None = None) -> None:
        known = tape.frontier
        self.frontier = known if frontier is None else max(0, min(frontier, known))
        self._computed = min(self.frontier, tape.processed)
        self._scored = min(self.frontier, tape.scored)
        self._tape = tape

    # Known before the open

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the session, in the order of their rows: that of the file, then that of joining."""
        return self._tape.symbols

    @property
    def session(self) -> TradingSession:
        """The session's hours, from the calendar."""
        return self._tape.session

    @property
    def trading_day(self) -> date:
        """The session's date."""
        return self._tape.session.trading_day

    @property
    def slots(self) -> int:
        """Number of slots of the session."""
        return len(self._tape)

    @property
    def slot_times(self) -> SessionSlots:
        """Open and close of each slot of the session, from the calendar."""
        return self._tape.slots

    @property
    def account(self) -> AccountAt | None:
        """The account of the strategies, cut at the frontier; None without strategies."""
        account = self._tape.account
        return None if account is None else account.record.at(self.frontier)

    @property
    def base_interval(self) -> Interval:
        """The interval of the slots."""
        return self._tape.base_interval

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """All intervals of the session, base first."""
        return self._tape.intervals

    def row(self, symbol: str) -> int:
        """Return the symbol's row; KeyError for an unknown symbol."""
        return self._tape.rows[symbol]

    @property
    def quality_measured(self) -> bool:
        """Whether quality is measured, rather than set to 100."""
        return self._tape.scores is not None

    @property
    def historical_quality(self) -> Mapping[tuple[str, Interval], HistoricalQuality]:
        """Quality of the session's history, by symbol and interval."""
        return self._tape.historical_quality

    def historical_names(self) -> tuple[str, ...]:
        """Return the names of all historical indicators."""
        return tuple(self._tape.historical)

    def historical_value(self, name: str) -> HistoricalValue:
        """Return a historical indicator of all symbols, as computed before the session; read-only."""
        value = self._tape.historical[name]
        return replace(value, values=frozen(value.values), used=frozen(value.used))

    # The clock

    @property
    def clock(self) -> datetime:
        """The session's time at this frontier, UTC."""
        return utc_from_epoch(self.clock_seconds)

    @property
    def clock_seconds(self) -> int:
        """The session's time at this frontier, seconds since 1970 UTC."""
        return self._tape.slots.clock(self.frontier)

    @property
    def computed_frontier(self) -> int:
        """The frontier up to which indicators and scores of this view are computed."""
        return min(self._computed, self._scored) if self.quality_measured else self._computed

    def computed(self) -> SessionView:
        """Return the view at `computed_frontier`, where all of its values are of one time."""
        frontier = self.computed_frontier
        return self if frontier == self.frontier else SessionView(self._tape, frontier)

    @property
    def is_latest(self) -> bool:
        """Whether the session has not advanced since, and has no newer edition."""
        return self._tape.frontier == self.frontier and self._tape.lineage.current is self._tape

    def is_of_same_session(self, other: SessionView | None) -> bool:
        """Whether another view is of the same session, of any edition."""
        return other is not None and other._tape.identity is self._tape.identity  # noqa: SLF001 - the same class

    # Editions

    @property
    def edition(self) -> int:
        """Number of the edition that this view was cut from: 0 at first, 1 more with each correction."""
        return self._tape.edition

    def corrected_grid(self) -> Mask | None:
        """Return True for each bar that was corrected or filled late, bool, read-only, shape (S, frontier).

        None if nothing was corrected. Missing ones are False.
        """
        corrected = self._tape.corrected
        return None if corrected is None else frozen(corrected[:, : self.frontier])

    # Symbols that join and leave

    @property
    def changes(self) -> tuple[SymbolChange, ...]:
        """All joins and leaves of the session so far, also those after this view's frontier."""
        return self._tape.changes

    def joined_at(self, symbol: str) -> int | None:
        """Return the frontier at which a symbol joined, None if the session began with it.

        A view of an earlier frontier shows it, too, as if it had been there from the open.
        """
        return self._tape.stay(symbol).joined if self._tape.changes else None

    # Bars

    def bars_grid(self, interval: Interval) -> Floats:
        """Return the bars of all symbols, read-only, shape (5, S, columns over), fields as in `FIELDS`."""
        grid = self._tape.grid(interval)
        return frozen(grid.values[:, :, : self._columns(interval)])

    def present_grid(self, interval: Interval) -> Mask:
        """Return True for each bar, False for each missing one; bool, read-only, shape (S, columns over)."""
        return frozen(self._tape.grid(interval).present[:, : self._columns(interval)])

    def covered_grid(self) -> Mask:
        """Return True for each base slot with a bar, or confirmed empty; the others are gaps.

        Bool, read-only, shape (S, frontier).
        """
        return frozen(self._tape.base.covered_at(np.s_[:], np.s_[: self.frontier]))

    def empty_grid(self, interval: Interval) -> Mask | None:
        """Return True for each column that expects no bar, as all of its slots are confirmed empty.

        Bool, read-only, shape (S, columns over); None without any.
        """
        empty = self._tape.empty_columns(interval)
        return None if empty is None else frozen(empty[:, : self._columns(interval)])

    def expected_counts(self, interval: Interval) -> Ints:
        """Return the number of bars that each symbol is expected to have, int64 (S,): columns not empty."""
        empty, columns = self.empty_grid(interval), self._columns(interval)
        if empty is None:
            return np.full(len(self.symbols), columns, dtype=np.int64)
        counts: Ints = columns - np.count_nonzero(empty, axis=1)
        return counts

    def base_bars_grid(self, interval: Interval) -> Counts:
        """Return the number of base bars behind each bar, int32, read-only, shape (S, columns over)."""
        stop = self._columns(interval)
        if interval == self._tape.base_interval:
            return frozen(self.present_grid(interval).astype(np.int32))
        return frozen(self._tape.derived[interval].base_bars[:, :stop])

    def opened_at(self, interval: Interval) -> Ints:
        """Return the labels of the columns that are over: opens, int64, seconds UTC."""
        return frozen(self._tape.opened_at(interval)[: self._columns(interval)])

    def closed_at(self, interval: Interval) -> Ints:
        """Return the closes of the columns that are over, int64, seconds UTC."""
        return frozen(self._tape.closed_at(interval)[: self._columns(interval)])

    def bucket_widths(self, interval: Interval) -> Ints:
        """Return the number of slots of each of these columns, int64."""
        return frozen(self._tape.bucket_widths(interval)[: self._columns(interval)])

    def bucket_span(self, interval: Interval, column: int) -> tuple[int, int]:
        """Return the slots [start, stop) of one of these columns."""
        if interval == self._tape.base_interval:
            return column, column + 1
        buckets = self._tape.derived[interval].buckets
        return int(buckets.starts[column]), int(buckets.stops[column])

    def bars(self, symbol: str, interval: Interval) -> Bars:
        """Return a symbol's bars of an interval up to the clock."""
        row = self._tape.rows[symbol]
        fields = dict(zip(FIELDS, self.bars_grid(interval)[:, row], strict=True))
        return Bars(self.opened_at(interval), **fields, base_bars=self.base_bars_grid(interval)[row])

    # Quotes

    @property
    def has_quotes(self) -> bool:
        """Whether the session streams quotes."""
        return self._tape.quotes is not None

    def quotes_grid(self) -> Floats | None:
        """Return the quotes of all symbols at the end of each slot, shape (4, S, computed slots), read-only.

        Fields as in `QUOTE_FIELDS`; NaN before the first. None unless the session streams quotes.
        """
        quotes = self._tape.quotes
        return None if quotes is None else frozen(quotes.values[:, :, : self._computed])

    def last_quotes(self) -> Floats | None:
        """Return the last bid, ask, bid size and ask size of all symbols, shape (4, S), read-only.

        NaN without any. None unless the session streams quotes.
        """
        values = self.quotes_grid()
        if values is None or values.shape[2]:
            return None if values is None else values[:, :, -1]
        return frozen(np.full(values.shape[:2], np.nan))

    def quotes_made(self) -> Mask | None:
        """Return True for each symbol whose quotes are made of its closes, bool (S,), read-only.

        None unless the session streams quotes.
        """
        quotes = self._tape.quotes
        return None if quotes is None else frozen(quotes.made)

    def quotes(self, symbol: str) -> QuoteView | None:
        """Return a symbol's quotes up to the clock; None unless the session streams quotes."""
        values, row = self.quotes_grid(), self._tape.rows[symbol]
        made = self.quotes_made()
        if values is None or made is None:
            return None
        opened_at = frozen(self._tape.slots.opened_at[: self._computed])
        fields = dict(zip(QUOTE_FIELDS, values[:, row], strict=True))
        return QuoteView(opened_at, **fields, made=bool(made[row]))

    def quote_slots(self, symbol: str) -> tuple[int | None, int | None]:
        """Return the slots in which the symbol's last bid and last ask came.

        None where none has come, as for made ones, and unless the session streams quotes.
        """
        quotes, row = self._tape.quotes, self._tape.rows[symbol]
        if quotes is None:
            return None, None
        came = quotes.came[BID : ASK + 1, row, : self._computed]
        bid, ask = last_column(came, self._computed).tolist()
        return (None if bid < 0 else bid), (None if ask < 0 else ask)

    # Indicators

    def indicator_names(self) -> tuple[str, ...]:
        """Return the names of all session indicator outputs."""
        return tuple(self._tape.indicators)

    def indicator_interval(self, name: str) -> Interval:
        """Return the interval of an indicator's bars."""
        return self._tape.indicators[name].interval

    def indicator_grid(self, name: str) -> Floats:
        """Return an indicator's values up to the clock, read-only, shape (S, columns over)."""
        column = self._tape.indicators[name]
        return frozen(column.values[:, : self._tape.columns_over(column.interval, self._computed)])

    def indicator(self, symbol: str, name: str) -> float | None:
        """Return the last value of an indicator, None before the first value."""
        values = self.indicator_grid(name)[self._tape.rows[symbol]]
        known = values[~np.isnan(values)]
        return float(known[-1]) if len(known) else None

    def historical(self, symbol: str, name: str) -> HistoricalFigure:
        """Return a historical indicator; a per-minute one at the minute of the symbol's last bar.

        Before the symbol's first bar it is read at the session's first minute.
        """
        row, known = self._tape.rows[symbol], self._tape.historical[name]
        if not known.per_minute:
            return HistoricalFigure(float(known.values[row]), int(known.used[row]), None)
        columns = np.flatnonzero(~np.isnan(self._tape.base.values[CLOSE, row, : self.frontier]))
        minute = int(minutes_of_last_bars(self._tape.slots, columns[-1:] if len(columns) else NO_BAR)[0])
        return HistoricalFigure(float(known.values[row, minute]), int(known.used[row, minute]), minute)

    def historical_figures(self, name: str) -> Floats:
        """Return a historical indicator of every symbol, (S,), NaN without any; cut as in `historical`."""
        known = self._tape.historical[name]
        if not known.per_minute:
            return frozen(known.values)
        here = np.array([self.frontier], dtype=np.int64)
        minutes = minutes_of_last_bars(self._tape.slots, last_columns(self._tape.base.values[CLOSE], here))
        values: Floats = np.take_along_axis(known.values, minutes, axis=1)[:, 0]
        return values

    # The session so far

    def totals(self, symbol: str) -> SessionTotals | None:
        """Return the symbol's totals of the session so far, None before its first bar."""
        row = self._tape.rows[symbol]
        return SessionTotals.of(self._tape.base.values[:, row, : self.frontier])

    def first_opens(self) -> Floats:
        """Return every symbol's first open, (S,), NaN without a bar."""
        return first_values(self.bars_grid(self.base_interval)[OPEN])

    def last_prices(self) -> Floats:
        """Return every symbol's last close, (S,), NaN without a bar."""
        return last_values(self.bars_grid(self.base_interval)[CLOSE])

    def day_figure(self, name: str) -> Floats:
        """Return one of `DAY_FIGURES` of every symbol, (S,), NaN where it is missing."""
        values = DAY_FIGURES[name].of(DayValues(self._tape, np.array([self.frontier], dtype=np.int64)))
        return values[:, 0]

    @property
    def prior_close(self) -> PriorClose:
        """Every symbol's close of the trading day before, known before the open."""
        return self._tape.prior_close

    # Quality

    @property
    def has_scores(self) -> bool:
        """Whether scores are meaningful: quality is measured, and at least one slot is over."""
        return self.quality_measured and self.frontier > 0

    def quality(self, symbol: str) -> float:
        """Return the symbol's score in percent, over all slots that are over; 100 if it is not measured."""
        if self._tape.scores is None:
            return FULL_SCORE
        return float(self._tape.scores[self._tape.rows[symbol], self._scored])

    def quality_grid(self) -> Floats | None:
        """Return the scores at k = 0 … frontier, shape (S, k + 1), or None if quality is not measured."""
        if self._tape.scores is None:
            return None
        return frozen(self._tape.scores[:, : self._scored + 1])

    def gaps(self, symbol: str) -> tuple[Gap, ...]:
        """Return the symbol's gaps up to the clock, in base slots; empty if quality is not measured."""
        if self._tape.scores is None:
            return ()
        return find_gaps(self._tape.base.covered_at(self._tape.rows[symbol], np.s_[: self.frontier]))

    def missing_counts(self) -> Ints:
        """Return every symbol's number of expected bars that are missing; 0 if quality is not measured.

        Int64 (S,).
        """
        if not self.quality_measured:
            return np.zeros(len(self.symbols), dtype=np.int64)
        counts: Ints = np.count_nonzero(~self.covered_grid(), axis=1)
        return counts

    def gap_slots(self) -> list[int]:
        """Return the slots in which a gap of any symbol begins; empty if quality is not measured."""
        if self._tape.scores is None or self._tape.base.full:
            return []
        return gap_slots(self.covered_grid())

    def _columns(self, interval: Interval) -> int:
        base = interval == self._tape.base_interval
        return self._tape.columns_over(interval, self.frontier if base else self._computed)


def frozen(values: NDArray[Value]) -> NDArray[Value]:
    """Return a read-only view of an array, which cannot be made writable again.

    `base` of a plain view would be the array itself, and its flag could be set back: users' code gets these.
    """
    view: NDArray[Value] = np.asarray(memoryview(values).toreadonly())  # type: ignore[arg-type]
    return view
