"""The feed alpaca on the servers for tests: alone, and in the connection of a recording."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from unittest.mock import patch

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.alerts import Alerts
from tapedeck.engine.feeds.alpaca.alpaca_feed import AlpacaFeed, make_alpaca_feed
from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_connection import FeedConnected, FeedConnection, FeedReport
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import FeedError, FeedHistory
from tapedeck.engine.feeds.live_status import FeedStatus
from tapedeck.engine.feeds.trading_hours import TradingHours
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tests.engine.feeds.gap_kit import session_of
from tests.support.alpaca_server import AlpacaServer, Fault, Market
from tests.support.alpaca_server.clock_at_rest import ClockAtRest
from tests.support.alpaca_server.made_market import made_market
from tests.support.runs import until

OPENS: Final = int(datetime(2013, 10, 7, 13, 30, tzinfo=UTC).timestamp())
NAMES: Final = ("AIG", "SPY")
MINUTES: Final = 10
MARKET: Final = made_market(NAMES, OPENS, MINUTES, quotes_a_minute=3)
SPEED: Final = 1200.0
LATER: Final = OPENS + 3600.0
"""A time at which the market's bars are all there."""
CONNECT_S: Final = 10.0
QUIT_S: Final = 1.0


def feed_bars(market: Market = MARKET) -> list[tuple[Any, ...]]:
    """Return the values of a market's bars, sorted, as `values_of` has them."""
    return sorted(tuple(bar) for bar in market.bars)


def values_of(bars: Sequence[FeedBar]) -> list[tuple[Any, ...]]:
    """Return bars without their kind, sorted."""
    return sorted(tuple(bar[:7]) for bar in bars)


@dataclass
class Kept:
    """A sink that keeps what it gets."""

    got: list[FeedBar] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    quoted: list[FeedQuote] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def bars(self, bars: Sequence[FeedBar]) -> None:
        self.got += bars
        self.batches.append(len(bars))

    def quotes(self, quotes: Sequence[FeedQuote]) -> None:
        self.quoted += quotes

    def forming(self, bars: Sequence[FeedBar]) -> None:
        raise AssertionError("the feed has no forming bars")

    def provider_time(self, seconds: float) -> None:
        self.times.append(seconds)

    def lost(self, reason: str) -> None:
        self.losses.append(reason)


@dataclass
class Run:
    """The servers, the feed, and what it delivers; the clock stands still until `subscribe` is done."""

    server: AlpacaServer
    clock: LiveClock
    feed: AlpacaFeed
    sink: Kept = field(default_factory=Kept)

    def connect(self, timeout: float = CONNECT_S) -> None:
        self.feed.connect(self.sink, timeout)

    def subscribe(self, *symbols: str) -> None:
        self.feed.subscribe(symbols or NAMES, MINUTE)
        self.go()

    def start(self) -> None:
        self.connect()
        self.subscribe()

    def go(self) -> None:
        if isinstance(self.clock, ClockAtRest):
            self.clock.go()

    def history(
        self, *symbols: str, minutes: tuple[int, int] = (0, MINUTES), timeout: float = 5.0
    ) -> FeedHistory:
        first, stop = (OPENS + 60 * minute for minute in minutes)
        return self.feed.history(symbols or NAMES, MINUTE, first, stop, timeout)


def made_feed(
    server: AlpacaServer,
    clock: LiveClock,
    symbols: Sequence[str],
    *,
    streams: Sequence[str],
    environment: Mapping[str, str],
    **parts: Any,
) -> AlpacaFeed:
    """Return the feed of a session file; `parts` are further sections of it.

    `environment`: variables that are other than those of the server.
    """
    document = {
        "session_name": "alpaca",
        "exchange_group": "US_EQUITY",
        "mode": "live",
        "session_data_config": {"symbols": list(symbols), "streams": list(streams)},
        **parts,
    }
    config = parse_session_config(document, "alpaca").config
    with patch.dict(os.environ, {**server.environment, **environment}):
        return make_alpaca_feed(FeedContext(config, MINUTE, clock, TimeManager(config.exchange)))


@contextmanager
def running(
    *faults: Fault,
    market: Market = MARKET,
    symbols: Sequence[str] = NAMES,
    streams: Sequence[str] = ("1m",),
    begins: float = OPENS - 60.0,
    speed: float = SPEED,
    parts: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Run]:
    """Run the servers with a feed that is not connected; it ends within a second, without a thread."""
    before = set(threading.enumerate())
    clock = ClockAtRest(speed=speed, start=begins)
    with AlpacaServer(market, clock, faults=faults, **options) as server:
        feed = made_feed(
            server, clock, symbols, streams=streams, environment=environment or {}, **(parts or {})
        )
        try:
            yield Run(server, clock, feed)
        finally:
            began = time.monotonic()
            feed.close()
            took = time.monotonic() - began
        feed.close()
        assert took < QUIT_S, f"closing took {took:.2f} s"
        assert until(lambda: not _left(before)), _left(before)


def _left(before: set[threading.Thread]) -> list[str]:
    """Return the names of threads of the feed that are left; the server's own is none."""
    there = set(threading.enumerate()) - before
    return [thread.name for thread in there if thread.name != "alpaca-server"]


@dataclass
class Recording:
    """The feed in the connection of a recording, and what that tells."""

    run: Run
    connection: FeedConnection
    alerts: Alerts
    reports: list[FeedReport]

    def wait_for(self, kind: type[Any], count: int = 1) -> Any:
        """Wait for as many reports of a kind; return the last."""
        assert until(lambda: len(self.of(kind)) >= count), self.reports
        return self.of(kind)[-1]

    def of(self, kind: type[Any]) -> list[Any]:
        return [report for report in self.reports if isinstance(report, kind)]

    @property
    def status(self) -> FeedStatus:
        return self.connection.status()

    def texts(self) -> list[str]:
        return [alert.text for alert in self.alerts.recent()]


@contextmanager
def recording(
    *faults: Fault,
    minutes: int = MINUTES,
    grace_s: float = 30.0,
    back_off_s: float = 0.02,
    waits: bool = True,
    **options: Any,
) -> Iterator[Recording]:
    """Run the feed in a connection, as a recording of some minutes has it.

    `waits`: the clock stands still until it is connected; else it goes at once.
    """
    with running(*faults, **options) as run:
        alerts, reports = Alerts(), list[FeedReport]()
        connection = FeedConnection(
            run.feed,
            options.get("symbols", NAMES),
            MINUTE,
            run.sink,
            reports.append,
            clock=run.clock,
            hours=TradingHours([session_of(minutes)]),
            grace_s=grace_s,
            alerts=alerts,
            back_off=BackOff(first_s=back_off_s, longest_s=0.5),
        )
        it = Recording(run, connection, alerts, reports)
        connection.start()
        try:
            if waits:
                it.wait_for(FeedConnected)
            run.go()
            yield it
        finally:
            began = time.monotonic()
            connection.close()
            connection.join(QUIT_S)
            assert time.monotonic() - began < QUIT_S


def refused(work: Any, *arguments: Any, within: float = 5.0, **options: Any) -> FeedError:
    """Return the error with which a call of the feed fails in time."""
    began = time.monotonic()
    try:
        work(*arguments, **options)
    except FeedError as error:
        assert time.monotonic() - began < within, f"it took {time.monotonic() - began:.1f} s"
        return error
    raise AssertionError("it did not fail")
