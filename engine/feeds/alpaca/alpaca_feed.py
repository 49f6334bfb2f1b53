"""Feed alpaca: minute bars and quotes of US stocks and crypto, live, from an account of Alpaca."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import re
import time
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.alpaca.alpaca_account import AlpacaAccount
from tapedeck.engine.feeds.alpaca.alpaca_keys import read_keys
from tapedeck.engine.feeds.alpaca.message_delivery import MessageDelivery
from tapedeck.engine.feeds.alpaca.nonsense import Nonsense
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory, FeedSink
from tapedeck.engine.feeds.slot_quotes import SlotQuotes
from tapedeck.engine.intervals import MINUTE, Interval

if TYPE_CHECKING:  # alpaca-py is imported only when the feed is used
    from tapedeck.engine.feeds.alpaca.alpaca_history import AlpacaHistory
    from tapedeck.engine.feeds.alpaca.alpaca_stream import AlpacaStream

log = logging.getLogger(__name__)

NAME: Final = "alpaca"
STREAM_URL_VARIABLE: Final = "TAPEDECK_ALPACA_STREAM_URL"
DATA_URL_VARIABLE: Final = "TAPEDECK_ALPACA_DATA_URL"
LIBRARY: Final = "alpaca-py"
LIBRARY_VERSIONS: Final = ((0, 44), (0, 45))
"""First version that is used, and the first one that is not."""
PREFLIGHT_S: Final = 4.0
CONNECT_S: Final = 4.8
"""Time for a connection in all, with the preflight of the first one."""
SUBSCRIBE_S: Final = 4.5
_INSTALL: Final = "pip install 'tapedeck-console[alpaca]'"
_FREE_SYMBOLS: Final = 30
_SYMBOL: Final = re.compile(r"[A-Za-z0-9./-]+")
_CRYPTO: Final = ("CRYPTO",)
_STOCKS: Final = ("EQUITY", "ETF")


class AlpacaFeed:
    """Live feed of an Alpaca account: one stream, and REST for history.

    `symbols`: those that the first connection is checked with. `wants_quotes`: whether quotes are streamed.
    Its threads are those of the connection; `history` and `check` run in the caller's.
    """

    def __init__(
        self, account: AlpacaAccount, symbols: Sequence[str], clock: LiveClock, *, wants_quotes: bool
    ) -> None:
        self._account, self._symbols, self._clock = account, tuple(symbols), clock
        # Kept from one connection to the next: a slot may have had its last quote before a break.
        self._quotes = SlotQuotes(MINUTE) if wants_quotes else None
        self.nonsense = Nonsense()
        """What the provider sent that has no meaning."""
        self._known: set[str] = set()  # symbols that the provider has
        self._is_checked = False
        self._line: _Line | None = None
        self._lock = Lock()  # guards the line: another thread may close the feed

    @property
    def name(self) -> str:
        """Name of the feed with its data: bars of iex and sip never mix in one series."""
        return f"{NAME}-{'crypto' if self._account.is_crypto else self._account.feed}"

    @property
    def abilities(self) -> FeedAbilities:
        """Minutes, with history and quotes; how many symbols is the plan's, which it tells when asked."""
        return FeedAbilities((MINUTE,), has_history=True, has_quotes=True)

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Connect within 4.8 s, or `timeout` seconds, or raise FeedError with the reason.

        Before the first connection, REST is asked whether keys, plan and symbols are right; then it is final
        that there is no network, too.
        """
        begun = time.monotonic()
        self.close()
        line = _Line(self._account, sink, self._clock, self.nonsense, self._quotes)
        with self._lock:
            self._line = line
        try:
            if not self._is_checked:
                deadline = begun + min(PREFLIGHT_S, timeout * 0.8)
                self._known |= line.checks.check_symbols(
                    _checked_symbols(self._symbols or self._probe), deadline=deadline, is_start=True
                ).keys()
                self._is_checked = True
            line.open(begun + min(CONNECT_S, timeout))
        except BaseException:
            line.close()
            raise

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Deliver the minute bars of these symbols, too; FeedError within 5 s names those that are not.

        Symbols that were not checked yet are asked for first.
        """
        deadline = time.monotonic() + SUBSCRIBE_S
        _check_interval(interval)
        line = self._current("connect before subscribe")
        new = [symbol for symbol in _checked_symbols(symbols) if symbol not in self._known]
        if new:
            self._check_new(line, new, deadline)
        line.stream.subscribe(symbols, deadline)

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the bars with `start <= opened_at < end`; see `AlpacaHistory.bars`."""
        _check_interval(interval)
        line = self._current("connect before history")
        asked = _checked_symbols(symbols)
        return line.history.bars(asked, start, end, now=self._clock.now(), timeout=timeout)

    def check(self, symbols: Sequence[str], timeout: float) -> Sequence[str]:
        """Check keys, plan, symbols and history over REST, without a stream; see `CheckedFeed`."""
        begun = time.monotonic()
        history = _made_history(self._account, self.nonsense)
        try:
            last = history.check_symbols(
                _checked_symbols(symbols or self._probe),
                deadline=begun + min(PREFLIGHT_S, timeout),
                is_start=True,
            )
            lines = [
                f"alpaca-py {importlib.metadata.version(LIBRARY)}",
                f"keys: from {self._account.keys.place}, accepted",
                f"data: {self._data}, allowed by the plan",
                f"symbols: {listed(symbols)}, known",
            ]
            latest = max(last.values(), default=None)
            if latest is not None and latest.timestamp() > 0:
                lines.append(f"last bar: {latest:%Y-%m-%d %H:%M} UTC")
            if symbols:
                history.check_bars(symbols[0], now=self._clock.now(), deadline=begun + timeout)
                lines.append("history: answers")
            if len(symbols) > _FREE_SYMBOLS:
                lines.append(
                    f"limit: {len(symbols)} symbols; the free plan streams {_FREE_SYMBOLS}, which only the "
                    "stream tells"
                )
        finally:
            history.shut()
        return lines

    def close(self) -> None:
        """End the connection, its threads, and requests that run, within a second."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    @property
    def _probe(self) -> Sequence[str]:
        """Symbols with which keys and plan are checked if a session has none at its start."""
        return ("BTC/USD",) if self._account.is_crypto else ("SPY",)

    @property
    def _data(self) -> str:
        return "crypto" if self._account.is_crypto else f"stocks of {self._account.feed}"

    def _current(self, remedy: str) -> _Line:
        with self._lock:
            if self._line is None:
                raise FeedError(f"the feed {NAME} is not connected: use {remedy}")
            return self._line

    def _check_new(self, line: _Line, symbols: Sequence[str], deadline: float) -> None:
        """Check symbols that join; what REST does not answer is left to the stream."""
        half = time.monotonic() + (deadline - time.monotonic()) / 2
        try:
            self._known |= line.checks.check_symbols(symbols, deadline=half, is_start=False).keys()
        except FeedError as error:
            if error.is_final:
                raise
            log.info("alpaca: symbols are not checked: %s", error)


