"""What the feed does when a connection ends, goes mute, or brings what makes no sense."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.feed_connection import FeedConnected, FeedLost
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.live_status import FeedState
from tests.support.alpaca_feeds import (
    LATER,
    MARKET,
    MINUTES,
    NAMES,
    OPENS,
    QUIT_S,
    feed_bars,
    recording,
    running,
    values_of,
)
from tests.support.alpaca_server import (
    Bar,
    BarFault,
    Drop,
    Frame,
    HistoryFault,
    Market,
    Mute,
    Quote,
    Refuse,
    Reject,
    SlowClient,
)
from tests.support.alpaca_server.made_market import made_market
from tests.support.runs import until

pytestmark = pytest.mark.usefixtures("keys_stay_hidden")
BARS = len(MARKET.bars)


def test_bars_of_a_frame_are_delivered_in_one_call_as_first_messages() -> None:
    market = made_market([f"S{chr(65 + n)}" for n in range(20)], OPENS, 3)
    market.bar_delays = (0.1, 0.1)  # all in one frame
    names = tuple(sorted(market.traded))
    with running(market=market, symbols=names) as run:
        run.connect()
        run.subscribe(*names)
        assert until(lambda: len(run.sink.got) == len(market.bars))
        assert run.sink.batches == [20, 20, 20]
        assert values_of(run.sink.got) == feed_bars(market)
        assert {bar.kind for bar in run.sink.got} == {BarKind.BAR}


def test_an_updated_bar_is_delivered_as_one_with_its_final_values() -> None:
    with running(BarFault("updated", 2, "SPY")) as run:
        run.start()
        assert until(lambda: len(run.sink.got) == BARS + 1)
        (updated,) = [bar for bar in run.sink.got if bar.kind is BarKind.UPDATED]
        (true,) = [bar for bar in MARKET.bars if (bar.symbol, bar.t) == ("SPY", OPENS + 120)]
        assert tuple(updated[:7]) == tuple(true)


def test_a_bar_without_volume_is_no_trade_and_no_bar() -> None:
    bars = [Bar("SPY", OPENS + 60 * n, 10.0, 10.0, 10.0, 10.0, 0.0 if n == 1 else 5.0) for n in range(3)]
    with running(market=Market(bars), symbols=("SPY",)) as run:
        run.connect()
        run.subscribe("SPY")
        assert until(lambda: run.server.counts.sent["b"] == 3 and len(run.sink.got) == 2)
        answer = run.history("SPY")
        assert [bar.opened_at - OPENS for bar in answer.bars] == [0, 120]


def test_the_last_quote_of_each_minute_is_delivered_and_a_side_of_zero_is_missing() -> None:
    quotes = [
        Quote("SPY", OPENS + 1.5, 10.0, 3.0, 10.2, 4.0),
        Quote("SPY", OPENS + 59.999, 10.1, 5.0, 0.0, 0.0),
        Quote("SPY", OPENS + 60.0, 11.0, 7.0, 11.1, 8.0),
        Quote("AIG", OPENS + 30.0, 50.0, 1.0, 50.5, 2.0),
    ]
    with running(market=Market(MARKET.bars, quotes), streams=("1m", "quotes")) as run:
        run.start()
        assert until(lambda: run.server.counts.sent["b"] == BARS)
        assert until(lambda: len(run.sink.quoted) >= 3)
        last = {(quote.symbol, quote.opened_at - OPENS): quote for quote in run.sink.quoted}
    assert set(last) == {("SPY", 0), ("SPY", 60), ("AIG", 0)}
    first = last["SPY", 0]
    assert (first.bid, first.bid_size) == (10.1, 5.0)
    assert (first.ask, first.ask_size) in ((10.2, 4.0), (pytest.approx(float("nan"), nan_ok=True),) * 2)
    assert last["SPY", 60][2:] == (11.0, 11.1, 7.0, 8.0)
    assert last["AIG", 0][2:] == (50.0, 50.5, 1.0, 2.0)


def test_quotes_are_not_subscribed_unless_the_session_streams_them() -> None:
    with running() as run:
        run.start()
        assert set(run.server.counts.subscriptions[0]) == {"bars", "updatedBars"}
    with running(streams=("1m", "quotes")) as run:
        run.start()
        assert set(run.server.counts.subscriptions[0]) == {"bars", "updatedBars", "quotes"}


# Bars that come otherwise than they should


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [
        ("duplicate", [0, 1, 2, 3, 3, *range(4, 10)]),
        ("reorder", [0, 1, 2, 4, 3, *range(5, 10)]),
        ("late", list(range(10))),
        ("missing", [0, 1, 2, *range(4, 10)]),
        ("other day", [0, 1, 2, 3 - 1440, *range(4, 10)]),
    ],
)
def test_bars_are_delivered_as_they_come_for_the_recording_to_sort_out(kind: Any, minutes: list[int]) -> None:
    with running(BarFault(kind, 3, "SPY")) as run:
        run.start()
        assert until(lambda: len(run.sink.got) == 10 + len(minutes))
        got = [(bar.opened_at - OPENS) // 60 for bar in run.sink.got if bar.symbol == "SPY"]
        assert got == minutes
        assert run.sink.losses == []


def test_a_bar_without_a_close_is_delivered_as_invalid_and_the_rest_of_its_frame_is_not_lost() -> None:
    with running(BarFault("no close", 3, "AIG")) as run:
        run.start()
        assert until(lambda: len(run.sink.got) == BARS)
        invalid = [bar for bar in run.sink.got if bar.close != bar.close]
        assert [(bar.symbol, bar.opened_at) for bar in invalid] == [("AIG", OPENS + 180)]
        assert run.feed.nonsense.counts.total() == 1


@pytest.mark.parametrize(
    "what", ["text", "garbage", "empty", "unknown type", "no type", "no map", "no list", "other day"]
)
def test_a_frame_that_makes_no_sense_costs_no_bar_and_no_connection(what: Any) -> None:
    with running(Frame(2.5, what)) as run:
        run.start()
        today = [bar for bar in MARKET.bars if bar.t >= OPENS]
        assert until(lambda: run.server.counts.sent["b"] == BARS)
        assert until(lambda: len([bar for bar in run.sink.got if bar.opened_at >= OPENS]) == len(today))
        assert run.server.counts.connections == 1
        assert run.sink.losses == []
        assert run.feed.nonsense.counts.total() >= (what != "other day")


def test_a_frame_of_more_than_a_mebibyte_costs_no_connection() -> None:
    with running(Frame(2.5, "large")) as run:
        run.start()
        assert until(lambda: len(run.sink.got) == BARS)
        assert run.server.counts.connections == 1
        assert run.sink.losses == []


# Connections that end


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1000, "Alpaca closed the connection (code 1000)"),
        (1006, "the connection broke off (code 1006)"),
        (1011, "its server has an error (code 1011)"),
    ],
)
def test_a_dropped_connection_is_told_made_again_and_subscribed_in_full(code: int, words: str) -> None:
    with recording(Drop(3.5, code)) as it:
        it.wait_for(FeedConnected, 2)
        assert it.wait_for(FeedLost).reason.endswith(words)
        assert it.of(FeedConnected)[1].missed_since is not None
        assert until(lambda: it.run.clock.now() > OPENS + 60 * MINUTES + 30)
        first, second = it.run.server.counts.subscriptions
        assert {name: sorted(names) for name, names in first.items()} == {
            name: sorted(names) for name, names in second.items()
        }
        assert {bar.opened_at for bar in it.run.sink.got} >= {OPENS, OPENS + 60 * (MINUTES - 1)}


def test_what_came_before_a_drop_is_delivered_before_the_loss_is_told() -> None:
    with running(speed=1.0, begins=OPENS + 3600) as run:
        run.start()
        run.server.strike(Frame(0, "other day"))  # a bar of each symbol, of the day before
        run.server.strike(Drop(at=0, code=1000))
        assert until(lambda: bool(run.sink.losses))
        assert len(run.sink.got) == len(NAMES)


def test_a_slow_client_is_told_so_and_connects_again() -> None:
    with recording(SlowClient(3.5)) as it:
        it.wait_for(FeedConnected, 2)
        assert "(slow client)" in it.wait_for(FeedLost).reason
        assert "error 407" in it.wait_for(FeedLost).reason


def test_after_a_drop_the_connection_limit_is_waited_for_and_no_error_that_ends_the_recording() -> None:
    with recording(Drop(2.5, 1006, limit_for=3.0)) as it:
        it.wait_for(FeedConnected, 2)
        assert it.run.server.counts.errors[406] >= 1
        assert it.status.state is FeedState.CONNECTED
        assert it.status.reconnects == 1
        assert any("connection lost" in text for text in it.texts())


def test_refused_connections_are_tried_again_with_growing_waits() -> None:
    with recording(Drop(1.5), Refuse(1.4, 6.0), back_off_s=0.05) as it:
        it.wait_for(FeedConnected, 2)
        assert it.run.clock.now() > OPENS + 60 * 7.4
        assert it.run.server.counts.authenticated == 2
        assert it.status.reconnects == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_handshake_that_fails_for_a_while_is_tried_again(status: int) -> None:
    with recording(Drop(1.5), Refuse(1.4, 3.0, status)) as it:
        it.wait_for(FeedConnected, 2)
        assert it.run.server.counts.refused >= 1


@pytest.mark.parametrize(("stage", "code"), [("auth", 402), ("auth", 409), ("subscribe", 405), ("auth", 500)])
def test_an_error_that_is_final_at_the_start_is_tried_again_later(stage: Any, code: int) -> None:
    with recording(Drop(1.5), Reject(1.4, 3.0, stage, code)) as it:
        it.wait_for(FeedConnected, 2)
        assert it.run.server.counts.errors[code] >= 1
        assert it.status.state is FeedState.CONNECTED


def test_a_mute_server_is_noticed_as_stale_and_connected_again() -> None:
    with recording(Mute(2, 14), minutes=30, speed=120.0, begins=OPENS + 60.0) as it:
        it.wait_for(FeedLost)
        assert "no message for" in it.of(FeedLost)[0].reason
        assert it.run.clock.now() - OPENS >= 60 * 2 + 150 - 60  # two intervals and the grace
        it.wait_for(FeedConnected, 2)
        assert any("stale" in text for text in it.texts())


def test_a_server_that_is_mute_after_it_was_connected_again_stays_stale_on_the_screen() -> None:
    with recording(Mute(2, 100), minutes=60, speed=240.0, begins=OPENS + 60.0) as it:
        it.wait_for(FeedConnected, 2)
        assert it.status.state is FeedState.STALE


@pytest.mark.parametrize("stage", ["handshake", "hello", "auth", "subscribe"])
def test_a_server_that_answers_nothing_any_more_is_given_up_in_time_and_asked_again(stage: Any) -> None:
    with recording(Drop(1.5), Mute(1.4, 6.6 + 2, stage)) as it:
        it.wait_for(FeedConnected, 2)
        assert it.status.reconnects == 1


def test_bars_and_quotes_of_symbols_that_left_are_not_delivered() -> None:
    with running(speed=1.0, begins=LATER) as run:
        run.connect()
        run.subscribe("AIG")
        run.server.strike(Frame(0, "other day"))  # of both symbols
        assert until(lambda: bool(run.sink.got))
        assert {bar.symbol for bar in run.sink.got} == {"AIG"}


# The end


def in_a_thread(work: Callable[[], object]) -> tuple[threading.Thread, Future[object]]:
    """Run some work in a thread; return it with the future of its result."""
    future: Future[object] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            future.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, future


@pytest.mark.parametrize("stage", ["handshake", "hello", "auth", "subscribe"])
def test_a_connect_or_subscription_that_waits_ends_at_once_when_the_feed_is_closed(stage: Any) -> None:
    with running(Mute(-100, 10_000, stage)) as run:
        thread, result = in_a_thread(run.start)
        counts = run.server.counts
        places = {"handshake": counts.requests, "subscribe": counts.subscriptions}
        assert until(lambda: bool(places.get(stage, counts.connections)))
        began = time.monotonic()
        run.feed.close()
        thread.join(QUIT_S)
        assert isinstance(result.exception(0), FeedError)
        assert time.monotonic() - began < QUIT_S


def test_a_request_that_hangs_ends_at_once_when_the_feed_is_closed() -> None:
    with running(HistoryFault(10, 10_000, "hang"), begins=OPENS - 600) as run:
        run.start()
        assert until(lambda: run.clock.now() > OPENS + 600)
        before = len(run.server.counts.requests)
        thread, result = in_a_thread(lambda: run.history(timeout=30.0))
        assert until(lambda: len(run.server.counts.requests) > before)
        run.feed.close()
        thread.join(QUIT_S)
        assert "the connection was closed" in str(result.exception(0))


def test_it_connects_again_after_it_was_closed() -> None:
    with running() as run:
        run.start()
        run.feed.close()
        run.connect()
        run.subscribe()
        assert until(lambda: run.server.counts.sent["b"] == len(run.sink.got) > 0)
        assert run.sink.losses == []
