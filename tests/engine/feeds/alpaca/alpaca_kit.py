"""A feed of the server for tests, and a sink that keeps what it gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.alpaca.alpaca_account import AlpacaAccount
from tapedeck.engine.feeds.alpaca.alpaca_feed import AlpacaFeed
from tapedeck.engine.feeds.alpaca.alpaca_keys import AlpacaKeys
from tests.support.alpaca_server import AlpacaServer

OPENS: Final = int(datetime(2013, 10, 7, 13, 30, tzinfo=UTC).timestamp())
CONNECT_S: Final = 10.0
"""Time that a feed connection gives a feed to connect."""
QUIT_S: Final = 1.0


class KeptSink:
    """Sink that keeps everything, in the order received."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []  # of bars
        self.all_quotes: list[Any] = []
        self.times: list[float] = []
        self.reasons: list[str] = []
        self.order: list[str] = []

    @property
    def all_bars(self) -> list[Any]:
        return [bar for call in list(self.calls) for bar in call]

    def bars(self, bars):
        self.calls.append(list(bars))
        self.order.append("bars")

    def quotes(self, quotes):
        self.all_quotes += quotes

    def forming(self, bars):
        raise AssertionError("this feed has no forming bars")

    def provider_time(self, seconds):
        self.times.append(seconds)

    def lost(self, reason):
        self.reasons.append(reason)
        self.order.append("lost")


def clock_of(speed: float = 1.0, start: float = OPENS) -> LiveClock:
    return LiveClock(speed=speed, start=start)


def feed_of(
    server: AlpacaServer,
    symbols: Sequence[str],
    *,
    wants_quotes: bool = False,
    stream_url: str | None = None,
    data_url: str | None = None,
) -> AlpacaFeed:
    """Return a feed of the server, with its keys, clock and ports."""
    account = AlpacaAccount(
        AlpacaKeys(server.key, server.secret, "a test"),
        False,
        "iex",
        stream_url or server.stream_url,
        data_url or server.data_url,
    )
    return AlpacaFeed(account, symbols, server.clock, wants_quotes=wants_quotes)


@contextmanager
def quits_at_once(feed: AlpacaFeed) -> Iterator[None]:
    """Close a feed behind the block, within a second, with none of its threads left."""
    try:
        yield
    finally:
        begun = time.monotonic()
        feed.close()
        took_s = time.monotonic() - begun
    assert took_s < QUIT_S
    assert feed_threads() == []


def feed_threads() -> list[str]:
    """Return the names of the feed's threads that run."""
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith("tapedeck-alpaca")]
