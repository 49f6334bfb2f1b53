"""Quotes of a live feed."""

from __future__ import annotations

from typing import NamedTuple


class FeedQuote(NamedTuple):
    """The last quote of a symbol within a slot, as far as it is known; a later one of the slot replaces it.

    `opened_at`: label of the slot, seconds since 1970 UTC, as of its bar: the quote's own time is in
    `[opened_at, opened_at + interval)`. Prices and sizes as quoted; NaN for a side without a quote (a price
    of 0), and for a size that is not known.
    """

    symbol: str
    opened_at: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
