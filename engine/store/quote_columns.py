"""Columns of quotes: their stored form, and their form as columns of bars.

The parts of a store compare, merge, sum and file both alike, so within a store quotes travel as `BarColumns`:
bid, ask, bid size and ask size in the places of open, high, low and close, and a volume of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import check_interval, check_symbol, check_times, instant, take
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints
from tapedeck.engine.store.quote_store import QuoteColumns

QUOTE_COLUMN_NAMES: Final = tuple(field.name for field in fields(QuoteColumns))
QUOTE_NAMES: Final = QUOTE_COLUMN_NAMES[1:]
HOW_TO_GO_ON: Final = (
    "remove its days with `tapedeck store remove`, and import them again; to keep the quotes as they are: "
    "`tapedeck store verify --accept"
)
"""Advice on damaged quotes, to be completed by options and a closing quote."""


def packed(quotes: QuoteColumns) -> BarColumns:
    """Return quotes as columns of bars, without a copy."""
    return BarColumns(
        quotes.opened_at, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size, np.zeros(len(quotes))
    )


def unpacked(bars: BarColumns) -> QuoteColumns:
    """Return the quotes in columns of bars, without a copy."""
    return QuoteColumns(bars.opened_at, bars.open, bars.high, bars.low, bars.close)


def empty_quotes() -> QuoteColumns:
    """Return empty columns."""
    return QuoteColumns(np.empty(0, np.int64), *(np.empty(0) for _ in QUOTE_NAMES))


def taken_quotes(quotes: QuoteColumns, positions: Ints | slice) -> QuoteColumns:
    """Return the quotes at `positions`."""
    return unpacked(take(packed(quotes), positions))


def checked_quotes(symbol: str, interval: Interval, quotes: QuoteColumns) -> BarColumns:
    """Return a packed copy of quotes in the stored form: int64 and float64, one NaN, no negative zero.

    The size of a side without a price is dropped. Raises StoreError unless the times are ascending without
    duplicates, all values finite or NaN, and each quote has a price.
    """
    check_symbol(symbol)
    return checked_quotes_of_many([symbol], interval, np.zeros(len(quotes), np.int64), quotes)


def checked_quotes_of_many(
    symbols: Sequence[str], interval: Interval, rows: Ints, quotes: QuoteColumns
) -> BarColumns:
    """Return the same of quotes of many symbols; `rows`: position of each quote's symbol, int64 (n,)."""
    check_interval(interval)
    opened_at = np.array(quotes.opened_at, np.int64)
    columns = [_canonical(getattr(quotes, name), len(opened_at), name) for name in QUOTE_NAMES]
    bid, ask, bid_size, ask_size = columns
    bid_size[np.isnan(bid)] = np.nan
    ask_size[np.isnan(ask)] = np.nan
    for row in np.unique(rows).tolist():
        check_symbol(symbols[row])
    is_next = rows[1:] > rows[:-1]
    is_wrong = ~(is_next | ((rows[1:] == rows[:-1]) & (opened_at[1:] > opened_at[:-1])))
    if is_wrong.any():
        at = int(np.flatnonzero(is_wrong)[0]) + 1
        raise StoreError(
            f"{symbols[rows[at]]} {interval}: quote {at} ({instant(opened_at[at])}) is not later than the "
            f"previous one ({instant(opened_at[at - 1])}): times must be ascending, without duplicates"
        )
    for row in np.unique(rows[(opened_at < _FIRST) | (opened_at > _LAST)]).tolist():
        check_times(symbols[row], interval, opened_at[rows == row])
    _check_values(symbols, interval, rows, opened_at, columns)
    return BarColumns(opened_at, bid, ask, bid_size, ask_size, np.zeros(len(opened_at)))


_FIRST, _LAST = -62135596800, 253402300799  # the years 1 to 9999


def _canonical(column: Floats, count: int, name: str) -> Floats:
    values = np.asarray(column, np.float64)
    if len(values) != count:
        raise StoreError(f"{count} times of quotes, but {len(values)} values of {name}")
    # Adding zero turns -0.0 into 0.0; a NaN may have any of many forms.
    return np.where(np.isnan(values), np.nan, values) + 0.0


def _check_values(
    symbols: Sequence[str], interval: Interval, rows: Ints, opened_at: Ints, columns: Sequence[Floats]
) -> None:
    for name, values in zip(QUOTE_NAMES, columns, strict=True):
        for at in np.flatnonzero(np.isinf(values)).tolist():
            raise StoreError(
                f"{symbols[rows[at]]} {interval} {instant(opened_at[at])}: {name} is {values[at]}, but must "
                "be finite, or NaN where it is missing"
            )
    bid, ask = columns[:2]
    for at in np.flatnonzero(np.isnan(bid) & np.isnan(ask)).tolist():
        raise StoreError(
            f"{symbols[rows[at]]} {interval} {instant(opened_at[at])}: the quote has neither bid nor ask; "
            "leave out slots without a quote"
        )
