"""History: complete bars of earlier sessions, by interval, extended session by session."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tapedeck.engine.clock.slots import day_label, epoch_seconds
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, BarGrid, Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """One earlier session's bars of one interval.

    `opened_at`: int64 (m,), labels in seconds UTC; `grid`: one row for each symbol in `rows`, for every
    symbol where `rows` is None; `counts`: int64, number of bars in each row; `empty`: int64, number of
    columns in each row that expect no bar, as they are confirmed empty; None without any.
    """

    session: TradingSession
    opened_at: Ints
    grid: BarGrid
    counts: Ints
    rows: Ints | None = None
    empty: Ints | None = None

    @classmethod
    def of(
        cls, session: TradingSession, opened_at: Ints, grid: BarGrid, empty: Mask | None = None
    ) -> HistoryDay:
        """Return a day with one row per symbol; `empty`: bool (S, m), columns that expect no bar."""
        symbols, columns = grid.shape
        counts = np.full(symbols, columns) if grid.full else grid.present.sum(axis=1)
        empties = None if empty is None else empty.sum(axis=1, dtype=np.int64)
        return cls(session, opened_at, grid, counts.astype(np.int64), empty=empties)

    def expected(self, row: int) -> int:
        """Return the number of bars that a row of the grid is expected to have."""
        return self.grid.shape[1] - (0 if self.empty is None else int(self.empty[row]))

    def row_of(self, symbol_row: int) -> int | None:
        """Return the grid's row of a symbol, None if the day is not kept for it."""
        if self.rows is None:
            return symbol_row
        at = int(np.searchsorted(self.rows, symbol_row))
        return at if at < len(self.rows) and self.rows[at] == symbol_row else None

    def narrowed(self, rows: Ints) -> HistoryDay:
        """Return the day with only some symbols' rows, copied so that the full grid can be freed."""
        at = rows if self.rows is None else np.searchsorted(self.rows, rows)
        grid = BarGrid(self.grid.values[:, at], self.grid.present[at], full=self.grid.full)
        empty = None if self.empty is None else self.empty[at]
        return HistoryDay(self.session, self.opened_at, grid, self.counts[at], rows, empty)


class IntradayHistory:
    """Bars of one interval of the last sessions, with a depth for each symbol.

    `depths`: int64 (S,), number of sessions to keep per symbol.
    """

    __slots__ = ("_days", "_thresholds", "depths", "interval")

    def __init__(self, interval: Interval, depths: Ints) -> None:
        self.interval = interval
        self.depths = depths
        self._days: deque[HistoryDay] = deque()
        # Ages at which a day is dropped for some of the symbols.
        self._thresholds: list[int] = [depth + 1 for depth in np.unique(depths).tolist()]

    @property
    def depth(self) -> int:
        """Greatest number of sessions kept for any symbol."""
        return int(self.depths.max(initial=0))

    @property
    def common_depth(self) -> int:
        """Number of sessions kept for every symbol."""
        return int(self.depths.min(initial=self.depth))

    def add(self, day: HistoryDay) -> None:
        """Add the session that has just ended, and drop days beyond each symbol's depth."""
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
    """Daily bars of all symbols over a span of trading days, read for the days before a given one.

    `values`: float64 (5, S, D); `empty`: bool (S, D), days that are confirmed to have no trade, None without
    any. Held for the whole run: a day takes 40 bytes per symbol. Columns of days not yet played may be filled
    already; `before` leaves them out.
    """

    __slots__ = ("_labels", "_mondays", "_ordinals", "days", "empty", "values")

    def __init__(self, symbols: int, days: Sequence[TradingSession]) -> None:
        self.days = tuple(days)
        dates = [session.trading_day for session in days]
        self._ordinals = np.array([day.toordinal() for day in dates], dtype=np.int64)
        self._mondays: Ints = np.array([monday_of(day) for day in dates], dtype=np.int64)
        self._labels: Ints = np.array([day_label(day.toordinal()) for day in dates], dtype=np.int64)
        self._labels.flags.writeable = False
        self.values: Floats = np.full((5, symbols, len(self.days)), np.nan)
        self.empty: Mask | None = None

    def confirm_empty(self, rows: Ints, columns: Ints, empty: Mask | None) -> None:
        """Note days without a trade; `empty`: bool (rows, columns), of these rows and columns."""
        if empty is None:
            return
        if self.empty is None:
            self.empty = np.zeros(self.values.shape[1:], dtype=np.bool_)
        self.empty[np.ix_(rows, columns)] = empty

    def column_of(self, day: date) -> int:
        """Return the number of days of the span before `day`: its column, if the span has it."""
        return int(np.searchsorted(self._ordinals, day.toordinal()))

    def columns_of(self, days: Sequence[date]) -> Ints:
        """Return the columns of several days of the span, int64."""
        return np.searchsorted(self._ordinals, [day.toordinal() for day in days]).astype(np.int64)

    def labels(self) -> Ints:
        """Return the store's labels of the days, int64 (D,)."""
        return self._labels

    def regular_opens(self, labels: Ints) -> Ints:
        """Return the regular open, seconds UTC, of the days of the span with the given labels, int64."""
        columns = np.searchsorted(self._labels, labels).tolist()
        return np.array([epoch_seconds(self.days[at].regular_open) for at in columns], dtype=np.int64)

    def days_of_weeks(self, labels: Ints) -> int:
        """Return the number of days of the span in the weeks that begin with the days of the given labels."""
        weeks = self._mondays[np.searchsorted(self._labels, labels)]
        return int(np.isin(self._mondays, weeks).sum())

    def before(self, day: date, sessions: int | None = None) -> HistoryDay | None:
        """Return the daily bars of the last `sessions` trading days before `day`; None if there are none."""
        stop = self.column_of(day)
        start = 0 if sessions is None else max(0, stop - sessions)
        if start == stop:
            return None
        grid = BarGrid.loaded(
            self.values[:, :, start:stop], None if self.empty is None else self.empty[:, start:stop]
        )
        return HistoryDay.of(self.days[stop - 1], self.labels()[start:stop], grid, grid.confirmed_empty)

    def weeks_before(self, day: date, sessions: int) -> HistoryDay | None:
        """Return weekly bars, Monday to Sunday, of the last `sessions` trading days before `day`.

        Weeks that are over, with all their trading days in that span. The first week of the span is left
        out unless the span begins on its Monday, as its earlier days are unknown here. None without a week.
        """
        stop = self.column_of(day)
        first = self._first_whole_week(max(0, stop - sessions))
        last = min(stop, int(np.searchsorted(self._mondays, monday_of(day))))
        if first >= last:
            return None
        opens, sizes = np.unique(self._mondays[first:last], return_index=True, return_counts=True)[1:]
        within = np.arange(int(sizes.max()))
        columns = np.minimum(opens[:, None] + within, last - first - 1) + first
        values = self.values[:, :, columns]
        is_outside = within >= sizes[:, None]
        values[:, :, is_outside] = np.nan
        empty: Mask | None = None
        if self.empty is not None:
            empty = np.logical_and.reduce(self.empty[:, columns] | is_outside, axis=2)
        labels = self._labels[first + opens]
        grid = BarGrid.loaded(fold_days(values), empty)
        return HistoryDay.of(self.days[last - 1], labels, grid, grid.confirmed_empty)

    def _first_whole_week(self, start: int) -> int:
        """Return the first column at or after `start` that begins a week with all its days in the span."""
        if start == len(self.days):
            return start
        broken = (
            self._mondays[start - 1] == self._mondays[start] if start else self.days[0].trading_day.weekday()
        )
        return int(np.searchsorted(self._mondays, self._mondays[start], side="right")) if broken else start


