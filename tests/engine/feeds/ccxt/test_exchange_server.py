"""The unmodified client of ccxt on the local exchange: what it sends, and what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

import ccxt
import ccxt.pro
import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tests.support.exchange_server.candles import GivenCandles
from tests.support.exchange_server.faults import Fault, FaultKind
from tests.support.exchange_server.server import ExchangeServer

START: Final = 1_381_147_200  # 2013-10-07 12:00 UTC
SPEED: Final = 1500.0
LIMIT_S: Final = 10.0
SYMBOLS: Final = ("BTC/USDT", "ETH/USDT")
EMPTY: Final = 8
"""Minute in which BTC/USDT has no trade, as in each fifth after it."""

Row = tuple[float, float, float, float, float]


def made_up(
    symbols: tuple[str, ...] = SYMBOLS, minutes: range = range(-10, 200)
) -> dict[str, dict[int, Row]]:
    """Return bars of minutes counted from the start, of prices in cents."""
    random, bars = Random(1), {}
    for symbol in symbols:
        rows = {}
        for minute in minutes:
            opening, close = (random.randint(9_000, 11_000) / 100 for _ in range(2))
            high, low = max(opening, close) + 0.25, min(opening, close) - 0.25
            rows[START + 60 * minute] = (opening, high, low, close, random.randint(1, 10**9) / 10**5)
        bars[symbol] = rows
    for minute in range(EMPTY, 200, 5):
        del bars["BTC/USDT"][START + 60 * minute]
    return bars


def server(*, begins: float = 0.0, speed: float = SPEED) -> ExchangeServer:
    return ExchangeServer(GivenCandles(made_up()), LiveClock(speed=speed, start=START + begins))


@asynccontextmanager
async def client(exchange: ExchangeServer) -> AsyncIterator[Any]:
    """Give the library's own client, with other addresses, of spot markets alone."""
    options = {"fetchMarkets": {"types": ["spot"]}}
    it = ccxt.pro.binance({"options": options, "enableRateLimit": False, "timeout": 1000})
    it.urls["api"]["ws"]["spot"] = exchange.stream_url
    it.urls["api"]["public"] = exchange.rest_url
    try:
        yield it
    finally:
        await it.close()


