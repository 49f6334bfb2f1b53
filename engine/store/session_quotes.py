"""Stored quotes of whole sessions, as grids: of the sessions' interval, or reduced from a finer one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.store.bar_store import Floats, Ints
from tapedeck.engine.store.quote_store import QuoteColumns, QuoteStore
from tapedeck.engine.tape.bar_grid import canonical
from tapedeck.engine.tape.buckets import buckets_of
from tapedeck.engine.tape.quote_grid import QUOTE_FIELDS, SIDES, QuoteGrid

# Symbols that are looked up one by one; more are found in the list of all.
_FEW_SYMBOLS = 16
# Most quotes in one read of the store.
_MOST_QUOTES = 2**21
_COARSEST_FIRST = tuple(sorted(BASE_INTERVALS, reverse=True))


def quote_sources(store: QuoteStore, symbols: Sequence[str], interval: Interval) -> Mapping[str, Interval]:
    """Return the stored interval from which each symbol's quotes of an interval are taken.

    That is the interval itself, or the coarsest finer one that is stored. Symbols without any are left out.
    Raises StoreError as the store.
    """
    stored = store.intervals_of(symbols) if len(symbols) <= _FEW_SYMBOLS else store.series()
    able = quote_intervals(interval)
    found = {}
    for symbol in symbols:
        own = stored.get(symbol, frozenset())
        source = next((finer for finer in able if finer in own), None)
        if source is not None:
            found[symbol] = source
    return found


def quote_intervals(interval: Interval) -> tuple[Interval, ...]:
    """Return the intervals from which quotes of an interval can be taken: itself, then finer ones."""
    return tuple(finer for finer in _COARSEST_FIRST if interval.can_be_made_from(finer))


def quotes_of_sessions(
    store: QuoteStore,
    symbols: Sequence[str],
    slots: Sequence[SessionSlots],
    between: Callable[[], None] = lambda: None,
) -> list[QuoteGrid]:
    """Return each session's quotes, one row per symbol; the arrays of those that came are views of one.

    Quotes outside the slots are left out. Of finer ones the last price of each side within a slot counts.
    `between` is called between reads. Raises StoreError as the store.
    """
    if not slots:
        return []
    edges = np.cumsum([0, *(len(session) for session in slots)]).tolist()
    came: Floats = np.full((len(QUOTE_FIELDS), len(symbols), edges[-1]), np.nan)
    row_of = {symbol: row for row, symbol in enumerate(symbols)}
    sources = quote_sources(store, symbols, slots[0].interval)
    for source in sorted(set(sources.values())):
        labels, columns = _columns_of(slots, source)
        names = [symbol for symbol in sources if sources[symbol] == source]
        start, end = int(labels[0]), int(labels[-1]) + 1
        step = max(1, _MOST_QUOTES // len(labels))
        for first in range(0, len(names), step):
            for symbol, quotes in store.read_many(names[first : first + step], source, start, end).items():
                _place(quotes, labels, columns, came[:, row_of[symbol]])
            between()
    return [QuoteGrid(came[:, :, a:b]) for a, b in pairwise(edges)]


def _columns_of(slots: Sequence[SessionSlots], source: Interval) -> tuple[Ints, Ints]:
    """Return the labels of the source's slots within sessions, and the column of each, int64 (n,)."""
    labels, columns, first = [], [], 0
    for session in slots:
        finer = SessionSlots(session.session, source)
        widths = buckets_of(finer, session.interval).widths
        labels.append(finer.stored_labels)
        columns.append(first + np.repeat(np.arange(len(session), dtype=np.int64), widths))
        first += len(session)
    return np.concatenate(labels), np.concatenate(columns)


def _place(quotes: QuoteColumns, labels: Ints, columns: Ints, out: Floats) -> None:
    """Write quotes, oldest first, into the columns of their labels; `out`: (4, columns)."""
    at = np.minimum(np.searchsorted(labels, quotes.opened_at), len(labels) - 1)
    within = labels[at] == quotes.opened_at
    for price, size in SIDES:
        prices, sizes = (getattr(quotes, QUOTE_FIELDS[field]) for field in (price, size))
        there = within & ~np.isnan(prices)
        column = columns[at[there]]
        # Of several for one column the last counts.
        out[price, column] = canonical(prices[there])
        out[size, column] = canonical(sizes[there])
