"""Forming bars: what a feed tells of slots that are not over; shown beside the tape, never on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_status import Forming


class FormingBars:
    """The latest forming bar of each symbol. Feeds' threads write it; any thread may read it.

    `market_now` gives the market's time in seconds UTC.
    """

    def __init__(self, market_now: Callable[[], float]) -> None:
        self._market_now = market_now
        self._bars: Mapping[str, Forming] = {}  # replaced as a whole

    def forming(self, bars: Sequence[FeedBar]) -> None:
        """Take bars of slots that are not over."""
        received = utc_from_epoch(int(self._market_now()))
        self._bars = {**self._bars, **{bar.symbol: Forming(bar, received) for bar in bars}}

    def provider_time(self, seconds: float) -> None:
        """Ignore the provider's time, which the connection compares."""

    def lost(self, reason: str) -> None:
        """Forget all bars: they do not form any more."""
        del reason
        self._bars = {}

    def drop(self, symbols: Iterable[str]) -> None:
        """Forget the bars of symbols whose slots are over."""
        bars = self._bars
        if bars:
            over = set(symbols)
            self._bars = {symbol: bar for symbol, bar in bars.items() if symbol not in over}

    def current(self) -> Mapping[str, Forming]:
        """Return the forming bars by symbol."""
        return self._bars
