"""Derived bars: which slots make which bucket, and the reduction of base bars over them.

Buckets below a day are anchored at the open and again after a break, which they never span; the last of a
segment may be short. A day is one bucket. A derived bar exists once its bucket is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.clock.slots import SessionSlots
from engine.intervals import Interval
from engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, BarGrid, Counts, Floats, Ints, Mask

# Up to this width a bucket is folded slot by slot over all buckets at once; above it, bucket by bucket.
_FOLD_WIDTH = 60


@dataclass(frozen=True, slots=True)
class _Run:
    """Buckets [first, last) of one width, side by side from slot `origin` on."""

    first: int
    last: int
    origin: int
    width: int


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of one interval over n slots; `starts`, `stops`: int64 (m,), half-open runs of slots."""

    interval: Interval
    starts: Ints
    stops: Ints
    runs: tuple[_Run, ...]

    def __len__(self) -> int:
        return len(self.stops)

    def over_at(self, frontier: int) -> int:
        """Return how many buckets are over when `frontier` slots are."""
        return int(np.searchsorted(self.stops, frontier, side="right"))

    @property
    def widths(self) -> Ints:
        """Slots in each bucket, shape (m,)."""
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
    return Buckets(interval, starts_array, stops_array, tuple(runs))


class DerivedGrid(BarGrid):
    """Bars of a derived interval: a grid over buckets, and how many base bars each was made of.

    `base_bars`: int32, shape (S, m).
    """

    __slots__ = ("base_bars", "buckets")

    def __init__(self, buckets: Buckets, symbols: int) -> None:
        shape = (symbols, len(buckets))
        super().__init__(np.full((5, *shape), np.nan), np.zeros(shape, dtype=np.bool_))
        self.buckets = buckets
        self.base_bars: Counts = np.zeros(shape, dtype=np.int32)

    def derive(self, base: BarGrid, first: int, last: int, min_completeness: float = 0.0) -> None:
        """Make the bars of buckets [first, last) from the base bars of their slots.

        Volume is summed slot after slot, so that the bits do not depend on how many buckets are made at
        once. A bucket with a smaller fraction of its base bars than `min_completeness` gives no bar.
        """
        for run in self.buckets.runs:
            low, high = max(first, run.first), min(last, run.last)
            if low < high:
                self._derive_run(base, run, low, high)
        self._settle(first, last, min_completeness)

    def _derive_run(self, base: BarGrid, run: _Run, low: int, high: int) -> None:
        start = run.origin + (low - run.first) * run.width
        stop = run.origin + (high - run.first) * run.width
        out = self.values[:, :, low:high]
        counts = self.base_bars[:, low:high]
        values, present = base.values[:, :, start:stop], base.present[:, start:stop]
        if run.width > _FOLD_WIDTH:
            for i in range(high - low):
                part = slice(i * run.width, (i + 1) * run.width)
                _reduce_bucket(values[:, :, part], present[:, part], out[:, :, i], counts[:, i])
        elif base.is_full(start, stop):
            _fold_full(values, run.width, out)
            counts[...] = run.width
        else:
            _fold_gapped(values, present, run.width, out, counts)

    def _settle(self, first: int, last: int, min_completeness: float) -> None:
        counts = self.base_bars[:, first:last]
        present = counts > 0
        if min_completeness > 0:
            present &= counts / self.buckets.widths[first:last] >= min_completeness
        self.present[:, first:last] = present
        if not present.all():
            self.values[:, :, first:last][:, ~present] = np.nan


def _fold_full(values: Floats, width: int, out: Floats) -> None:
    """Fold runs of `width` columns that all hold a bar."""
    opens, highs, lows, closes, volumes = (values[i, :, ::width] for i in range(5))
    out[OPEN], out[CLOSE] = opens, closes if width == 1 else values[CLOSE, :, width - 1 :: width]
    out[HIGH], out[LOW], out[VOLUME] = highs, lows, volumes
    for j in range(1, width):
        np.maximum(out[HIGH], values[HIGH, :, j::width], out=out[HIGH])
        np.minimum(out[LOW], values[LOW, :, j::width], out=out[LOW])
        np.add(out[VOLUME], values[VOLUME, :, j::width], out=out[VOLUME])


def _fold_gapped(values: Floats, present: Mask, width: int, out: Floats, counts: Counts) -> None:
    """Fold runs of `width` columns some of which hold no bar; a bucket without any comes out as NaN, 0."""
    out[:VOLUME] = np.nan
    out[VOLUME] = 0.0
    counts[...] = 0
    for j in range(width):
        here = present[:, j::width]
        np.fmax(out[HIGH], values[HIGH, :, j::width], out=out[HIGH])
        np.fmin(out[LOW], values[LOW, :, j::width], out=out[LOW])
        np.add(out[VOLUME], values[VOLUME, :, j::width], out=out[VOLUME], where=here)
        np.copyto(out[CLOSE], values[CLOSE, :, j::width], where=here)
        backwards = width - 1 - j
        np.copyto(out[OPEN], values[OPEN, :, backwards::width], where=present[:, backwards::width])
        counts += here


def _reduce_bucket(values: Floats, present: Mask, out: Floats, counts: Counts) -> None:
    """Reduce one wide bucket (5, S, width) to (5, S), with the bits that a slot-by-slot fold would give."""
    rows = np.arange(present.shape[0])
    first = present.argmax(axis=1)
    last = present.shape[1] - 1 - present[:, ::-1].argmax(axis=1)
    out[OPEN], out[CLOSE] = values[OPEN, rows, first], values[CLOSE, rows, last]
    out[HIGH] = np.fmax.reduce(values[HIGH], axis=1)
    out[LOW] = np.fmin.reduce(values[LOW], axis=1)
    # cumsum adds in order; sum() adds pairwise, and would give other bits than the fold.
    out[VOLUME] = np.cumsum(np.where(present, values[VOLUME], 0.0), axis=1)[:, -1]
    counts[...] = present.sum(axis=1)
