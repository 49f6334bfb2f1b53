"""History: complete bars of earlier sessions, by interval, moved on by one session at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, BarGrid, Floats, Ints


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """One earlier session's bars of one interval.

    `opened_at`: int64 (m,); `grid` has one row for each symbol in `rows`, or for all where `rows` is None;
    `counts`: int64, how many bars each row has.
    """

    session: TradingSession
    opened_at: Ints
    grid: BarGrid
    counts: Ints
    rows: Ints | None = None

    @classmethod
    def of(cls, session: TradingSession, opened_at: Ints, grid: BarGrid) -> HistoryDay:
        """Return a day with a row for every symbol."""
        symbols, columns = grid.shape
        counts = np.full(symbols, columns) if grid.full else grid.present.sum(axis=1)
        return cls(session, opened_at, grid, counts.astype(np.int64))

    def row_of(self, symbol_row: int) -> int | None:
        """Return the grid's row of a symbol, None where the day was not kept for it."""
        if self.rows is None:
            return symbol_row
        at = int(np.searchsorted(self.rows, symbol_row))
        return at if at < len(self.rows) and self.rows[at] == symbol_row else None

    def narrowed(self, rows: Ints) -> HistoryDay:
        """Return the same day with only some symbols' rows, copied so that the rest can be let go."""
        at = rows if self.rows is None else np.searchsorted(self.rows, rows)
        grid = BarGrid(self.grid.values[:, at], self.grid.present[at], full=self.grid.full)
        return HistoryDay(self.session, self.opened_at, grid, self.counts[at], rows)


class IntradayHistory:
    """The last sessions' bars of one interval, as deep for each symbol as it was asked for.

    `depths`: int64 (S,), sessions to keep per symbol.
    """

    __slots__ = ("_days", "_thresholds", "depths", "interval")

    def __init__(self, interval: Interval, depths: Ints) -> None:
        self.interval = interval
        self.depths = depths
        self._days: deque[HistoryDay] = deque()
        # Ages at which some symbol no longer needs the day.
        self._thresholds: list[int] = [depth + 1 for depth in np.unique(depths).tolist()]

    @property
    def depth(self) -> int:
        """Sessions kept for the symbol that asks for most."""
        return int(self.depths.max(initial=0))

    @property
    def common_depth(self) -> int:
        """Sessions kept for every symbol."""
        return int(self.depths.min(initial=self.depth))

    def add(self, day: HistoryDay) -> None:
        """Add the session that has just ended, and drop what is no longer needed."""
        self._days.append(day)
        while len(self._days) > self.depth:
            self._days.popleft()
        for age in self._thresholds:
            if age <= len(self._days):
                self._days[-age] = self._days[-age].narrowed(np.flatnonzero(self.depths >= age))

    def last(self, sessions: int) -> tuple[HistoryDay, ...]:
        """Return up to the last `sessions` days, oldest first."""
        days = tuple(self._days)
        return days[-sessions:] if sessions else ()


