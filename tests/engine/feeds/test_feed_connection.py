"""Feed connection, in threads: feeds that refuse, drop, go mute, hang, or raise anything."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.alerts import Alerts
from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.feed_connection import FeedConnected, FeedConnection, FeedFailed, FeedLost
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose, request_for_slots
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory
from tapedeck.engine.feeds.live_status import FeedState
from tapedeck.engine.feeds.trading_hours import TradingHours
from tapedeck.engine.intervals import MINUTE, SECOND
from tests.engine.feeds.gap_kit import OPEN_S, Longest, bar, session_of, slots_of
from tests.engine.feeds.recorder_kit import LIMIT_S, Mailbox

SYMBOLS = ("AIG", "SPY")
SLOTS = slots_of(390)
NOON = OPEN_S + 9000
QUIT_S = 1.0


class FakeFeed:
    """A feed whose steps can be made to raise, one error after another, or to hang until it is closed."""

    name = "fake"

    def __init__(self, abilities=None, **steps):
        self.abilities = abilities or FeedAbilities((MINUTE,))
        self.steps = {name: list(errors) for name, errors in steps.items()}
        self.calls, self.subscribed, self.sink = [], None, None
        self.closed = threading.Event()
        self.released = threading.Event()  # ends what hangs though the feed is closed
        self.complete_until = 0
        self.histories, self.most_histories = 0, 0

    def _step(self, name):
        self.calls.append(name)
        errors = self.steps.get(name)
        error = errors.pop(0) if errors else None
        if error == "hang":
            self.closed.wait(LIMIT_S)
        elif error == "hang for good":
            self.released.wait(LIMIT_S)
        elif error is not None:
            raise error

    def connect(self, sink, timeout):
        self.closed.clear()
        self._step("connect")
        self.sink = sink

    def subscribe(self, symbols, interval):
        self._step("subscribe")
        self.subscribed = (tuple(symbols), interval)

    def history(self, symbols, interval, start, end, timeout):
        self.histories += 1
        self.most_histories = max(self.histories, self.most_histories)
        try:
            self._step("history")
        finally:
            self.histories -= 1
        slots = [slot for slot in range(390) if start - 60 <= SLOTS.opened_at[slot] <= end]  # one too many
        return FeedHistory(
            [bar(symbol, SLOTS, slot) for symbol in (*symbols, "IBM") for slot in slots], self.complete_until
        )

    def close(self):
        self.calls.append("close")
        self.closed.set()


class Sink:
    """Keeps what the recorder would get."""

    def __init__(self):
        self.got, self.formed, self.times = [], [], []

    def bars(self, bars):
        self.got += bars

    def forming(self, bars):
        self.formed += bars

    def provider_time(self, seconds):
        self.times.append(seconds)

    def lost(self, reason):
        raise AssertionError("the connection's own business")


class Bench:
    """A connection to a fake feed, and all that it tells."""

    def __init__(self, feed, *, at=NOON, speed=1.0, minutes=390, **options):
        self.feed, self.sink, self.alerts, self.mailbox = feed, Sink(), Alerts(), Mailbox()
        self.wall_step = 0.0
        self.clock = LiveClock(start=at, speed=speed, wall=lambda: time.time() + self.wall_step)
        self.connection = FeedConnection(
            feed,
            SYMBOLS,
            MINUTE,
            self.sink,
            self.mailbox.send,
            clock=self.clock,
            hours=TradingHours([session_of(minutes)]),
            grace_s=30.0,
            alerts=self.alerts,
            back_off=BackOff(first_s=0.05, random=Longest()),
            **options,
        )

    def wait_for(self, kind, count=1):
        """Wait for as many reports of a kind, and return the last."""
        self.mailbox.wait_for(lambda box: len([m for m in box.messages if isinstance(m, kind)]) >= count)
        return [m for m in self.mailbox.messages if isinstance(m, kind)][-1]

    def reports(self):
        return [type(message).__name__ for message in self.mailbox.messages]

    def wait_until(self, condition):
        """Wait for a status."""
        until = time.monotonic() + LIMIT_S
        tick = threading.Event()
        while not condition(self.connection.status()):
            assert time.monotonic() < until, self.connection.status()
            tick.wait(0.005)
        return self.connection.status()

    def ask(self, purpose=HistoryPurpose.GAPS, first=10, stop=12):
        request = request_for_slots(purpose, SYMBOLS, SLOTS, first, stop)
        self.connection.request(request)
        return request

    def texts(self):
        return [alert.text for alert in self.alerts.recent()]


@pytest.fixture
def run(caplog):
    """Start connections; each must end within a second, without a thread or a traceback."""
    benches = []
    caplog.set_level(logging.INFO)

    def start(feed, **options):
        bench = Bench(feed, **options)
        benches.append(bench)
        bench.connection.start()
        return bench

    yield start
    for bench in benches:
        begin = time.monotonic()
        bench.connection.close()
        bench.connection.close()
        bench.connection.join(QUIT_S)
        assert time.monotonic() - begin < QUIT_S
        bench.feed.released.set()
    until = time.monotonic() + LIMIT_S
    while left := [t for t in threading.enumerate() if t.name.startswith("tapedeck-feed")]:
        assert time.monotonic() < until, left
        left[0].join(0.1)
    assert not [record for record in caplog.records if record.exc_info]


def test_it_connects_subscribes_and_passes_messages_on(run):
    bench = run(FakeFeed())
    report = bench.wait_for(FeedConnected)
    assert report.missed_since is None
    assert bench.feed.subscribed == (SYMBOLS, MINUTE)
    bench.feed.sink.bars([bar("AIG", SLOTS, 3)])
    bench.feed.sink.forming([bar("SPY", SLOTS, 4)])
    bench.feed.sink.provider_time(bench.clock.now() - 0.25)
    assert (bench.sink.got, bench.sink.formed) == ([bar("AIG", SLOTS, 3)], [bar("SPY", SLOTS, 4)])
    assert len(bench.sink.times) == 1
    status = bench.wait_until(lambda status: status.skew_s is not None)
    assert (status.name, status.state, status.reconnects, status.reason) == (
        "fake",
        FeedState.CONNECTED,
        0,
        "",
    )
    assert status.skew_s == pytest.approx(0.25, abs=0.05)
    assert status.last_message.timestamp() == pytest.approx(NOON, abs=30)
    assert bench.texts() == []


def test_after_it_was_closed_nothing_is_passed_on(run):
    bench = run(FakeFeed())
    bench.wait_for(FeedConnected)
    bench.connection.close()
    bench.connection.join(QUIT_S)
    bench.feed.sink.bars([bar("AIG", SLOTS, 3)])
    bench.feed.sink.lost("too late")
    assert bench.sink.got == []
    assert bench.connection.status().state is FeedState.CLOSED
    assert bench.reports() == ["FeedConnected"]
    assert "close" in bench.feed.calls


def test_a_connection_that_was_never_started_can_be_closed():
    bench = Bench(FakeFeed())
    bench.connection.close()
    bench.connection.join(QUIT_S)
    assert bench.connection.status().state is FeedState.CONNECTING


# Connecting


def test_a_refused_connection_is_tried_again_and_alerts_once(run):
    errors = [
        FeedError("406 connection limit"),
        ConnectionRefusedError(111, "Connection refused"),
        KeyError("T"),
    ]
    bench = run(FakeFeed(connect=errors))
    bench.wait_for(FeedConnected)
    assert bench.feed.calls == [*["connect", "close"] * 3, "connect", "subscribe"]
    assert bench.texts() == ["fake: cannot connect, trying again: 406 connection limit", "fake: connected"]
    assert bench.connection.status().reconnects == 0


def test_a_refused_subscription_closes_the_connection_and_is_tried_again(run):
    bench = run(FakeFeed(subscribe=[FeedError("405 symbol limit")]))
    bench.wait_for(FeedConnected)
    assert bench.feed.calls == ["connect", "subscribe", "close", "connect", "subscribe"]


@pytest.mark.parametrize("step", ["connect", "subscribe"])
def test_a_final_error_at_the_start_is_reported_at_once_and_not_tried_again(run, step):
    begin = time.monotonic()
    bench = run(FakeFeed(**{step: [FeedError("402 authentication failed", is_final=True)]}))
    assert str(bench.wait_for(FeedFailed).error) == "402 authentication failed"
    assert time.monotonic() - begin < 5
    status = bench.wait_until(lambda status: status.state is FeedState.FAILED)
    assert status.reason == "402 authentication failed"
    assert bench.feed.calls.count("connect") == 1
    assert bench.alerts.recent()[0].is_severe


@pytest.mark.parametrize(
    ("abilities", "text"),
    [
        (FeedAbilities((SECOND,)), "interval 1m is not available: fake has 1s"),
        (
            FeedAbilities((MINUTE,), most_symbols=1),
            "2 symbols are too many: fake takes at most 1 in one subscription",
        ),
    ],
)
def test_what_the_feed_cannot_do_is_a_final_error(run, abilities, text):
    bench = run(FakeFeed(abilities))
    error = bench.wait_for(FeedFailed).error
    assert (str(error), error.is_final) == (text, True)
    assert "connect" not in bench.feed.calls


def test_a_feed_that_hangs_in_connect_is_closed_and_tried_again(run):
    bench = run(FakeFeed(connect=["hang"]), connect_timeout_s=0.1)
    bench.wait_for(FeedConnected)
    assert bench.texts() == [
        "fake: cannot connect, trying again: no connection within 0.1 s",
        "fake: connected",
    ]


def test_a_feed_that_hangs_in_connect_is_left_by_quitting(run):
    bench = run(FakeFeed(connect=["hang"]))
    bench.wait_until(lambda _: bench.feed.calls == ["connect"])


@pytest.mark.parametrize("step", ["connect", "history", "close"])
def test_a_feed_that_hangs_for_good_does_not_keep_the_program_from_quitting(run, step, caplog):
    if step == "close":
        feed = FakeFeed()
        feed.close = lambda: feed.released.wait(LIMIT_S)
    else:
        feed = FakeFeed(**{step: ["hang for good"]})
    bench = run(feed)
    if step != "connect":
        bench.wait_for(FeedConnected)
    if step == "history":
        bench.ask()
    if step != "close":
        bench.wait_until(lambda _: step in feed.calls)
    bench.connection.close()
    bench.connection.join(QUIT_S)
    assert caplog.messages[-1] == f"fake hangs in {step}: its thread is left behind"


def test_a_connection_that_comes_after_it_was_given_up_is_closed_again(run):
    feed = FakeFeed(connect=["hang for good"])
    bench = run(feed, connect_timeout_s=0.05)
    bench.wait_until(lambda status: status.reason == "no connection within 0.05 s")
    bench.wait_until(lambda _: "close" in feed.calls)
    assert feed.calls == ["connect", "close"]  # none is made beside it
    feed.released.set()
    bench.wait_for(FeedConnected)
    assert feed.calls == ["connect", "close", "subscribe", "close", "connect", "subscribe"]


# Losing it


def test_a_dropped_connection_is_made_again_with_the_time_of_the_last_message(run):
    bench = run(FakeFeed())
    bench.wait_for(FeedConnected)
    first = bench.feed.sink
    first.bars([bar("AIG", SLOTS, 3)])
    heard = bench.clock.now()
    first.lost("1006 closed abnormally")
    first.lost("1006 again")
    assert bench.wait_for(FeedLost).reason == "1006 closed abnormally"
    assert bench.wait_for(FeedConnected, 2).missed_since == pytest.approx(heard, abs=5)
    assert bench.feed.sink is not first
    first.bars([bar("AIG", SLOTS, 5)])  # of the earlier connection
    assert bench.sink.got == [bar("AIG", SLOTS, 3)]
    status = bench.wait_until(lambda status: status.reconnects == 1)
    assert status.state is FeedState.CONNECTED
    lost, again = bench.texts()
    assert lost == "fake: connection lost: 1006 closed abnormally"
    assert again.startswith(
        "fake: connected again after 0 s without messages: what was missed, up to 1 bar of "
    )
    assert again.endswith(" of each symbol, is asked for")
    assert bench.reports() == ["FeedConnected", "FeedLost", "FeedConnected"]


def test_a_connection_lost_while_it_is_made_is_tried_again(run):
    class Hasty(FakeFeed):
        def subscribe(self, symbols, interval):
            super().subscribe(symbols, interval)
            if self.calls.count("subscribe") == 1:
                self.sink.lost("kicked out")

    bench = run(Hasty())
    bench.wait_for(FeedConnected)
    assert bench.texts()[0] == "fake: cannot connect, trying again: kicked out"
    assert bench.feed.calls == ["connect", "subscribe", "close", "connect", "subscribe"]


def test_a_feed_that_drops_at_night_misses_nothing(run):
    bench = run(FakeFeed(), at=OPEN_S + 86400)
    bench.wait_for(FeedConnected)
    bench.feed.sink.lost("maintenance")
    bench.wait_for(FeedConnected, 2)
    assert bench.texts()[-1].endswith(" without messages; the market was closed")


def test_a_mute_feed_is_stale_closed_and_connected_again(run):
    bench = run(FakeFeed(), speed=3000.0)
    bench.wait_for(FeedConnected)
    reason = bench.wait_for(FeedLost).reason
    assert reason.startswith("no message for ")
    assert reason.endswith(" while the market is open")
    bench.wait_for(FeedConnected, 2)
    assert bench.texts()[0] == f"fake: stale: {reason}"
    assert bench.feed.calls[:5] == ["connect", "subscribe", "close", "connect", "subscribe"]
    status = bench.wait_until(lambda status: status.reason == "connected again, but no message yet")
    assert status.state is FeedState.STALE


def test_the_time_of_the_last_message_is_known_at_once(run):
    bench = run(FakeFeed(), speed=60.0)
    bench.wait_for(FeedConnected)
    bench.feed.sink.bars([bar("SPY", SLOTS, 150)])
    heard = bench.connection.status().last_message  # without waiting for the connection's thread
    assert heard is not None
    assert abs(heard.timestamp() - bench.clock.now()) < 30


def test_a_clock_set_ahead_counts_as_a_disconnect_and_one_set_back_is_told(run):
    bench = run(FakeFeed())
    bench.wait_for(FeedConnected)
    bench.wall_step = -90.0
    bench.feed.sink.lost("")  # any message makes it look
    bench.wait_until(lambda _: bench.texts())
    back = "the machine's clock was set back by 1 m 30 s: the tape waits until it has caught up"
    assert back in bench.texts()
    bench.wait_for(FeedConnected, 2)
    before = bench.clock.now()
    bench.wall_step = 110.0
    bench.wait_for(FeedLost, 2)
    assert bench.wait_for(FeedConnected, 3).missed_since == pytest.approx(before, abs=60)
    assert bench.clock.now() > before + 100
    assert (
        "fake: connection lost: the machine slept, or its clock was set ahead, by 3 m 20 s" in bench.texts()
    )


def test_a_clock_that_differs_from_the_providers_alerts_once(run):
    bench = run(FakeFeed())
    bench.wait_for(FeedConnected)
    for _ in range(5):
        bench.feed.sink.provider_time(bench.clock.now() + 3.0)
    bench.wait_until(lambda _: bench.texts())
    bench.feed.sink.provider_time(bench.clock.now() + 4.0)
    bench.wait_until(lambda status: (status.skew_s or 0) < -3.9)
    assert bench.texts() == ["this machine's clock is 3.0 s behind that of fake: set it"]


# History


def test_history_goes_to_the_sink_then_its_answer_is_reported(run):
    bench = run(FakeFeed())
    bench.wait_for(FeedConnected)
    bench.feed.complete_until = int(NOON) + 10**6
    request = bench.ask()
    answer = bench.wait_for(HistoryAnswer)
    assert (answer.request, answer.error) == (request, None)
    expected = [bar(s, SLOTS, n)._replace(kind=BarKind.HISTORY) for s in SYMBOLS for n in (10, 11)]
    assert list(answer.bars) == expected  # neither other symbols nor other times
    assert bench.sink.got == expected
    assert answer.complete_until <= bench.clock.now()  # what is not over yet is not complete


def test_bars_of_a_reconciliation_are_in_the_answer_only(run):
    bench = run(FakeFeed())
    bench.wait_for(FeedConnected)
    bench.ask(HistoryPurpose.RECONCILE, 0, 2)
    answer = bench.wait_for(HistoryAnswer)
    assert [one.kind for one in answer.bars] == [BarKind.RECONCILED] * 4
    assert bench.sink.got == []


def test_requests_are_run_one_at_a_time_and_in_order(run):
    bench = run(FakeFeed())
    bench.wait_for(FeedConnected)
    requests = [bench.ask(first=n, stop=n + 1) for n in range(5)]
    bench.wait_for(HistoryAnswer, 5)
    assert [m.request for m in bench.mailbox.messages if isinstance(m, HistoryAnswer)] == requests
    assert bench.feed.most_histories == 1


class Surprise(BaseException):
    """What no library should raise."""


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FeedError("429 too many requests"), "429 too many requests"),
        (TimeoutError(), "TimeoutError"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (ValueError("Expecting value: line 1"), "ValueError: Expecting value: line 1"),
        (SystemExit(3), "SystemExit: 3"),
        (Surprise(), "Surprise"),
    ],
)
def test_whatever_history_raises_is_the_answer_and_the_connection_stays(run, error, text):
    bench = run(FakeFeed(history=[error]))
    bench.wait_for(FeedConnected)
    bench.ask()
    answer = bench.wait_for(HistoryAnswer)
    assert (str(answer.error), answer.bars) == (text, ())
    bench.ask()
    assert bench.wait_for(HistoryAnswer, 2).error is None
    assert bench.connection.status().state is FeedState.CONNECTED


def test_junk_as_history_is_an_error_of_the_answer(run):
    feed = FakeFeed()
    feed.history = lambda *_: None
    bench = run(feed)
    bench.wait_for(FeedConnected)
    bench.ask()
    assert str(bench.wait_for(HistoryAnswer).error).startswith("AttributeError: ")


def test_history_that_hangs_is_given_up_and_streaming_goes_on(run):
    feed = FakeFeed(history=["hang for good"])
    bench = run(feed, history_timeout_s=0.05)
    bench.wait_for(FeedConnected)
    bench.ask()
    assert str(bench.wait_for(HistoryAnswer).error) == "fake did not answer in time"
    bench.ask()
    assert str(bench.wait_for(HistoryAnswer, 2).error) == "fake has not ended an earlier request"
    feed.sink.bars([bar("AIG", SLOTS, 3)])
    assert bench.sink.got == [bar("AIG", SLOTS, 3)]
    feed.released.set()
    bench.wait_until(lambda _: not [t for t in threading.enumerate() if t.name == "tapedeck-feed-history"])
    bench.ask()
    assert bench.wait_for(HistoryAnswer, 3).error is None
    assert len(bench.sink.got) == 5  # the late answer was not taken


def test_without_a_connection_a_request_fails_at_once(run):
    bench = run(FakeFeed(connect=["hang"]))
    bench.ask()
    error = bench.wait_for(HistoryAnswer).error
    assert (str(error), error.is_final) == ("fake is not connected", False)


def test_a_feed_without_history_is_not_asked(run):
    bench = run(FakeFeed(FeedAbilities((MINUTE,), has_history=False)))
    bench.wait_for(FeedConnected)
    bench.ask()
    error = bench.wait_for(HistoryAnswer).error
    assert (str(error), error.is_final) == ("fake has no history", True)
    assert "history" not in bench.feed.calls
