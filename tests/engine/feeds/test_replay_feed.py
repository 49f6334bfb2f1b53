"""Replay feed: stored bars arrive when the market's clock reaches their end, in a thread that ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from threading import Condition, Thread
from typing import Any

import numpy as np
import pytest
from market_kit import NEW_YORK, at, script

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import StoreError
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedError, FeedSink, LiveFeed
from tapedeck.engine.feeds.replay_feed import ReplayFeed
from tapedeck.engine.feeds.scripted_market import ListedBars, ScriptedMarket
from tapedeck.engine.feeds.stored_bars import ReadingStoppedError, StoredBars
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, BarStore
from tapedeck.engine.store.locations import open_store

SYMBOLS = ("AIG", "SPY", "TINY")
LIMIT_S = 20.0


class RecordingSink:
    """Keeps what a feed sends, with the market time of each call."""

    def __init__(self, clock: LiveClock) -> None:
        self.clock = clock
        self.calls: list[tuple[float, list[FeedBar]]] = []
        self.provider_times: list[tuple[float, float]] = []
        self.reasons: list[str] = []
        self.changed = Condition()

    @property
    def received(self) -> list[FeedBar]:
        return [bar for _, bars in self.calls for bar in bars]

    def bars(self, bars: Sequence[FeedBar]) -> None:
        with self.changed:
            self.calls.append((self.clock.now(), list(bars)))
            self.changed.notify_all()

    def forming(self, bars: Sequence[FeedBar]) -> None:
        raise AssertionError("stored bars do not form")

    def provider_time(self, seconds: float) -> None:
        self.provider_times.append((self.clock.now(), seconds))

    def lost(self, reason: str) -> None:
        with self.changed:
            self.reasons.append(reason)
            self.changed.notify_all()

    def wait_for(self, condition: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, LIMIT_S), "the feed did not send it in time"


class Stopwatch:
    """Real seconds since it was started, 0 before."""

    def __init__(self) -> None:
        self.begun: float | None = None

    def __call__(self) -> float:
        return 0.0 if self.begun is None else time.monotonic() - self.begun

    def start(self) -> None:
        self.begun = time.monotonic()


def stored_days() -> list[FeedBar]:
    """Return bars of two days, 04:00 to 20:00; of TINY one in seven."""
    bars = []
    for day in ("2013-10-07", "2013-10-08"):
        for minute in range(16 * 60):
            opened_at = at("04:00", day) + 60 * minute
            for row, symbol in enumerate(SYMBOLS):
                if symbol != "TINY" or minute % 7 == 3:
                    price = 50.0 * (row + 1) + (opened_at // 60) % 1000 / 100
                    values = (price, price + 0.25, price - 0.25, price + 0.125, 100.0 + minute)
                    bars.append(FeedBar(symbol, opened_at, *values))
    return bars


BARS = stored_days()


@pytest.fixture(scope="module", params=["bars.db", "bars"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_store(tmp_path_factory.mktemp("store") / request.param, create=True) as opened:
        for symbol in SYMBOLS:
            rows = np.array([bar[1:7] for bar in BARS if bar.symbol == symbol])
            opened.write(symbol, MINUTE, BarColumns(rows[:, 0].astype(np.int64), *rows[:, 1:].T.copy()))
        yield opened


@pytest.fixture
def feeds() -> Iterator[list[LiveFeed]]:
    made: list[LiveFeed] = []
    yield made
    for feed in made:
        feed.close()
    assert [thread.name for thread in threading.enumerate() if "tapedeck-feed" in thread.name] == []


def started(
    feeds: list[LiveFeed],
    store: BarStore,
    clock: str,
    *,
    speed: float,
    day: str = "2013-10-07",
    symbols: Sequence[str] = SYMBOLS,
    faults: Sequence[dict[str, Any]] = (),
    first: int = 0,
    **fields: object,
) -> tuple[ReplayFeed, RecordingSink]:
    watch = Stopwatch()  # so that the market's time begins with the subscription
    market_clock = LiveClock(speed=speed, start=at(clock, day), wall=watch, monotonic=watch)
    feed = ReplayFeed(store, market_clock, MINUTE, script(*faults, **fields), first=first, zone=NEW_YORK)
    feeds.append(feed)
    sink = RecordingSink(market_clock)
    feed.connect(sink, 1.0)
    feed.subscribe(symbols, MINUTE)
    watch.start()
    return feed, sink


def test_two_days_arrive_whole_in_order_and_never_before_their_end(
    feeds: list[LiveFeed], store: BarStore
) -> None:
    _, sink = started(feeds, store, "03:59", speed=150_000)
    sink.wait_for(lambda: len(sink.received) >= len(BARS))
    assert sink.received == BARS
    for now, bars in sink.calls:
        assert max(bar.opened_at for bar in bars) + 60.1 <= now


def test_the_bars_of_a_minute_arrive_in_one_call(feeds: list[LiveFeed], store: BarStore) -> None:
    _, sink = started(feeds, store, "09:30", speed=3600)
    sink.wait_for(lambda: len(sink.calls) >= 8)
    minutes = [{bar.opened_at for bar in bars} for _, bars in sink.calls]
    assert all(not a & b for a, b in pairwise(minutes))
    assert sink.received[0].opened_at == at("09:29")


def test_a_replay_begins_at_its_first_instant(feeds: list[LiveFeed], store: BarStore) -> None:
    first = at("04:00", "2013-10-08")
    _, sink = started(feeds, store, "19:58", speed=100_000, first=first)
    wanted = [bar for bar in BARS if bar.opened_at >= first]
    sink.wait_for(lambda: len(sink.received) >= 100)
    assert sink.received[:100] == wanted[:100]


def test_symbols_may_be_added(feeds: list[LiveFeed], store: BarStore) -> None:
    feed, sink = started(feeds, store, "10:00", speed=3600, symbols=["SPY"])
    sink.wait_for(lambda: sink.received)
    feed.subscribe(["AIG"], MINUTE)
    sink.wait_for(lambda: {bar.symbol for bar in sink.received[-2:]} == {"AIG", "SPY"})


def test_after_a_new_connection_only_later_bars_arrive(feeds: list[LiveFeed], store: BarStore) -> None:
    feed, sink = started(feeds, store, "10:00", speed=3600, symbols=["SPY"])
    sink.wait_for(lambda: sink.received)
    feed.close()
    closed = sink.clock.now()
    before = list(sink.received)
    while sink.clock.now() < closed + 600:
        with sink.changed:
            sink.changed.wait(0.01)
    assert sink.received == before
    again = RecordingSink(sink.clock)
    connected = sink.clock.now()
    feed.connect(again, 1.0)
    feed.subscribe(["SPY"], MINUTE)
    again.wait_for(lambda: again.received)
    assert again.received[0].opened_at + 60.1 > connected
    answer = feed.history(["SPY"], MINUTE, int(closed) - 120, int(connected), 1.0)
    missed = range(int(closed) // 60 * 60, int(connected) // 60 * 60 - 60, 60)
    assert set(missed) <= {bar.opened_at for bar in answer.bars}


def test_history_answers_from_the_store_up_to_the_markets_time(
    feeds: list[LiveFeed], store: BarStore
) -> None:
    clock = LiveClock(start=at("11:00") + 30, speed=0.001)
    feed = ReplayFeed(store, clock, MINUTE, first=at("09:30"), zone=NEW_YORK)
    answer = feed.history(["TINY", "SPY"], MINUTE, at("04:00"), at("20:00"), 1.0)
    wanted = [bar for bar in BARS if bar.symbol != "AIG" and bar.opened_at < at("11:00")]
    assert set(answer.bars) == set(wanted)
    assert answer.complete_until == 0


def test_symbols_that_are_not_stored_are_named_with_the_nearest_and_the_import(
    feeds: list[LiveFeed], store: BarStore
) -> None:
    feed, _ = started(feeds, store, "10:00", speed=1)
    with pytest.raises(FeedError) as caught:
        feed.subscribe(["SPYY", "AIG", "TINI"], MINUTE)
    message = str(caught.value)
    assert caught.value.is_final
    assert "no stored bars of 1m to play for SPYY, TINI" in message
    assert "'SPY' for SPYY, 'TINY' for TINI" in message
    assert f"tapedeck import csv FILE --interval 1m --store {store.location}" in message


def test_an_interval_that_it_does_not_play_is_refused(feeds: list[LiveFeed], store: BarStore) -> None:
    feed, _ = started(feeds, store, "10:00", speed=1)
    assert feed.abilities.intervals == (MINUTE,)
    with pytest.raises(FeedError, match="invalid interval '1s' for the feed replay: it plays '1m'"):
        feed.subscribe(["SPY"], SECOND)
    with pytest.raises(FeedError, match="invalid interval '1d' for the feed replay: use one below a day"):
        ReplayFeed(store, LiveClock(), DAY)


def test_close_ends_a_wait_of_hours_at_once(feeds: list[LiveFeed], store: BarStore) -> None:
    feed, _ = started(feeds, store, "21:00", speed=1)
    begun = time.monotonic()
    feed.close()
    feed.close()
    assert time.monotonic() - begun < 5  # of hours
    ReplayFeed(store, LiveClock(), MINUTE).close()  # never connected


def test_subscribe_needs_a_connection(store: BarStore) -> None:
    with pytest.raises(FeedError, match="not connected"):
        ReplayFeed(store, LiveClock(), MINUTE).subscribe(["SPY"], MINUTE)


def test_a_disconnect_of_the_script_is_told_once_and_connecting_fails_meanwhile(
    feeds: list[LiveFeed], store: BarStore
) -> None:
    fault = {"kind": "disconnect", "at": "2013-10-07 10:05", "for": "24h"}
    feed, sink = started(feeds, store, "10:00", speed=3600, symbols=["SPY"], faults=[fault])
    sink.wait_for(lambda: sink.reasons)
    feed.close()
    assert sink.reasons == ["a disconnect of the fault script"]
    assert [bar.opened_at for bar in sink.received] == [at("09:59") + 60 * n for n in range(5)]
    with pytest.raises(FeedError, match="cannot connect") as caught:
        feed.connect(sink, 1.0)
    assert not caught.value.is_final


def test_faults_of_a_script_arrive_at_their_time(feeds: list[LiveFeed], store: BarStore) -> None:
    fault = {"kind": "duplicate", "at": "10:00", "symbol": "SPY", "after": 150}
    _, sink = started(
        feeds, store, "10:00:30", speed=3600, symbols=["SPY"], faults=[fault], provider_ahead=2.0
    )
    sink.wait_for(lambda: len(sink.received) >= 4)
    assert [(bar.opened_at - at("10:00")) // 60 for bar in sink.received[:4]] == [0, 1, 2, 0]
    for now, told in sink.provider_times:
        assert told - now == pytest.approx(2.0, abs=300)
        assert told - 2.0 <= now


def test_the_thread_delivers_what_the_scripted_market_says(feeds: list[LiveFeed], store: BarStore) -> None:
    shares = {"late": 0.1, "early": 0.1, "duplicate": 0.1, "corrected": 0.2, "reorder": 0.1, "missing": 0.1}
    faults = {"seed": 11, **shares}
    _, sink = started(feeds, store, "09:00", speed=50_000, random=faults)
    wanted = ScriptedMarket(BARS, script(random=faults), zone=NEW_YORK).due(at("09:00"), at("16:00"))
    sink.wait_for(lambda: len(sink.received) >= len(wanted))
    assert sink.received[: len(wanted)] == [message.bar for message in wanted]


def test_history_that_hangs_ends_with_its_time_or_with_the_feed(
    feeds: list[LiveFeed], store: BarStore
) -> None:
    fault = {"kind": "history_fails", "at": "10:00", "for": "24h", "how": "hang"}
    feed, _ = started(feeds, store, "10:00", speed=1, faults=[fault])
    with pytest.raises(FeedError, match=r"history does not answer within 0\.05 s"):
        feed.history(["SPY"], MINUTE, at("09:30"), at("09:40"), 0.05)
    errors: list[FeedError] = []

    def ask() -> None:
        try:
            feed.history(["SPY"], MINUTE, at("09:30"), at("09:40"), 600.0)
        except FeedError as error:
            errors.append(error)

    asking = Thread(target=ask)
    asking.start()
    feed.close()
    asking.join(LIMIT_S)
    assert len(errors) == 1


class DamagedStore:
    """A store whose bars cannot be read from a time on."""

    def __init__(self, store: BarStore, good_until: float) -> None:
        self._store = store
        self._good_until = good_until
        self.spans: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        self.spans.append((start, end))
        if end > self._good_until:
            raise StoreError("bars.db: the disk is gone")
        return self._store.scan(symbols, interval, start, end)


def test_a_store_that_fails_is_a_lost_connection_with_its_reason(
    feeds: list[LiveFeed], store: BarStore
) -> None:
    damaged: Any = DamagedStore(store, good_until=0)
    _, sink = started(feeds, damaged, "10:00", speed=1)
    sink.wait_for(lambda: sink.reasons)
    assert sink.reasons == ["the feed failed: bars.db: the disk is gone"]


class TestStoredBars:
    def test_they_are_the_stored_ones_in_order(self, store: BarStore) -> None:
        bars, listed = StoredBars(store, SYMBOLS, MINUTE, first=0), ListedBars(BARS)
        whole = (at("00:00"), at("23:00", "2013-10-08"))
        assert list(bars.opens(*whole)) == list(listed.opens(*whole))
        for opened_at in (at("04:00"), at("04:03"), at("09:31", "2013-10-08"), at("20:00")):
            assert list(bars.opened_at(opened_at)) == list(listed.opened_at(opened_at))
        span = (at("04:00"), at("04:05"))
        assert list(bars.opens(*span)) == [span[0] + 60 * n for n in range(6)]
        assert set(bars.of(["SPY"], *span)) == set(listed.of(["SPY"], *span))

    @pytest.mark.parametrize(
        ("count", "interval", "seconds"),
        [(4, MINUTE, 86400), (500, MINUTE, 86400), (5000, MINUTE, 12000), (5000, SECOND, 3600)],
    )
    def test_a_chunk_has_about_a_million_bars_at_most(
        self, count: int, interval: Interval, seconds: int, store: BarStore
    ) -> None:
        symbols = [f"S{n}" for n in range(count)]
        assert StoredBars(store, symbols, interval, first=0).chunk_seconds == seconds

    def test_they_are_read_chunk_by_chunk_as_asked_for(self, store: BarStore) -> None:
        watched: Any = DamagedStore(store, good_until=math.inf)
        bars = StoredBars(watched, SYMBOLS, MINUTE, first=at("09:30"))
        opens = bars.opens(at("00:00"), at("23:59", "2013-10-09"))
        assert watched.spans == []
        assert next(opens) == at("09:30")
        assert watched.spans == [(at("09:30"), at("20:00"))]  # to midnight UTC
        bars.opened_at(at("15:00"))
        assert len(watched.spans) == 1
        bars.opened_at(at("09:30", "2013-10-08"))
        assert watched.spans[1:] == [(at("20:00"), at("20:00", "2013-10-08"))]

    def test_the_next_chunk_is_read_after_the_last_bar_of_one(self, store: BarStore) -> None:
        watched: Any = DamagedStore(store, good_until=math.inf)
        market = ScriptedMarket(StoredBars(watched, SYMBOLS, MINUTE, first=0))
        first_day = (at("20:00", "2013-10-06"), at("20:00"))
        assert market.next_due(at("19:58"), at("12:00", "2013-10-08")) == at("19:58") + 0.1
        assert watched.spans == [first_day]
        assert market.next_due(at("20:01"), at("12:00", "2013-10-08")) == at("04:01", "2013-10-08") + 0.1
        assert watched.spans == [first_day, (at("20:00"), at("20:00", "2013-10-08"))]

    def test_a_read_ends_when_its_owner_is_stopped(self, store: BarStore) -> None:
        bars = StoredBars(store, SYMBOLS, MINUTE, first=0, is_stopped=lambda: True)
        with pytest.raises(ReadingStoppedError):
            bars.opened_at(at("09:30"))


def test_a_replay_feed_is_a_live_feed_and_its_sink_a_feed_sink(store: BarStore) -> None:
    clock = LiveClock()
    feed: LiveFeed = ReplayFeed(store, clock, MINUTE)
    sink: FeedSink = RecordingSink(clock)
    assert (feed.name, sink is not None) == ("replay", True)


def test_bars_of_the_symbols_before_are_not_lost_when_others_are_added(
    feeds: list[LiveFeed], store: BarStore
) -> None:
    feed, sink = started(feeds, store, "10:00", speed=20_000, symbols=["SPY"])
    sink.wait_for(lambda: sink.received)
    for _ in range(10):
        feed.subscribe(["AIG"], MINUTE)
    count = len(sink.received)
    sink.wait_for(lambda: len(sink.received) > count + 10)
    times = [bar.opened_at for bar in sink.received if bar.symbol == "SPY"]
    assert times == list(range(times[0], times[-1] + 60, 60))
