"""What a write changes: incoming bars against those stored, compared by their bits."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime

import numpy as np

from engine.errors import StoreError
from engine.intervals import BASE_INTERVALS, Interval
from engine.store.bar_store import BarColumns, Floats, Ints, WriteResult

VALUE_NAMES = tuple(field.name for field in fields(BarColumns))[1:]
COLUMN_NAMES = ("opened_at", *VALUE_NAMES)


@dataclass(frozen=True, slots=True)
class BarDifference:
    """Positions (int64) of the incoming bars that are new, and of those stored with other values."""

    new: Ints
    conflicts: Ints
    unchanged: int

    def result(self, *, replace: bool) -> WriteResult:
        """Return what a write of this difference reports."""
        if replace:
            return WriteResult(len(self.new), self.unchanged, len(self.conflicts), np.empty(0, np.int64))
        return WriteResult(len(self.new), self.unchanged, 0, self.conflicts)


def empty_bars() -> BarColumns:
    """Return columns of no bars."""
    return BarColumns(np.empty(0, np.int64), *(np.empty(0) for _ in VALUE_NAMES))


def take(bars: BarColumns, positions: Ints | slice) -> BarColumns:
    """Return the bars at `positions`."""
    return BarColumns(*(getattr(bars, name)[positions] for name in COLUMN_NAMES))


def check_interval(interval: Interval) -> None:
    """Raise StoreError unless bars of `interval` are stored, rather than derived."""
    if not interval.is_base:
        known = ", ".join(str(base) for base in BASE_INTERVALS)
        raise StoreError(f"{interval} bars are not stored, only {known} are: derive them from one of these")


def checked(symbol: str, interval: Interval, bars: BarColumns) -> BarColumns:
    """Return the bars as they are stored: contiguous int64 and float64, no negative zero.

    Raises StoreError where they break what a store promises: sorted, no time twice, finite numbers.
    """
    check_interval(interval)
    if not symbol or "\x00" in symbol:
        raise StoreError(f"{symbol!r} is no symbol: one character at least, and no NUL")
    opened_at = np.ascontiguousarray(bars.opened_at, np.int64)
    values = [_canonical(symbol, interval, name, opened_at, getattr(bars, name)) for name in VALUE_NAMES]
    disorder = np.flatnonzero(opened_at[1:] <= opened_at[:-1])
    if len(disorder):
        at = int(disorder[0]) + 1
        raise StoreError(
            f"{symbol} {interval}: bar {at} ({instant(opened_at[at])}) is not later than the one before it "
            f"({instant(opened_at[at - 1])}): sort the bars by time, and give each time once"
        )
    return BarColumns(opened_at, *values)


def compare(bars: BarColumns, positions: Ints, stored: BarColumns) -> BarDifference:
    """Compare `bars` with what is stored at the times of `positions`; `stored` is in the same order."""
    same = np.ones(len(positions), bool)
    for name in VALUE_NAMES:
        same &= getattr(bars, name)[positions].view(np.int64) == getattr(stored, name).view(np.int64)
    known = np.zeros(len(bars), bool)
    known[positions] = True
    return BarDifference(np.flatnonzero(~known), np.sort(positions[~same]), int(same.sum()))


def instant(opened_at: int | np.int64) -> str:
    """Return a bar's time as a reader knows it, `2013-10-07T13:30:00Z`."""
    return datetime.fromtimestamp(int(opened_at), UTC).isoformat().replace("+00:00", "Z")


def _canonical(symbol: str, interval: Interval, name: str, opened_at: Ints, column: Floats) -> Floats:
    # Adding zero turns -0.0 into 0.0: SQLite keeps whole REALs as integers, and those have one zero.
    values = np.ascontiguousarray(column, np.float64) + 0.0
    if len(values) != len(opened_at):
        raise StoreError(f"{symbol} {interval}: {len(opened_at)} times, but {len(values)} values of {name}")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise StoreError(
            f"{symbol} {interval} {instant(opened_at[bad[0]])}: {name} is {values[bad[0]]}, which is no number; "
            "a bar that the market did not make has no row"
        )
    return values
