"""Feed watch: stale feeds, waits before connecting again, final errors, clocks that differ."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.feed_watch import FeedWatch, SkewWatch, duration
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.live_status import FeedState
from tapedeck.engine.feeds.trading_hours import TradingHours
from tapedeck.engine.intervals import MINUTE
from tests.engine.feeds.gap_kit import OPEN, OPEN_S, longest_back_off, session_of

HOURS = TradingHours([session_of(390)])
NOON = OPEN_S + 9000


def watch(hours=HOURS, now=NOON):
    return FeedWatch(MINUTE, hours, grace_s=30.0, now=now, back_off=longest_back_off())


def connected(now=NOON, hours=HOURS):
    one = watch(hours, now)
    one.connected(now, 1000.0)
    return one


def test_a_feed_is_stale_after_two_intervals_and_the_grace_without_a_message():
    one = connected()
    one.heard(NOON + 10, 1010.0)
    assert one.stale_in(NOON + 10, 1010.0, 1.0) == 150
    assert one.stale_in(NOON + 150, 1150.0, 1.0) == 10
    assert one.stale_in(NOON + 160, 1160.0, 1.0) == 0
    assert one.silence(NOON + 160) == "no message for 2 m 30 s while the market is open"


def test_a_feed_that_never_sent_anything_is_stale_by_its_connection():
    assert connected().stale_in(NOON + 150, 1150.0, 1.0) == 0


def test_at_a_replays_speed_the_wait_scales_but_is_a_second_at_least():
    one = connected()
    assert one.stale_in(NOON, 1000.0, 60.0) == 2.5
    assert one.stale_in(NOON + 90, 1001.5, 60.0) == 1.0
    assert one.stale_in(NOON, 1000.0, 3600.0) == 1.0
    assert one.stale_in(NOON + 3000, 1000.4, 3600.0) == pytest.approx(0.6)


@pytest.mark.parametrize("closed", [OPEN_S - 1, OPEN_S + 390 * 60, OPEN_S + 86400])
def test_while_the_market_is_closed_silence_is_usual(closed):
    assert connected(OPEN_S - 4000).stale_in(closed, 9000.0, 1.0) is None


def test_silence_counts_from_the_open_and_from_the_end_of_a_break():
    before = connected(OPEN_S - 4000)
    assert before.stale_in(OPEN_S + 100, 9000.0, 1.0) == 50
    lunch = connected(OPEN_S, TradingHours([session_of(390, pause=(120, 180))]))
    assert lunch.stale_in(OPEN_S + 150 * 60, 9000.0, 1.0) is None
    assert lunch.stale_in(OPEN_S + 180 * 60, 9000.0, 1.0) == 150


def test_a_lost_connection_is_made_again_and_tells_since_when_messages_were_missed():
    one = connected()
    one.heard(NOON + 40, 1040.0)
    one.lost("closed by the server", NOON + 45, 1045.0)
    assert (one.state, one.reason, one.since) == (FeedState.RECONNECTING, "closed by the server", NOON + 45)
    assert one.wants_connection
    assert one.try_at == 1045.5
    one.refused(FeedError("no route"), NOON + 46, 1046.0)
    assert (one.state, one.since, one.try_at) == (FeedState.RECONNECTING, NOON + 45, 1047.0)
    one.connected(NOON + 100, 1100.0)
    assert (one.state, one.reason, one.reconnects, one.missed_since) == (
        FeedState.CONNECTED,
        "",
        1,
        NOON + 40,
    )
    assert one.missed_bars(NOON + 100) == 1
    assert one.missed_bars(NOON + 101) == 2


def test_nothing_is_missed_while_the_market_is_closed():
    one = connected(OPEN_S + 390 * 60 + 10)
    one.lost("closed by the server", OPEN_S + 395 * 60, 2000.0)
    assert one.missed_bars(OPEN_S + 500 * 60) == 0


def test_waits_grow_with_each_failure_to_a_minute_and_begin_anew_after_a_message():
    one, clock, waits = watch(), 0.0, []
    for _ in range(9):
        one.refused(FeedError("refused"), NOON, clock)
        waits.append(one.try_at - clock)
        clock = one.try_at
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert one.state is FeedState.CONNECTING
    one.connected(NOON, clock)
    one.lost("dropped", NOON, clock + 1)  # a server that drops each connection at once is not bothered more
    assert one.try_at == clock + 61
    one.connected(NOON, clock)
    one.heard(NOON, clock)
    one.lost("dropped", NOON, clock)
    assert one.try_at == clock + 0.5


def test_a_final_error_ends_the_watch_at_the_start_only():
    one = watch()
    one.refused(FeedError("wrong key", is_final=True), NOON, 0.0)
    assert (one.state, one.reason, one.wants_connection) == (FeedState.FAILED, "wrong key", False)
    one.closed(NOON)
    assert one.state is FeedState.FAILED
    later = connected()
    later.lost("dropped", NOON, 1000.0)
    later.refused(FeedError("wrong key", is_final=True), NOON, 1001.0)
    assert (later.state, later.wants_connection) == (FeedState.RECONNECTING, True)


def test_a_stale_feed_is_connected_again():
    one = connected()
    one.lost("no message", NOON + 150, 1150.0, state=FeedState.STALE)
    assert (one.state, one.wants_connection, one.is_connected) == (FeedState.STALE, True, False)
    one.trying(NOON + 151)
    assert (one.state, one.reason) == (FeedState.RECONNECTING, "no message")
    one.closed(NOON + 200)
    assert (one.state, one.wants_connection) == (FeedState.CLOSED, False)


def test_a_stale_feed_is_mute_until_it_sends_something_or_the_market_closes():
    one = connected()
    assert not one.is_mute(NOON)
    one.lost("silent", NOON + 150, 1150.0, state=FeedState.STALE)
    assert not one.is_mute(NOON + 150)  # it is stale
    one.connected(NOON + 151, 1151.0)
    assert one.is_mute(NOON + 152)
    assert not one.is_mute(OPEN_S + 390 * 60)
    one.heard(NOON + 160, 1160.0)
    assert not one.is_mute(NOON + 160)
    one.lost("dropped", NOON + 170, 1170.0)
    one.connected(NOON + 171, 1171.0)
    assert not one.is_mute(NOON + 172)


def test_losing_a_connection_that_is_not_there_changes_nothing():
    one = watch()
    one.lost("dropped", NOON, 0.0)
    assert (one.state, one.missed_since) == (FeedState.CONNECTING, None)


# Clocks


def told(skew, *differences):
    for difference in differences:
        skew.told(1000.0 - difference, 1000.0)
    return skew


def test_the_skew_is_that_of_the_least_late_message():
    assert SkewWatch().skew_s is None
    assert told(SkewWatch(), 0.9, 0.125, 0.5).skew_s == 0.125
    assert told(SkewWatch(), *[0.25] * 3, *[0.75] * 10).skew_s == 0.75


def test_a_skew_over_a_second_alerts_once_until_it_is_below_half_a_second():
    skew = SkewWatch()
    assert not skew.check(1.0)
    begins = []
    for difference in (0.9, 1.5, 3.0, 0.8, 1.5, 0.25, -0.75, -1.25, -1.25):
        skew.reset()
        begins.append(told(skew, difference).check(1.0))
    assert begins == [False, True, False, False, False, False, False, True, False]


def test_at_a_replays_speed_the_skew_is_that_of_the_machines_clock():
    assert not told(SkewWatch(), 59.0).check(60.0)
    assert told(SkewWatch(), 61.0).check(60.0)


# Waits, hours, words


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_back_off_is_between_half_and_all_of_its_doubling_wait(seed, count):
    back_off = BackOff(random=Random(seed))
    for n in range(count):
        full = min(0.5 * 2**n, 60.0)
        assert full / 2 <= back_off.next_wait() <= full
    back_off.reset()
    assert back_off.next_wait() <= 0.5


@given(st.integers(-100, 600), st.integers(0, 600))
def test_hours_are_those_of_each_second(start, length):
    hours = TradingHours(
        [session_of(2, OPEN + timedelta(minutes=6)), session_of(5, pause=(2, 3))]  # in any order
    )
    spans = ((0, 120), (180, 300), (360, 480))
    open_since = next((a for a, b in spans if a <= start < b), None)
    assert hours.open_since(OPEN_S + start) == (None if open_since is None else OPEN_S + open_since)
    seconds = sum(any(a <= s < b for a, b in spans) for s in range(start, start + length))
    assert hours.open_seconds(OPEN_S + start, OPEN_S + start + length) == seconds


def test_lengths_of_time_in_words():
    words = [duration(s) for s in (-1, 0, 59.4, 59.6, 65, 3599, 3600, 7800)]
    assert words == ["0 s", "0 s", "59 s", "1 m 00 s", "1 m 05 s", "59 m 59 s", "1 h 00 m", "2 h 10 m"]


EVENTS = st.tuples(
    st.sampled_from(["connected", "heard", "lost", "refused", "refused for good", "stale", "trying"]),
    st.sampled_from([0.0, 0.25, 1.0, 100.0]),
)


@given(st.lists(EVENTS, max_size=40))
def test_whatever_happens_a_feed_is_connected_or_will_be_tried_or_has_failed_at_the_start(events):
    one, now, connections, heard, missed = watch(), NOON, 0, None, None
    for name, seconds in events:
        now += seconds
        clock = now - NOON
        if name == "connected" and one.wants_connection:
            one.connected(now, clock)
            connections, heard = connections + 1, now
        elif name == "heard" and one.is_connected:
            one.heard(now, clock)
            heard = now
        elif name in ("lost", "stale"):
            missed = heard if one.is_connected else missed
            one.lost(name, now, clock, state=FeedState.STALE if name == "stale" else FeedState.RECONNECTING)
        elif name.startswith("refused") and one.wants_connection:
            one.refused(FeedError(name, is_final=name != "refused"), now, clock)
            assert one.state is not FeedState.FAILED or (connections == 0 and name != "refused")
        elif name == "trying" and one.wants_connection:
            one.trying(now)
        assert one.is_connected + one.wants_connection + (one.state is FeedState.FAILED) == 1
        assert one.reconnects == max(0, connections - 1)
        assert one.missed_since == missed
        assert one.try_at <= clock + 60
        assert not (one.is_connected and one.reason)
        stale_in = one.stale_in(now, clock, 1.0)
        assert stale_in is None if not one.is_connected else stale_in <= 150
