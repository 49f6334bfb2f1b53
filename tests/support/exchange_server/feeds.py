"""The feed ccxt on the local exchange, with a sink that keeps what it gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from unittest.mock import patch

import ccxt.pro  # noqa: F401 - it takes seconds, and no clock of a market runs yet

from tapedeck.console.cli.live_session import time_of
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import LiveFeed
from tapedeck.engine.feeds.registry import make_feed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tests.support.exchange_server.candles import GivenCandles
from tests.support.exchange_server.faults import ExchangeFaults, Fault, FaultKind
from tests.support.exchange_server.server import ExchangeServer

START: Final = 1_381_147_200
"""2013-10-07 12:00 UTC: the first minute of the market."""
SYMBOLS: Final = ("BTC/USDT", "ETH/USDT")
SPEED: Final = 300.0
LIMIT_S: Final = 8.0
Row = tuple[float, float, float, float, float]


def made_up(
    symbols: Sequence[str] = SYMBOLS, minutes: range = range(-20, 300), *, empty: Sequence[int] = ()
) -> dict[str, dict[int, Row]]:
    """Return bars of minutes counted from the start, prices in cents; `empty`: minutes without a trade."""
    random, bars = Random(1), {}
    for symbol in symbols:
        rows: dict[int, Row] = {}
        for minute in minutes:
            opening, close = (random.randint(9_000, 11_000) / 100 for _ in range(2))
            high, low = max(opening, close) + 0.25, min(opening, close) - 0.25
            rows[START + 60 * minute] = (opening, high, low, close, random.randint(1, 10**9) / 10**5)
        bars[symbol] = {at: row for at, row in rows.items() if (at - START) // 60 not in empty}
    return bars


def exchange(
    *faults: Fault,
    begins: float = -90.0,
    speed: float = SPEED,
    empty: Sequence[int] = (),
) -> ExchangeServer:
    """Return an exchange that is not started; `begins`: market seconds after the start."""
    clock = LiveClock(speed=speed, start=START + begins)
    return ExchangeServer(GivenCandles(made_up(empty=empty)), clock, ExchangeFaults.of(*faults))


@dataclass
class KeepingSink:
    """A sink that keeps all; `last` has the newest version of each bar, by symbol and open."""

    came: list[FeedBar] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    updates: int = 0

    def bars(self, bars: Sequence[FeedBar]) -> None:
        """Keep bars that are over."""
        self.came.extend(bars)

    def quotes(self, quotes: Sequence[FeedQuote]) -> None:
        """Keep no quotes."""

    def forming(self, bars: Sequence[FeedBar]) -> None:
        """Count calls with bars that form."""
        self.updates += 1

    def provider_time(self, seconds: float) -> None:
        """Keep no times."""

    def lost(self, reason: str) -> None:
        """Keep the reason."""
        self.reasons.append(reason)

    def versions(self, symbol: str, minute: int) -> list[FeedBar]:
        """Return the versions of a bar in the order received."""
        return [bar for bar in self.came if (bar.symbol, bar.opened_at) == (symbol, START + 60 * minute)]

    def minutes(self, symbol: str) -> list[int]:
        """Return the minutes of which a bar came, each once, sorted."""
        return sorted({(bar.opened_at - START) // 60 for bar in self.came if bar.symbol == symbol})


class FedExchange:
    """A started exchange, and the feed that is connected to it."""

    def __init__(self, server: ExchangeServer, feed: LiveFeed) -> None:
        self.server, self.feed, self.sink = server, feed, KeepingSink()

    def begin(self, symbols: Sequence[str] = SYMBOLS) -> None:
        """Connect and subscribe."""
        self.feed.connect(self.sink, LIMIT_S)
        self.feed.subscribe(symbols, MINUTE)

    @property
    def minute(self) -> int:
        """The minute of the market that is forming."""
        return int(self.server.clock.now() - START) // 60

    def ahead(self, *kinds: FaultKind, minutes: int = 1, by: float = 0.0) -> int:
        """Have faults of BTC/USDT begin in a minute that is still to come, and return it."""
        first = self.minute + 2
        for kind in kinds:
            start = START + 60.0 * first
            self.server.faults.faults.append(
                Fault(kind, start, 60.0 * minutes, frozenset(SYMBOLS[:1]), by=by)
            )
        return first

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, with a limit."""
        deadline, pause = time.monotonic() + LIMIT_S, threading.Event()
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain in minute {self.minute}: {self.sink}"
            pause.wait(0.005)

    def until_minute(self, minute: int, symbols: Sequence[str] = SYMBOLS) -> None:
        """Wait until bars of all symbols came that open at a minute, or later."""
        self.until(lambda: all(max(self.sink.minutes(s), default=-99) >= minute for s in symbols))

    def history(self, start: int, end: int, symbols: Sequence[str] = SYMBOLS) -> tuple[dict[str, Any], int]:
        """Return what history has of some minutes, by symbol and minute, and until when it is whole."""
        answer = self.feed.history(symbols, MINUTE, START + 60 * start, START + 60 * end, LIMIT_S)
        found: dict[str, Any] = {symbol: {} for symbol in symbols}
        for bar in answer.bars:
            found[bar.symbol][(bar.opened_at - START) // 60] = tuple(bar[2:7])
        return found, (answer.complete_until - START) // 60


@contextmanager
def fed(server: ExchangeServer, *, begin: bool = True) -> Iterator[FedExchange]:
    """Start an exchange and its feed; at the end it is closed within a second, and no thread is left."""
    before = set(threading.enumerate())
    with server:
        feed = feed_of(server)
        fed_exchange = FedExchange(server, feed)
        try:
            if begin:
                fed_exchange.begin()
            yield fed_exchange
        finally:
            began = time.monotonic()
            feed.close()
            took = time.monotonic() - began
    assert took < 1.2, f"closing took {took:.1f} s"
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not left, f"threads are left: {left}"


def feed_of(server: ExchangeServer, name: str = "binance", **environment: str) -> LiveFeed:
    """Return the feed of an exchange, not connected."""
    document = {
        "session_name": "exchange",
        "exchange_group": "CRYPTO",
        "mode": "live",
        "api_config": {"data_api": "ccxt", "exchange": name},
        "session_data_config": {"symbols": list(SYMBOLS), "streams": ["1m"]},
    }
    config = parse_session_config(document, "exchange").config
    with patch.dict("os.environ", dict(server.environment) | environment):
        return make_feed("ccxt", FeedContext(config, MINUTE, server.clock, time_of(config, server.clock)))
