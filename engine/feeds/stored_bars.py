"""Stored bars in the order of time, read ahead in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import Final

import numpy as np

from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarColumns, BarStore, Ints

_DAY_S: Final = 86400
_SHORTEST_CHUNK_S: Final = 3600
# Bars of a chunk, at 48 bytes each, if every symbol trades all day.
_CHUNK_BARS: Final = 1_000_000
_KEPT_CHUNKS: Final = 2
_MOST_PARTS: Final = 16


class ReadingStoppedError(Exception):
    """Reading was stopped by its owner."""


class StoredBars:
    """Bars of some symbols in a store, from the instant `first` on (seconds UTC), ordered by time and symbol.

    Two chunks of some hours are in memory. `is_stopped` is asked between two batches of a read, which then
    ends with ReadingStoppedError. One thread may use `opens` and `opened_at`; any thread `of`.
    """

    def __init__(
        self,
        store: BarStore,
        symbols: Sequence[str],
        interval: Interval,
        *,
        first: int,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self.symbols = tuple(symbols)
        """Symbols of the bars, in the order of their rows."""
        self._interval = interval
        self._first = first
        self._is_stopped = is_stopped
        seconds = _CHUNK_BARS // max(1, len(self.symbols)) * interval.seconds
        self.chunk_seconds = min(_DAY_S, max(_SHORTEST_CHUNK_S, seconds))
        """Length of a chunk."""
        self._chunks: dict[int, _Chunk] = {}

    def opens(self, start: float, end: float) -> Iterator[int]:
        """Yield the instants at which bars open, `start <= instant <= end`, reading chunks on the way."""
        number = int(max(start, self._first) // self.chunk_seconds)
        while number * self.chunk_seconds <= end:
            opens = self._chunk(number).opens
            low, high = np.searchsorted(opens, start, "left"), np.searchsorted(opens, end, "right")
            yield from opens[low:high].tolist()
            number += 1

    def opened_at(self, instant: int) -> Sequence[FeedBar]:
        """Return the bars that open at an instant, in the order of the symbols."""
        return self._chunk(instant // self.chunk_seconds).opened_at(instant, self.symbols)

    def of(self, symbols: Sequence[str], start: int, end: int) -> Sequence[FeedBar]:
        """Return the bars of symbols with `start <= opened_at < end`, earlier ones than `first`, too."""
        return stored_bars(self._store, symbols, self._interval, start, end)

    def _chunk(self, number: int) -> _Chunk:
        chunk = self._chunks.pop(number, None)
        if chunk is None:
            start, end = number * self.chunk_seconds, (number + 1) * self.chunk_seconds
            chunk = self._read(max(start, self._first), end)
        self._chunks[number] = chunk  # used last
        while len(self._chunks) > _KEPT_CHUNKS:
            del self._chunks[next(iter(self._chunks))]
        return chunk

    def _read(self, start: int, end: int) -> _Chunk:
        rows: list[Ints] = [np.empty(0, dtype=np.int64)]
        parts: list[BarColumns] = []
        for batch in self._store.scan(self.symbols, self._interval, start, end):
            if self._is_stopped():
                raise ReadingStoppedError
            parts.append(batch.bars)
            rows.append(np.broadcast_to(np.asarray(batch.rows, dtype=np.int64), len(batch.bars)))
        return _Chunk(np.concatenate(rows), parts)


class _Chunk:
    """Bars of a span of time, ordered by time and row."""

    __slots__ = ("_edges", "_rows", "_values", "opens")

    def __init__(self, rows: Ints, parts: Sequence[BarColumns]) -> None:
        none = np.empty(0)
        opened_at = np.concatenate([none.astype(np.int64), *(part.opened_at for part in parts)])
        order = np.lexsort((rows, opened_at))
        self._rows = rows[order]
        self._values = [
            np.concatenate([none, *(getattr(part, name) for part in parts)])[order]
            for name in ("open", "high", "low", "close", "volume")
        ]
        self.opens, first = np.unique(opened_at[order], return_index=True)
        self._edges = np.append(first, len(order))

    def opened_at(self, instant: int, symbols: Sequence[str]) -> list[FeedBar]:
        """Return the bars that open at an instant."""
        at = int(np.searchsorted(self.opens, instant))
        if at == len(self.opens) or self.opens[at] != instant:
            return []
        one = slice(int(self._edges[at]), int(self._edges[at + 1]))
        rows = self._rows[one].tolist()
        values = zip(*(column[one].tolist() for column in self._values), strict=True)
        return [FeedBar(symbols[row], instant, *bar) for row, bar in zip(rows, values, strict=True)]


class StoredParts:
    """Stored bars of symbols subscribed one after another: those of each call in a part of their own.

    So the chunks of those before are not read again. `made` returns the bars of some symbols. One thread may
    use `opens` and `opened_at`; any thread `of`.
    """

    def __init__(self, made: Callable[[Sequence[str]], StoredBars], parts: Sequence[StoredBars] = ()) -> None:
        self._made = made
        self._parts = tuple(parts)
        self.symbols = tuple(symbol for part in self._parts for symbol in part.symbols)
        """Symbols of the bars."""

    def with_symbols(self, symbols: Sequence[str]) -> StoredParts:
        """Return the bars of these symbols, too; itself if it has them."""
        new = tuple(symbol for symbol in dict.fromkeys(symbols) if symbol not in self.symbols)
        if not new:
            return self
        if len(self._parts) == _MOST_PARTS:
            return StoredParts(self._made, [self._made((*self.symbols, *new))])
        return StoredParts(self._made, [*self._parts, self._made(new)])

    @property
    def chunk_seconds(self) -> int:
        """Length of the shortest chunk."""
        return min(part.chunk_seconds for part in self._parts)

    def opens(self, start: float, end: float) -> Iterator[int]:
        """Yield the instants at which bars open, `start <= instant <= end`, ascending."""
        if len(self._parts) == 1:
            return self._parts[0].opens(start, end)
        return (instant for instant, _ in groupby(merge(*(part.opens(start, end) for part in self._parts))))

    def opened_at(self, instant: int) -> Sequence[FeedBar]:
        """Return the bars that open at an instant, in the order of the symbols."""
        if len(self._parts) == 1:
            return self._parts[0].opened_at(instant)
        return [bar for part in self._parts for bar in part.opened_at(instant)]

    def of(self, symbols: Sequence[str], start: int, end: int) -> Sequence[FeedBar]:
        """Return the bars of symbols with `start <= opened_at < end`."""
        return self._parts[0].of(symbols, start, end)


def stored_bars(
    store: BarStore, symbols: Sequence[str], interval: Interval, start: int, end: int
) -> list[FeedBar]:
    """Return the stored bars of symbols with `start <= opened_at < end` (seconds UTC), in any order."""
    bars: list[FeedBar] = []
    for batch in store.scan(symbols, interval, start, end):
        one, count = batch.bars, len(batch.bars)
        rows = [batch.rows] * count if isinstance(batch.rows, int) else batch.rows.tolist()
        columns = (one.opened_at, one.open, one.high, one.low, one.close, one.volume)
        values = zip(*(column.tolist() for column in columns), strict=True)
        bars += [FeedBar(symbols[row], *bar) for row, bar in zip(rows, values, strict=True)]
    return bars
