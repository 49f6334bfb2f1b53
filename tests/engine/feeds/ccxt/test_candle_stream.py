"""The stream of candles: one subscription for many symbols where the exchange has it, else one for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.ccxt.candle_book import CandleBook
from tapedeck.engine.feeds.ccxt.candle_stream import CLOSE_DELAY_S, CandleStream
from tapedeck.engine.feeds.ccxt.loop_thread import LoopThread
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.intervals import MINUTE

START = 1_700_000_040
LIMIT_S = 5.0
MANY = tuple(f"S{n:03}/USDT" for n in range(250))


def candle(minute: int, close: float, volume: float = 1.0) -> list[float]:
    return [(START + 60 * minute) * 1000, 10.0, 20.0, 5.0, close, volume]


class PushedExchange:
    """An exchange whose candles a test pushes; calls return as the library's: with one symbol's candles."""

    def __init__(self, *, in_one: bool) -> None:
        self.id = "binance"
        self.has = {"watchOHLCVForSymbols": in_one}
        self.ohlcvs: dict[str, dict[str, list[list[float]]]] = {}
        self.watched: list[tuple[str, ...]] = []
        self.waiting: list[tuple[tuple[str, ...], asyncio.Future[Any]]] = []
        self.on_connected: Any = lambda *_: None
        self.on_error: Any = lambda *_: None
        self.on_close: Any = lambda *_: None

    def market(self, symbol: str) -> dict[str, Any]:
        return {"type": "swap" if ":" in symbol else "spot"}

    async def watch_ohlcv_for_symbols(self, wanted: Sequence[Sequence[str]]) -> Any:
        return await self.watch(tuple(symbol for symbol, _ in wanted))

    async def watch_ohlcv(self, symbol: str, timeframe: str) -> Any:
        assert timeframe == "1m"
        return (await self.watch((symbol,)))[symbol]["1m"]

    async def watch(self, symbols: tuple[str, ...]) -> Any:
        if symbols not in self.watched:
            self.watched.append(symbols)
            asyncio.get_running_loop().call_soon(self.on_connected, SimpleNamespace(url="ws://"))
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((symbols, future))
        return await future

    def push(self, symbol: str, *candles: list[float]) -> None:
        """Put candles into the cache, and wake a call that waits for the symbol, if there is one."""
        cache = self.ohlcvs.setdefault(symbol, {}).setdefault("1m", [])
        for one in candles:
            known = [at for at, row in enumerate(cache) if row[0] == one[0]]
            if known:
                cache[known[0]][:] = one
            else:
                cache.append(one)
        for symbols, future in self.waiting:
            if symbol in symbols and not future.done():
                future.set_result({symbol: {"1m": cache[-1:]}})

    def fail(self, error: BaseException) -> None:
        for _, future in self.waiting:
            if not future.done():
                future.set_exception(error)


class Run:
    """A stream in an event loop, with what it sent, at a market time that the test sets."""

    def __init__(self, *, in_one: bool = True) -> None:
        self.exchange = PushedExchange(in_one=in_one)
        self.bars_sent: list[tuple[str, int, float, str]] = []
        self.heard = 0
        self.reasons: list[str] = []
        self.seconds = 0.0
        clock = LiveClock(start=START, anchor=0.0, wall=lambda: self.seconds, monotonic=lambda: self.seconds)
        exchange: Any = self.exchange
        sink: Any = self
        tasks: Any = SimpleNamespace(keep_running=asyncio.ensure_future)
        loop: LoopThread = tasks
        book = CandleBook(60, CLOSE_DELAY_S)
        self.stream = CandleStream(exchange, book, MINUTE, sink, clock, loop, self.reasons.append)

    def bars(self, bars: Sequence[FeedBar]) -> None:
        for bar in bars:
            self.bars_sent.append((bar.symbol, (bar.opened_at - START) // 60, bar.close, bar.kind.value))

    def forming(self, bars: Sequence[FeedBar]) -> None:
        self.heard += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                await asyncio.sleep(0.005)

    async def subscribe(self, *symbols: str) -> None:
        """Subscribe symbols, each of which gets a first candle at once."""
        task = asyncio.ensure_future(self.stream.subscribe(symbols))
        await asyncio.sleep(0.01)
        for symbol in symbols:
            self.exchange.push(symbol, candle(0, 11.0))
        await task


def played(run: Run, play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def all_of_it() -> None:
        await play()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run(all_of_it())


def test_many_symbols_are_subscribed_in_a_few_messages_by_kind_of_market() -> None:
    run = Run()

    async def play() -> None:
        await run.subscribe(*MANY, "BTC/USDT:USDT")

    played(run, play)
    assert [len(symbols) for symbols in run.exchange.watched] == [100, 100, 50, 1]


def test_an_exchange_without_such_subscriptions_gets_one_for_each_symbol() -> None:
    run = Run(in_one=False)

    async def play() -> None:
        await run.subscribe("BTC/USDT", "ETH/USDT")
        run.exchange.push("ETH/USDT", candle(1, 12.0))
        await run.until(lambda: bool(run.bars_sent))

    played(run, play)
    assert run.exchange.watched == [("BTC/USDT",), ("ETH/USDT",)]
    assert run.bars_sent == [("ETH/USDT", 0, 11.0, "bar")]


def test_candles_of_symbols_for_which_no_call_returned_are_taken_from_the_cache() -> None:
    run = Run()

    async def play() -> None:
        await run.subscribe(*MANY[:3])
        for symbol in MANY[:3]:  # in one go: the first wakes the call, which returns its candles alone
            run.exchange.push(symbol, candle(0, 12.0), candle(1, 13.0))
        await run.until(lambda: len(run.bars_sent) == 3)
        run.exchange.push(MANY[0], candle(0, 14.0))  # the call returns the newest candle, not this one
        await run.until(lambda: len(run.bars_sent) == 4)

    played(run, play)
    assert run.bars_sent[:3] == [(symbol, 0, 12.0, "bar") for symbol in MANY[:3]]
    assert run.bars_sent[3] == (MANY[0], 0, 14.0, "updated")


def test_a_slot_is_closed_by_the_clock_with_what_the_cache_has_at_that_moment() -> None:
    run = Run()

    async def play() -> None:
        await run.subscribe(*MANY[:2])
        run.exchange.ohlcvs[MANY[1]]["1m"][0][4] = 19.0  # without a call that returns
        run.seconds = 60 + CLOSE_DELAY_S
        await run.until(lambda: len(run.bars_sent) == 2)

    played(run, play)
    assert sorted(run.bars_sent) == [(MANY[0], 0, 11.0, "bar"), (MANY[1], 0, 19.0, "bar")]


def test_a_message_that_changes_nothing_is_told_as_it_shows_that_the_feed_is_not_mute() -> None:
    run = Run()

    async def play() -> None:
        await run.subscribe("BTC/USDT")
        await run.until(lambda: run.heard == 1)
        run.exchange.push("BTC/USDT", candle(0, 11.0))
        await run.until(lambda: run.heard == 2)

    played(run, play)
    assert run.bars_sent == []


@pytest.mark.parametrize("fault", ["error", "close", "refused call"])
def test_after_a_fault_the_reason_is_told_once_and_no_bar_is_sent(fault: str) -> None:
    run = Run()

    async def play() -> None:
        await run.subscribe(*MANY[:2])
        client = SimpleNamespace(url="ws://")
        if fault == "error":
            run.exchange.on_error(client, ValueError("broken"))
        elif fault == "close":
            run.exchange.on_close(client, 1006)
        run.exchange.fail(ConnectionResetError())
        await run.until(lambda: bool(run.reasons))
        run.seconds = 300.0
        run.exchange.push(MANY[0], candle(1, 12.0))
        await asyncio.sleep(0.05)

    played(run, play)
    assert len(run.reasons) == 1
    assert "binance" in run.reasons[0]
    assert run.bars_sent == []


def test_symbols_that_are_refused_leave_the_others_as_they_were() -> None:
    run = Run()

    async def play() -> None:
        await run.subscribe("BTC/USDT")
        joining = asyncio.ensure_future(run.stream.subscribe(["ETH/USDT"]))
        await asyncio.sleep(0.01)
        run.exchange.waiting[-1][1].set_exception(ValueError("invalid stream"))
        with pytest.raises(FeedError, match="invalid stream"):
            await joining
        run.exchange.push("ETH/USDT", candle(0, 9.0), candle(1, 9.0))
        run.exchange.push("BTC/USDT", candle(1, 12.0))
        await run.until(lambda: bool(run.bars_sent))

    played(run, play)
    assert run.bars_sent == [("BTC/USDT", 0, 11.0, "bar")]
    assert run.reasons == []
