"""Stored quotes in the order of time, read ahead in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.stored_bars import ReadingStoppedError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Floats, Ints
from tapedeck.engine.store.quote_store import QuoteColumns, QuoteStore
from tapedeck.engine.store.session_quotes import quote_sources
from tapedeck.engine.tape.quote_grid import QUOTE_FIELDS, SIDES

_DAY_S: Final = 86400
_SHORTEST_CHUNK_S: Final = 3600
_CHUNK_QUOTES: Final = 100_000
_SYMBOLS_AT_ONCE: Final = 100


class StoredQuotes:
    """The last quotes of slots in a store, of some symbols: of the slots' interval, or of a finer one.

    A chunk of some hours is in memory. `is_stopped` is asked between two reads, which then end with
    ReadingStoppedError. One thread at a time.
    """

    def __init__(
        self,
        store: QuoteStore,
        symbols: Sequence[str],
        interval: Interval,
        *,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._interval, self._is_stopped = store, interval, is_stopped
        self._symbols = tuple(symbols)
        self._sources = quote_sources(store, self._symbols, interval)
        seconds = _CHUNK_QUOTES // max(1, len(self._symbols)) * interval.seconds
        self._chunk_s = min(_DAY_S, max(_SHORTEST_CHUNK_S, seconds // _SHORTEST_CHUNK_S * _SHORTEST_CHUNK_S))
        self._chunk: tuple[int, list[FeedQuote], Ints] | None = None  # its number, and the labels

    def between(self, start: int, end: int) -> list[FeedQuote]:
        """Return the quotes of slots with `start < opened_at <= end` (seconds UTC), by slot, then symbol."""
        found: list[FeedQuote] = []
        for number in self._chunks(start, end):
            quotes, labels = self._read_chunk(number)
            low, high = np.searchsorted(labels, (start, end), side="right")
            found += quotes[low:high]
        return found

    def next_slot(self, start: int) -> int:
        """Return the first `opened_at > start` of a quote, or an instant by which to ask again."""
        number = start // self._chunk_s
        _, labels = self._read_chunk(number)
        at = int(np.searchsorted(labels, start, side="right"))
        return int(labels[at]) if at < len(labels) else (number + 1) * self._chunk_s

    def of(self, symbols: Sequence[str], start: int, end: int) -> list[FeedQuote]:
        """Return the quotes of a few of the symbols with `start <= opened_at < end`, by slot, then symbol."""
        seconds = self._interval.seconds
        found: list[FeedQuote] = []
        for source in sorted(set(self._sources.values())):
            names = [symbol for symbol in symbols if self._sources.get(symbol) == source]
            for first in range(0, len(names), _SYMBOLS_AT_ONCE):
                if self._is_stopped():
                    raise ReadingStoppedError
                some = names[first : first + _SYMBOLS_AT_ONCE]
                for symbol, quotes in self._store.read_many(some, source, start, end).items():
                    found += _last_of_slots(symbol, quotes, seconds)
        rank = {symbol: row for row, symbol in enumerate(symbols)}
        return sorted(found, key=lambda quote: (quote.opened_at, rank[quote.symbol]))

    def _chunks(self, start: int, end: int) -> Iterator[int]:
        if self._sources and end > start:
            yield from range(start // self._chunk_s, end // self._chunk_s + 1)

    def _read_chunk(self, number: int) -> tuple[list[FeedQuote], Ints]:
        if self._chunk is None or self._chunk[0] != number:
            start = number * self._chunk_s
            quotes = self.of(self._symbols, start, start + self._chunk_s) if self._sources else []
            self._chunk = number, quotes, np.array([quote.opened_at for quote in quotes], np.int64)
        return self._chunk[1:]


def _last_of_slots(symbol: str, quotes: QuoteColumns, seconds: int) -> list[FeedQuote]:
    """Return the last price of each side within each slot, with its size; `quotes`: oldest first."""
    labels, at = np.unique(quotes.opened_at // seconds * seconds, return_inverse=True)
    values: Floats = np.full((len(QUOTE_FIELDS), len(labels)), np.nan)
    for price, size in SIDES:
        prices, sizes = (getattr(quotes, QUOTE_FIELDS[field]) for field in (price, size))
        there = ~np.isnan(prices)
        values[price, at[there]], values[size, at[there]] = prices[there], sizes[there]  # the last one counts
    return [
        FeedQuote(symbol, opened_at, *quote)
        for opened_at, quote in zip(labels.tolist(), values.T.tolist(), strict=True)
    ]
