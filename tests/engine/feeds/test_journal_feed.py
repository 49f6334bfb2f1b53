"""A recorded day as it was seen: every version, at its time of receipt, in its order."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from threading import Condition, get_ident

import pytest
from market_kit import at, bar

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.journal_feed import JournalFeed, Seen
from tapedeck.engine.feeds.live_feed import FeedError, LiveFeed
from tapedeck.engine.intervals import MINUTE, SECOND

LIMIT_S = 20.0
OPEN = at("09:30")
FIRST = bar("SPY", "09:30", 100.0)
DAY = [
    Seen(OPEN + 60.2, FIRST),
    Seen(OPEN + 60.2, bar("AIG", "09:30", 50.0)),
    Seen(OPEN + 92.0, FIRST._replace(close=100.75, kind=BarKind.UPDATED)),
    Seen(OPEN + 95.0, FIRST),
    Seen(OPEN + 151.0, bar("AIG", "09:31", 51.0)._replace(kind=BarKind.HISTORY)),
    Seen(OPEN + 180.4, bar("SPY", "09:32", 102.0)),
    Seen(OPEN + 23_700.0, bar("SPY", "09:31", 101.0)._replace(kind=BarKind.RECONCILED)),
]


class Sink:
    def __init__(self, clock: LiveClock) -> None:
        self.clock = clock
        self.calls: list[tuple[float, list[FeedBar]]] = []
        self.reasons: list[str] = []
        self.changed = Condition()

    @property
    def received(self) -> list[FeedBar]:
        return [bar for _, bars in self.calls for bar in bars]

    def bars(self, bars: Sequence[FeedBar]) -> None:
        with self.changed:
            self.calls.append((self.clock.now(), list(bars)))
            self.changed.notify_all()

    def forming(self, bars: Sequence[FeedBar]) -> None: ...

    def provider_time(self, seconds: float) -> None: ...

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, LIMIT_S)


class Clocks:
    """A machine's clock by hand, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def at(self, speed: float = 1.0, start: float = OPEN) -> LiveClock:
        return LiveClock(speed=speed, start=start, wall=self, monotonic=self)


@pytest.fixture
def feeds() -> Iterator[list[LiveFeed]]:
    made: list[LiveFeed] = []
    yield made
    for feed in made:
        feed.close()
    assert [thread.name for thread in threading.enumerate() if "tapedeck-feed" in thread.name] == []


def started(
    feeds: list[LiveFeed], clock: LiveClock, symbols: Sequence[str] = ("AIG", "SPY")
) -> tuple[JournalFeed, Sink]:
    feed = JournalFeed(lambda: iter(DAY), ("AIG", "SPY"), clock, MINUTE)
    feeds.append(feed)
    sink = Sink(clock)
    feed.connect(sink, 1.0)
    feed.subscribe(symbols, MINUTE)
    return feed, sink


def test_every_version_arrives_in_its_order_not_before_its_receipt(feeds: list[LiveFeed]) -> None:
    _, sink = started(feeds, LiveClock(speed=100_000, start=OPEN))
    sink.wait_for(len(DAY))
    assert sink.received == [seen.message for seen in DAY]
    received = {seen.message: seen.received for seen in DAY}
    for now, bars in sink.calls:
        assert all(received[one] <= now or one == FIRST for one in bars)
    assert all(a <= b for (a, _), (b, _) in pairwise(sink.calls))


def test_only_the_symbols_that_are_subscribed_arrive(feeds: list[LiveFeed]) -> None:
    _, sink = started(feeds, LiveClock(speed=100_000, start=OPEN), ["AIG"])
    sink.wait_for(2)
    assert [one.symbol for one in sink.received] == ["AIG", "AIG"]


def test_what_was_received_before_the_clocks_time_arrives_at_once(feeds: list[LiveFeed]) -> None:
    machine = Clocks()
    _, sink = started(feeds, machine.at(start=OPEN + 100))
    sink.wait_for(4)
    assert sink.received == [seen.message for seen in DAY[:4]]


def test_after_a_new_connection_it_goes_on_where_it_was(feeds: list[LiveFeed]) -> None:
    machine = Clocks()
    feed, sink = started(feeds, machine.at(start=OPEN + 61))
    sink.wait_for(2)
    feed.close()
    machine.seconds += 100
    again = Sink(sink.clock)
    feed.connect(again, 1.0)
    feed.subscribe(["AIG", "SPY"], MINUTE)
    again.wait_for(3)
    assert [*sink.received, *again.received] == [seen.message for seen in DAY[:5]]


def test_arrivals_are_read_in_the_thread_that_delivers_them(feeds: list[LiveFeed]) -> None:
    readers: list[int] = []

    def arrivals() -> Iterator[Seen]:
        for seen in DAY[:2]:
            readers.append(get_ident())
            yield seen

    clock = LiveClock(speed=1000, start=OPEN + 61)
    feed = JournalFeed(arrivals, ["AIG", "SPY"], clock, MINUTE)
    feeds.append(feed)
    sink = Sink(clock)
    feed.connect(sink, 1.0)
    feed.subscribe(["SPY", "AIG"], MINUTE)
    sink.wait_for(2)
    assert len(set(readers)) == 1
    assert readers[0] != get_ident()


def test_history_answers_nothing_and_confirms_nothing(feeds: list[LiveFeed]) -> None:
    feed, _ = started(feeds, LiveClock(start=OPEN))
    answer = feed.history(["SPY"], MINUTE, OPEN, OPEN + 3600, 1.0)
    assert len(answer.bars) == 0
    assert 0 < answer.complete_until < OPEN  # known to end before the day, so that late bars are waited for
    assert feed.abilities.intervals == (MINUTE,)


def test_history_answers_after_all_that_is_due_was_delivered(feeds: list[LiveFeed]) -> None:
    feed, sink = started(feeds, LiveClock(start=OPEN + 100.0))
    feed.history(["SPY"], MINUTE, OPEN, OPEN + 3600, LIMIT_S)
    assert len(sink.received) == 4


def test_history_fails_before_a_subscription(feeds: list[LiveFeed]) -> None:
    feed = JournalFeed(lambda: DAY, {"SPY", "AIG"}, LiveClock(start=OPEN), MINUTE)
    feeds.append(feed)
    with pytest.raises(FeedError, match="not been delivered yet"):
        feed.history(["SPY"], MINUTE, OPEN, OPEN + 3600, 0.1)


def test_symbols_and_intervals_that_were_not_recorded_are_refused(feeds: list[LiveFeed]) -> None:
    feed, _ = started(feeds, LiveClock(start=OPEN))
    with pytest.raises(FeedError, match=r"not recorded on this day: SPYX; recorded are AIG, SPY\n"):
        feed.subscribe(["SPYX", "AIG"], MINUTE)
    with pytest.raises(FeedError, match="invalid interval '1s' for this recording: it has '1m'"):
        feed.subscribe(["SPY"], SECOND)
    feed.close()
    with pytest.raises(FeedError, match="not connected"):
        feed.subscribe(["SPY"], MINUTE)


def test_history_has_what_was_due_of_symbols_that_joined(feeds: list[LiveFeed]) -> None:
    feed, sink = started(feeds, LiveClock(start=OPEN + 100.0), ["AIG"])
    feed.subscribe(["SPY"], MINUTE)
    answer = feed.history(["AIG", "SPY"], MINUTE, OPEN - 3600, OPEN + 3600, LIMIT_S)
    # The first version came again after the update: it does not replace it.
    assert list(answer.bars) == [FIRST._replace(close=100.75, kind=BarKind.UPDATED)]
    assert {one.symbol for one in sink.received} == {"AIG"}
