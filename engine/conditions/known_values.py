"""Known values: the last value of a field or indicator, or one some bars back, at each frontier of a range.

Vectorised over frontiers k = start … stop, both included: results have one column per frontier. No result at
k depends on a slot at or past k.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time
from types import MappingProxyType
from typing import Final

import numpy as np

from tapedeck.engine.clock.start_time import time_in_session
from tapedeck.engine.intervals import WEEK, Interval
from tapedeck.engine.quality.gaps_and_scores import FULL_SCORE, gaps_begin, score
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, Floats, Ints, Mask
from tapedeck.engine.tape.bars_back import columns_back, last_columns_present
from tapedeck.engine.tape.day_figures import DAY_FIGURES, DayValues
from tapedeck.engine.tape.earlier_values import Series
from tapedeck.engine.tape.held_values import held_at, held_values, last_columns, taken
from tapedeck.engine.tape.last_bars import LastBars
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES, quote_figure_at
from tapedeck.engine.tape.session_totals import minutes_of_last_bars
from tapedeck.engine.tape.symbol_changes import ChangeKind
from tapedeck.engine.tape.tape import Tape

Rows = slice
Figure = Callable[[Ints], Floats]
"""Returns a value of all symbols at ascending frontiers, float64 (S, frontiers)."""
NO_FIGURES: Final[Mapping[str, Figure]] = MappingProxyType({})


class KnownValues:
    """Known values at frontiers `start` … `stop` of a tape that is computed up to `stop`.

    `figures`: further values by name, called with the frontiers.
    """

    def __init__(self, tape: Tape, start: int, stop: int, figures: Mapping[str, Figure] = NO_FIGURES) -> None:
        self._tape = tape
        self._frontiers: Ints = np.arange(start, stop + 1, dtype=np.int64)
        self._figures = figures
        self._found: dict[tuple[str, int | None, int | None, Interval | None, int], Floats] = {}

    def __len__(self) -> int:
        return len(self._frontiers)

    def value(self, name: str, rows: Rows, interval: Interval | None = None, back: int = 0) -> Floats:
        """Return a field or indicator of some symbols, float64 (rows, frontiers); NaN before the first.

        `back`: as it was read when the bar that number of bars back was over, of its own interval. The array
        is kept for the next call, and cannot be written.
        """
        key = (name, rows.start, rows.stop, interval, back)
        found = self._found.get(key)
        if found is None:
            read = self._bars_back(name, rows, interval, back) if back else self._value(name, rows, interval)
            found = self._found[key] = read.view()
            found.flags.writeable = False
        return found

    def _value(self, name: str, rows: Rows, interval: Interval | None) -> Floats:
        tape = self._tape
        if interval is not None or name in FIELDS:
            return self._bar_field(FIELDS.index(name), interval or tape.base_interval, rows)
        if name in tape.indicators:
            column = tape.indicators[name]
            return held_values(column.values[rows], self._over(column.interval))
        if name in tape.historical:
            return self._historical(name, rows)
        if name in DAY_FIGURES:
            return DAY_FIGURES[name].of(DayValues(tape, self._frontiers, rows))
        if name in QUOTE_FIGURES and tape.quotes is not None:
            return quote_figure_at(tape.quotes, name, self._frontiers, rows)
        known = {"last": self._last, "quality": self._quality, "missing": self._missing, "gaps": self._gaps}
        return known[name](rows) if name in known else self._figures[name](self._frontiers)[rows]

    def value_before(self, name: str, rows: Rows, interval: Interval | None = None, back: int = 0) -> Floats:
        """Return a value one slot before each frontier, as crosses read it, float64 (rows, frontiers).

        A value that is held from bar to bar, and has none yet in the session, is that of the end of the
        session before; so is every value before the open.
        """
        start, stop = int(self._frontiers[0]), int(self._frontiers[-1])
        at_open = int(start == 0)
        values = np.full((self._symbols(rows), len(self)), np.nan)
        if stop:
            known = KnownValues(self._tape, start - 1 + at_open, stop - 1, self._figures)
            values[:, at_open:] = known.value(name, rows, interval, back)
        unknown = np.isnan(values)
        if back or name in self._tape.historical:
            unknown[:, at_open:] = False
        if unknown.any():
            ended = self._tape.earlier.at_end(self._series(name, rows, interval), back)
            values = np.where(unknown, ended[:, None], values)
        return values

    def _bars_back(self, name: str, rows: Rows, interval: Interval | None, back: int) -> Floats:
        own = interval_of(self._tape, name, interval)
        present = bars_of(self._tape, name, own, rows)
        columns = columns_back(present, self._over(own), back)
        values = values_at_bars(self._tape, name, interval, rows, columns)
        earlier = columns < 0
        if earlier.any():
            most = -int(columns.min())
            found = self._tape.earlier.at_bars(self._series(name, rows, interval), most)
            taken_at = np.where(earlier, most + columns, 0)
            values = np.where(earlier, np.take_along_axis(found, taken_at, axis=1), values)
        return values

    def gone(self) -> Mask | None:
        """Return where a symbol has left the session, bool (S, frontiers); None where none has.

        At the frontier at which it left it is there for the last time.
        """
        rows, left = self._tape.rows, dict[str, int]()
        for change in self._tape.changes:
            if change.kind is ChangeKind.JOINED:
                left.pop(change.symbol, None)
            elif change.symbol in rows:
                left[change.symbol] = change.frontier
        if not left:
            return None
        last = np.array([left.get(symbol, len(self._tape)) for symbol in rows], dtype=np.int64)
        gone: Mask = self._frontiers > last[:, None]
        return gone

    def clock(self) -> Floats:
        """Return the clock at each frontier, seconds UTC, shape (frontiers,)."""
        return self._tape.slots.clock_times()[self._frontiers].astype(np.float64)

    def instant(self, seconds_of_day: int) -> float:
        """Return the instant, seconds UTC, of a time of day of the exchange in this session."""
        minutes, second = divmod(seconds_of_day, 60)
        hour, minute = divmod(minutes, 60)
        return time_in_session(self._tape.session, time(hour, minute, second)).timestamp()

    def _bar_field(self, field: int, interval: Interval, rows: Rows) -> Floats:
        return held_values(self._tape.grid(interval).values[field, rows], self._over(interval))

    def _last(self, rows: Rows) -> Floats:
        return self._bar_field(CLOSE, self._tape.base_interval, rows)

    def _quality(self, rows: Rows) -> Floats:
        if self._tape.scores is None:
            return np.full((self._symbols(rows), len(self)), FULL_SCORE)
        return score(self._present_counts(rows), self._expected_counts(rows))

    def _missing(self, rows: Rows) -> Floats:
        """Return the number of expected bars that are missing, float64 (rows, frontiers)."""
        if self._tape.scores is None:
            return np.zeros((self._symbols(rows), len(self)))
        return (self._expected_counts(rows) - self._present_counts(rows)).astype(np.float64)

    def _present_counts(self, rows: Rows) -> Ints:
        """Return the number of base bars, int64 (rows, frontiers)."""
        return self._counts(self._tape.base.present[rows])

    def _expected_counts(self, rows: Rows) -> Ints:
        """Return the number of slots that are over and not confirmed empty, int64, for all rows or each."""
        empty = self._tape.empty
        return self._frontiers if empty is None else self._frontiers - self._counts(empty[rows])

    def _counts(self, chosen: Mask) -> Ints:
        """Return the number of chosen slots that are over, int64 (rows, frontiers)."""
        start, stop = int(self._frontiers[0]), int(self._frontiers[-1])
        counts = np.empty((len(chosen), len(self)), dtype=np.int64)
        counts[:, 0] = np.count_nonzero(chosen[:, :start], axis=1)
        np.cumsum(chosen[:, start:stop], axis=1, out=counts[:, 1:])
        counts[:, 1:] += counts[:, :1]
        return counts

    def _gaps(self, rows: Rows) -> Floats:
        """Return the number of gaps that have begun, float64 (rows, frontiers)."""
        count = self._symbols(rows)
        if self._tape.scores is None:
            return np.zeros((count, len(self)))
        stop = int(self._frontiers[-1])
        begun = gaps_begin(self._tape.base.covered_at(rows, np.s_[:stop]))
        if len(self) == 1:
            return np.asarray(np.count_nonzero(begun, axis=1)[:, None], dtype=np.float64)
        totals = np.zeros((count, stop + 1))
        np.cumsum(begun, axis=1, out=totals[:, 1:])
        return totals[:, self._frontiers]

    def _historical(self, name: str, rows: Rows) -> Floats:
        """Return a historical indicator: a constant, or per minute as in `SessionView.historical`."""
        value = self._tape.historical[name]
        if not value.per_minute:
            return np.repeat(value.values[rows][:, None], len(self), axis=1)
        last = last_columns(self._tape.base.values[CLOSE, rows], self._frontiers)
        minutes = minutes_of_last_bars(self._tape.slots, last)
        return np.take_along_axis(value.values[rows], minutes, axis=1)

    def _over(self, interval: Interval) -> Ints:
        """Return the number of columns of an interval that are over at each frontier, int64."""
        if interval == self._tape.base_interval:
            return self._frontiers
        if interval == WEEK:
            return np.ones(len(self), dtype=np.int64)
        return np.searchsorted(self._tape.derived[interval].buckets.stops, self._frontiers, side="right")

    def _symbols(self, rows: Rows) -> int:
        return len(range(*rows.indices(len(self._tape.symbols))))

    def _series(self, name: str, rows: Rows, interval: Interval | None) -> Series:
        first, stop, _ = rows.indices(len(self._tape.symbols))
        return Series(name, interval, first, stop)


def last_bars_of(tape: Tape, series: Series, count: int) -> LastBars:
    """Return a series at the last `count` bars of a session that is over."""
    own = interval_of(tape, series.name, series.interval)
    present = bars_of(tape, series.name, own, series.rows)
    columns = last_columns_present(present, count)
    values = values_at_bars(tape, series.name, series.interval, series.rows, columns)
    return LastBars.of(values, columns >= 0, count)


def bar_field(name: str, interval: Interval | None) -> int | None:
    """Return the bar field that a value is, None for an indicator or another value of the session."""
    if interval is None and name == "last":
        return CLOSE
    return FIELDS.index(name) if name in FIELDS else None


def interval_of(tape: Tape, name: str, interval: Interval | None) -> Interval:
    """Return the interval whose bars are counted back for a value; `interval`: written with a bar field."""
    if interval is None and name in tape.indicators:
        return tape.indicators[name].interval
    return interval or tape.base_interval


def bars_of(tape: Tape, name: str, interval: Interval, rows: Rows) -> Mask:
    """Return which columns of an interval have a bar, bool (rows, columns); on 1w, which have a value."""
    if interval == WEEK:
        return ~np.isnan(tape.indicators[name].values[rows])
    return tape.grid(interval).present[rows]


def values_at_bars(tape: Tape, name: str, interval: Interval | None, rows: Rows, columns: Ints) -> Floats:
    """Return a value as it was when the bars of the given columns were over, float64, shape of `columns`.

    `columns`: int64 (rows, n), of the value's own interval; NaN for negative ones.
    """
    there = columns >= 0
    if not there.any():
        return np.full(columns.shape, np.nan)
    first, last = int(columns[there].min()), int(columns.max())
    field = bar_field(name, interval)
    if field is not None:
        values = tape.grid(interval or tape.base_interval).values[field, rows, first : last + 1]
    elif name in tape.indicators:
        return held_at(tape.indicators[name].values[rows], columns)
    else:
        values = KnownValues(tape, first + 1, last + 1).value(name, rows)
    return taken(values, np.where(there, columns - first, -1))
