"""Scripted market: messages and history answers of a feed with faults, by any clock, without threads."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from itertools import groupby
from operator import attrgetter
from typing import Final, Protocol

from tapedeck.engine.feeds.bar_fate import Delivery
from tapedeck.engine.feeds.fault_plan import NORMAL_DELAY_S, FaultPlan
from tapedeck.engine.feeds.fault_script import FaultScript
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedError, FeedHistory
from tapedeck.engine.intervals import MINUTE, Interval

_IN_ORDER: Final = attrgetter("at", "rank")


class HistoryFailedError(FeedError):
    """A request for history fails by the fault script. `hangs`: at the end of its time only."""

    def __init__(self, message: str, *, hangs: bool) -> None:
        super().__init__(message)
        self.hangs = hangs


class TrueBars(Protocol):
    """The true bars of some symbols, which a market makes its messages of."""

    def opens(self, start: float, end: float) -> Iterator[int]:
        """Yield the instants at which bars open, `start <= instant <= end`, ascending."""
        ...

    def opened_at(self, instant: int) -> Sequence[FeedBar]:
        """Return the bars that open at an instant, in the order of the symbols."""
        ...

    def of(self, symbols: Sequence[str], start: int, end: int) -> Sequence[FeedBar]:
        """Return the bars of symbols with `start <= opened_at < end`; any thread may call it."""
        ...


class ListedBars:
    """True bars from a list."""

    def __init__(self, bars: Iterable[FeedBar]) -> None:
        ordered = sorted(bars, key=attrgetter("opened_at", "symbol"))
        groups = groupby(ordered, attrgetter("opened_at"))
        self._by_open = {opened_at: tuple(group) for opened_at, group in groups}
        self._opens = list(self._by_open)

    def opens(self, start: float, end: float) -> Iterator[int]:
        """Yield the instants at which bars open."""
        return iter(self._opens[bisect_left(self._opens, start) : bisect_right(self._opens, end)])

    def opened_at(self, instant: int) -> Sequence[FeedBar]:
        """Return the bars that open at an instant, symbols in sorted order."""
        return self._by_open.get(instant, ())

    def of(self, symbols: Sequence[str], start: int, end: int) -> Sequence[FeedBar]:
        """Return the bars of symbols with `start <= opened_at < end`."""
        wanted = set(symbols)
        return [
            bar
            for opened_at in self.opens(start, end - 1)
            for bar in self._by_open[opened_at]
            if bar.symbol in wanted
        ]


class ScriptedMarket:
    """Messages and history answers of a feed: true bars, with the faults of a script.

    Everything is a function of bars, script and market time (seconds UTC). `bars`: a list, or a source that
    reads on demand. One thread may use `due` and `next_due`, any thread the other methods.
    """

    def __init__(
        self,
        bars: Iterable[FeedBar] | TrueBars,
        script: FaultScript | FaultPlan | None = None,
        *,
        interval: Interval = MINUTE,
        zone: tzinfo = UTC,
        delay: float = NORMAL_DELAY_S,
    ) -> None:
        self.bars: TrueBars = ListedBars(bars) if isinstance(bars, Iterable) else bars
        self.plan = (
            script if isinstance(script, FaultPlan) else FaultPlan(script, interval, zone, delay=delay)
        )
        self._messages: dict[int, Sequence[Delivery]] = {}  # by the open of their bars, in order

    def is_connected(self, now: float) -> bool:
        """Whether a connection is possible at a market time."""
        return self.plan.is_connected(now)

    def connection_ends(self, after: float, until: float) -> float | None:
        """Return when the connection is lost first, `after < instant <= until`, or None."""
        return self.plan.connection_ends(after, until)

    def due(self, after: float, until: float) -> list[Delivery]:
        """Return the messages with `after < time <= until` in order, without those that are not heard."""
        found = [
            message
            for opened_at in self._opens(after, until)
            for message in self._between(opened_at, after, until)
        ]
        found.sort(key=_IN_ORDER)
        heard = {at: self.plan.is_heard(at) for at in {message.at for message in found}}
        self._forget(after)
        return [message for message in found if heard[message.at]]

    def next_due(self, after: float, until: float) -> float | None:
        """Return the time of the first message with `after < time <= until`, or None."""
        first: float | None = None
        for opened_at in self._opens(after, until):
            if first is not None and first <= opened_at + self.plan.interval.seconds - self.plan.earliest:
                break
            message = next(iter(self._between(opened_at, after, until)), None)
            if message is not None and (first is None or message.at < first):
                first = message.at
        return first

    def history(self, symbols: Sequence[str], start: int, end: int, now: float) -> FeedHistory:
        """Return what history has at a market time of the bars with `start <= opened_at < end`.

        Raises HistoryFailedError where the script says so.
        """
        return history_of(self.plan, self.bars.of(symbols, start, end), now)

    def final_bars(self, symbols: Sequence[str], start: int, end: int) -> list[FeedBar]:
        """Return the bars with `start <= opened_at < end` that a complete history has at last."""
        fates = (self.plan.fate(bar) for bar in self.bars.of(symbols, start, end))
        return [fate.final for fate in fates if fate.final is not None]

    def _opens(self, after: float, until: float) -> Iterator[int]:
        """Yield the opens of bars that may have messages in a span of market time."""
        step = self.plan.interval.seconds
        return self.bars.opens(after - self.plan.latest - step, until + self.plan.earliest - step)

    def _between(self, opened_at: int, after: float, until: float) -> Sequence[Delivery]:
        messages = self._messages.get(opened_at)
        if messages is None:
            self._messages[opened_at] = messages = self._messages_of(opened_at)
        low = bisect_right(messages, after, key=attrgetter("at"))
        return messages[low : bisect_right(messages, until, key=attrgetter("at"))]

    def _messages_of(self, opened_at: int) -> Sequence[Delivery]:
        bars = enumerate(self.bars.opened_at(opened_at))
        if not self.plan.changes_bars:
            at = self.plan.normal_time(opened_at)
            return [Delivery(at, rank, bar) for rank, bar in bars]
        fates = (self.plan.fate(bar, rank) for rank, bar in bars)
        return sorted((message for fate in fates for message in fate.messages), key=_IN_ORDER)

    def _forget(self, after: float) -> None:
        """Drop messages that are all earlier than a market time."""
        over = after - self.plan.latest - self.plan.interval.seconds
        while self._messages and (first := next(iter(self._messages))) < over:
            del self._messages[first]


def history_of(plan: FaultPlan, bars: Iterable[FeedBar], now: float) -> FeedHistory:
    """Return what history has of the true `bars` at a market time, or raise HistoryFailedError."""
    failure = plan.history_failure(now)
    if failure is not None:
        raise HistoryFailedError("history does not answer: a fault of the script", hangs=failure == "hang")
    complete_until = int(now - plan.delay)
    if complete_until + plan.delay > now:  # by rounding
        complete_until -= 1
    answer: list[FeedBar] = []
    if not plan.changes_bars:
        answer = [bar for bar in bars if plan.normal_time(bar.opened_at) <= now]
        bars = ()
    for bar in bars:
        fate = plan.fate(bar)
        version = fate.in_history(now)
        if version is not None:
            answer.append(version)
        elif fate.history:  # still to come: nothing is complete from this bar on
            complete_until = min(complete_until, bar.opened_at)
    return FeedHistory(answer, complete_until if plan.script.history_confirms_empty else 0)