class DailyHistory:
    """Daily bars of all symbols over a span of trading days, readable only before a given day.

    `values`: float64 (5, S, D). Held whole for the run: a day costs 40 bytes a symbol. Columns of days that
    are still to be played may be filled already; `before` never shows them.
    """

    __slots__ = ("_labels", "_mondays", "_ordinals", "days", "values")

    def __init__(self, symbols: int, days: Sequence[TradingSession]) -> None:
        self.days = tuple(days)
        dates = [session.trading_day for session in days]
        self._ordinals = np.array([day.toordinal() for day in dates], dtype=np.int64)
        self._mondays: Ints = np.array([_monday(day) for day in dates], dtype=np.int64)
        self._labels: Ints = np.array([day_label(day.toordinal()) for day in dates], dtype=np.int64)
        self._labels.flags.writeable = False
        self.values: Floats = np.full((5, symbols, len(self.days)), np.nan)

    def column_of(self, day: date) -> int:
        """Return how many days of the span lie before `day`: its own column, if it has one."""
        return int(np.searchsorted(self._ordinals, day.toordinal()))

    def columns_of(self, days: Sequence[date]) -> Ints:
        """Return the columns of several days of the span."""
        return np.searchsorted(self._ordinals, [day.toordinal() for day in days]).astype(np.int64)

    def labels(self) -> Ints:
        """Return the store's labels of the days, shape (D,)."""
        return self._labels

    def before(self, day: date, sessions: int | None = None) -> HistoryDay | None:
        """Return the daily bars of the last `sessions` trading days before `day`; None if there are none."""
        stop = self.column_of(day)
        start = 0 if sessions is None else max(0, stop - sessions)
        if start == stop:
            return None
        values = self.values[:, :, start:stop]
        return HistoryDay.of(self.days[stop - 1], self.labels()[start:stop], BarGrid.loaded(values))

    def weeks_before(self, day: date, sessions: int) -> HistoryDay | None:
        """Return weekly bars, Monday to Sunday, of the last `sessions` trading days before `day`.

        Only weeks that are over, and lie in that span with all their trading days. The week in which the
        held days begin counts only where they begin on its Monday: what came before is not known here.
        """
        stop = self.column_of(day)
        first = self._first_whole_week(max(0, stop - sessions))
        last = min(stop, int(np.searchsorted(self._mondays, _monday(day))))
        if first >= last:
            return None
        opens, sizes = np.unique(self._mondays[first:last], return_index=True, return_counts=True)[1:]
        within = np.arange(int(sizes.max()))
        columns = np.minimum(opens[:, None] + within, last - first - 1) + first
        values = self.values[:, :, columns]
        values[:, :, within >= sizes[:, None]] = np.nan
        labels = self._labels[first + opens]
        return HistoryDay.of(self.days[last - 1], labels, BarGrid.loaded(fold_days(values)))

    def _first_whole_week(self, start: int) -> int:
        """Return the first column at or after `start` with which a week begins whose days are all held."""
        if start == len(self.days):
            return start
        broken = (
            self._mondays[start - 1] == self._mondays[start] if start else self.days[0].trading_day.weekday()
        )
        return int(np.searchsorted(self._mondays, self._mondays[start], side="right")) if broken else start


def fold_days(values: Floats) -> Floats:
    """Fold daily bars (5, …, d) to one bar each, (5, …); missing days are skipped, NaN where all are."""
    out = values[..., 0].copy()
    for column in range(1, values.shape[-1]):
        day = values[..., column]
        fresh = np.isnan(out[CLOSE])
        there = ~np.isnan(day[CLOSE])
        out[OPEN] = np.where(fresh, day[OPEN], out[OPEN])
        np.fmax(out[HIGH], day[HIGH], out=out[HIGH])
        np.fmin(out[LOW], day[LOW], out=out[LOW])
        out[CLOSE] = np.where(there, day[CLOSE], out[CLOSE])
        out[VOLUME] = np.where(fresh, day[VOLUME], np.where(there, out[VOLUME] + day[VOLUME], out[VOLUME]))
    return out


def _monday(day: date) -> int:
    """Return the ordinal of the Monday of a day's week."""
    return day.toordinal() - day.weekday()


class History:
    """All history of a run: intraday intervals as deques of sessions, days and weeks in one span."""

    __slots__ = ("daily", "intraday")

    def __init__(self, intraday: Mapping[Interval, IntradayHistory], daily: DailyHistory | None) -> None:
        self.intraday = dict(intraday)
        self.daily = daily

    def days(self, interval: Interval, sessions: int, before: date) -> tuple[HistoryDay, ...]:
        """Return the bars of up to `sessions` earlier sessions, oldest first, for any interval."""
        if interval.is_intraday:
            kept = self.intraday.get(interval)
            held = () if kept is None else kept.last(sessions)
            return tuple(day for day in held if day.session.trading_day < before)
        if self.daily is None:
            return ()
        read = self.daily.before if interval == DAY else self.daily.weeks_before
        found = read(before, sessions)
        return () if found is None else (found,)
