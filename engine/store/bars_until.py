"""Bars until: the bars of a store that had closed at a moment; later ones are not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from types import TracebackType

from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import (
    BarBatch,
    BarColumns,
    BarStore,
    BarWatch,
    EmptySlots,
    Ints,
    WriteResult,
)
from tapedeck.engine.store.quote_store import QuoteStore
from tapedeck.engine.store.quotes_until import QuotesUntil


class BarsUntil:
    """A `BarStore` of the bars that had closed at `moment` (seconds UTC), for reading only.

    Of `trading_day` it has no daily bar. Bars and facts beyond are not even asked for. It does not own the
    store: closing it does nothing.
    """

    def __init__(self, store: BarStore, moment: int, trading_day: date) -> None:
        self._store = store
        self._moment = moment
        self._day = day_label(trading_day.toordinal())

    @property
    def location(self) -> Path:
        """The file or folder of the bars."""
        return self._store.location

    @property
    def parallel_scans(self) -> int:
        """As for the store."""
        return self._store.parallel_scans

    @property
    def quotes(self) -> QuoteStore:
        """The quotes of slots that had ended."""
        return QuotesUntil(self._store.quotes, self._end, self._refused)

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of each symbol, also of those whose bars are all later."""
        return self._store.series()

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of a few symbols, as `series`."""
        return self._store.intervals_of(symbols)

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of many symbols with `start <= opened_at < end`, in batches."""
        end = min(end, self._end(interval))
        return self._store.scan(symbols, interval, start, end) if start < end else iter(())

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the bars of many symbols with `start <= opened_at < end` for changes."""
        return self._store.watch(symbols, interval, start, max(start, min(end, self._end(interval))))

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        return self._store.read(symbol, interval, start, max(start, min(end, self._end(interval))))

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None."""
        found = self._store.first_at_or_after(symbol, interval, start)
        return found if found is not None and found < self._end(interval) else None

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None."""
        return self._store.last_before(symbol, interval, min(end, self._end(interval)))

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Raise StoreError: it is for reading only."""
        raise self._refused()

    def confirm_empty(self, symbol: str, interval: Interval, opened_at: Ints) -> None:
        """Raise StoreError: it is for reading only."""
        raise self._refused()

    def empty_slots(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> EmptySlots:
        """Return the facts with `start <= opened_at < end`."""
        return self._store.empty_slots(symbols, interval, start, max(start, min(end, self._end(interval))))

    def batch(self, *, atomic: bool = False) -> AbstractContextManager[None]:
        """Return a block without effect, as nothing is written."""
        return nullcontext()

    def close(self) -> None:
        """Do nothing: the store belongs to the caller."""

    def __enter__(self) -> BarsUntil:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self, interval: Interval) -> int:
        """Return the label from which bars are left out, in seconds."""
        return self._moment - interval.seconds + 1 if interval.is_intraday else self._day

    def _refused(self) -> StoreError:
        return StoreError(f"{self.location} is open for reading only")
