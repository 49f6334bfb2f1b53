"""Replay feed: stored bars and quotes as messages of a feed, when the market's clock reaches them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, tzinfo
from threading import Event, Lock
from typing import Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.delivery_thread import DeliveryThread
from tapedeck.engine.feeds.fault_plan import NORMAL_DELAY_S, FaultPlan
from tapedeck.engine.feeds.fault_script import FaultScript
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory, FeedSink
from tapedeck.engine.feeds.scripted_market import HistoryFailedError, ScriptedMarket, history_of
from tapedeck.engine.feeds.stored_bars import StoredBars, StoredParts, stored_bars
from tapedeck.engine.feeds.stored_quotes import StoredQuotes
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.symbol_hints import similar_names

NAME: Final = "replay"
_LONGEST_SESSION_S: Final = 86400


class ReplayFeed:
    """A live feed that plays the stored bars of an intraday interval, extended hours, too.

    A bar that opens at or after `first` (seconds UTC) arrives when the clock reaches its end and `delay`
    seconds of the market; all bars of that time in one call. `script`: faults, with times of day in `zone`.
    What is due while it is not subscribed is not delivered later: history has it.

    `has_quotes`: stored quotes are played, too, each when its slot's bar is due. There is no history of
    quotes: those of the day that were due before come with the subscription. Faults of bars leave them alone.
    """

    def __init__(
        self,
        store: BarStore,
        clock: LiveClock,
        interval: Interval,
        script: FaultScript | None = None,
        *,
        first: int = 0,
        zone: tzinfo = UTC,
        delay: float = NORMAL_DELAY_S,
        has_quotes: bool = False,
    ) -> None:
        if not interval.is_intraday:
            raise FeedError(
                f"invalid interval '{interval}' for the feed {NAME}: use one below a day, such as 1m",
                is_final=True,
            )
        self._store = store
        self._clock = clock
        self._interval = interval
        self._first = first
        self._has_quotes = has_quotes
        self._plan = FaultPlan(script, interval, zone, delay=delay)
        self._sink: FeedSink | None = None
        self._symbols: tuple[str, ...] = ()
        self._thread: DeliveryThread | None = None
        self._bars = StoredParts(self._stored)  # kept from one connection to the next; used by one thread
        self._unquoted: set[str] = set()  # symbols whose earlier quotes were not delivered yet
        self._closed = Event()
        self._lock = Lock()  # guards the six above: another thread may close the feed

    @property
    def name(self) -> str:
        """Name of the feed."""
        return NAME

    @property
    def abilities(self) -> FeedAbilities:
        """The interval that is played, and history; quotes if they are played."""
        return FeedAbilities((self._interval,), has_quotes=self._has_quotes)

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Connect at once; FeedError during a disconnect of the fault script."""
        self.close()
        if not self._plan.is_connected(self._clock.now()):
            raise FeedError(f"the feed {NAME} cannot connect: a disconnect of the fault script")
        with self._lock:
            self._closed = Event()
            self._sink = sink

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Deliver the bars of these symbols, and of those subscribed before, from now on.

        FeedError that names the symbols without stored bars, or before `connect`.
        """
        if interval != self._interval:
            raise FeedError(
                f"invalid interval '{interval}' for the feed {NAME}: it plays '{self._interval}'",
                is_final=True,
            )
        self._check_stored(symbols)
        with self._lock:
            if self._sink is None:
                raise FeedError(f"the feed {NAME} is not connected: use connect before subscribe")
            running = self._thread
            self._stop_thread()
            self._unquoted |= set(symbols) - set(self._symbols)
            self._symbols = tuple(dict.fromkeys((*self._symbols, *symbols)))
            # What was due, but not delivered yet, of the symbols before, is still delivered.
            after = self._clock.now() if running is None else running.delivered_until
            self._thread = self._made_thread(self._sink, after)
            self._thread.start()

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the stored bars with `start <= opened_at < end` that have arrived by the market's clock.

        Raises FeedError where the fault script says so, at once or after `timeout` seconds.
        """
        closed, now = self._closed, self._clock.now()
        try:
            bars = stored_bars(self._store, symbols, interval, start, min(end, math.ceil(now)))
            return history_of(self._plan, bars, now)
        except HistoryFailedError as error:
            if error.hangs:
                closed.wait(timeout)
                raise FeedError(f"history does not answer within {timeout:g} s: {error}") from error
            raise

    def close(self) -> None:
        """End the subscription and its thread."""
        with self._lock:
            self._closed.set()
            self._stop_thread()
            self._sink, self._symbols = None, ()
            self._unquoted = set()

    def _stop_thread(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def _check_stored(self, symbols: Sequence[str]) -> None:
        series = self._store.series()
        missing = [symbol for symbol in symbols if self._interval not in series.get(symbol, ())]
        if missing:
            known = [symbol for symbol, intervals in series.items() if self._interval in intervals]
            raise FeedError(
                f"no stored bars of {self._interval} to play for {listed(missing)} in {self._store.location}"
                f"{similar_names(missing, known)}"
                f"\nTo import them: tapedeck import csv FILE --interval {self._interval} "
                f"--store {self._store.location}",
                is_final=True,
            )

    def _stored(self, symbols: Sequence[str]) -> StoredBars:
        return StoredBars(
            self._store, symbols, self._interval, first=self._first, is_stopped=self._is_stopped
        )

    def _made_thread(self, sink: FeedSink, after: float) -> DeliveryThread:
        if not set(self._bars.symbols) <= set(self._symbols):
            self._bars = StoredParts(self._stored)
        self._bars = self._bars.with_symbols(self._symbols)
        return DeliveryThread(
            NAME,
            _StoredTimetable(self._plan, self._bars, self._quotes()),
            self._clock,
            sink,
            after=after,
            provider_ahead=self._plan.script.provider_ahead,
        )

    def _quotes(self) -> _QuoteTimetable | None:
        if not self._has_quotes:
            return None
        quotes = StoredQuotes(self._store.quotes, self._symbols, self._interval, is_stopped=self._is_stopped)
        return _QuoteTimetable(self._plan, quotes, self._unquoted, self._first)

    def _is_stopped(self) -> bool:
        thread = self._thread
        return thread is None or thread.is_stopped


class _StoredTimetable:
    """Messages that a script makes of the bars of a store.

    The next chunk is read when the last bar of one is delivered, not when the first of the next one is due.
    """

    def __init__(self, plan: FaultPlan, bars: StoredParts, quotes: _QuoteTimetable | None) -> None:
        self._bars = bars
        self._market = ScriptedMarket(bars, plan)
        self._quotes = quotes

    def due(self, after: float, until: float) -> list[FeedBar | FeedQuote]:
        quotes = [] if self._quotes is None else self._quotes.due(after, until)
        return [*quotes, *(message.bar for message in self._market.due(after, until))]

    def next_due(self, after: float) -> float:
        horizon = after + self._bars.chunk_seconds
        if self._quotes is not None:
            horizon = min(horizon, self._quotes.next_due(after))
        message = self._market.next_due(after, horizon)
        until = horizon if message is None else message
        lost = self._market.connection_ends(after, until)
        return until if lost is None else lost

    def connection_ends(self, after: float, until: float) -> float | None:
        return self._market.connection_ends(after, until)


class _QuoteTimetable:
    """Quotes when the bars of their slots are due, but for those that are not heard.

    `unquoted`: symbols whose quotes of the last day, from `first` on (seconds UTC), come at once; emptied
    then.
    """

    def __init__(self, plan: FaultPlan, quotes: StoredQuotes, unquoted: set[str], first: int) -> None:
        self._plan, self._quotes, self._unquoted, self._first = plan, quotes, unquoted, first

    def due(self, after: float, until: float) -> list[FeedQuote]:
        found = self._earlier(after)
        found += self._heard(self._quotes.between(self._opens(after), self._opens(until)))
        return found

    def next_due(self, after: float) -> float:
        if self._unquoted:
            return after
        return self._plan.normal_time(self._quotes.next_slot(self._opens(after)))

    def _earlier(self, after: float) -> list[FeedQuote]:
        """Return the quotes that were due before, of symbols that were subscribed anew."""
        if not self._unquoted:
            return []
        opens = self._opens(after)
        first = max(self._first, opens - _LONGEST_SESSION_S)
        found = self._quotes.of(sorted(self._unquoted), first, opens + 1)
        self._unquoted.clear()
        return found

    def _heard(self, quotes: list[FeedQuote]) -> list[FeedQuote]:
        times = {quote.opened_at for quote in quotes}
        heard = {time: self._plan.is_heard(self._plan.normal_time(time)) for time in times}
        return [quote for quote in quotes if heard[quote.opened_at]]

    def _opens(self, due: float) -> int:
        """Return the last second at which a slot opens whose bar is due by an instant."""
        second = math.floor(due - self._plan.interval.seconds - self._plan.delay)
        return second + (self._plan.normal_time(second + 1) <= due)  # by rounding


def make_replay_feed(context: FeedContext) -> ReplayFeed:
    """Return the replay feed of a session; FeedError without a store to play."""
    if context.store is None:
        raise FeedError(
            f"the feed {NAME} plays stored bars: name their store with --store PATH", is_final=True
        )
    return ReplayFeed(
        context.store,
        context.clock,
        context.interval,
        context.script,
        first=context.first,
        zone=context.time_manager.zone,
        has_quotes=context.config.session_data_config.wants_quotes,
    )
