"""Quotes of a campaign's feed: random ones, late, twice, changed, wrong or never, and what they add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.feeds.feed_quote import FeedQuote

Quote = tuple[float, float, float, float]
_AFTER_CLOSE_S: Final = 1.0
"""Latest quotes of a session: from then on it may have ended."""


class QuoteMessage(NamedTuple):
    """A quote that the feed sends at a market time, seconds UTC."""

    at: float
    quote: FeedQuote


def random_quotes(
    random: Random, sessions: Sequence[SessionSlots], symbols: Sequence[str]
) -> list[QuoteMessage]:
    """Return the messages of a feed in order: of some symbols, in most slots, once or several times."""
    found: list[QuoteMessage] = []
    in_slots = {label for slots in sessions for label in slots.opened_at.tolist()}
    for slots in sessions:
        last = int(slots.closed_at[-1]) + _AFTER_CLOSE_S
        for symbol in symbols:
            missing = random.choice((0.0, 0.0, 0.3, 0.9, 1.0))
            first = random.choice((0, 0, 0, len(slots) // 2))
            around = {int(slots.opened_at[0]) - 60, int(slots.closed_at[-1])} - in_slots
            for opened_at in [*sorted(around), *slots.opened_at[first:].tolist()]:
                if random.random() >= missing:
                    found += _of_slot(random, symbol, opened_at, last)
    return sorted(found, key=lambda message: message.at)


def calm_quotes(
    random: Random, sessions: Sequence[SessionSlots], symbols: Sequence[str]
) -> list[QuoteMessage]:
    """Return messages of most slots, from the first on, each as its slot is over."""
    return [
        QuoteMessage(opened_at + 60.0, _random_quote(random, symbol, opened_at))
        for slots in sessions
        for opened_at in slots.opened_at.tolist()
        for symbol in symbols
        if opened_at == slots.opened_at[0] or random.random() < 0.8
    ]


def _of_slot(random: Random, symbol: str, opened_at: int, last: float) -> list[QuoteMessage]:
    quote, at = _random_quote(random, symbol, opened_at), opened_at + 60 + random.choice((0.0, 0.05, 0.3))
    found = [QuoteMessage(at, quote)]
    if random.random() < 0.2:
        found.append(QuoteMessage(at + random.choice((0.0, 10.0)), quote))
    if random.random() < 0.2:
        later = _random_quote(random, symbol, opened_at)
        found.append(QuoteMessage(at + random.choice((0.0, 0.2, 61.0, 400.0)), later))
    if random.random() < 0.05:
        found.append(QuoteMessage(at, random.choice(_wrong(quote))))
    late = random.choice((0.0, 0.0, 0.0, 1.0, 70.0))
    return [QuoteMessage(min(last, message.at + late), message.quote) for message in found]


def _random_quote(random: Random, symbol: str, opened_at: int) -> FeedQuote:
    bid = 50 + random.randint(-100, 100) / 100
    ask = bid + random.randint(0, 5) / 100
    lacking = random.randint(0, 7)
    bid_size, ask_size = float(random.randint(1, 900)), float(random.randint(0, 900))
    if lacking == 0:
        bid = random.choice((0.0, math.nan))
    elif lacking == 1:
        ask = math.nan
    elif lacking == 2:
        bid_size = math.nan
    return FeedQuote(symbol, opened_at, bid, ask, bid_size, ask_size)


def _wrong(quote: FeedQuote) -> list[FeedQuote]:
    return [
        quote._replace(bid=-1.0),
        quote._replace(ask=math.inf),
        quote._replace(bid=math.nan, ask=0.0),
        quote._replace(ask_size=-1.0),
        quote._replace(bid="text"),
        quote._replace(opened_at=math.nan),
        quote._replace(opened_at=quote.opened_at + 7),
        quote._replace(opened_at=quote.opened_at + 40 * 86400),
        quote._replace(symbol="XXX"),
        quote._replace(symbol=["AAA"]),
    ]


def last_quotes(sent: Sequence[FeedQuote], labels: frozenset[int]) -> dict[tuple[str, int], Quote]:
    """Return what quotes add up to in some slots, one after the other, by symbol and slot."""
    found: dict[tuple[str, int], Quote] = {}
    for quote in sent:
        symbol, opened_at, *values = quote
        if not isinstance(symbol, str) or opened_at not in labels:
            continue
        if not all(
            isinstance(value, float) and (math.isnan(value) or 0 <= value < math.inf) for value in values
        ):
            continue
        bid, ask, bid_size, ask_size = found.get((symbol, opened_at), (math.nan,) * 4)
        if quote.bid > 0:
            bid, bid_size = quote.bid, quote.bid_size
        if quote.ask > 0:
            ask, ask_size = quote.ask, quote.ask_size
        if not (math.isnan(bid) and math.isnan(ask)):
            found[symbol, opened_at] = bid, ask, bid_size, ask_size
    return found
