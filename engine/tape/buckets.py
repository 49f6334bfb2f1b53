"""Derived bars: the layout of buckets over slots, and the reduction of base bars to one bar per bucket.

Buckets below a day are anchored at the open and again after a break, which they never span; the last of a
segment may be short. A day is one bucket. A derived bar exists once its bucket is over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, BarGrid, Counts, Floats, Ints, Mask
from tapedeck.engine.tape.row_selection import gathered

# Break-even points of two ways to reduce runs of columns in numpy: folding column by column over all runs at
# once is faster for many rows and narrow runs, one call per row and run for the others.
_MIN_FOLD_ROWS = 32
_MAX_PICK_WIDTH = 10
_MAX_SUM_WIDTH = 60


@dataclass(frozen=True, slots=True)
class _Run:
    """Buckets [first, last) of one width, in sequence from slot `origin` on."""

    first: int
    last: int
    origin: int
    width: int


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of one interval over n slots; `starts`, `stops`: int64 (m,), half-open runs of slots.

    `ends`: the stops as plain integers, for fast look-up.
    """

    interval: Interval
    starts: Ints
    stops: Ints
    runs: tuple[_Run, ...]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.stops)

    def over_at(self, frontier: int) -> int:
        """Return the number of buckets that are over at a frontier."""
        return bisect_right(self.ends, frontier)

    @property
    def widths(self) -> Ints:
        """Number of slots in each bucket, int64 (m,)."""
        return self.stops - self.starts


def buckets_of(slots: SessionSlots, interval: Interval) -> Buckets:
    """Return the buckets of `interval` over the slots of a session."""
    per_bucket = interval.seconds // slots.interval.seconds if interval.is_intraday else len(slots)
    segments = slots.segments if interval.is_intraday else ((0, len(slots)),)
    return _layout(interval, per_bucket, segments)


@lru_cache(maxsize=256)
def _layout(interval: Interval, per_bucket: int, segments: tuple[tuple[int, int], ...]) -> Buckets:
    runs: list[_Run] = []
    count = 0
    for start, stop in segments:
        whole, rest = divmod(stop - start, per_bucket)
        if whole:
            runs.append(_Run(count, count + whole, start, per_bucket))
        if rest:
            runs.append(_Run(count + whole, count + whole + 1, stop - rest, rest))
        count += whole + (rest > 0)
    starts = [run.origin + i * run.width for run in runs for i in range(run.last - run.first)]
    widths = [run.width for run in runs for _ in range(run.last - run.first)]
    starts_array = np.array(starts, dtype=np.int64)
    stops_array = starts_array + np.array(widths, dtype=np.int64)
    starts_array.flags.writeable = stops_array.flags.writeable = False
    return Buckets(interval, starts_array, stops_array, tuple(runs), tuple(stops_array.tolist()))


class DerivedGrid(BarGrid):
    """Bars of a derived interval: a grid over buckets, with the number of base bars behind each.

    `base_bars`: int32, shape (S, m).
    """

    __slots__ = ("base_bars", "buckets")

    def __init__(self, buckets: Buckets, symbols: int) -> None:
        shape = (symbols, len(buckets))
        super().__init__(np.full((5, *shape), np.nan), np.zeros(shape, dtype=np.bool_))
        self.buckets = buckets
        self.base_bars: Counts = np.zeros(shape, dtype=np.int32)

    @classmethod
    def gathered(cls, pieces: Sequence[tuple[Self, Ints]]) -> Self:
        """Return a grid with copies of rows of one or more grids over the same buckets."""
        made = super().gathered(pieces)
        made.base_bars = gathered([(grid.base_bars, rows) for grid, rows in pieces])
        return made

    def copied(self, values: Floats) -> Self:
        """Return a grid with copies of the arrays; `values`: that of the bars."""
        made = super().copied(values)
        made.base_bars = self.base_bars.copy()
        return made

    def put_rows(self, rows: Ints, part: Self) -> None:
        """Write the rows of a smaller grid over `rows`. Grid's owner only."""
        super().put_rows(rows, part)
        self.base_bars[rows] = part.base_bars

    def end_at(self, column: int) -> None:
        """Remove the bars from a column on. Only before the grid is read."""
        super().end_at(column)
        self.base_bars[:, column:] = 0

    def derive(self, base: BarGrid, first: int, last: int, min_completeness: float = 0.0) -> None:
        """Write the bars of buckets [first, last), made from the base bars of their slots.

        Volume is summed slot after slot, so the bits do not depend on the number of buckets made at once. A
        bucket with a smaller fraction of its base bars than `min_completeness` gets no bar.
        """
        for run in self.buckets.runs:
            low, high = max(first, run.first), min(last, run.last)
            if low < high:
                self._derive_run(base, run, low, high, min_completeness)

    def _derive_run(self, base: BarGrid, run: _Run, low: int, high: int, min_completeness: float) -> None:
        start = run.origin + (low - run.first) * run.width
        stop = run.origin + (high - run.first) * run.width
        values, out = base.values[:, :, start:stop], self.values[:, :, low:high]
        counts, present = self.base_bars[:, low:high], self.present[:, low:high]
        if base.is_full(start, stop):
            _derive_full(values, run.width, out)
            counts[...] = run.width
            present[...] = True
            return
        _derive_gapped(values, base.present[:, start:stop], run.width, out, counts)
        np.greater(counts, 0, out=present)
        if min_completeness > 0:
            present &= counts / run.width >= min_completeness
        out[:, ~present] = np.nan


