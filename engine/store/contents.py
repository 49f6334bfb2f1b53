"""Contents of a store: what it holds of each symbol and interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.checked_store import CheckedStore
from tapedeck.engine.store.checksums import SpanSums

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class SeriesContents:
    """Bars and quotes of a symbol and interval. `first`, `last`: opens, ISO 8601 in UTC; `days`: UTC days.

    `empty`: number of slots that are confirmed empty. `quotes`: number of slots with a quote, from
    `first_quote` to `last_quote`. Texts are empty where there are no bars, or no quotes.
    """

    symbol: str
    interval: Interval
    first: str
    last: str
    bars: int
    days: int
    empty: int = 0
    quotes: int = 0
    first_quote: str = ""
    last_quote: str = ""


def contents_of(store: CheckedStore) -> Iterator[SeriesContents]:
    """Yield each series of a store, by symbol and interval; only without checksums the bars are read."""
    quotes = {(found.symbol, found.interval): found for found in store.quotes.contents()}
    bars = {(symbol, interval) for symbol, intervals in store.series().items() for interval in intervals}
    for symbol, interval in sorted(bars | set(quotes)):
        found = _contents(store, symbol, interval) if (symbol, interval) in bars else None
        own = quotes.get((symbol, interval))
        if own is not None:
            found = found or SeriesContents(symbol, interval, "", "", 0, 0)
            found = replace(
                found, quotes=own.quotes, first_quote=_words(own.first), last_quote=_words(own.last)
            )
        if found is not None:
            yield found


def _contents(store: CheckedStore, symbol: str, interval: Interval) -> SeriesContents | None:
    spans = store.spans(symbol, interval)
    if spans is None:
        spans = SpanSums.of(store.read(symbol, interval, _BEFORE_ALL, _AFTER_ALL), interval)
    first = store.first_at_or_after(symbol, interval, _BEFORE_ALL)
    last = store.last_before(symbol, interval, _AFTER_ALL)
    if first is None or last is None:
        return None  # removed by another process
    bars = int(spans.bars.sum())
    days = len(np.unique(spans.since)) if interval.is_intraday else bars
    empty = _count_empty(store, symbol, interval)
    return SeriesContents(symbol, interval, _words(first), _words(last), bars, days, empty)


def _count_empty(store: CheckedStore, symbol: str, interval: Interval) -> int:
    times = store.empty_slots([symbol], interval, _BEFORE_ALL, _AFTER_ALL).opened_at
    if not len(times):
        return 0
    bars = store.read(symbol, interval, int(times[0]), int(times[-1]) + 1)
    return int(np.count_nonzero(~np.isin(times, bars.opened_at)))


def _words(time: int) -> str:
    return utc_from_epoch(time).isoformat().replace("+00:00", "Z")
