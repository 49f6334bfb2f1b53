"""Early quotes: those of symbols that are subscribed, and have not joined the session yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

import numpy as np

from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals

_MOST: Final = 20_000


class EarlyQuotes:
    """The last quotes of symbols that are not of the session; at most 20,000.

    A symbol is subscribed before it joins. What comes between is asked for anew of bars, but not of quotes,
    which have no history.
    """

    def __init__(self) -> None:
        self._quotes: deque[tuple[int, FeedQuote]] = deque(maxlen=_MOST)

    def add(self, arrivals: QuoteArrivals) -> None:
        """Keep quotes, in the order received."""
        quotes = map(FeedQuote, arrivals.symbols, arrivals.opened_at.tolist(), *arrivals.values.tolist())
        self._quotes.extend(zip(arrivals.received.tolist(), quotes, strict=True))

    def pop(self, symbols: Collection[str]) -> QuoteArrivals | None:
        """Forget the quotes of some symbols, and return them in the order received; None without any."""
        found = [one for one in self._quotes if one[1].symbol in symbols]
        if not found:
            return None
        self._quotes = deque((one for one in self._quotes if one[1].symbol not in symbols), _MOST)
        received, quotes = zip(*found, strict=True)
        return QuoteArrivals.of(quotes, np.array(received, np.int64))
