"""Watched sink: passes a connection's messages on, and notes when they came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import FeedSink


class WatchedSink:
    """Sink of one connection. The feed's threads write it; the connection's thread reads it.

    After `shut` nothing is passed on: what a closed connection still sends has no receiver.
    """

    def __init__(
        self,
        target: FeedSink,
        clock: LiveClock,
        on_lost: Callable[[WatchedSink], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target, self._clock, self._on_lost, self._monotonic = target, clock, on_lost, monotonic
        self._is_shut = False
        self.heard: tuple[float, float] | None = None
        """Market time and machine time of the last message."""
        self.lost_reason: str | None = None
        self.provider_times: deque[tuple[float, float]] = deque(maxlen=100)
        """The provider's time and ours of the last messages that told it; the reader takes them out."""

    def bars(self, bars: Sequence[FeedBar]) -> None:
        """Pass bars on."""
        if not self._is_shut:
            self._note()
            self._target.bars(bars)

    def quotes(self, quotes: Sequence[FeedQuote]) -> None:
        """Pass quotes on."""
        if not self._is_shut:
            self._note()
            self._target.quotes(quotes)

    def forming(self, bars: Sequence[FeedBar]) -> None:
        """Pass forming bars on."""
        if not self._is_shut:
            self._note()
            self._target.forming(bars)

    def provider_time(self, seconds: float) -> None:
        """Keep the provider's time, and pass it on."""
        if not self._is_shut:
            now = self._note()
            self.provider_times.append((seconds, now))
            self._target.provider_time(seconds)

    def lost(self, reason: str) -> None:
        """Keep the reason of a lost connection, and tell the connection's thread, once."""
        if not self._is_shut and self.lost_reason is None:
            self.lost_reason = reason
            self._on_lost(self)

    def shut(self) -> None:
        """Pass nothing on from now on."""
        self._is_shut = True

    def _note(self) -> float:
        now = self._clock.now()
        self.heard = (now, self._monotonic())
        return now
