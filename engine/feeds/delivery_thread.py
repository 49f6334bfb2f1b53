"""Delivery thread: hands messages of a timetable to a sink when the market's clock reaches them."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from threading import Condition, Thread, current_thread
from typing import Final, Protocol

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import FeedSink
from tapedeck.engine.feeds.stored_bars import ReadingStoppedError

log = logging.getLogger(__name__)

JOIN_TIMEOUT_S: Final = 10.0


class Timetable(Protocol):
    """Messages by market time (seconds UTC); used by one thread."""

    def due(self, after: float, until: float) -> Sequence[FeedBar | FeedQuote]:
        """Return the bars and quotes of the messages with `after < time <= until`, in order."""
        ...

    def next_due(self, after: float) -> float:
        """Return the time of the next message, or an instant by which to ask again."""
        ...

    def connection_ends(self, after: float, until: float) -> float | None:
        """Return when the connection is lost first, `after < instant <= until`, or None."""
        ...


class DeliveryThread:
    """Delivers the messages of a timetable later than `after` (seconds UTC), until stopped.

    Messages that are due together go in one call, after one for their quotes: so slots are shown with these.
    `provider_ahead`: seconds by which the provider's clock is
    ahead of ours. After a lost connection or an error the sink is told, and the thread ends.
    """

    def __init__(
        self,
        name: str,
        timetable: Timetable,
        clock: LiveClock,
        sink: FeedSink,
        *,
        after: float,
        provider_ahead: float = 0.0,
    ) -> None:
        self._timetable = timetable
        self._clock = clock
        self._sink = sink
        self._after = after
        self._provider_ahead = provider_ahead
        self._waiting = Condition()  # guards the next two
        self._is_stopped = False
        self._next_due = -math.inf  # nothing before it is left to deliver
        self._thread = Thread(target=self._run, name=f"tapedeck-feed-{name}")

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    @property
    def is_stopped(self) -> bool:
        """Whether the thread has been asked to end."""
        return self._is_stopped

    @property
    def delivered_until(self) -> float:
        """Time up to which all messages were delivered, once the thread has ended."""
        return self._after

    def wait_until_delivered(self, instant: float, timeout: float) -> bool:
        """Wait until all that is due by an instant was delivered, or the end; return whether it was."""
        with self._waiting:
            self._waiting.wait_for(lambda: self._is_stopped or self._next_due > instant, timeout)
            return self._next_due > instant

    def stop(self) -> None:
        """End the thread, in some milliseconds or after the read that it is in; safe to call twice.

        EngineError if it has not ended after `JOIN_TIMEOUT_S`.
        """
        with self._waiting:
            self._is_stopped = True
            self._waiting.notify_all()
        if self._thread.ident is None or self._thread is current_thread():
            return
        self._thread.join(JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            raise EngineError(f"the thread {self._thread.name} did not end within {JOIN_TIMEOUT_S:g} s")

    def _run(self) -> None:
        try:
            while not self._is_stopped and self._deliver():
                self._wait(self._timetable.next_due(self._after))
        except ReadingStoppedError:
            pass  # by `stop`
        except Exception as error:
            log.exception("%s ended", self._thread.name)
            self._sink.lost(f"the feed failed: {error}")

    def _deliver(self) -> bool:
        """Deliver what is due; return whether the connection stands."""
        now = self._clock.now()
        ends = self._timetable.connection_ends(self._after, now)
        if self._is_stopped:
            return False
        messages = self._timetable.due(self._after, now if ends is None else ends)
        self._after = now  # what was taken from the timetable is delivered, also if it is to end meanwhile
        if messages:
            self._sink.provider_time(now + self._provider_ahead)
            if quotes := [one for one in messages if isinstance(one, FeedQuote)]:
                self._sink.quotes(quotes)
            if bars := [one for one in messages if isinstance(one, FeedBar)]:
                self._sink.bars(bars)
        if ends is not None:
            self._sink.lost("a disconnect of the fault script")
        return ends is None

    def _wait(self, instant: float) -> None:
        """Wait until the market's clock reaches an instant, or `stop`."""
        with self._waiting:
            self._next_due = instant
            self._waiting.notify_all()
            while not self._is_stopped and (seconds := self._clock.wait_seconds(instant)) > 0:
                self._waiting.wait(seconds)
