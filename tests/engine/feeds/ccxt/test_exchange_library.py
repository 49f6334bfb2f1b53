"""What is used of the library ccxt is there, and behaves as the feed takes it."""

from __future__ import annotations

import ast
import asyncio
import inspect
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest
from aiohttp import web

from tapedeck.engine.feeds.ccxt import exchange_library
from tapedeck.engine.feeds.ccxt.exchange_library import Exchange, check_installed, exchange_class
from tapedeck.engine.feeds.live_feed import FeedError

OPENED_AT = 1_700_000_040_000


def exchange_of(name: str, *markets: tuple[str, str]) -> Any:
    """Return an exchange of the library with some spot markets, by symbol and the exchange's name of it."""
    made = getattr(ccxt.pro, name)()
    made.set_markets(
        [
            {"symbol": symbol, "id": market_id, "type": "spot", "spot": True, "contract": False}
            | dict(zip(("base", "quote"), symbol.split("/"), strict=True))
            | {"lowercaseId": market_id.lower(), "active": True, "linear": None, "inverse": None}
            for symbol, market_id in markets
        ]
    )
    return made


def test_an_exchange_has_all_that_is_used_of_it() -> None:
    binance = ccxt.pro.binance()
    methods = {name for name, value in vars(Exchange).items() if inspect.isfunction(value)}
    used = set(Exchange.__annotations__) | {name for name in methods if not name.startswith("_")}
    assert len(used) > 15
    for name in used:
        assert hasattr(binance, name), name
        assert not name.startswith("_")


@pytest.mark.parametrize("name", ["binance", "bybit", "kraken", "okx"])
def test_candles_are_asked_for_with_these_arguments(name: str) -> None:
    exchange = getattr(ccxt.pro, name)()
    first = list(inspect.signature(exchange.fetch_ohlcv).parameters)[:4]
    assert first == ["symbol", "timeframe", "since", "limit"]
    assert list(inspect.signature(exchange.watch_ohlcv).parameters)[:2] == ["symbol", "timeframe"]
    assert exchange.has["watchOHLCV"]
    assert exchange.timeframes["1m"] is not None


KLINES = {
    "binance": {
        "e": "kline",
        "E": OPENED_AT + 9000,
        "s": "BTCUSDT",
        "k": {"t": OPENED_AT, "s": "BTCUSDT", "i": "1m"}
        | {"o": "10", "c": "11", "h": "12", "l": "9", "v": "5", "x": False},
    },
    "bybit": {
        "topic": "kline.1.BTCUSDT",
        "data": [
            {"start": OPENED_AT, "interval": "1", "open": "10", "close": "11", "high": "12", "low": "9"}
            | {"volume": "5", "confirm": False, "timestamp": OPENED_AT + 9000}
        ],
        "ts": OPENED_AT + 9000,
        "type": "snapshot",
    },
    "kraken": {
        "channel": "ohlc",
        "type": "update",
        "data": [
            {"symbol": "BTC/USDT", "open": 10, "close": 11, "high": 12, "low": 9, "volume": 5, "trades": 3}
            | {"interval_begin": "2023-11-14T22:14:00.000000000Z", "interval": 1}
        ],
    },
    "okx": {
        "arg": {"channel": "candle1m", "instId": "BTC-USDT"},
        "data": [[str(OPENED_AT), "10", "12", "9", "11", "5", "50", "50", "0"]],
    },
}
"""A message of a candle, as the documents of the exchange show it."""
NAMES = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "kraken": "BTC/USDT", "okx": "BTC-USDT"}
URLS = {"bybit": "wss://stream.bybit.com/v5/public/spot"}


@pytest.mark.parametrize("name", sorted(KLINES))
def test_candles_of_the_stream_stand_in_a_cache_by_symbol_and_timeframe(name: str) -> None:
    async def receive() -> list[list[float]]:
        exchange = exchange_of(name, ("BTC/USDT", NAMES[name]))
        client = exchange.client(URLS.get(name, "wss://stream.example/ws"))
        exchange.handle_message(client, KLINES[name])
        try:
            return [list(candle) for candle in reversed(exchange.ohlcvs["BTC/USDT"]["1m"])]
        finally:
            await exchange.close()

    assert asyncio.run(receive()) == [[OPENED_AT, 10, 12, 9, 11, 5]]


def test_hooks_that_are_set_on_an_exchange_are_called_by_its_websockets_and_by_rest() -> None:
    told: list[tuple[str, Any]] = []

    async def talk() -> None:
        async def answer(request: web.Request) -> web.Response:
            return web.json_response({"serverTime": 1000}, status=200)

        runner = web.AppRunner(web.Application())
        runner.app.router.add_get("/{path:.*}", answer)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        exchange = ccxt.pro.binance()
        exchange.urls["api"]["public"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        answered = exchange.on_rest_response

        def on_rest_response(*response: Any) -> str:
            told.append(("rest", response[0]))
            return answered(*response)

        exchange.on_rest_response = on_rest_response
        exchange.on_error = lambda client, error: told.append(("error", error))
        exchange.on_close = lambda client, code: told.append(("close", code))
        exchange.on_connected = lambda client, *rest: told.append(("connected", None))
        await exchange.fetch_time()
        client = exchange.client("ws://127.0.0.1:9/")
        client.on_close(1011)
        client.on_connected_callback(client)
        client.on_error(ValueError("broken"))
        await exchange.close()
        await runner.cleanup()

    asyncio.run(talk())
    assert [what for what, _ in told] == ["rest", "close", "connected", "error"]
    assert told[0][1] == 200
    assert told[1][1] == 1011


def test_markets_of_one_exchange_are_those_of_another_without_a_request() -> None:
    async def share() -> Any:
        first, second = exchange_of("binance", ("BTC/USDT", "BTCUSDT")), ccxt.pro.binance()
        second.set_markets_from_exchange(first)
        await second.load_markets()
        return second.markets is first.markets, second.markets_by_id["BTCUSDT"][0]["symbol"]

    assert asyncio.run(share()) == (True, "BTC/USDT")


def test_no_module_of_the_feed_imports_the_library_which_takes_more_than_a_second() -> None:
    modules = sorted(Path(inspect.getfile(exchange_library)).parent.glob("*.py"))
    assert len(modules) > 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "ccxt" for name in names), module


def test_without_the_library_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_library, "find_spec", lambda _: None)
    with pytest.raises(FeedError, match=r"pip install 'tapedeck-console\[ccxt\]'") as caught:
        check_installed()
    assert caught.value.is_bad_input


def test_a_library_of_which_a_part_is_missing_is_told_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> Any:
        raise ImportError("No module named 'aiohttp'")

    monkeypatch.setattr(exchange_library, "import_module", broken)
    with pytest.raises(FeedError, match=r"aiohttp.*pip install 'tapedeck-console\[ccxt\]'") as caught:
        exchange_class("binance")
    assert caught.value.is_bad_input


def test_an_unknown_exchange_is_told_with_the_nearest_and_those_that_there_are() -> None:
    with pytest.raises(FeedError, match=r"'binanse'.*kraken.*Did you mean 'binance'\?") as caught:
        exchange_class("binanse")
    assert caught.value.is_bad_input


def test_an_exchange_without_candles_by_websocket_is_told() -> None:
    with pytest.raises(FeedError, match=r"coinbase has no candles by websocket.*: .*binance") as caught:
        exchange_class("coinbase")
    assert caught.value.is_bad_input