def fold_days(values: Floats) -> Floats:
    """Fold daily bars (5, …, d) to one bar each, (5, …); missing days are skipped, NaN if all are missing."""
    out = values[..., 0].copy()
    for column in range(1, values.shape[-1]):
        day = values[..., column]
        fresh = np.isnan(out[CLOSE])
        present = ~np.isnan(day[CLOSE])
        out[OPEN] = np.where(fresh, day[OPEN], out[OPEN])
        np.fmax(out[HIGH], day[HIGH], out=out[HIGH])
        np.fmin(out[LOW], day[LOW], out=out[LOW])
        out[CLOSE] = np.where(present, day[CLOSE], out[CLOSE])
        out[VOLUME] = np.where(fresh, day[VOLUME], np.where(present, out[VOLUME] + day[VOLUME], out[VOLUME]))
    return out


def monday_of(day: date) -> int:
    """Return the ordinal of the Monday of the week of `day`."""
    return day.toordinal() - day.weekday()


class History:
    """History of a run: sessions by intraday interval, and one span of daily bars for days and weeks.

    `sources`: interval → the stored interval that each symbol's bars are made from. `compared_days`: rows of
    the symbols whose days are stored ones, while those of the sessions played are derived.
    """

    __slots__ = ("compared_days", "daily", "intraday", "sources")

    def __init__(
        self,
        intraday: Mapping[Interval, IntradayHistory],
        daily: DailyHistory | None,
        *,
        sources: Mapping[Interval, tuple[Interval, ...]] | None = None,
        compared_days: Collection[int] = (),
    ) -> None:
        self.intraday = dict(intraday)
        self.daily = daily
        self.sources = dict(sources or {})
        self.compared_days = frozenset(compared_days)

    def days(self, interval: Interval, sessions: int, before: date) -> tuple[HistoryDay, ...]:
        """Return the bars of up to `sessions` sessions before a day, oldest first, for any interval."""
        if interval.is_intraday:
            kept = self.intraday.get(interval)
            held = () if kept is None else kept.last(sessions)
            return tuple(day for day in held if day.session.trading_day < before)
        if self.daily is None:
            return ()
        read = self.daily.before if interval == DAY else self.daily.weeks_before
        found = read(before, sessions)
        return () if found is None else (found,)
