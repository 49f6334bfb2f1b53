"""The feed ccxt: what it takes, how it connects again, and that nothing is left of it."""

from __future__ import annotations

import gc
import logging
import threading
import time
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import tapedeck.engine.feeds.ccxt.ccxt_feed as feed_module
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.ccxt.ccxt_feed import CcxtFeed, make_ccxt_feed
from tapedeck.engine.feeds.ccxt.exchange_library import exchange_class
from tapedeck.engine.feeds.ccxt.exchange_symbols import check_symbols
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_feed import CheckedFeed, FeedError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND
from tests.support.exchange_server.candles import GivenCandles
from tests.support.exchange_server.faults import FaultKind
from tests.support.exchange_server.feeds import START, SYMBOLS, KeepingSink, exchange, feed_of, made_up
from tests.support.exchange_server.server import ExchangeServer

LIMIT_S = 8.0


@pytest.fixture
def server() -> Iterator[ExchangeServer]:
    with exchange(begins=600.0, speed=60.0) as started:
        yield started


@pytest.fixture
def feed(server: ExchangeServer) -> Iterator[CcxtFeed]:
    made: Any = feed_of(server)
    yield made
    made.close()
    assert not [one.name for one in threading.enumerate() if one.name.startswith("tapedeck-feed")]


def test_the_feed_of_a_session_is_named_for_its_exchange_and_can_be_checked(feed: CcxtFeed) -> None:
    assert isinstance(feed, CheckedFeed)
    assert feed.name == "ccxt-binance"
    assert not feed.abilities.has_quotes


@pytest.mark.parametrize(
    ("exchange_name", "interval", "words"),
    [(None, MINUTE, "api_config.exchange is not set"), ("binance", DAY, "invalid interval '1d'")],
)
def test_a_session_without_an_exchange_or_with_bars_of_a_day_is_bad_input(
    exchange_name: str | None, interval: Any, words: str
) -> None:
    from tapedeck.engine.session_file import parse_session_config

    document = {
        "session_name": "exchange",
        "exchange_group": "CRYPTO",
        "mode": "live",
        "api_config": {"data_api": "ccxt", "exchange": exchange_name},
        "session_data_config": {"symbols": ["BTC/USDT"], "streams": ["1m"]},
    }
    config = parse_session_config(document, "exchange").config
    context = FeedContext(config, interval, LiveClock(), None)  # type: ignore[arg-type]
    with pytest.raises(FeedError, match=words) as caught:
        make_ccxt_feed(context)
    assert caught.value.is_bad_input


def test_an_exchange_without_candles_of_the_interval_is_bad_input() -> None:
    feed = CcxtFeed("kraken", SECOND, LiveClock())
    with pytest.raises(FeedError, match="kraken has no candles of 1s: it has 1m") as caught:
        feed.connect(KeepingSink(), LIMIT_S)
    assert caught.value.is_bad_input


def test_the_markets_are_loaded_once_for_many_connections(server: ExchangeServer, feed: CcxtFeed) -> None:
    for _ in range(3):
        feed.connect(KeepingSink(), LIMIT_S)
        feed.subscribe(SYMBOLS, MINUTE)
        feed.close()
    assert len(server.received.of_path("exchangeInfo")) == 3  # of spot, linear and inverse markets
    assert server.received.connections == 3


def test_markets_are_loaded_again_for_an_unknown_symbol_as_it_may_be_new(
    server: ExchangeServer, feed: CcxtFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.connect(KeepingSink(), LIMIT_S)
    server.candles = GivenCandles(made_up((*SYMBOLS, "NEW/USDT")))
    with pytest.raises(FeedError, match="binance has no symbol NEW/USDT"):
        feed.subscribe(["NEW/USDT"], MINUTE)
    monkeypatch.setattr(feed_module, "_RELOAD_AFTER_S", 0.0)
    feed.subscribe(["NEW/USDT"], MINUTE)
    assert server.received.subscribed == [["newusdt@kline_1m"]]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("BTCUSDT", "BTC/USDT"), ("btc-usdt", "BTC/USDT"), ("ETH/USDC", "ETH/USDT"), ("btc/usdt", "BTC/USDT")],
)
def test_an_unknown_symbol_is_told_with_the_one_that_is_meant(feed: CcxtFeed, asked: str, meant: str) -> None:
    feed.connect(KeepingSink(), LIMIT_S)
    with pytest.raises(
        FeedError, match=f"no symbol {asked}\nsymbols with similar names: '{meant}'"
    ) as caught:
        feed.subscribe([asked], MINUTE)
    assert caught.value.is_bad_input


