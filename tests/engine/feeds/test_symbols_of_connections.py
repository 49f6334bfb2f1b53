"""Symbols that join and leave a connection, in threads: subscribed, refused, and in the next connections."""

from __future__ import annotations

import pytest
from test_feed_connection import LIMIT_S, SYMBOLS, FakeFeed, run

from tapedeck.engine.feeds.feed_connection import FeedConnected, FeedLost, FeedRefused
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError
from tapedeck.engine.feeds.live_status import FeedState
from tapedeck.engine.intervals import MINUTE

__all__ = ["run"]


class PickyFeed(FakeFeed):
    """Keeps all calls of `subscribe`, and refuses unknown symbols."""

    unknown = frozenset(["NONE"])

    def __init__(self, *args, **steps):
        super().__init__(*args, **steps)
        self.subscriptions = []

    def subscribe(self, symbols, interval):
        super().subscribe(symbols, interval)
        self.subscriptions.append(tuple(symbols))
        if self.unknown.intersection(symbols):
            raise FeedError("unknown symbol NONE", is_final=True)


def test_a_symbol_is_subscribed_in_the_connection_that_stands_and_in_the_next_ones(run):
    bench = run(PickyFeed())
    bench.wait_for(FeedConnected)
    assert bench.connection.subscribe(["IBM"]).result(LIMIT_S) is None
    assert bench.connection.subscribe(["XOM"]).result(LIMIT_S) is None
    bench.connection.unsubscribe(["AIG", "XOM"])
    bench.feed.sink.lost("cut")
    bench.wait_for(FeedConnected, 2)
    assert bench.feed.subscriptions == [SYMBOLS, ("IBM",), ("XOM",), ("SPY",), ("IBM",)]


def test_one_that_the_feed_refuses_or_has_no_room_for_changes_nothing(run):
    bench = run(PickyFeed(FeedAbilities((MINUTE,), most_symbols=3)))
    bench.wait_for(FeedConnected)
    with pytest.raises(FeedError, match="unknown symbol NONE"):
        bench.connection.subscribe(["NONE"]).result(LIMIT_S)
    with pytest.raises(FeedError, match="4 symbols are too many: fake takes at most 3"):
        bench.connection.subscribe(["IBM", "XOM"]).result(LIMIT_S)
    bench.feed.sink.lost("cut")
    bench.wait_for(FeedConnected, 2)
    assert bench.feed.subscriptions == [SYMBOLS, ("NONE",), SYMBOLS]


def test_without_a_connection_it_is_subscribed_with_the_next_one_which_tells_what_it_refuses(run):
    feed = PickyFeed()
    bench = run(feed, connect_timeout_s=LIMIT_S)
    bench.wait_for(FeedConnected)
    feed.steps["connect"] = [FeedError("down")] * 3
    bench.feed.sink.lost("cut")
    bench.wait_for(FeedLost)
    bench.wait_until(lambda status: status.reason == "down")
    assert bench.connection.subscribe(["IBM", "NONE"]).result(LIMIT_S) is None
    refused = bench.wait_for(FeedRefused)
    assert (refused.symbols, str(refused.error)) == (("NONE",), "unknown symbol NONE")
    assert feed.subscriptions[-4:] == [SYMBOLS, ("IBM", "NONE"), ("IBM",), ("NONE",)]
    assert bench.connection.status().state is FeedState.CONNECTED


def test_one_that_joins_while_it_connects_is_subscribed_once_it_has(run):
    feed = PickyFeed(connect=["hang"])
    bench = run(feed, connect_timeout_s=LIMIT_S)
    answer = bench.connection.subscribe(["IBM"])
    bench.wait_until(lambda status: "connect" in feed.calls)
    feed.closed.set()
    assert answer.result(LIMIT_S) is None
    assert feed.subscriptions == [SYMBOLS, ("IBM",)]


def test_a_subscription_that_hangs_is_given_up(run):
    feed = PickyFeed(subscribe=[None, "hang"])
    bench = run(feed, connect_timeout_s=0.2)
    bench.wait_for(FeedConnected)
    with pytest.raises(FeedError, match=r"no answer within 0\.2 s"):
        bench.connection.subscribe(["IBM"]).result(LIMIT_S)
    assert bench.connection.subscribe(["XOM"]).result(LIMIT_S) is None
