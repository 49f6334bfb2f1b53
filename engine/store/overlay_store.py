"""Overlay store: the bars of a store up to a time, below those of another store that takes all writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import check_interval, checked, difference, merge, take
from tapedeck.engine.store.bar_store import (
    BarBatch,
    BarColumns,
    BarStore,
    BarWatch,
    EmptySlots,
    Ints,
    WriteResult,
)
from tapedeck.engine.store.empty_slots import joined_slots
from tapedeck.engine.store.many_writes import write_many
from tapedeck.engine.store.overlay_quotes import OverlayQuotes, OverlayWatch
from tapedeck.engine.store.quote_store import QuoteStore

_TIME_BITS: Final = 40  # more than a time in seconds has, in the years 1 to 9999
_EARLIEST: Final = -(2 ** (_TIME_BITS - 1))


class OverlayStore:
    """A `BarStore` over two: `base`, which is only read, and `top`, which takes all writes.

    Bars of the base are hidden if they opened at or after `cutoff` (seconds UTC), daily ones from
    `cutoff_day` on: they lie in the future of a day that is played again. Bars of the top are never hidden,
    and win where both stores have one. `top` must show a thread its own writes in an atomic block, as an
    SQLite store does. Open the base with `read_only`, so that not even a reader completes its log.
    """

    def __init__(self, base: BarStore, top: BarStore, *, cutoff: int, cutoff_day: date) -> None:
        if base.location.exists() and top.location.exists() and base.location.samefile(top.location):
            raise StoreError(f"{top.location} is the store to be read: use another file for what is written")
        self._base = base
        self._top = top
        self._cutoff = cutoff
        self._day_cutoff = day_label(cutoff_day.toordinal())

    @property
    def location(self) -> Path:
        """The file or folder of the base, which is the one that a user names."""
        return self._base.location

    @property
    def parallel_scans(self) -> int:
        """As for the base, which holds nearly all bars."""
        return self._base.parallel_scans

    @property
    def quotes(self) -> QuoteStore:
        """The quotes of both stores, as their bars."""
        return OverlayQuotes(self._base.quotes, self._top, self._hidden_from)

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the base intervals of each symbol in either store, hidden bars included."""
        base, top = self._base.series(), self._top.series()
        none = frozenset[Interval]()
        return {symbol: base.get(symbol, none) | top.get(symbol, none) for symbol in sorted({*base, *top})}

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the base intervals of a few symbols in either store, hidden bars included."""
        base, top = self._base.intervals_of(symbols), self._top.intervals_of(symbols)
        return {symbol: base[symbol] | top[symbol] for symbol in symbols}

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of many symbols with `start <= opened_at < end`, each once; the top's come first."""
        hidden_from = min(end, self._hidden_from(interval))
        in_top: list[Ints] = []
        for batch in self._top.scan(symbols, interval, start, end):
            places = _places(batch)
            in_top.append(places[batch.bars.opened_at < hidden_from])
            yield batch
        if start >= hidden_from:
            return
        covered = np.concatenate([np.empty(0, np.int64), *in_top])
        for batch in self._base.scan(symbols, interval, start, hidden_from):
            yield from _without(batch, covered)

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the bars of both stores; those of the base as far as they are not hidden."""
        hidden_from = self._hidden_from(interval)
        base = self._base.watch(symbols, interval, start, max(start, min(end, hidden_from)))
        return OverlayWatch(base, self._top.watch(symbols, interval, start, end), hidden_from)

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        top = self._top.read(symbol, interval, start, end)
        hidden_from = min(end, self._hidden_from(interval))
        if start >= hidden_from:
            return top
        base = self._base.read(symbol, interval, start, hidden_from)
        return merge(base, top) if len(top) else base

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None."""
        base = self._base.first_at_or_after(symbol, interval, start)
        top = self._top.first_at_or_after(symbol, interval, start)
        found = [time for time in (base,) if time is not None and time < self._hidden_from(interval)]
        return min([*found, *([] if top is None else [top])], default=None)

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None."""
        base = self._base.last_before(symbol, interval, min(end, self._hidden_from(interval)))
        top = self._top.last_before(symbol, interval, end)
        return max((time for time in (base, top) if time is not None), default=None)

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store bars in the top; the result compares them with the bars of both stores.

        Bars that the base has with the same values are not stored again.
        """
        check_interval(interval)
        if not len(bars) or int(bars.opened_at[0]) >= self._hidden_from(interval):
            return self._top.write(symbol, interval, bars, replace=replace)
        bars = checked(symbol, interval, bars)
        # One transaction: the result holds for what is stored at that moment.
        with self._top.batch(atomic=True):
            stored = self.read(symbol, interval, int(bars.opened_at[0]), int(bars.opened_at[-1]) + 1)
            found = difference(bars, stored)
            self._top.write(symbol, interval, take(bars, found.changed(replace=replace)), replace=replace)
        return found.result(replace=replace)

    def write_many(self, symbols: Sequence[str], interval: Interval, rows: Ints, bars: BarColumns) -> None:
        """Store bars of many symbols in the top, over other values; see `ManySymbolWriter`."""
        check_interval(interval)
        is_above = bars.opened_at >= self._hidden_from(interval)
        with self._top.batch(atomic=True):
            for row in np.unique(rows[~is_above]).tolist():
                own = np.flatnonzero(~is_above & (rows == row))
                self.write(symbols[row], interval, take(bars, own), replace=True)
            above = np.flatnonzero(is_above)
            write_many(self._top, symbols, interval, rows[above], take(bars, above))

    def confirm_empty(self, symbol: str, interval: Interval, opened_at: Ints) -> None:
        """Store facts in the top; see `BarStore.confirm_empty`."""
        self._top.confirm_empty(symbol, interval, opened_at)

    def empty_slots(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> EmptySlots:
        """Return the facts of both stores in `[start, end)`, but for those of the base that are hidden."""
        top = self._top.empty_slots(symbols, interval, start, end)
        hidden_from = min(end, self._hidden_from(interval))
        if start >= hidden_from:
            return top
        base = self._base.empty_slots(symbols, interval, start, hidden_from)
        return joined_slots([base, top])

    def batch(self, *, atomic: bool = False) -> AbstractContextManager[None]:
        """Keep the top open for many writes of this thread; see `BarStore.batch`."""
        return self._top.batch(atomic=atomic)

    def close(self) -> None:
        """Close both stores; safe to call twice. Later use opens them again."""
        try:
            self._top.close()
        finally:
            self._base.close()

    def __enter__(self) -> OverlayStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hidden_from(self, interval: Interval) -> int:
        """Return the time from which bars of the base are hidden, in seconds."""
        return self._cutoff if interval.is_intraday else self._day_cutoff


def _places(batch: BarBatch) -> Ints:
    """Return one number for row and time of each bar, int64 (n,)."""
    rows = np.asarray(batch.rows, dtype=np.int64)
    places: Ints = (rows << _TIME_BITS) + (batch.bars.opened_at - _EARLIEST)
    return places


def _without(batch: BarBatch, covered: Ints) -> Iterator[BarBatch]:
    """Yield a batch without the bars at `covered` places, if any are left."""
    if not len(covered):
        yield batch
        return
    left = np.flatnonzero(~np.isin(_places(batch), covered))
    if len(left):
        rows = batch.rows if isinstance(batch.rows, int) else batch.rows[left]
        yield BarBatch(rows, take(batch.bars, left))
