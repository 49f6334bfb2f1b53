"""Replay feed: stored quotes arrive with the bars of their slots, and before them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Condition
from typing import Any

import numpy as np
import pytest
from market_kit import NEW_YORK, at, script

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.replay_feed import ReplayFeed
from tapedeck.engine.feeds.stored_quotes import StoredQuotes
from tapedeck.engine.intervals import MINUTE, SECOND
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.quote_store import QuoteColumns
from tests.support.quotes import random_columns

SYMBOLS = ("AIG", "SPY", "TINY")
"""AIG has quotes of minutes, SPY of seconds, TINY none."""
LIMIT_S = 20.0
OPENS, ENDS = at("04:00"), at("20:00")
MINUTES = np.arange(OPENS, ENDS, 60)


class RecordingSink:
    """Keeps what a feed sends, in order, with the market time of each call."""

    def __init__(self, clock: LiveClock) -> None:
        self.clock, self.changed = clock, Condition()
        self.calls: list[tuple[float, str, list[Any]]] = []

    def bars(self, bars: Sequence[FeedBar]) -> None:
        self._note("bars", bars)

    def quotes(self, quotes: Sequence[FeedQuote]) -> None:
        self._note("quotes", quotes)

    def provider_time(self, seconds: float) -> None:
        """Nothing to keep."""

    def lost(self, reason: str) -> None:
        self._note("lost", [reason])

    def _note(self, kind: str, what: Sequence[Any]) -> None:
        with self.changed:
            self.calls.append((self.clock.now(), kind, list(what)))
            self.changed.notify_all()

    @property
    def received(self) -> list[FeedQuote]:
        return [quote for _, kind, quotes in self.calls if kind == "quotes" for quote in quotes]

    def wait_for(self, condition: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, LIMIT_S), self.calls[-3:]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    folder: Path = tmp_path_factory.mktemp("quotes")
    with open_store(folder / "bars.db", create=True) as opened:
        price = np.full(len(MINUTES), 100.0)
        for symbol in SYMBOLS:
            opened.write(symbol, MINUTE, BarColumns(MINUTES, price, price, price, price, price))
        opened.quotes.write("AIG", MINUTE, random_columns(MINUTES, seed=1, missing=0.3))
        seconds = np.arange(OPENS, ENDS)
        opened.quotes.write("SPY", SECOND, random_columns(seconds, seed=2, missing=0.99))
        yield opened


def naive(quotes: QuoteColumns, symbol: str) -> list[FeedQuote]:
    """Return the last price of each side within each minute, one quote after the other."""
    found: dict[int, list[float]] = {}
    columns = (quotes.opened_at, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
    for opened_at, *values in zip(*(column.tolist() for column in columns), strict=True):
        of_slot = found.setdefault(opened_at // 60 * 60, [math.nan] * 4)
        for price in (0, 1):
            if not math.isnan(values[price]):
                of_slot[price], of_slot[price + 2] = values[price], values[price + 2]
    return [FeedQuote(symbol, opened_at, *values) for opened_at, values in found.items()]


@pytest.fixture(scope="module")
def expected(store: BarStore) -> list[FeedQuote]:
    """All quotes in order of slot and symbol, by a second way."""
    quotes = [
        *naive(store.quotes.read("AIG", MINUTE, 0, 2**40), "AIG"),
        *naive(store.quotes.read("SPY", SECOND, 0, 2**40), "SPY"),
    ]
    return sorted(quotes, key=lambda quote: (quote.opened_at, quote.symbol))


def text_of(quotes: Sequence[FeedQuote]) -> list[str]:
    """Return quotes as text, in which NaN equals NaN."""
    return [repr(quote) for quote in quotes]


@pytest.fixture
def started(store: BarStore) -> Iterator[Any]:
    feeds: list[ReplayFeed] = []

    def start(
        clock: str, speed: float, symbols: Sequence[str] = SYMBOLS, **fields: Any
    ) -> tuple[ReplayFeed, RecordingSink]:
        begun: list[float] = []  # so that the market's time begins with the subscription

        def watch() -> float:
            return time.monotonic() - begun[0] if begun else 0.0

        market = LiveClock(speed=speed, start=at(clock), wall=watch, monotonic=watch)
        feed = ReplayFeed(store, market, MINUTE, script(**fields), zone=NEW_YORK, has_quotes=True)
        feeds.append(feed)
        sink = RecordingSink(market)
        feed.connect(sink, 1.0)
        feed.subscribe(symbols, MINUTE)
        begun.append(time.monotonic())
        return feed, sink

    yield start
    for feed in feeds:
        feed.close()


def test_all_arrive_once_in_order_not_before_their_bars_are_due_and_before_these(
    started: Any, expected: list[FeedQuote]
) -> None:
    feed, sink = started("03:59", 150_000)
    sink.wait_for(lambda: len(sink.received) >= len(expected))
    assert text_of(sink.received) == text_of(expected)
    assert feed.abilities.has_quotes
    shown: set[tuple[str, int]] = set()
    for now, kind, what in sink.calls:
        if kind == "quotes":
            assert max(quote.opened_at for quote in what) + 60.1 <= now
            assert shown.isdisjoint((quote.symbol, quote.opened_at) for quote in what)
        elif kind == "bars":
            shown |= {(bar.symbol, bar.opened_at) for bar in what}


def test_those_of_the_day_that_were_due_before_come_at_once_and_of_a_symbol_that_joins(
    started: Any, expected: list[FeedQuote]
) -> None:
    feed, sink = started("12:00", 1e-6, ["AIG"])  # the market stands still: nothing else becomes due
    sink.wait_for(lambda: sink.received)
    before = [quote for quote in expected if quote.opened_at < at("12:00") - 60]
    earlier = [quote for quote in before if quote.symbol == "AIG"]
    assert text_of(sink.received) == text_of(earlier)
    sink.calls.clear()
    feed.subscribe(["SPY"], MINUTE)
    sink.wait_for(lambda: sink.received)
    joined = [quote for quote in before if quote.symbol == "SPY"]
    assert text_of(sink.received) == text_of(joined)
    feed.close()
    again = RecordingSink(sink.clock)
    feed.connect(again, 1.0)
    feed.subscribe(SYMBOLS, MINUTE)
    again.wait_for(lambda: again.received)
    assert text_of(again.received) == text_of(before), "with each connection"


def test_none_arrive_while_the_feed_is_mute(started: Any) -> None:
    faults = [{"kind": "mute", "at": "12:00", "for": "30m"}]
    _, sink = started("11:55", 36_000, faults=faults)
    sink.wait_for(lambda: sink.received and sink.received[-1].opened_at > at("12:40"))
    due = {quote.opened_at + 60 for quote in sink.received}
    assert not due & set(range(at("12:00"), at("12:30"), 60))
    assert at("12:31") in due


@pytest.mark.parametrize("chunk", [3600, 7200])
def test_any_spans_add_up_to_all(
    store: BarStore, expected: list[FeedQuote], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tapedeck.engine.feeds.stored_quotes._CHUNK_QUOTES", chunk // 60 * len(SYMBOLS))
    quotes, found, after = StoredQuotes(store.quotes, SYMBOLS, MINUTE), [], OPENS - 7000
    while after < ENDS + 60:
        until = quotes.next_slot(after)
        assert until > after
        found += quotes.between(after, until)
        after = until
    assert text_of(found) == text_of(expected)
    assert StoredQuotes(store.quotes, ["TINY"], MINUTE).between(OPENS, ENDS) == []
