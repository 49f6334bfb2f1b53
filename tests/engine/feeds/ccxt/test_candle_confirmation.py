"""Confirmations keep to a low rate at any number of symbols, and reach each of them in turn."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.ccxt.candle_book import CandleBook
from tapedeck.engine.feeds.ccxt.candle_confirmation import confirm_bars
from tapedeck.engine.feeds.ccxt.request_pace import RequestPace
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.intervals import MINUTE

START = 1_700_000_040


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop whose waits take no time, and pass on its own clock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        selector = selectors.SelectSelector()
        select = selector.select

        def at_once(timeout: float | None = None) -> Any:
            self.seconds += timeout or 0.0
            return select(0)

        selector.select = at_once  # type: ignore[method-assign]
        super().__init__(selector)

    def time(self) -> float:
        return self.seconds


class Market:
    """A stream with a bar of each symbol each minute; history has another close of each tenth symbol."""

    def __init__(self, symbols: int, loop: QuickLoop, pace: RequestPace) -> None:
        self.symbols = [f"S{n:03}/USDT" for n in range(symbols)]
        self.loop, self.pace = loop, pace
        self.book = CandleBook(60, 1.0)
        self.asked: list[tuple[float, str]] = []
        self.updated: list[FeedBar] = []
        self.fails: Callable[[float], bool] = lambda _: False

    def candle(self, slot: int, close: float) -> list[float]:
        return [(START + 60 * slot) * 1000, 1.0, 99.0, 1.0, close, 5.0]

    async def stream(self, minutes: int) -> None:
        for slot in range(minutes):
            for symbol in self.symbols:
                self.book.take(symbol, [self.candle(slot, 10.0)], START + 60 * slot + 30)
            await asyncio.sleep(60)

    async def page(self, symbol: str, start: int, slots: int) -> Sequence[Sequence[float]]:
        self.pace.made()
        self.asked.append((self.loop.seconds, symbol))
        if self.fails(self.loop.seconds):
            raise OSError("no network")
        close = 11.0 if symbol.endswith("0/USDT") else 10.0
        first = (start - START) // 60
        return [self.candle(slot, close) for slot in range(first, int(self.loop.seconds // 60) + 1)]

    def bars(self, bars: Sequence[FeedBar]) -> None:
        self.updated.extend(bars)


def played(symbols: int, minutes: int, fails: Callable[[float], bool] | None = None) -> Market:
    loop = QuickLoop()
    clock = LiveClock(start=START, anchor=0.0, wall=loop.time, monotonic=loop.time)
    pace = RequestPace(monotonic=loop.time)
    market = Market(symbols, loop, pace)
    if fails is not None:
        market.fails = fails

    async def play() -> None:
        work: Any = confirm_bars(
            market.book,
            market,
            MINUTE,
            market,
            clock,
            pace,
            monotonic=loop.time,  # type: ignore[arg-type]
        )
        confirming = asyncio.ensure_future(work)
        await market.stream(minutes)
        confirming.cancel()

    try:
        loop.run_until_complete(play())
    finally:
        loop.close()
    return market


def most_in_a_minute(times: Sequence[float]) -> int:
    return max(sum(at <= other < at + 60 for other in times) for at in times)


@pytest.mark.parametrize("symbols", [1, 40])
def test_at_most_20_requests_a_minute(symbols: int) -> None:
    market = played(symbols, 20)
    assert 0 < most_in_a_minute([at for at, _ in market.asked]) <= 20


def test_with_500_symbols_each_is_asked_before_one_is_asked_twice_and_all_in_half_an_hour() -> None:
    market = played(500, 27)
    assert most_in_a_minute([at for at, _ in market.asked]) <= 20
    first = [symbol for _, symbol in market.asked[:500]]
    assert sorted(first) == market.symbols
    assert {bar.symbol for bar in market.updated} == set(market.symbols[::10])
    assert {(bar.close, bar.kind) for bar in market.updated} == {(11.0, BarKind.UPDATED)}


def test_a_bar_is_confirmed_within_a_minute_with_few_symbols_and_once_each() -> None:
    market = played(10, 30)
    assert sorted(bar.opened_at for bar in market.updated) == [START + 60 * slot for slot in range(29)]


def test_after_failed_requests_it_waits_longer_and_longer_and_misses_nothing() -> None:
    market = played(10, 60, fails=lambda at: at < 1200)
    assert 0 < len([at for at, _ in market.asked if at < 1200]) < 15
    assert {bar.opened_at for bar in market.updated} >= {START + 60 * slot for slot in range(50)}
