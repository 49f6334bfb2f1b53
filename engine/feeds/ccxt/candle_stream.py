"""Candle stream: subscribes candles of an exchange by websocket, and hands bars to a sink."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.ccxt.candle_book import CandleBook
from tapedeck.engine.feeds.ccxt.exchange_errors import feed_error
from tapedeck.engine.feeds.ccxt.exchange_library import Candle, Exchange, StreamClient
from tapedeck.engine.feeds.ccxt.loop_thread import LoopThread
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedError, FeedSink
from tapedeck.engine.intervals import Interval

CLOSE_DELAY_S: Final = 1.0
"""Wait for the last message of a candle after its end, in market seconds, unless the next one comes."""
DIAL_S: Final = 4.0
"""Longest wait for the websocket of the first subscription, in seconds of the machine."""
FIRST_MESSAGE_S: Final = 1.5
"""Longest wait for a first candle, or a refusal, once connected: a quiet market has none to send."""
_COALESCE_S: Final = (0.1, 0.05)  # of the market, at most of the machine: updates taken together
_LATEST: Final = 3  # candles of a cache that are looked at again with each update
_IN_ONE_REQUEST: Final = 100
_FEWER_IN_ONE_REQUEST: Final = {"bybit": 10, "bybiteu": 10, "bybitid": 10}  # their limit for spot markets


class CandleStream:
    """Candles of one connection; all methods run in its event loop.

    `lost` takes the reason, once, when the stream is lost. The library would connect again by itself, and
    not tell that candles were missed: so the first fault of a websocket is the end of this stream.
    """

    def __init__(
        self,
        exchange: Exchange,
        book: CandleBook,
        interval: Interval,
        sink: FeedSink,
        clock: LiveClock,
        loop: LoopThread,
        lost: Callable[[str], None],
    ) -> None:
        self._exchange, self._book, self.sink = exchange, book, sink
        self._clock, self._loop, self._on_lost = clock, loop, lost
        self._step, self._timeframe = interval.seconds, str(interval)
        self._symbols: dict[str, tuple[object, ...]] = {}  # with the tail of its cache when last looked at
        self._came: list[tuple[str, list[Candle]]] = []  # received, and not taken yet
        self._is_due = False  # whether they will be taken in a moment
        self._dialed = asyncio.Event()
        self._is_streaming = self._is_lost = False
        self._closer: asyncio.Task[None] | None = None
        self.heard = asyncio.Event()
        """Set by the first candle."""
        self.is_attended = False
        """Whether its bars are being confirmed by history."""
        self._hook(exchange)

    async def subscribe(self, symbols: Sequence[str]) -> None:
        """Subscribe further symbols; FeedError if the exchange refuses, or no websocket comes about."""
        new = [symbol for symbol in symbols if symbol not in self._symbols]
        groups = list(self._groups(new))
        self._symbols |= dict.fromkeys(new, ())
        firsts: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in groups]
        tasks = [self._loop.keep_running(self._watch(*both)) for both in zip(groups, firsts, strict=True)]
        try:
            await self._until_first(firsts)
        except BaseException:
            for task in tasks:
                task.cancel()
            for symbol in new:
                del self._symbols[symbol]
            raise
        self._is_streaming = True
        if self._closer is None:
            self._closer = self._loop.keep_running(self._close_slots())

    async def _until_first(self, firsts: Sequence[asyncio.Future[None]]) -> None:
        """Wait until each group of symbols has its first candle, or for a while once connected."""
        if not firsts:
            return
        everything = asyncio.gather(*firsts)
        dialed = asyncio.ensure_future(self._dialed.wait())
        try:
            either: set[asyncio.Future[Any]] = {everything, dialed}
            await asyncio.wait(either, timeout=DIAL_S, return_when=asyncio.FIRST_COMPLETED)
            if not everything.done() and not dialed.done():
                raise FeedError(f"no websocket connection to {self._exchange.id} within {DIAL_S:g} s")
            await asyncio.wait({everything}, timeout=FIRST_MESSAGE_S)
            if everything.done():
                everything.result()
        except Exception as error:
            raise feed_error(error, self._exchange.id) from error
        finally:
            dialed.cancel()
            everything.cancel()

    async def _watch(self, symbols: Sequence[str], first: asyncio.Future[None]) -> None:
        """Receive the candles of some symbols, until the stream is lost."""
        try:
            while True:
                self._arrived(await self._next(symbols))
                if not first.done():
                    first.set_result(None)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the library's, of any kind
            if not first.done():
                first.set_exception(error)
            else:
                self._lost(str(feed_error(error, self._exchange.id)))

    async def _next(self, symbols: Sequence[str]) -> Mapping[str, Mapping[str, Sequence[Candle]]]:
        if self._exchange.has.get("watchOHLCVForSymbols"):
            wanted = [[symbol, self._timeframe] for symbol in symbols]
            return await self._exchange.watch_ohlcv_for_symbols(wanted)
        candles = await self._exchange.watch_ohlcv(symbols[0], self._timeframe)
        return {symbols[0]: {self._timeframe: candles}}

    def _groups(self, symbols: Sequence[str]) -> Iterator[Sequence[str]]:
        """Yield the symbols of each subscription, of one kind of market: each kind has its own websocket."""
        if not self._exchange.has.get("watchOHLCVForSymbols"):
            yield from ([symbol] for symbol in symbols)
            return
        kinds: dict[object, list[str]] = {}
        for symbol in symbols:
            market = self._exchange.market(symbol)
            kinds.setdefault((market.get("type"), market.get("subType")), []).append(symbol)
        most = _FEWER_IN_ONE_REQUEST.get(self._exchange.id, _IN_ONE_REQUEST)
        for kind in kinds.values():
            yield from (kind[at : at + most] for at in range(0, len(kind), most))

    # Candles

    def _arrived(self, update: Mapping[str, Mapping[str, Sequence[Candle]]]) -> None:
        """Have candles taken in a moment, with those of other symbols.

        From the caches: what a call returns may lack the last update of the candle before the newest one,
        and is old by then. It is kept only where an exchange has no cache.
        """
        self.heard.set()
        for symbol, of_symbol in update.items():
            if symbol in self._symbols and not self._cache(symbol):
                # Copied: the library changes its lists in place.
                self._came.append((symbol, [list(one) for one in of_symbol.get(self._timeframe, ())]))
        if not self._is_due:
            self._is_due = True
            market, machine = _COALESCE_S
            wait = min(self._clock.real_seconds(market), machine)
            asyncio.get_running_loop().call_later(wait, self._take)

    def _take(self) -> None:
        """Take what came, and what the library's caches have: a call returns one symbol's candles alone."""
        if self._is_lost:
            return
        is_message = self._is_due  # else the clock has come to the end of a slot
        came, self._came, self._is_due = [*self._changed(), *self._came], [], False
        now = self._clock.now()
        bars: list[FeedBar] = []
        forming: list[FeedBar] = []
        for symbol, candles in came:
            taken = self._book.take(symbol, candles, now)
            bars.extend(taken.bars)
            forming.extend(taken.forming)
        if bars:
            self.sink.bars(bars)
        if came or is_message:
            self.sink.forming(forming)  # without any, too: the feed is not mute

    def _changed(self) -> Iterator[tuple[str, list[Candle]]]:
        """Yield the last candles of the symbols whose cache has changed."""
        for symbol, tail in self._symbols.items():
            cache = self._cache(symbol)
            length = len(cache)
            latest = tuple(tuple(one) for one in islice(reversed(cache), _LATEST))
            if not length or tail == (length, latest):
                continue
            before = tail[0] if tail and isinstance(tail[0], int) else 0
            self._symbols[symbol] = (length, latest)
            yield symbol, [list(one) for one in islice(reversed(cache), _LATEST + length - before)]

    def _cache(self, symbol: str) -> Sequence[Candle]:
        return self._exchange.ohlcvs.get(symbol, {}).get(self._timeframe, ())

    async def _close_slots(self) -> None:
        """Send the bars of each slot when it is over by the market's clock, for ever."""
        while not self._is_lost:  # a candle whose last message may be lost is not delivered
            now = self._clock.now() - CLOSE_DELAY_S
            end = (now // self._step + 1) * self._step + CLOSE_DELAY_S
            while (wait := self._clock.wait_seconds(end)) > 0:
                await asyncio.sleep(wait)
            if self._came or self._symbols:
                self._take()
            bars = [] if self._is_lost else self._book.close(self._clock.now())
            if bars:
                self.sink.bars(bars)

    # Faults

    def _hook(self, exchange: Exchange) -> None:
        """Have the library tell of its websockets; these methods are meant for it."""
        connected, failed, closed = exchange.on_connected, exchange.on_error, exchange.on_close

        def on_connected(client: StreamClient, *rest: object) -> None:
            connected(client, *rest)
            self._dialed.set()

        def on_error(client: StreamClient, error: BaseException) -> None:
            failed(client, error)
            self._fault(str(feed_error(error, exchange.id)))

        def on_close(client: StreamClient, code: object) -> None:
            closed(client, code)
            self._fault(f"{exchange.id} closed the websocket ({code})")

        exchange.on_connected, exchange.on_error, exchange.on_close = on_connected, on_error, on_close

    def _fault(self, reason: str) -> None:
        if self._is_streaming:  # before, the subscription fails with the error
            self._lost(reason)

    def _lost(self, reason: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._on_lost(reason)
