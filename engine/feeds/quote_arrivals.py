"""Quote arrivals: quotes of a feed in the order received, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tapedeck.engine.feeds.arrivals import MALFORMED
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.store.bar_store import Floats, Ints

_VALUES: Final = 4


@dataclass(frozen=True, slots=True)
class QuoteArrivals:
    """Last quotes of slots, of any symbols, in the order received; columns of n entries.

    `received`: market time of receipt, microseconds since 1970 UTC. `opened_at`: label of the slot, seconds
    since 1970 UTC. `values`: float64, shape (4, n): bid, ask, bid size, ask size, as received.
    """

    received: Ints
    symbols: tuple[str, ...]
    opened_at: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.symbols)

    @classmethod
    def of(cls, quotes: Sequence[FeedQuote], received: int | Ints) -> QuoteArrivals:
        """Return the columns of quotes that a feed sent; `received` of all of them, or of each."""
        if not quotes:
            times = np.empty(0, np.int64)
            return cls(times, (), times, np.empty((_VALUES, 0)))
        symbols, opened_at, *values = zip(*quotes, strict=True)
        columns = np.array(values, np.float64)
        if columns.shape[0] != _VALUES or not all(isinstance(symbol, str) for symbol in symbols):
            raise ValueError("a quote has a symbol, a time and four numbers")
        return cls(np.full(len(quotes), received, np.int64), symbols, np.array(opened_at, np.int64), columns)

    @classmethod
    def of_well_formed(
        cls, quotes: Sequence[FeedQuote], received: Ints
    ) -> tuple[QuoteArrivals, list[FeedQuote]]:
        """Return the columns of the quotes whose parts have the right types, and the other quotes.

        A feed is code of another package: one wrong quote must not end a recording.
        """
        try:
            return cls.of(quotes, received), []
        except MALFORMED:
            is_good = [_is_well_formed(quote) for quote in quotes]
        good = [quote for quote, fits in zip(quotes, is_good, strict=True) if fits]
        others = [quote for quote, fits in zip(quotes, is_good, strict=True) if not fits]
        return cls.of(good, received[is_good]), others

    def take(self, positions: Ints) -> QuoteArrivals:
        """Return the quotes at `positions`, int64."""
        if len(positions) == len(self):
            return self
        return QuoteArrivals(
            self.received[positions],
            tuple(self.symbols[at] for at in positions.tolist()),
            self.opened_at[positions],
            self.values[:, positions],
        )


def _is_well_formed(quote: FeedQuote) -> bool:
    try:
        QuoteArrivals.of([quote], 0)
    except MALFORMED:
        return False
    return True
