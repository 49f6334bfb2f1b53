"""Feed ccxt: public candles of a crypto exchange as bars of a live session."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Final, NamedTuple

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.ccxt.candle_book import CandleBook, bar_of
from tapedeck.engine.feeds.ccxt.candle_confirmation import confirm_bars
from tapedeck.engine.feeds.ccxt.candle_history import CandleHistory
from tapedeck.engine.feeds.ccxt.candle_stream import CLOSE_DELAY_S, CandleStream
from tapedeck.engine.feeds.ccxt.exchange_errors import NotThereError
from tapedeck.engine.feeds.ccxt.exchange_library import Exchange, check_installed, exchange_class
from tapedeck.engine.feeds.ccxt.exchange_line import ExchangeLine
from tapedeck.engine.feeds.ccxt.exchange_symbols import check_symbols, unknown_symbols
from tapedeck.engine.feeds.ccxt.exchange_time import tell_time
from tapedeck.engine.feeds.ccxt.request_pace import RequestPace
from tapedeck.engine.feeds.ccxt.url_overrides import UrlOverrides
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory, FeedSink
from tapedeck.engine.intervals import MINUTE, SECOND, Interval

NAME: Final = "ccxt"
MOST_SYMBOLS: Final = 1000
"""Symbols of one websocket: that of Binance takes 1,024."""
MARKETS_FOR_S: Final = 12 * 3600.0
"""Markets that were loaded are used again by later connections for so long, in seconds of the machine."""
_RELOAD_AFTER_S: Final = 600.0  # an unknown symbol may be a new one
_SUBSCRIBE_S: Final = 8.0
_RELOAD_S: Final = 4.0
_CHECKED_SLOTS: Final = 5

MakeExchange = Callable[[Mapping[str, object]], Exchange]


class _Connection(NamedTuple):
    """One connection: its line, and what runs in its event loop."""

    line: ExchangeLine
    stream: CandleStream
    history: CandleHistory


class CcxtFeed:
    """A live feed of the candles of one exchange.

    The exchange sends candles that form. A bar is delivered when its slot is over, `CLOSE_DELAY_S` by the
    market's clock or with the next candle; a change after that is an updated bar, as is what history has
    otherwise, which is asked at a low rate. Quotes are not streamed.
    """

    def __init__(
        self,
        exchange: str,
        interval: Interval,
        clock: LiveClock,
        *,
        overrides: UrlOverrides | None = None,
        find: Callable[[str], MakeExchange] = exchange_class,
    ) -> None:
        self._exchange, self._interval, self._clock = exchange, interval, clock
        self._overrides = UrlOverrides() if overrides is None else overrides
        self._find = find
        self._lock = Lock()  # guards the next three: another thread may close the feed
        self._lines: set[ExchangeLine] = set()  # also while they are being opened
        self._connection: _Connection | None = None
        self._closes = 0
        self._known: ExchangeLine | None = None  # a line, open or not, that has the markets
        # One connection after the other uses them.
        self._book = CandleBook(interval.seconds, CLOSE_DELAY_S)
        self._pace = RequestPace()

    @property
    def name(self) -> str:
        """Name of the feed; bars of two exchanges never mix in one series."""
        return f"{NAME}-{self._exchange}"

    @property
    def abilities(self) -> FeedAbilities:
        """Intervals that exchanges have as candles; whether this one has it is known once connected."""
        return FeedAbilities((SECOND, MINUTE), most_symbols=MOST_SYMBOLS)

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Load the exchange's markets within `timeout` seconds, unless they are known; FeedError if not.

        That the exchange cannot be reached is final for the first connection. The first `subscribe` opens
        the websocket.
        """
        began = time.monotonic()
        self.close()
        with self._lock:
            closes = self._closes
        make = self._find(self._exchange)
        line = self._made_line(make, sink.lost, closes)
        try:
            self._check_candles(line.exchange)
            line.open(timeout - (time.monotonic() - began), self._markets())
            stream = CandleStream(
                line.exchange, self._book, self._interval, sink, self._clock, line.loop, line.lost
            )
            history = CandleHistory(line.exchange, self._interval, self._clock.now, self._pace)
        except NotThereError as error:
            self._end(line)
            raise FeedError(str(error), is_final=self._known is None) from error
        except BaseException:
            self._end(line)
            raise
        self._known = line
        self._book.disconnect()
        with self._lock:
            self._check_wanted(closes)
            self._connection = _Connection(line, stream, history)

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Deliver the bars of these symbols, and of those subscribed before.

        FeedError (bad input) names symbols that the exchange does not have or does not trade. Returns with
        the first candles, or when the exchange has not refused for a moment.
        """
        self._check_interval(interval)
        line, stream, history = self._connected()
        self._check_symbols(line, symbols)
        line.run(lambda: stream.subscribe(symbols), _SUBSCRIBE_S)
        if not stream.is_attended:
            stream.is_attended = True
            line.run(lambda: self._attend(line, stream, history), _SUBSCRIBE_S)

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the bars of slots that are over, with `start <= opened_at < end`; FeedError in time.

        One request for each symbol and page, within the exchange's limits.
        """
        self._check_interval(interval)
        line, _, history = self._connected()
        if not line.exchange.has.get("fetchOHLCV"):
            raise FeedError(f"{self._exchange} has no history of candles in ccxt", is_final=True)
        if unknown := unknown_symbols(line.exchange, symbols):
            raise FeedError(f"{self._exchange} has no symbols {listed(unknown)}", is_final=True)
        return line.run(lambda: history.ask(symbols, start, end), timeout)

    def check(self, symbols: Sequence[str], timeout: float) -> Sequence[str]:
        """Return what was found: markets, symbols, and history of the first one; FeedError for a fault.

        `timeout` counts from when the library is loaded.
        """
        make = self._find(self._exchange)
        began = time.monotonic()

        def left() -> float:
            return timeout - (time.monotonic() - began)

        with self._lock:
            closes = self._closes
        line = self._made_line(make, lambda _: None, closes)
        try:
            self._check_candles(line.exchange)
            line.open(left(), self._markets())
            lines = [f"{self._exchange}: {len(line.exchange.markets or {}):,} markets; no account is needed"]
            check_symbols(line.exchange, symbols)
            lines.append(f"symbols: {listed(symbols)}")
            if symbols:
                lines.append(self._checked_history(line, symbols[0], left()))
            lines.append(f"candles of {self._interval} by websocket; no quotes: they are made of the bars")
            return lines
        finally:
            self._end(line)

    def close(self) -> None:
        """End the connection and its thread; what another thread waits for fails."""
        with self._lock:
            self._closes += 1
            lines, self._lines, self._connection = self._lines, set(), None
        for line in lines:
            line.close()

    def _made_line(self, make: MakeExchange, failed: Callable[[str], None], closes: int) -> ExchangeLine:
        """Return a new line, which `close` ends, unless the feed was closed meanwhile."""
        line = ExchangeLine(make, self._overrides, self._exchange, failed)
        try:
            with self._lock:
                self._check_wanted(closes)
                self._lines.add(line)
        except FeedError:
            line.close()
            raise
        return line

    def _check_wanted(self, closes: int) -> None:
        if self._closes != closes:
            raise FeedError(f"the connection to {self._exchange} was closed while it was being made")

    def _end(self, line: ExchangeLine) -> None:
        with self._lock:
            self._lines.discard(line)
        line.close()

    def _connected(self) -> _Connection:
        with self._lock:
            connection = self._connection
        if connection is None:
            raise FeedError(f"{self._exchange} is not connected")
        return connection

    def _markets(self) -> ExchangeLine | None:
        """Return a line whose markets may be used again."""
        known = self._known
        if known is None or known.loaded_at is None:
            return None
        return known if time.monotonic() - known.loaded_at < MARKETS_FOR_S else None

    def _check_symbols(self, line: ExchangeLine, symbols: Sequence[str]) -> None:
        age = time.monotonic() - (line.loaded_at or 0.0)
        if unknown_symbols(line.exchange, symbols) and age > _RELOAD_AFTER_S:
            line.reload(_RELOAD_S)
        check_symbols(line.exchange, symbols)

    def _check_interval(self, interval: Interval) -> None:
        if interval != self._interval:
            raise FeedError(
                f"invalid interval '{interval}' for the feed {NAME}: it delivers '{self._interval}'",
                is_final=True,
            )

    def _check_candles(self, exchange: Exchange) -> None:
        """Check that the exchange has candles of the session's interval."""
        known = exchange.timeframes or {}
        if str(self._interval) not in known:
            raise FeedError(
                f"{self._exchange} has no candles of {self._interval}: it has {listed(tuple(known), 20)}",
                is_bad_input=True,
            )

    async def _attend(self, line: ExchangeLine, stream: CandleStream, history: CandleHistory) -> None:
        """Begin what runs beside the stream: confirmations, and the comparison of clocks."""
        if line.exchange.has.get("fetchOHLCV"):
            work = confirm_bars(self._book, history, self._interval, stream.sink, self._clock, self._pace)
            line.loop.keep_running(work)
        if line.exchange.has.get("fetchTime") is True:
            line.loop.keep_running(tell_time(line.exchange, stream.heard, stream.sink, self._pace))

    def _checked_history(self, line: ExchangeLine, symbol: str, timeout: float) -> str:
        history = CandleHistory(line.exchange, self._interval, self._clock.now, self._pace)
        step = self._interval.seconds
        start = int(self._clock.now()) // step * step - _CHECKED_SLOTS * step
        candles = line.run(lambda: history.page(symbol, start, _CHECKED_SLOTS + 1), timeout)
        bars = [bar for one in candles if (bar := bar_of(symbol, one)) is not None]
        if not bars:
            return f"history of {symbol}: no candle in the last {_CHECKED_SLOTS} x {self._interval}"
        last = datetime.fromtimestamp(max(bar.opened_at for bar in bars), UTC)
        return f"history of {symbol}: {len(bars)} candles, the last of {last:%Y-%m-%d %H:%M} UTC"


def make_ccxt_feed(context: FeedContext) -> CcxtFeed:
    """Return the feed of a session; FeedError (bad input) without the library, or without an exchange.

    The library is imported with the first connection: that takes a second or two.
    """
    check_installed()
    exchange = context.config.api_config.exchange
    if exchange is None:
        raise FeedError(
            "api_config.exchange is not set: the feed ccxt needs the name of an exchange, such as binance",
            is_bad_input=True,
        )
    if not context.interval.is_intraday:
        raise FeedError(
            f"invalid interval '{context.interval}' for the feed {NAME}: use one below a day, such as 1m",
            is_bad_input=True,
        )
    overrides = UrlOverrides.from_environment()
    return CcxtFeed(exchange.strip(), context.interval, context.clock, overrides=overrides)
