"""Session view: a tape cut at a frontier, all that a reader gets of it. The only place where it is cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import (
    FULL_SCORE,
    Gap,
    HistoricalQuality,
    find_gaps,
    gap_counts,
    gap_slots,
)
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, OPEN, VOLUME, Counts, Floats, Ints, Mask
from tapedeck.engine.tape.historical_value import HistoricalValue
from tapedeck.engine.tape.session_totals import (
    NO_BAR,
    SessionTotals,
    change_pct,
    first_values,
    last_values,
    minutes_of_last_bars,
    session_volumes,
)
from tapedeck.engine.tape.tape import Tape

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one symbol and interval, oldest first, gaps as NaN: read-only views, shape (n,).

    `opened_at`: int64, seconds UTC; `base_bars`: how many base bars each was made of.
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
    """A historical indicator of one symbol, as it holds at a frontier.

    `value`: NaN where there was nothing to compute from; `used`: how many earlier bars went in; `minute`: of
    the session, the one for which it stands, None for one that is the same all day.
    """

    value: float
    used: int
    minute: int | None


class SessionView:
    """A session as it is known at frontier k: bars, derived bars, indicators, quality, clock, all cut there.

    What is not cut was known before the open: symbols, calendar, intervals, names, historical values. A
    `frontier` past the tape's is cut to it, one below 0 is the open. A view is cheap (slices, no copy, no
    lock), and cannot look ahead: nothing past k can be reached through it. What the processor or the quality
    manager has not computed yet is not there yet. Grids are of all symbols, shape (S, columns over), and
    read-only.
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
        """The symbols of the session, in the order of the file."""
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
        """How many slots the session has."""
        return len(self._tape)

    @property
    def slot_times(self) -> SessionSlots:
        """When each slot of the session opens and closes, from the calendar."""
        return self._tape.slots

    @property
    def base_interval(self) -> Interval:
        """The interval of the slots."""
        return self._tape.base_interval

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """All intervals of the session, base first."""
        return self._tape.intervals

    def row(self, symbol: str) -> int:
        """Return the symbol's row; KeyError for a symbol that is not in the session."""
        return self._tape.rows[symbol]

    @property
    def quality_measured(self) -> bool:
        """Whether quality is counted, rather than taken as 100."""
        return self._tape.scores is not None

    @property
    def historical_quality(self) -> Mapping[tuple[str, Interval], HistoricalQuality]:
        """The quality of the history that the session began with, by symbol and interval."""
        return self._tape.historical_quality

    def historical_names(self) -> tuple[str, ...]:
        """Return the names of all historical indicators."""
        return tuple(self._tape.historical)

    def historical_value(self, name: str) -> HistoricalValue:
        """Return a historical indicator of all symbols, as computed before the session; read-only."""
        value = self._tape.historical[name]
        return replace(value, values=frozen(value.values), used=frozen(value.used))

    # The moment

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
        """The frontier up to which indicators and scores of this view are there."""
        return min(self._computed, self._scored) if self.quality_measured else self._computed

    @property
    def is_latest(self) -> bool:
        """Whether the session has not been played on since."""
        return self._tape.frontier == self.frontier

    def is_of_same_session(self, other: SessionView | None) -> bool:
        """Whether another view shows the very same session, played once."""
        return other is not None and other._tape is self._tape  # noqa: SLF001 - of its own class

    # Bars

    def bars_grid(self, interval: Interval) -> Floats:
        """Return the bars of all symbols, read-only, shape (5, S, columns over), fields as in `FIELDS`."""
        grid = self._tape.grid(interval)
        return frozen(grid.values[:, :, : self._columns(interval)])

    def present_grid(self, interval: Interval) -> Mask:
        """Return which bars there are, read-only, shape (S, columns over)."""
        return frozen(self._tape.grid(interval).present[:, : self._columns(interval)])

    def base_bars_grid(self, interval: Interval) -> Counts:
        """Return how many base bars each bar was made of, shape (S, columns over)."""
        stop = self._columns(interval)
        if interval == self._tape.base_interval:
            return frozen(self.present_grid(interval).astype(np.int32))
        return frozen(self._tape.derived[interval].base_bars[:, :stop])

    def opened_at(self, interval: Interval) -> Ints:
        """Return the labels of the columns that are over, seconds UTC."""
        return frozen(self._tape.opened_at(interval)[: self._columns(interval)])

    def closed_at(self, interval: Interval) -> Ints:
        """Return when each of the columns was over, seconds UTC."""
        return frozen(self._tape.closed_at(interval)[: self._columns(interval)])

    def bucket_widths(self, interval: Interval) -> Ints:
        """Return how many slots each of the columns spans."""
        return frozen(self._tape.bucket_widths(interval)[: self._columns(interval)])

    def bucket_span(self, interval: Interval, column: int) -> tuple[int, int]:
        """Return the run of slots [start, stop) of one of the columns."""
        if interval == self._tape.base_interval:
            return column, column + 1
        buckets = self._tape.derived[interval].buckets
        return int(buckets.starts[column]), int(buckets.stops[column])

    def bars(self, symbol: str, interval: Interval) -> Bars:
        """Return a symbol's bars of an interval up to the clock."""
        row = self._tape.rows[symbol]
        fields = dict(zip(FIELDS, self.bars_grid(interval)[:, row], strict=True))
        return Bars(self.opened_at(interval), **fields, base_bars=self.base_bars_grid(interval)[row])

    # Indicators

    def indicator_names(self) -> tuple[str, ...]:
        """Return the names of all session indicator outputs."""
        return tuple(self._tape.indicators)

    def indicator_interval(self, name: str) -> Interval:
        """Return the interval on whose bars an indicator stands."""
        return self._tape.indicators[name].interval

    def indicator_grid(self, name: str) -> Floats:
        """Return an indicator's values up to the clock, read-only, shape (S, columns over)."""
        column = self._tape.indicators[name]
        return frozen(column.values[:, : self._tape.columns_over(column.interval, self._computed)])

    def indicator(self, symbol: str, name: str) -> float | None:
        """Return the last value of an indicator, None where it is missing."""
        values = self.indicator_grid(name)[self._tape.rows[symbol]]
        there = values[~np.isnan(values)]
        return float(there[-1]) if len(there) else None

    def historical(self, symbol: str, name: str) -> HistoricalFigure:
        """Return a historical indicator; by the minute, that of the minute of the symbol's last bar.

        Before its first bar that is the session's first minute.
        """
        row, known = self._tape.rows[symbol], self._tape.historical[name]
        if not known.per_minute:
            return HistoricalFigure(float(known.values[row]), int(known.used[row]), None)
        there = np.flatnonzero(~np.isnan(self._tape.base.values[CLOSE, row, : self.frontier]))
        minute = int(minutes_of_last_bars(self._tape.slots, there[-1:] if len(there) else NO_BAR)[0])
        return HistoricalFigure(float(known.values[row, minute]), int(known.used[row, minute]), minute)

    # The session so far

    def totals(self, symbol: str) -> SessionTotals | None:
        """Return the symbol's volume, high, low and last price of the session so far."""
        row = self._tape.rows[symbol]
        return SessionTotals.of(self._tape.base.values[:, row, : self.frontier])

    def volumes(self) -> Floats:
        """Return every symbol's volume of the session so far, (S,), NaN without a bar, as in `totals`."""
        base = self.base_interval
        return session_volumes(self.bars_grid(base)[VOLUME], self.present_grid(base))

    def first_opens(self) -> Floats:
        """Return every symbol's first open, (S,), NaN without a bar."""
        return first_values(self.bars_grid(self.base_interval)[OPEN])

    def last_prices(self) -> Floats:
        """Return every symbol's last close, (S,), NaN without a bar."""
        return last_values(self.bars_grid(self.base_interval)[CLOSE])

    def changes_pct(self) -> Floats:
        """Return every symbol's change from its first open, (S,), in percent."""
        return change_pct(self.first_opens(), self.last_prices())

    # Quality

    @property
    def has_scores(self) -> bool:
        """Whether scores say anything: quality is measured, and a slot is over."""
        return self.quality_measured and self.frontier > 0

    def quality(self, symbol: str) -> float:
        """Return the symbol's score in percent, of all slots that are over; 100 where it is not measured."""
        if self._tape.scores is None:
            return FULL_SCORE
        return float(self._tape.scores[self._tape.rows[symbol], self._scored])

    def quality_grid(self) -> Floats | None:
        """Return the scores at k = 0 … frontier, shape (S, k + 1), or None where quality is not measured."""
        if self._tape.scores is None:
            return None
        return frozen(self._tape.scores[:, : self._scored + 1])

    def gaps(self, symbol: str) -> tuple[Gap, ...]:
        """Return the symbol's gaps up to the clock, in base slots; none where quality is not measured."""
        if self._tape.scores is None:
            return ()
        return find_gaps(self._tape.base.present[self._tape.rows[symbol], : self.frontier])

    def gap_counts(self) -> Ints:
        """Return how many gaps every symbol has, int64 (S,), none where quality is not measured."""
        if not self.quality_measured:
            return np.zeros(len(self.symbols), dtype=np.int64)
        return gap_counts(self._tape.base.present[:, : self.frontier])

    def gap_slots(self) -> list[int]:
        """Return the slots in which a gap of any symbol begins; none where quality is not measured."""
        if self._tape.scores is None or self._tape.base.full:
            return []
        return gap_slots(self._tape.base.present[:, : self.frontier])

    def _columns(self, interval: Interval) -> int:
        base = interval == self._tape.base_interval
        return self._tape.columns_over(interval, self.frontier if base else self._computed)


def frozen(values: NDArray[Value]) -> NDArray[Value]:
    """Return a view of an array through which it cannot be written."""
    view = values.view()
    view.flags.writeable = False
    return view
