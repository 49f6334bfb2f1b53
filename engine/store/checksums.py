"""Checksums of stored bars, by spans of time; independent of the order of the bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.store.bar_diff import VALUE_NAMES
from tapedeck.engine.store.bar_store import BarColumns, Ints

_UInts = NDArray[np.uint64]

# Odd, so that multiplication is reversible: no change of one value can leave a bar's number as it was.
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(32)
_MASK: Final = 2**64 - 1
_DAYS_OF_DAILY_SPAN: Final = 28
_EARLIEST, _LATEST = -62135596800, 253402300799  # the years 1 to 9999


def span_seconds(interval: Interval) -> int:
    """Return the length of a span: one UTC day, or 28 days of daily bars; spans are counted from 1970."""
    return DAY.seconds * (1 if interval.is_intraday else _DAYS_OF_DAILY_SPAN)


def span_of(time: int, interval: Interval) -> int:
    """Return the start of the span that holds `time`, in seconds."""
    return time // span_seconds(interval) * span_seconds(interval)


def whole_spans(start: int, end: int, interval: Interval) -> tuple[int, int]:
    """Return the bounds of the spans that hold `[start, end)`."""
    length = span_seconds(interval)
    return start // length * length, -(-end // length) * length


def span_words(since: int, interval: Interval) -> str:
    """Return a span in words: `on 2013-10-07`, or `from 2013-10-07 to 2013-11-03`."""
    first, last = dates_of(since, since + span_seconds(interval))
    return f"on {first}" if first == last else f"from {first} to {last}"


def dates_of(start: int, end: int) -> tuple[str, str]:
    """Return the dates (UTC) of the first and the last second of `[start, end)`, in the years 1 to 9999."""
    seconds = (max(start, _EARLIEST), min(end - 1, _LATEST))
    first, last = (datetime.fromtimestamp(second, UTC).date().isoformat() for second in seconds)
    return first, last


@dataclass(frozen=True, slots=True)
class SpanSums:
    """Number and checksum of the bars of each span that has some; int64 arrays of shape (n,).

    `rows`: the symbol, as its position in a request; `since`: start of the span in seconds; ascending
    by both. `sums`: the bits of an unsigned sum.
    """

    rows: Ints
    since: Ints
    bars: Ints
    sums: Ints

    def __len__(self) -> int:
        return len(self.since)

    @classmethod
    def of(cls, bars: BarColumns, interval: Interval) -> SpanSums:
        """Return the sums of bars of one symbol, in any order; `rows` is 0."""
        adder = SumAdder(interval)
        adder.add(0, bars)
        return adder.total()

    @classmethod
    def total(cls, parts: list[SpanSums]) -> SpanSums:
        """Add up sums of the same symbols and spans; the parts may be in any order."""
        rows, since, bars, sums = (
            np.concatenate([np.empty(0, np.int64), *(getattr(part, name) for part in parts)])
            for name in ("rows", "since", "bars", "sums")
        )
        if not len(rows):
            return cls(rows, since, bars, sums)
        order = np.lexsort((since, rows))
        rows, since, bars, sums = rows[order], since[order], bars[order], sums[order]
        first = np.flatnonzero(np.append(True, (rows[1:] != rows[:-1]) | (since[1:] != since[:-1])))
        return cls(rows[first], since[first], np.add.reduceat(bars, first), np.add.reduceat(sums, first))

    def between(self, start: int, end: int) -> SpanSums:
        """Return the spans that begin in `[start, end)`."""
        return self.take((self.since >= start) & (self.since < end))

    def take(self, chosen: Ints | NDArray[np.bool_] | slice) -> SpanSums:
        """Return the chosen spans."""
        return SpanSums(self.rows[chosen], self.since[chosen], self.bars[chosen], self.sums[chosen])

    def bound_to(self, seeds: Ints) -> SpanSums:
        """Return sums that hold for one symbol only; `seeds`: the seed of each row (see `seed_of`)."""
        return SpanSums(self.rows, self.since, self.bars, self.sums + self.bars * seeds[self.rows])

    def differences(self, other: SpanSums) -> list[tuple[int, int]]:
        """Return row and start of each span that is not the same in both, in order."""
        if len(self) == len(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("since", "sums", "bars", "rows")
        ):
            return []
        mine, theirs = self._entries(), other._entries()
        return sorted({(row, since) for row, since, *_ in mine ^ theirs})

    def _entries(self) -> set[tuple[int, int, int, int]]:
        return set(
            zip(
                self.rows.tolist(),
                self.since.tolist(),
                self.bars.tolist(),
                self.sums.tolist(),
                strict=True,
            )
        )


class SumAdder:
    """Adds up the sums of batches of bars, of any order and size."""

    def __init__(self, interval: Interval) -> None:
        self._length = span_seconds(interval)
        self._parts: list[SpanSums] = []
        # Kept between batches: new arrays of this size would be new pages of memory at each one.
        self._numbers = np.empty(0, np.uint64)
        self._spans: Ints = np.empty(0, np.int64)

    def add(self, rows: int | Ints, bars: BarColumns) -> None:
        """Add bars; `rows`: the symbol of each, or of all."""
        count = len(bars)
        if not count:
            return
        if len(self._numbers) < count:
            self._numbers, self._spans = np.empty(count, np.uint64), np.empty(count, np.int64)
        numbers = _bar_numbers(bars, self._numbers[:count], self._spans[:count].view(np.uint64))
        spans = np.floor_divide(bars.opened_at, self._length, out=self._spans[:count])
        has_changed = spans[1:] != spans[:-1]
        if not isinstance(rows, int):
            has_changed |= rows[1:] != rows[:-1]
        first = np.append(0, np.flatnonzero(has_changed) + 1)
        own = np.full(len(first), rows, np.int64) if isinstance(rows, int) else rows[first]
        counts = np.diff(np.append(first, count))
        sums = np.add.reduceat(numbers, first).view(np.int64)
        self._parts.append(SpanSums(own, spans[first] * self._length, counts, sums))

    def total(self) -> SpanSums:
        """Return the sums of all bars added."""
        return SpanSums.total(self._parts)


def seed_of(text: str) -> int:
    """Return a number that stands for a text, in the range of int64."""
    return as_signed(xxhash.xxh3_64_intdigest(text.encode()))


def as_signed(number: int) -> int:
    """Return the int64 with the lowest 64 bits of a whole number."""
    number &= _MASK
    return number - 2**64 if number >= 2**63 else number


def _bar_numbers(bars: BarColumns, numbers: _UInts, scratch: _UInts) -> _UInts:
    """Return in `numbers` a number of each bar, in which every bit of its time and values counts."""
    # Overflow is meant.
    np.multiply(bars.opened_at.view(np.uint64), _FACTOR, out=numbers)
    for name in VALUE_NAMES:
        numbers += getattr(bars, name).view(np.uint64)
        numbers *= _FACTOR
    # Makes the sum non-linear: otherwise equal changes of two bars in opposite directions would cancel out.
    np.right_shift(numbers, _HALF, out=scratch)
    numbers ^= scratch
    return numbers
