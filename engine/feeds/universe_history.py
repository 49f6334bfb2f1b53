"""History of a universe: asks a feed for the bars of many symbols, within its limits, request by request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Event
from typing import Final

from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose, HistoryRequest
from tapedeck.engine.feeds.live_feed import LiveFeed
from tapedeck.engine.intervals import Interval

BARS_AT_ONCE: Final = 20_000
"""Most bars of one request: a missing bar of the recording waits for one request at most."""
_MOST_HALVES: Final = 400
"""Requests that a feed refuses are halved so often at most, to find the symbols that it does not know."""


class HistoryStoppedError(Exception):
    """The wait for history was ended, as the run ends."""


class UniverseHistory:
    """Asks a feed for history that is not recorded; one thread asks, any thread may answer or stop it.

    `request` hands a request to the feed's connection, which runs one at a time, each with a deadline, and
    reports its answer to `answered`.
    """

    def __init__(self, feed: LiveFeed, interval: Interval, request: Callable[[HistoryRequest], None]) -> None:
        self._feed, self._interval, self._request = feed, interval, request
        self._answers: SimpleQueue[HistoryAnswer | None] = SimpleQueue()
        self._stopped = Event()
        self._halves = 0

    @property
    def lack(self) -> str | None:
        """Why the feed cannot be asked for any bars of the universe; None if it can."""
        abilities = self._feed.abilities
        if not abilities.has_history:
            return f"the feed {self._feed.name} has no history"
        if self._interval not in abilities.intervals:
            known = listed([str(interval) for interval in abilities.intervals])
            return f"the feed {self._feed.name} has no {self._interval} bars, only {known}"
        return None

    def ask(self, symbols: Sequence[str], start: int, end: int, slots: int) -> Iterator[HistoryAnswer]:
        """Yield the answers for all symbols, of bars with `start <= opened_at < end` (seconds UTC).

        Each is of some of the symbols. One that the feed refuses for good is asked for in halves, down to
        single symbols. `slots`: slots in that range. Raises HistoryStoppedError after `stop`.
        """
        most = self._feed.abilities.most_symbols or len(symbols)
        size = max(1, min(most, BARS_AT_ONCE // max(1, slots)))
        parts = deque(tuple(symbols[at : at + size]) for at in range(0, len(symbols), size))
        while parts:
            part = parts.popleft()
            request = HistoryRequest(HistoryPurpose.UNIVERSE, part, self._interval, start, end, slots)
            answer = self._answer_to(request)
            is_refused = answer.error is not None and answer.error.is_final
            if is_refused and len(part) > 1 and self._halves < _MOST_HALVES:
                self._halves += 1
                middle = len(part) // 2
                parts.extendleft((part[middle:], part[:middle]))
            else:
                yield answer

    def answered(self, answer: HistoryAnswer) -> None:
        """Take the answer to a request."""
        self._answers.put(answer)

    def stop(self) -> None:
        """End a wait that is going on, and each one from now on."""
        self._stopped.set()
        self._answers.put(None)

    def _answer_to(self, request: HistoryRequest) -> HistoryAnswer:
        if not self._stopped.is_set():
            self._request(request)
        while not self._stopped.is_set():
            answer = self._answers.get()
            if answer is not None and answer.request is request:
                return answer
        raise HistoryStoppedError
