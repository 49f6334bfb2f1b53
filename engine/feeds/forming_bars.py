"""Forming bars: what a feed tells of slots that are not over; shown beside the tape, never on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_status import Forming


class FormingBars:
    """The latest forming bar of each symbol; any thread may use it.

    `market_now` gives the market's time in seconds UTC.
    """

    def __init__(self, market_now: Callable[[], float]) -> None:
        self._market_now = market_now
        self._lock = Lock()  # guards the next three
        self._bars: dict[str, Forming] = {}
        self._current: Mapping[str, Forming] | None = {}  # a copy, None after a change
        self._left: frozenset[str] = frozenset()  # a feed may still send them

    def forming(self, bars: Sequence[FeedBar]) -> None:
        """Take bars of slots that are not over."""
        received = utc_from_epoch(int(self._market_now()))
        with self._lock:
            self._bars.update(
                (bar.symbol, Forming(bar, received)) for bar in bars if bar.symbol not in self._left
            )
            self._current = None

    def provider_time(self, seconds: float) -> None:
        """Ignore the provider's time, which the connection compares."""

    def lost(self, reason: str) -> None:
        """Forget all bars: they do not form any more."""
        del reason
        with self._lock:
            self._bars, self._current = {}, None

    def drop(self, symbol: str, opened_at: int) -> None:
        """Forget the bar of a symbol if it opened by then, seconds UTC: that slot is over."""
        with self._lock:
            known = self._bars.get(symbol)
            if known is not None and known.bar.opened_at <= opened_at:
                del self._bars[symbol]
                self._current = None

    def leave(self, symbols: Sequence[str]) -> None:
        """Forget the bars of some symbols, and take no more of them."""
        with self._lock:
            self._left |= frozenset(symbols)
            self._bars = {symbol: bar for symbol, bar in self._bars.items() if symbol not in self._left}
            self._current = None

    def join(self, symbols: Sequence[str]) -> None:
        """Take bars of symbols that left before."""
        with self._lock:
            self._left -= frozenset(symbols)

    def current(self) -> Mapping[str, Forming]:
        """Return the forming bars by symbol; the same mapping until something changes."""
        with self._lock:
            if self._current is None:
                self._current = dict(self._bars)
            return self._current