def made_bars(
    base: BarGrid, slots: SessionSlots, interval: Interval, min_completeness: float = 0.0
) -> BarGrid:
    """Return a session's bars of an interval, derived from those of its slots if these are finer."""
    if interval == slots.interval:
        return base
    derived = DerivedGrid(buckets_of(slots, interval), base.shape[0])
    derived.derive(base, 0, len(derived.buckets), min_completeness)
    if base.confirmed_empty is not None:
        derived.confirmed_empty = all_of_buckets(base.confirmed_empty, derived.buckets)
    return derived


def all_of_buckets(chosen: Mask, buckets: Buckets) -> Mask:
    """Return for which buckets all slots are chosen, bool (S, m); `chosen`: (S, n)."""
    found: Mask = np.logical_and.reduceat(chosen, buckets.starts, axis=1)
    return found


def _derive_full(values: Floats, width: int, out: Floats) -> None:
    """Reduce runs of `width` columns without missing bars; `values`: (5, S, runs * width)."""
    out[OPEN] = values[OPEN, :, ::width]
    out[CLOSE] = values[CLOSE, :, width - 1 :: width]
    _reduce_runs(np.maximum, values[HIGH], width, out[HIGH])
    _reduce_runs(np.minimum, values[LOW], width, out[LOW])
    _sum_runs(values[VOLUME], width, out[VOLUME])


def _derive_gapped(values: Floats, present: Mask, width: int, out: Floats, counts: Counts) -> None:
    """Reduce runs of `width` columns with missing bars; the caller removes the values of empty runs."""
    _reduce_runs(np.fmax, values[HIGH], width, out[HIGH])
    _reduce_runs(np.fmin, values[LOW], width, out[LOW])
    _sum_runs(np.where(present, values[VOLUME], 0.0), width, out[VOLUME])
    if values.shape[1] >= _MIN_FOLD_ROWS and width <= _MAX_SUM_WIDTH:
        counts[...] = 0
        for j in range(width):
            counts += present[:, j::width]
            np.copyto(out[CLOSE], values[CLOSE, :, j::width], where=present[:, j::width])
            back = width - 1 - j
            np.copyto(out[OPEN], values[OPEN, :, back::width], where=present[:, back::width])
    else:
        slots = np.arange(present.shape[1])
        starts = slots[::width]
        np.add.reduceat(present, starts, axis=1, dtype=np.int32, out=counts)
        # For an empty run these are a neighbour's values, which the caller removes.
        last = np.maximum.reduceat(np.where(present, slots, 0), starts, axis=1)
        first = np.minimum.reduceat(np.where(present, slots, len(slots) - 1), starts, axis=1)
        out[OPEN] = np.take_along_axis(values[OPEN], first, axis=1)
        out[CLOSE] = np.take_along_axis(values[CLOSE], last, axis=1)


def _reduce_runs(pick: np.ufunc, values: Floats, width: int, out: Floats) -> None:
    """Reduce runs of `width` columns by a maximum or minimum; the order does not change the result."""
    if values.shape[0] >= _MIN_FOLD_ROWS and width < _MAX_PICK_WIDTH:
        out[...] = values[:, ::width]
        for j in range(1, width):
            pick(out, values[:, j::width], out=out)
    else:
        pick.reduceat(values, np.arange(0, values.shape[1], width), axis=1, out=out)


def _sum_runs(values: Floats, width: int, out: Floats) -> None:
    """Sum runs of `width` columns, from the first column to the last.

    Both branches add in that order; numpy's own sums add pairwise, which gives other bits.
    """
    if values.shape[0] >= _MIN_FOLD_ROWS and width <= _MAX_SUM_WIDTH:
        out[...] = values[:, ::width]
        for j in range(1, width):
            np.add(out, values[:, j::width], out=out)
    else:
        runs = values.reshape(values.shape[0], values.shape[1] // width, width)
        out[...] = np.cumsum(runs, axis=2)[:, :, -1]