class _Line:
    """One connection: its stream, the thread that delivers, and its requests."""

    def __init__(
        self,
        account: AlpacaAccount,
        sink: FeedSink,
        clock: LiveClock,
        nonsense: Nonsense,
        quotes: SlotQuotes | None,
    ) -> None:
        self.history, self.checks = (_made_history(account, nonsense) for _ in range(2))
        self.delivery = MessageDelivery(sink, clock, nonsense, quotes)
        channels = ("bars", "updatedBars", *(() if quotes is None else ("quotes",)))
        self.stream = _made_stream(account, channels, self.delivery, nonsense)
        self._lock = Lock()  # guards the next two
        self._is_closed = False
        self._is_open = False

    def open(self, deadline: float) -> None:
        with self._lock:
            if self._is_closed:
                raise FeedError("the feed was closed")
            self._is_open = True
            self.delivery.start()
        self.stream.open(deadline)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        self.history.shut()
        self.checks.shut()
        self.stream.close()
        self.delivery.close()


def make_alpaca_feed(context: FeedContext) -> AlpacaFeed:
    """Return the feed of a session; FeedError (bad input) without extra, keys, or a fitting asset class."""
    config = context.config
    if config.asset_class not in (*_STOCKS, *_CRYPTO):
        raise FeedError(
            f"invalid asset_class {config.asset_class} for the feed {NAME}: use {listed(_STOCKS + _CRYPTO)}",
            is_bad_input=True,
        )
    check_library()
    is_crypto = config.asset_class in _CRYPTO
    account = AlpacaAccount(
        read_keys(),
        is_crypto,
        "us" if is_crypto else config.api_config.alpaca_feed,
        os.environ.get(STREAM_URL_VARIABLE) or None,
        os.environ.get(DATA_URL_VARIABLE) or None,
    )
    wanted = config.session_data_config
    return AlpacaFeed(account, wanted.symbols, context.clock, wants_quotes=wanted.wants_quotes)


def check_library() -> None:
    """Check that alpaca-py is installed in a version that is used; FeedError (bad input) otherwise."""
    try:
        version = importlib.metadata.version(LIBRARY)
    except importlib.metadata.PackageNotFoundError:
        raise FeedError(f"the feed {NAME} needs {LIBRARY}: {_INSTALL}", is_bad_input=True) from None
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    first, stop = LIBRARY_VERSIONS
    if not first <= found < stop:
        shown = ".".join(map(str, first))
        raise FeedError(
            f"{LIBRARY} {version} is installed; the feed {NAME} needs {shown}: {_INSTALL}", is_bad_input=True
        )
    try:
        import tapedeck.engine.feeds.alpaca.alpaca_history  # noqa: PLC0415
        import tapedeck.engine.feeds.alpaca.alpaca_stream  # noqa: F401, PLC0415
    except ImportError as error:
        raise FeedError(
            f"the feed {NAME} needs {LIBRARY}, which cannot be loaded ({error}): {_INSTALL}",
            is_bad_input=True,
        ) from error


def _check_interval(interval: Interval) -> None:
    if interval != MINUTE:
        raise FeedError(f"invalid interval {interval} for the feed {NAME}: it has {MINUTE}", is_final=True)


def _checked_symbols(symbols: Sequence[str]) -> Sequence[str]:
    invalid = [symbol for symbol in symbols if not _SYMBOL.fullmatch(symbol)]
    if invalid:
        raise FeedError(
            f"invalid symbols for Alpaca: {listed(invalid)}. They have letters, digits, and . / -, as in "
            "BRK.B or BTC/USD",
            is_bad_input=True,
        )
    return symbols


def _made_history(account: AlpacaAccount, nonsense: Nonsense) -> AlpacaHistory:
    from tapedeck.engine.feeds.alpaca.alpaca_history import AlpacaHistory  # noqa: PLC0415

    return AlpacaHistory(account, nonsense)


def _made_stream(
    account: AlpacaAccount, channels: Sequence[str], delivery: MessageDelivery, nonsense: Nonsense
) -> AlpacaStream:
    from tapedeck.engine.feeds.alpaca.alpaca_stream import AlpacaStream  # noqa: PLC0415

    return AlpacaStream(account, channels, delivery, nonsense)
