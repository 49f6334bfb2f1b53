"""Made-up bars and quotes of a morning."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tests.support.alpaca_server.market import MINUTE_S, Bar, Market, Quote


def made_market(
    symbols: Sequence[str],
    opens: int,
    minutes: int,
    *,
    seed: int = 1,
    missing: float = 0.0,
    no_trade: float = 0.0,
    quotes_a_minute: int = 0,
) -> Market:
    """Return bars of some minutes from `opens` on, prices in cents; some of them missing, or of volume 0.

    Quotes are spread over each minute, the first and the last of it at its very edges.
    """
    random = Random(seed)
    bars, quotes = [], []
    for symbol in symbols:
        price = random.randint(2_000, 50_000)
        for minute in range(minutes):
            opened_at = opens + MINUTE_S * minute
            opening = price
            price = max(100, price + random.randint(-30, 30))
            high = max(opening, price) + random.randint(0, 10)
            low = min(opening, price) - random.randint(0, 10)
            volume = 0 if random.random() < no_trade else random.randint(1, 100_000)
            if random.random() >= missing:
                cents = (opening, high, low, price)
                bars.append(Bar(symbol, opened_at, *(cent / 100 for cent in cents), float(volume)))
            for number in range(quotes_a_minute):
                at = opened_at + MINUTE_S * number / max(1, quotes_a_minute - 1)
                at = min(at, opened_at + MINUTE_S - 0.001)
                bid, ask = price - random.randint(0, 5), price + random.randint(1, 5)
                sizes = random.randint(1, 90), random.randint(1, 90)
                quotes.append(Quote(symbol, at, bid / 100, float(sizes[0]), ask / 100, float(sizes[1])))
    quotes.sort(key=lambda quote: quote.t)
    return Market(bars, quotes, opens=opens, known=symbols)
