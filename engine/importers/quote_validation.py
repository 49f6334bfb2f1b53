"""Validation of imported quotes, and their reduction to the last one in each slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapedeck.engine.importers.validation import Mask, PriceRules, utc_text
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints
from tapedeck.engine.store.quote_columns import packed, unpacked
from tapedeck.engine.store.quote_store import QuoteColumns


@dataclass(frozen=True, slots=True)
class LastQuotes:
    """The last quote of each slot of some rows, slots ascending, shape (n,).

    `quotes`: packed; each side is its last price in the slot, with the size beside it. `places`: position of
    the last row of each slot among the rows; `rows`: number of its rows.
    """

    quotes: BarColumns
    places: Ints
    rows: Ints

    def __len__(self) -> int:
        return len(self.places)

    def part(self, chosen: Ints | slice) -> LastQuotes:
        """Return the chosen slots."""
        return LastQuotes(take(self.quotes, chosen), self.places[chosen], self.rows[chosen])


def with_missing_sides(bars: BarColumns) -> BarColumns:
    """Return packed quotes with NaN for a price of 0, which is no quote, and for the size beside it."""
    quotes = unpacked(bars)
    sides = []
    for price, size in ((quotes.bid, quotes.bid_size), (quotes.ask, quotes.ask_size)):
        prices = np.where(price == 0, np.nan, price)
        sides.append((prices, np.where(np.isnan(prices), np.nan, size)))
    (bid, bid_size), (ask, ask_size) = sides
    return packed(QuoteColumns(quotes.opened_at, bid, ask, bid_size, ask_size))


def quote_faults(
    bars: BarColumns, interval: Interval, rules: PriceRules, *, is_on_raster: bool
) -> dict[int, str]:
    """Return the reasons of packed quotes that cannot be stored, by position.

    A quote is bad when both prices are missing, a price or a size is infinite or negative (prices unless
    `rules` allow it), or, with `is_on_raster`, its time is not on a boundary of the interval. Bid above ask
    is a fact of some markets.
    """
    quotes = unpacked(bars)
    faults: dict[int, str] = {}

    def add(mask: Mask, reason: str, values: Floats) -> None:
        for i in np.flatnonzero(mask).tolist():
            faults.setdefault(i, reason.format(repr(float(values[i])).removesuffix(".0")))

    add(np.isnan(quotes.bid) & np.isnan(quotes.ask), "the row has neither bid nor ask", quotes.bid)
    for name, values in (("bid", quotes.bid), ("ask", quotes.ask)):
        add(np.isinf(values), f"{name} {{}} is not finite", values)
        if not rules.allow_negative:
            add(values < 0, f"{name} {{}} is negative: --allow-negative-prices stores such quotes", values)
    for name, values in (("bid size", quotes.bid_size), ("ask size", quotes.ask_size)):
        add(np.isinf(values), f"{name} {{}} is not finite", values)
        add(values < 0, f"{name} {{}} is negative", values)
    if is_on_raster:
        for i in np.flatnonzero(quotes.opened_at % interval.seconds).tolist():
            faults.setdefault(
                i, f"time {utc_text(quotes.opened_at[i])} is not on a boundary of {interval} slots"
            )
    return faults


def last_quotes(bars: BarColumns, interval: Interval, *, descends: bool = False) -> LastQuotes:
    """Return the last quote of each slot of packed quotes, which are in any order.

    Of rows with one time the later one counts, or, with `descends`, the earlier one.
    """
    times = bars.opened_at
    if not len(times):
        none = np.empty(0, np.int64)
        return LastQuotes(bars, none, none)
    order = np.arange(len(times))
    order = order[::-1] if descends else order
    order = order[np.argsort(times[order], kind="stable")]
    slots = times[order] // interval.seconds * interval.seconds
    first = np.flatnonzero(np.append(True, slots[1:] != slots[:-1]))
    last = np.append(first[1:], len(slots)) - 1
    sides = []
    quotes = unpacked(bars)
    for prices, sizes in ((quotes.bid, quotes.bid_size), (quotes.ask, quotes.ask_size)):
        at = np.where(np.isnan(prices[order]), -1, np.arange(len(order)))
        found = np.maximum.reduceat(at, first)
        rows = order[np.maximum(found, 0)]
        sides.append((np.where(found < 0, np.nan, prices[rows]), np.where(found < 0, np.nan, sizes[rows])))
    (bid, bid_size), (ask, ask_size) = sides
    columns = QuoteColumns(slots[first], bid, ask, bid_size, ask_size)
    return LastQuotes(packed(columns), order[last], last - first + 1)
