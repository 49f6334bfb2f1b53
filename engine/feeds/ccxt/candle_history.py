"""Candle history: asks an exchange for past candles, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tapedeck.engine.feeds.ccxt.candle_book import bar_of
from tapedeck.engine.feeds.ccxt.exchange_library import Candle, Exchange
from tapedeck.engine.feeds.ccxt.request_pace import RequestPace
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedHistory
from tapedeck.engine.intervals import Interval

OVER_AFTER_S: Final = 1.0
"""A candle is over this long after its end by our clock: that of the exchange may differ a little."""
QUIET_AFTER_S: Final = 120.0
"""Where an exchange has no candles of slots without a trade, a slot without one had none after this time."""
_REACHES_BACK: Final = 700
"""Slots that all exchanges can be asked for; further back, some give their oldest candle instead."""
_PAGE: Final = 500  # where the library does not know the exchange's limit
_LARGEST_PAGE: Final = 1000
_AT_ONCE: Final = 8


class _Part(NamedTuple):
    """Candles of one symbol. `covered`: seconds UTC up to which none is missing; 0 if it cannot be told."""

    bars: list[FeedBar]
    covered: int


class CandleHistory:
    """Past candles of one connection; all methods run in its event loop.

    The library keeps to the exchange's limit of requests; `pace` counts them.
    """

    def __init__(
        self, exchange: Exchange, interval: Interval, now: Callable[[], float], pace: RequestPace
    ) -> None:
        self._exchange, self._now, self._pace = exchange, now, pace
        self._step, self._timeframe = interval.seconds, str(interval)
        self._gives_empty = False  # whether the exchange has candles of slots without a trade
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, symbols: Sequence[str], start: int, end: int) -> FeedHistory:
        """Return the bars of slots that are over, of `start <= opened_at < end`; raises what ccxt raises."""
        tasks = [asyncio.ensure_future(self._of_symbol(symbol, start, end)) for symbol in symbols]
        try:
            parts = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        bars = [bar for part in parts for bar in part.bars]
        return FeedHistory(bars, min((part.covered for part in parts), default=0))

    async def page(self, symbol: str, start: int, slots: int) -> Sequence[Candle]:
        """Return the candles from `start` on, about as many as `slots`, also the one that forms."""
        limit = max(2, min(slots, self._page_size(symbol)))
        async with self._room:
            self._pace.made()
            candles = await self._exchange.fetch_ohlcv(symbol, self._timeframe, start * 1000, limit)
        self._gives_empty |= any(bar.volume == 0 for one in candles if (bar := bar_of(symbol, one)))
        return candles

    async def _of_symbol(self, symbol: str, start: int, end: int) -> _Part:
        asked_at = self._now()
        over = asked_at - OVER_AFTER_S  # by when candles were over that history has
        found: dict[int, FeedBar] = {}
        at = start
        while at <= end and at + self._step <= asked_at:
            # One more than asked for: the candle after the last one shows that the last one is complete.
            candles = await self.page(symbol, at, (end - at) // self._step + 2)
            given = {bar.opened_at: bar for one in candles if (bar := bar_of(symbol, one)) is not None}
            found |= given
            following = max(given, default=-1) + self._step
            if following <= at:
                break
            at = following
        whole = self._whole_until(max(found, default=start), over)
        bars = [bar for at, bar in found.items() if start <= at < min(end, whole - self._step + 1)]
        is_cut = start < over - _REACHES_BACK * self._step and min(found, default=end) > start
        return _Part([bar for bar in bars if bar.volume > 0], 0 if is_cut else whole)

    def _whole_until(self, newest: int, over: float) -> int:
        """Return up to when candles are complete: to the newest one, as history may lag behind the stream.

        The newest one may be as it was while it was forming.
        """
        return min(int(over), newest if self._gives_empty else max(newest, int(over - QUIET_AFTER_S)))

    def _page_size(self, symbol: str) -> int:
        size = self._exchange.feature_value(symbol, "fetchOHLCV", "limit", _PAGE)
        return min(size, _LARGEST_PAGE) if isinstance(size, int) and size > 0 else _PAGE