def test_a_market_that_is_not_traded_is_bad_input() -> None:
    markets = {"OLD/USDT": {"active": False}, "BTC/USDT": {"active": True}, "ODD/USDT": {"active": None}}
    idle: Any = SimpleNamespace(id="binance", markets=markets, markets_by_id={})
    check_symbols(idle, ["BTC/USDT", "ODD/USDT"])
    with pytest.raises(FeedError, match="binance does not trade symbol OLD/USDT now") as caught:
        check_symbols(idle, ["BTC/USDT", "OLD/USDT"])
    assert caught.value.is_bad_input


def test_closing_while_the_library_is_imported_ends_the_connect() -> None:
    importing, told = threading.Event(), []
    imported = threading.Event()

    def find(name: str) -> Any:
        importing.set()
        assert imported.wait(LIMIT_S)
        return exchange_class(name)

    feed = CcxtFeed("binance", MINUTE, LiveClock(), find=find)

    def connect() -> None:
        try:
            feed.connect(KeepingSink(), LIMIT_S)
        except FeedError as error:
            told.append(str(error))

    connecting = threading.Thread(target=connect)
    connecting.start()
    assert importing.wait(LIMIT_S)
    began = time.monotonic()
    feed.close()
    assert time.monotonic() - began < 0.5
    imported.set()
    connecting.join(LIMIT_S)
    assert told == ["the connection to binance was closed while it was being made"]
    assert not [one.name for one in threading.enumerate() if one.name.startswith("tapedeck-feed")]


def test_before_it_is_connected_nothing_can_be_asked_for(feed: CcxtFeed) -> None:
    with pytest.raises(FeedError, match="binance is not connected"):
        feed.subscribe(SYMBOLS, MINUTE)
    with pytest.raises(FeedError, match="binance is not connected"):
        feed.history(SYMBOLS, MINUTE, START, START + 60, LIMIT_S)
    feed.connect(KeepingSink(), LIMIT_S)
    with pytest.raises(FeedError, match="invalid interval '1s'"):
        feed.subscribe(SYMBOLS, SECOND)


@pytest.mark.parametrize("kind", [None, FaultKind.MUTE, FaultKind.DROP, FaultKind.GARBAGE])
def test_nothing_is_left_and_no_library_warns_after_the_end(
    server: ExchangeServer, caplog: pytest.LogCaptureFixture, kind: FaultKind | None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # what other tests of this process left open is told of here
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.WARNING):
        warnings.simplefilter("always")
        feed: Any = feed_of(server)
        sink = KeepingSink()
        feed.connect(sink, LIMIT_S)
        feed.subscribe(SYMBOLS, MINUTE)
        feed.history(SYMBOLS, MINUTE, START, START + 300, LIMIT_S)
        if kind is not None:
            server.fault(kind, 600.0)
        if kind in (FaultKind.DROP, FaultKind.GARBAGE):
            deadline = time.monotonic() + LIMIT_S
            while not sink.reasons and time.monotonic() < deadline:
                threading.Event().wait(0.01)
            assert sink.reasons
        feed.close()
        feed.close()
        del feed
        gc.collect()
    assert [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)] == []
    assert [record.getMessage() for record in caplog.records] == []
    assert not [one.name for one in threading.enumerate() if one.name.startswith("tapedeck-feed")]


def test_a_check_beside_a_connection_leaves_it_as_it_is(server: ExchangeServer, feed: CcxtFeed) -> None:
    sink = KeepingSink()
    feed.connect(sink, LIMIT_S)
    feed.subscribe(SYMBOLS, MINUTE)
    lines = feed.check(SYMBOLS, LIMIT_S)
    assert any("2 markets" in line for line in lines)
    assert (server.connections, sink.reasons) == (1, [])
    assert feed.history(SYMBOLS, MINUTE, START, START + 60, LIMIT_S).bars


def test_a_check_names_unknown_symbols(feed: CcxtFeed) -> None:
    with pytest.raises(FeedError, match="no symbol BTCUSDT") as caught:
        feed.check(["BTCUSDT"], LIMIT_S)
    assert caught.value.is_bad_input