def talk(exchange: ExchangeServer, say: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """Run a talk of the client with a started exchange."""

    async def run() -> Any:
        async with client(exchange) as it:
            return await asyncio.wait_for(say(it), LIMIT_S)

    return asyncio.run(run())


async def updates_until(it: Any, end: float, symbols: tuple[str, ...] = SYMBOLS) -> dict[str, dict[int, Row]]:
    """Watch until all symbols have a candle that opens at `end` or later; return the last state of each."""
    seen: dict[str, dict[int, Row]] = {symbol: {} for symbol in symbols}
    while not all(rows and max(rows) >= end for rows in seen.values()):
        told = await it.watch_ohlcv_for_symbols([[symbol, "1m"] for symbol in symbols])
        for symbol, frames in told.items():
            for at, *values in frames["1m"]:
                seen[symbol][at // 1000] = tuple(values)
    return seen


def test_markets_and_history_are_those_of_the_exchange() -> None:
    async def say(it: Any) -> Any:
        await it.load_markets()
        return sorted(it.markets), await it.fetch_ohlcv("BTC/USDT", "1m", since=START * 1000, limit=1000)

    with server(begins=10 * 60 + 50) as exchange:
        symbols, rows = talk(exchange, say)
    assert symbols == sorted(SYMBOLS)
    bars = made_up()["BTC/USDT"]
    closed = {at // 1000: tuple(values) for at, *values in rows[:10] if values[-1]}
    assert closed == {at: row for at, row in bars.items() if START <= at < START + 600}
    flat = rows[EMPTY]
    last = bars[START + 60 * (EMPTY - 1)][3]
    assert flat[1:] == [last, last, last, last, 0.0]
    assert rows[-1][0] // 1000 >= START + 600  # the newest candle is forming


def test_a_page_has_the_oldest_candles_from_its_start_and_without_one_the_newest() -> None:
    async def say(it: Any) -> Any:
        await it.load_markets()
        first = await it.fetch_ohlcv("ETH/USDT", "1m", since=START * 1000, limit=4)
        last = await it.fetch_ohlcv("ETH/USDT", "1m", limit=4)
        until = await it.fetch_ohlcv("ETH/USDT", "1m", START * 1000, 1000, {"until": (START + 120) * 1000})
        return [[(row[0] // 1000 - START) // 60 for row in rows] for rows in (first, last, until)]

    with server(begins=20 * 60 + 50, speed=1.0) as exchange:
        assert talk(exchange, say) == [[0, 1, 2, 3], [17, 18, 19, 20], [0, 1, 2]]


def test_the_stream_gives_forming_candles_and_ends_each_with_its_bar() -> None:
    async def say(it: Any) -> Any:
        return await updates_until(it, exchange.clock.now() + 60 * 12)

    with server(speed=600) as exchange:
        seen = talk(exchange, say)
        subscribed = exchange.received.subscribed
    assert subscribed == [["btcusdt@kline_1m", "ethusdt@kline_1m"]]
    for symbol, bars in made_up().items():
        whole = range(min(seen[symbol]) + 60, max(seen[symbol]), 60)
        assert len(whole) > 4
        assert {at: seen[symbol][at] for at in whole if at in bars} == {
            at: bars[at] for at in whole if at in bars
        }
        flat = [at for at, row in seen[symbol].items() if at in whole and row[-1] == 0]
        assert flat == [at for at in whole if at not in bars]


@pytest.mark.parametrize("code", [1000, 1006, 1011])
def test_a_dropped_connection_is_an_error_of_the_watch_and_the_next_one_connects(code: int) -> None:
    async def say(it: Any) -> Any:
        await updates_until(it, START + 60)
        exchange.fault(FaultKind.DROP, code=code)
        with pytest.raises(ccxt.NetworkError):
            await updates_until(it, START + 10**6)
        await updates_until(it, exchange.clock.now())

    with server() as exchange:
        talk(exchange, say)
        assert exchange.received.connections == 2
        assert len(exchange.received.subscribed) == 2


@pytest.mark.parametrize(
    "kind", [FaultKind.TEXT, FaultKind.EMPTY, FaultKind.BIG, FaultKind.UNKNOWN], ids=lambda kind: kind.value
)
def test_an_odd_frame_leaves_the_connection(kind: FaultKind) -> None:
    async def say(it: Any) -> Any:
        await updates_until(it, START + 60)
        exchange.fault(kind)
        await updates_until(it, START + 60 * 8)

    with server() as exchange:
        talk(exchange, say)
        assert exchange.received.connections == 1


def test_a_frame_that_is_no_text_stops_the_client_which_hears_nothing_more() -> None:
    async def say(it: Any) -> None:
        it_began = exchange.clock.now()
        await updates_until(it, it_began)
        exchange.fault(FaultKind.GARBAGE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(updates_until(it, it_began + 10**6), 0.5)
        assert exchange.connections == 1

    with server() as exchange:
        talk(exchange, say)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.STATUS, START, 10**6, status=401), ccxt.AuthenticationError),
        (Fault(FaultKind.STATUS, START, 10**6, status=403), ccxt.ExchangeNotAvailable),
        (Fault(FaultKind.STATUS, START, 10**6, status=418), ccxt.DDoSProtection),
        (Fault(FaultKind.STATUS, START, 10**6, status=429), ccxt.DDoSProtection),
        (Fault(FaultKind.STATUS, START, 10**6, status=451), ccxt.ExchangeNotAvailable),
        (Fault(FaultKind.STATUS, START, 10**6, status=500), ccxt.OperationFailed),
        (Fault(FaultKind.HANG, START, 10**6), ccxt.RequestTimeout),
        (Fault(FaultKind.CUT, START, 10**6), ccxt.ExchangeNotAvailable),
    ],
    ids=lambda value: f"{value.kind.value} {value.status}" if isinstance(value, Fault) else value.__name__,
)
def test_a_failing_request_is_an_error_of_the_client(fault: Fault, error: type[Exception]) -> None:
    async def say(it: Any) -> None:
        with pytest.raises(error):
            await it.load_markets()

    with server() as exchange:
        exchange.faults.faults.append(fault)
        talk(exchange, say)
        assert exchange.received.of_path("exchangeInfo")
