"""Journal feed: a recorded day as it was seen, each version of each bar and quote at its time of receipt."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from threading import Lock
from typing import Final, NamedTuple

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.delivery_thread import DeliveryThread
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory, FeedSink
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.symbol_hints import similar_names

NAME: Final = "journal"
_NOTHING: Final = 1
"""Time, in seconds UTC, until which history is complete: it tells nothing of any recorded day."""


class Seen(NamedTuple):
    """A version of a bar, with its kind, or of a quote, and the market time of its receipt (seconds UTC)."""

    received: float
    message: FeedBar | FeedQuote


class JournalFeed:
    """A live feed that plays the arrivals of a recorded day, history answers among them, in their order.

    `arrivals`: returns them from the first one on, the same each time; called in the thread that reads them.
    `symbols`: those of the recording. Arrivals received before the clock's time come at once; those due
    between two connections, on the second one. Of symbols that are subscribed while it delivers, history has
    what was due before.
    """

    def __init__(
        self,
        arrivals: Callable[[], Iterable[Seen]],
        symbols: Collection[str],
        clock: LiveClock,
        interval: Interval,
        *,
        has_quotes: bool = False,
    ) -> None:
        self._recorded = frozenset(symbols)
        self._has_quotes = has_quotes
        self._clock = clock
        self._interval = interval
        self._timetable, self._arrivals = _Arrivals(arrivals), arrivals
        self._joined: set[str] = set()  # while it delivered; some of their arrivals were due before
        self._sink: FeedSink | None = None
        self._thread: DeliveryThread | None = None
        self._lock = Lock()  # guards the three above: another thread may close the feed

    @property
    def name(self) -> str:
        """Name of the feed."""
        return NAME

    @property
    def abilities(self) -> FeedAbilities:
        """The interval of the recording.

        History is told to exist, so that the session waits after its close, for as long as it would for an
        answer: the reconciled bars of the day arrive then.
        """
        return FeedAbilities((self._interval,), has_quotes=self._has_quotes)

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Connect at once."""
        self.close()
        with self._lock:
            self._sink = sink

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Deliver the arrivals of these symbols; FeedError that names those which were not recorded."""
        if interval != self._interval:
            raise FeedError(
                f"invalid interval '{interval}' for this recording: it has '{self._interval}'", is_final=True
            )
        missing = [symbol for symbol in symbols if symbol not in self._recorded]
        if missing:
            raise FeedError(
                f"not recorded on this day: {listed(missing)}; recorded are {listed(sorted(self._recorded))}"
                f"{similar_names(missing, self._recorded)}",
                is_final=True,
            )
        with self._lock:
            if self._sink is None:
                raise FeedError(f"the feed {NAME} is not connected: use connect before subscribe")
            if self._thread is not None:
                self._joined |= set(symbols)
            self._stop_thread()
            self._timetable.rewind()
            self._timetable.wanted |= set(symbols)
            self._thread = DeliveryThread(NAME, self._timetable, self._clock, self._sink, after=-math.inf)
            self._thread.start()

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the arrivals that are due of symbols that joined, and none of others.

        FeedError before all that is due has been delivered. The history answers of that day arrive when they
        did; a session takes them until its longest wait.
        """
        with self._lock:
            thread, joined = self._thread, self._joined.intersection(symbols)
        if thread is None or not thread.wait_until_delivered(self._clock.now(), timeout):
            raise FeedError("the recorded bars that are due have not been delivered yet")
        bars = self._due_of(joined, start, end) if joined else ()
        return FeedHistory(bars, complete_until=_NOTHING)

    def close(self) -> None:
        """End the subscription and its thread."""
        with self._lock:
            self._stop_thread()
            self._sink = None
            self._timetable.rewind()
            self._timetable.wanted = set()

    def _due_of(self, symbols: Collection[str], start: int, end: int) -> list[FeedBar]:
        """Return the versions that count of the bars that are due, with `start <= opened_at < end`."""
        now, found = self._clock.now(), dict[tuple[str, int], FeedBar]()
        for received, bar in self._arrivals():
            if received > now:
                break
            if isinstance(bar, FeedBar) and bar.symbol in symbols and start <= bar.opened_at < end:
                held = found.get((bar.symbol, bar.opened_at))
                if held is None or bar.kind.precedence >= held.kind.precedence:
                    found[bar.symbol, bar.opened_at] = bar
        return list(found.values())

    def _stop_thread(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()


class _Arrivals:
    """Timetable of arrivals; each is handed out once, to one thread after another."""

    def __init__(self, arrivals: Callable[[], Iterable[Seen]]) -> None:
        self.wanted: set[str] = set()
        self._arrivals = arrivals
        self._done = 0
        self._left: Iterator[Seen] | None = None
        self._next: Seen | None = None

    def rewind(self) -> None:
        """Read again for another thread, as databases answer to the thread that asked; skip what was due."""
        self._left, self._next = None, None

    def due(self, after: float, until: float) -> list[FeedBar | FeedQuote]:
        found: list[FeedBar | FeedQuote] = []
        while (arrival := self._first()) is not None and arrival.received <= until:
            if arrival.message.symbol in self.wanted:
                found.append(arrival.message)
            self._next = None
            self._done += 1
        return found

    def next_due(self, after: float) -> float:
        arrival = self._first()
        return math.inf if arrival is None else arrival.received

    def connection_ends(self, after: float, until: float) -> float | None:
        return None

    def _first(self) -> Seen | None:
        if self._left is None:
            self._left = islice(self._arrivals(), self._done, None)
        if self._next is None:
            self._next = next(self._left, None)
        return self._next
