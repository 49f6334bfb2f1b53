"""Message delivery: a thread that makes bars and quotes of a stream's messages, for a sink."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from typing import Any, Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.alpaca.message_bars import bar_of_message, seconds_of
from tapedeck.engine.feeds.alpaca.nonsense import Nonsense
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_feed import FeedSink
from tapedeck.engine.feeds.slot_quotes import SlotQuotes
from tapedeck.engine.intervals import MINUTE

log = logging.getLogger(__name__)

_KINDS: Final = {"b": BarKind.BAR, "u": BarKind.UPDATED}
_END_WITHIN_S: Final = 0.5
_QUOTES_AFTER_S: Final = 0.5
"""Seconds of the market after a slot's end at which its quotes are sent: the last ones are on their way."""
_FARTHEST_CLOCK_S: Final = 86_400.0
"""Most seconds between a quote's time and ours for which it is taken for the provider's clock."""


class _Lost(str):
    """Reason of a lost connection, behind its last messages."""

    __slots__ = ()


class MessageDelivery:
    """Thread between a stream and a sink. `take` and `lost` may be called in any thread, and never wait.

    What has come when the thread looks is sent in one call. Quotes are reduced to the last one of each
    minute, sent when it is over. The time of the latest quote is told as the provider's clock; a bar's time
    is not one.

    `quotes`: the last quotes, which outlast a connection; None without quotes.
    """

    def __init__(
        self, sink: FeedSink, clock: LiveClock, nonsense: Nonsense, quotes: SlotQuotes | None
    ) -> None:
        self._sink, self._clock, self._nonsense, self._quotes = sink, clock, nonsense, quotes
        self._queue: SimpleQueue[Sequence[Mapping[str, Any]] | _Lost | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="tapedeck-alpaca-delivery", daemon=False)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Queue messages that came together."""
        self._queue.put(messages)

    def lost(self, reason: str) -> None:
        """Queue the end of the connection; the sink gets it behind all messages."""
        self._queue.put(_Lost(reason))

    def close(self) -> None:
        """End the thread, after what is queued; safe to call twice, and before `start`."""
        self._queue.put(None)
        if self._thread.ident is not None and self._thread is not current_thread():
            self._thread.join(_END_WITHIN_S)
            if self._thread.is_alive():
                log.warning("thread %s did not end within %g s", self._thread.name, _END_WITHIN_S)

    def _run(self) -> None:
        while True:
            items = self._next_items()
            messages: list[Mapping[str, Any]] = []
            for item in items:
                if isinstance(item, _Lost) or item is None:
                    break
                messages += item
            try:
                self._deliver(messages)
                self._send_quotes()
                for item in items:
                    if isinstance(item, _Lost):
                        self._sink.lost(str(item))
            except Exception as error:  # a fault of ours: the connection is made again
                log.exception("alpaca: messages cannot be delivered")
                self._sink.lost(f"messages cannot be delivered: {type(error).__name__}: {error}")
            if None in items:
                return

    def _next_items(self) -> list[Sequence[Mapping[str, Any]] | _Lost | None]:
        """Wait for something to do; return all that is queued."""
        try:
            items = [self._queue.get(timeout=self._wait_s())]
            while True:
                items.append(self._queue.get_nowait())
        except Empty:
            return items if "items" in locals() else []

    def _wait_s(self) -> float | None:
        if self._quotes is None:
            return None
        now = self._clock.now() - _QUOTES_AFTER_S
        next_end = now // MINUTE.seconds * MINUTE.seconds + MINUTE.seconds
        return max(0.001, self._clock.wait_seconds(next_end + _QUOTES_AFTER_S))

    def _deliver(self, messages: Sequence[Mapping[str, Any]]) -> None:
        bars: list[FeedBar] = []
        latest_quote = None
        for message in messages:
            symbol, kind = message["S"], message["T"]
            at = seconds_of(message.get("t"))
            if at is None:
                self._nonsense.note("messages without a time", message)
            elif kind in _KINDS:
                bar = bar_of_message(symbol, int(at), message, _KINDS[kind])
                if bar is not None:
                    bars.append(bar)
            elif self._quotes is not None:
                self._quotes.add(
                    symbol, at, message.get("bp"), message.get("ap"), message.get("bs"), message.get("as")
                )
                latest_quote = at if latest_quote is None else max(at, latest_quote)
        if bars:
            self._note_malformed(bars)
            self._sink.bars(bars)
        if latest_quote is not None and abs(latest_quote - self._clock.now()) < _FARTHEST_CLOCK_S:
            self._sink.provider_time(latest_quote)

    def _note_malformed(self, bars: Sequence[FeedBar]) -> None:
        malformed = [bar for bar in bars if any(value != value for value in bar[2:7])]  # NaN  # noqa: PLR0124
        if malformed:
            self._nonsense.note("bars with values that are missing", malformed[0], len(malformed))

    def _send_quotes(self) -> None:
        if self._quotes is None:
            return
        due = self._quotes.due(self._clock.now() - _QUOTES_AFTER_S)
        if due:
            self._sink.quotes(due)
