"""History calls: runs requests for a feed's history one at a time, each with a deadline."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from tapedeck.engine.feeds.feed_call import FeedCall
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryRequest
from tapedeck.engine.feeds.live_feed import FeedError, LiveFeed

log = logging.getLogger(__name__)

HISTORY_TIMEOUT_S: Final = 30.0
"""Time in which a feed must have answered a request for few bars, in seconds of the machine."""
LEFT_ALONE_S: Final = 60.0
"""After this time behind its deadline, a call that hangs does not hold up the next one any more."""
_SECONDS_PER_BAR: Final = 2 / 10_000  # providers give some thousand bars a second, in pages


class HistoryCalls:
    """Requests in order; one is run at a time, in a thread of its own.

    Without a connection, and while a call hangs behind its deadline, requests fail at once: their owners
    decide again. The connection's thread owns it; `done` takes a call that ended, in that call's thread;
    `answered` takes each answer, in the owner's.
    """

    def __init__(
        self,
        feed: LiveFeed,
        *,
        market_now: Callable[[], float],
        done: Callable[[object], None],
        answered: Callable[[HistoryAnswer], None],
        timeout_s: float = HISTORY_TIMEOUT_S,
    ) -> None:
        self._feed, self._timeout_s = feed, timeout_s
        self._market_now, self._done, self._answered = market_now, done, answered
        self._requests: deque[HistoryRequest] = deque()
        self._running: HistoryRequest | None = None
        self.call: FeedCall[HistoryAnswer] | None = None
        """The call that has not ended; it may be one that hangs."""

    def add(self, request: HistoryRequest) -> None:
        """Put a request at the end of the queue."""
        self._requests.append(request)

    def look(self, machine: float, *, is_connected: bool) -> None:
        """Give up a call whose time is over, and run the next request."""
        self._check_deadline(machine)
        while self._requests and self._running is None:
            request = self._requests.popleft()
            if not self._feed.abilities.has_history:
                self._refuse(request, FeedError(f"{self._feed.name} has no history", is_final=True))
            elif not is_connected:
                self._refuse(request, FeedError(f"{self._feed.name} is not connected"))
            elif self.call is not None:
                self._refuse(request, FeedError(f"{self._feed.name} has not ended an earlier request"))
            else:
                self._start(request, machine)

    def ended(self, call: FeedCall[HistoryAnswer]) -> None:
        """Take the result of a call that ended; one that was given up has none."""
        if call is not self.call:
            return
        self.call = None
        request, self._running = self._running, None
        if request is None:
            return
        self._answered(call.value or HistoryAnswer(request, error=call.error))

    @property
    def deadline(self) -> float | None:
        """Machine time at which the running call is given up."""
        return None if self._running is None or self.call is None else self.call.deadline

    def _start(self, request: HistoryRequest, machine: float) -> None:
        timeout = self._timeout_s + request.most_bars * _SECONDS_PER_BAR
        self._running = request
        # The feed has its own chance to say why it did not answer in time.
        self.call = FeedCall(
            "history",
            lambda: ask_history(self._feed, request, timeout, self._market_now),
            machine + timeout * 1.1,
            self._done,
        )
        self.call.start()

    def _check_deadline(self, machine: float) -> None:
        call = self.call
        if call is None or machine < call.deadline:
            return
        if self._running is not None:
            request, self._running = self._running, None
            self._refuse(request, FeedError(f"{self._feed.name} did not answer in time"))
        elif machine >= call.deadline + LEFT_ALONE_S:
            log.warning("%s hangs in a request for history: its thread is left alone", self._feed.name)
            self.call = None

    def _refuse(self, request: HistoryRequest, error: FeedError) -> None:
        self._answered(HistoryAnswer(request, error=error))


def ask_history(
    feed: LiveFeed,
    request: HistoryRequest,
    timeout: float,
    market_now: Callable[[], float],
) -> HistoryAnswer:
    """Return a feed's answer to a request: the bars that were asked for, with the kind of its purpose.

    Raises what the feed raises.
    """
    asked_at = int(market_now())
    history = feed.history(request.symbols, request.interval, request.start, request.end, timeout)
    asked, kind = set(request.symbols), request.purpose.kind
    bars = tuple(
        bar if bar.kind is kind else bar._replace(kind=kind)
        for bar in history.bars
        if bar.symbol in asked and request.start <= bar.opened_at < request.end
    )
    # What was not over when it was asked for cannot be complete.
    return HistoryAnswer(request, bars, min(int(history.complete_until), asked_at))
