"""Differences between incoming and stored bars, compared bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import numpy as np

from tapedeck.engine.errors import StoreError, SymbolRefusedError
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints, WriteResult

VALUE_NAMES = tuple(field.name for field in fields(BarColumns))[1:]
COLUMN_NAMES = ("opened_at", *VALUE_NAMES)
_EARLIEST, _LATEST = -62135596800, 253402300799  # the years 1 to 9999


@dataclass(frozen=True, slots=True)
class BarDifference:
    """Positions (int64) of incoming bars that are new, and of those stored with different values."""

    new: Ints
    conflicts: Ints
    unchanged: int

    def changed(self, *, replace: bool) -> Ints:
        """Return the positions of the bars to store, in order."""
        return np.sort(np.concatenate([self.new, self.conflicts])) if replace else self.new

    def shifted(self, offset: int) -> BarDifference:
        """Return the difference with all positions moved by `offset`."""
        return BarDifference(self.new + offset, self.conflicts + offset, self.unchanged)

    @classmethod
    def total(cls, parts: Sequence[BarDifference]) -> BarDifference:
        """Combine the differences of consecutive runs of bars."""
        none = np.empty(0, np.int64)
        return cls(
            np.concatenate([none, *(part.new for part in parts)]),
            np.concatenate([none, *(part.conflicts for part in parts)]),
            sum(part.unchanged for part in parts),
        )

    def result(self, *, replace: bool) -> WriteResult:
        """Return the result of writing this difference."""
        if replace:
            return WriteResult(len(self.new), self.unchanged, len(self.conflicts), np.empty(0, np.int64))
        return WriteResult(len(self.new), self.unchanged, 0, self.conflicts)


def empty_bars() -> BarColumns:
    """Return empty columns."""
    return BarColumns(np.empty(0, np.int64), *(np.empty(0) for _ in VALUE_NAMES))


def take(bars: BarColumns, positions: Ints | slice) -> BarColumns:
    """Return the bars at `positions`."""
    # Written out for speed: a session job runs this several times in thousands of small reads.
    return BarColumns(
        bars.opened_at[positions],
        bars.open[positions],
        bars.high[positions],
        bars.low[positions],
        bars.close[positions],
        bars.volume[positions],
    )


def join(parts: Sequence[BarColumns]) -> BarColumns:
    """Return the bars of all parts, in that order; a single part is not copied."""
    if len(parts) < 2:
        return parts[0] if parts else empty_bars()
    return BarColumns(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMN_NAMES))


def merge(stored: BarColumns, bars: BarColumns) -> BarColumns:
    """Merge both, sorted by time; at equal times the bar of `bars` wins."""
    both = join([stored, bars])
    order = np.argsort(both.opened_at, kind="stable")
    times = both.opened_at[order]
    is_last_of_its_time = np.append(times[1:] != times[:-1], True) if len(times) else np.empty(0, bool)
    return take(both, order[is_last_of_its_time])


def check_interval(interval: Interval) -> None:
    """Raise StoreError unless `interval` is a base interval."""
    if not interval.is_base:
        *known, last = (str(base) for base in BASE_INTERVALS)
        raise StoreError(f"{interval} bars are not stored: store {', '.join(known)} or {last} bars")


def check_symbol(symbol: str) -> None:
    """Raise SymbolRefusedError for a symbol that no store can hold."""
    if not symbol or "\x00" in symbol:
        raise SymbolRefusedError(f"invalid symbol {symbol!r}: it must have at least one character and no NUL")
    try:
        symbol.encode()
    except UnicodeEncodeError:
        raise SymbolRefusedError(f"invalid symbol {symbol!r}: it is not valid Unicode") from None


def check_times(symbol: str, interval: Interval, opened_at: Ints) -> None:
    """Raise StoreError for a time outside the years 1 to 9999."""
    outside = np.flatnonzero((opened_at < _EARLIEST) | (opened_at > _LATEST))
    if len(outside):
        raise StoreError(
            f"{symbol} {interval}: {opened_at[outside[0]]} seconds since 1970 is outside the years 1 to "
            "9999. Times must be in whole seconds, not milliseconds"
        )


def checked(symbol: str, interval: Interval, bars: BarColumns) -> BarColumns:
    """Return a copy of the bars in the stored form: int64 and float64, no negative zero.

    Raises StoreError unless the times are ascending without duplicates and all values finite.
    """
    check_interval(interval)
    check_symbol(symbol)
    opened_at = np.array(bars.opened_at, np.int64)
    check_times(symbol, interval, opened_at)
    disorder = np.flatnonzero(opened_at[1:] <= opened_at[:-1])
    if len(disorder):
        at = int(disorder[0]) + 1
        raise StoreError(
            f"{symbol} {interval}: bar {at} ({instant(opened_at[at])}) is not later than the previous one "
            f"({instant(opened_at[at - 1])}): times must be ascending, without duplicates"
        )
    values = [_canonical(symbol, interval, name, opened_at, getattr(bars, name)) for name in VALUE_NAMES]
    return BarColumns(opened_at, *values)


def checked_many(symbols: Sequence[str], interval: Interval, rows: Ints, bars: BarColumns) -> BarColumns:
    """Return a copy of bars of many symbols in the stored form; `rows`: position of each bar's symbol.

    Raises StoreError unless they are sorted by row, then time, without duplicates, and valid for `checked`.
    """
    check_interval(interval)
    columns = [np.ascontiguousarray(getattr(bars, name), np.float64) + 0.0 for name in VALUE_NAMES]
    found = BarColumns(np.array(bars.opened_at, np.int64), *columns)
    times, is_next = found.opened_at, rows[1:] > rows[:-1]
    if not (is_next | ((rows[1:] == rows[:-1]) & (times[1:] > times[:-1]))).all():
        raise StoreError(
            f"{interval} bars of many symbols must be sorted by symbol and time, without repeats"
        )
    is_outside = (times < _EARLIEST) | (times > _LATEST)
    faulty = is_outside | ~np.isfinite(columns).all(axis=0)
    for row in np.unique(rows[faulty]).tolist():
        checked(symbols[row], interval, take(found, np.flatnonzero(rows == row)))  # raises
    for row in np.unique(rows).tolist():
        check_symbol(symbols[row])
    return found


def difference(bars: BarColumns, stored: BarColumns) -> BarDifference:
    """Compare `bars` with `stored`, both sorted by time."""
    at = np.searchsorted(stored.opened_at, bars.opened_at)
    inside = np.flatnonzero(at < len(stored))
    positions = inside[stored.opened_at[at[inside]] == bars.opened_at[inside]]
    return compare(bars, positions, take(stored, at[positions]))


def compare(bars: BarColumns, positions: Ints, stored: BarColumns) -> BarDifference:
    """Compare `bars` with `stored`, the stored bars at the times of `positions`, in the same order."""
    same = np.ones(len(positions), bool)
    for name in VALUE_NAMES:
        same &= getattr(bars, name)[positions].view(np.int64) == getattr(stored, name).view(np.int64)
    known = np.zeros(len(bars), bool)
    known[positions] = True
    return BarDifference(np.flatnonzero(~known), np.sort(positions[~same]), int(same.sum()))


def instant(opened_at: int | np.int64) -> str:
    """Return a bar's time as text, `2013-10-07T13:30:00Z`."""
    return datetime.fromtimestamp(int(opened_at), UTC).isoformat().replace("+00:00", "Z")


def _canonical(symbol: str, interval: Interval, name: str, opened_at: Ints, column: Floats) -> Floats:
    # Adding zero turns -0.0 into 0.0: SQLite keeps whole REALs as integers, and those have one zero.
    values = np.ascontiguousarray(column, np.float64) + 0.0
    if len(values) != len(opened_at):
        raise StoreError(f"{symbol} {interval}: {len(opened_at)} times, but {len(values)} values of {name}")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise StoreError(
            f"{symbol} {interval} {instant(opened_at[bad[0]])}: {name} is {values[bad[0]]}, but must be "
            "finite; leave out the rows of missing bars"
        )
    return values
