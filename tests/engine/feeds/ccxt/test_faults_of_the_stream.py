"""Each fault of an exchange's stream, and what becomes of it, by the real client and feed."""

from __future__ import annotations

import time
from typing import Final

import pytest

from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.intervals import MINUTE
from tests.support.exchange_server.faults import Fault, FaultKind
from tests.support.exchange_server.feeds import (
    START,
    SYMBOLS,
    FedExchange,
    exchange,
    fed,
    feed_of,
    made_up,
)

BTC, ETH = SYMBOLS
TRUE: Final = made_up()


def always(kind: FaultKind, *, by: float = 0.0, status: int = 0) -> Fault:
    """Return a fault that holds from before the start."""
    return Fault(kind, START - 3600, 10.0**6, by=by, status=status)


def true_bar(minute: int, symbol: str = BTC) -> tuple[float, ...]:
    return TRUE[symbol][START + 60 * minute]


def last_version(run: FedExchange, minute: int, symbol: str = BTC) -> tuple[float, ...]:
    return run.sink.versions(symbol, minute)[-1][2:7]


def settled(run: FedExchange, minute: int, symbol: str = BTC) -> None:
    """Wait until the last version of a bar is the true one."""
    run.until(lambda: bool(run.sink.versions(symbol, minute)))
    run.until(lambda: last_version(run, minute, symbol) == true_bar(minute, symbol))


# A good day


def test_each_bar_comes_once_when_its_minute_is_over_with_the_values_of_the_exchange() -> None:
    with fed(exchange()) as run:
        first = run.ahead()
        run.until_minute(first + 5)
        for symbol in SYMBOLS:
            for minute in range(first, first + 5):
                settled(run, minute, symbol)
                assert run.sink.versions(symbol, minute)[0].kind is BarKind.BAR
        assert run.sink.updates > 5
        assert run.server.connections == 1
        assert not run.sink.reasons


def test_a_minute_without_a_trade_is_no_bar_and_history_covers_it() -> None:
    with fed(exchange(empty=range(3, 300, 2))) as run:
        first = run.ahead()
        run.until_minute(first + 3)
        assert all(minute < 3 or minute % 2 == 0 for minute in run.sink.minutes(BTC))
        found, covered = run.history(first, first + 4)
        even = first + first % 2
        assert sorted(found[BTC]) == sorted(found[ETH]) == [even, even + 2][: len(found[BTC])] != []
        assert covered >= first + 3


# Candles


def test_updates_that_arrive_twice_make_each_version_of_a_bar_once() -> None:
    with fed(exchange()) as run:
        first = run.ahead(FaultKind.DUPLICATE, minutes=4)
        run.until_minute(first + 5)
        for minute in range(first, first + 4):
            versions = [bar[2:7] for bar in run.sink.versions(BTC, minute)]
            assert len(versions) == len(set(versions))


def test_a_last_update_that_comes_late_corrects_the_bar() -> None:
    with fed(exchange()) as run:
        late = run.ahead(FaultKind.LATE_LAST, by=20.0)
        settled(run, late)
        first, *_, last = run.sink.versions(BTC, late)
        assert (first.kind, last.kind) == (BarKind.BAR, BarKind.UPDATED)
        assert first[2:7] != true_bar(late)


def test_a_last_update_that_never_comes_is_made_up_for_from_history() -> None:
    with fed(exchange()) as run:
        minute = run.ahead(FaultKind.MISSING_LAST)
        run.until_minute(minute + 2)
        assert run.sink.versions(BTC, minute)[0][2:7] != true_bar(minute)
        found, _ = run.history(minute, minute + 1)
        assert found[BTC][minute] == true_bar(minute)


def test_updates_in_the_wrong_order_are_set_right_from_history() -> None:
    with fed(exchange()) as run:
        minute = run.ahead(FaultKind.REORDER)
        run.until_minute(minute + 2)
        found, _ = run.history(minute, minute + 1)
        assert found[BTC][minute] == true_bar(minute)


def test_a_candle_that_never_comes_is_missing_in_the_stream_and_there_in_history() -> None:
    with fed(exchange()) as run:
        first = run.ahead(FaultKind.MISSING, minutes=2)
        run.until_minute(first + 3)
        assert not {first, first + 1} & set(run.sink.minutes(BTC))
        assert {first, first + 1} < set(run.sink.minutes(ETH))
        found, covered = run.history(first, first + 2, [BTC])
        assert found[BTC] == {minute: true_bar(minute) for minute in (first, first + 1)}
        assert covered >= first + 2


def test_a_candle_of_another_day_leaves_the_bar_of_its_minute_today() -> None:
    """Nor is it recorded: it lies outside the session; see the tests of the command."""
    with fed(exchange()) as run:
        first = run.ahead(FaultKind.OTHER_DAY, minutes=2)
        settled(run, first)
        settled(run, first + 1)


def test_an_update_without_a_close_is_left_out_and_history_has_the_bar() -> None:
    with fed(exchange()) as run:
        minute = run.ahead(FaultKind.NO_CLOSE)
        run.until_minute(minute + 2)
        found, _ = run.history(minute, minute + 1)
        assert found[BTC][minute] == true_bar(minute)
        assert not run.sink.reasons


def test_nonsense_prices_leave_the_connection_and_history_has_the_bars() -> None:
    with fed(exchange()) as run:
        first = run.ahead(FaultKind.NONSENSE, minutes=2)
        run.until_minute(first + 3)
        found, _ = run.history(first, first + 2)
        assert found[BTC] == {minute: true_bar(minute) for minute in (first, first + 1)}
        assert not run.sink.reasons


# Frames


@pytest.mark.parametrize("kind", [FaultKind.TEXT, FaultKind.EMPTY, FaultKind.BIG, FaultKind.UNKNOWN])
def test_an_odd_frame_is_left_out_and_the_connection_stays(kind: FaultKind) -> None:
    with fed(exchange()) as run:
        run.server.fault(kind)
        last = run.ahead() + 2
        run.until_minute(last)
        assert (run.server.received.connections, run.sink.reasons) == (1, [])
        settled(run, last - 1)


def test_a_frame_that_the_client_cannot_read_ends_the_connection_with_a_reason() -> None:
    with fed(exchange()) as run:
        run.server.fault(FaultKind.GARBAGE)
        run.until(lambda: bool(run.sink.reasons))
        assert "binance sent what ccxt cannot read" in run.sink.reasons[0]


# The connection


@pytest.mark.parametrize("code", [1000, 1006, 1011])
def test_a_dropped_connection_is_told_once_and_the_next_one_delivers_again(code: int) -> None:
    with fed(exchange()) as run:
        loaded = len(run.server.received.of_path("exchangeInfo"))
        run.server.fault(FaultKind.DROP, code=code)
        run.until(lambda: bool(run.sink.reasons))
        assert "binance" in run.sink.reasons[0]
        run.feed.close()
        run.begin()
        run.until_minute(run.ahead() + 1)
        assert run.server.received.connections == 2
        # The markets are known: they are not asked for again.
        assert len(run.server.received.of_path("exchangeInfo")) == loaded


@pytest.mark.parametrize(("status", "word"), [(0, "binance"), (503, "HTTP 503"), (429, "HTTP 429")])
def test_a_websocket_that_is_refused_is_an_error_within_5_s_after_which_it_is_tried_again(
    status: int, word: str
) -> None:
    with fed(exchange(always(FaultKind.REFUSE, status=status)), begin=False) as run:
        began = time.monotonic()
        with pytest.raises(FeedError, match=word) as caught:
            run.begin()
        assert time.monotonic() - began < 5
        assert not caught.value.is_final


def test_a_websocket_that_is_refused_for_the_region_is_an_error_that_says_so() -> None:
    with fed(exchange(always(FaultKind.REFUSE, status=451)), begin=False) as run:
        with pytest.raises(FeedError, match="does not serve this region") as caught:
            run.begin()
        assert caught.value.is_final


def test_a_subscription_that_is_refused_is_an_error_with_the_exchanges_words() -> None:
    with fed(exchange(always(FaultKind.SUBSCRIPTION_ERROR)), begin=False) as run:
        began = time.monotonic()
        with pytest.raises(FeedError, match="invalid stream"):
            run.begin()
        assert time.monotonic() - began < 5


def test_a_slow_exchange_delivers_the_same_bars_later() -> None:
    with fed(exchange(always(FaultKind.SLOW, by=15.0))) as run:
        first = run.ahead()
        for minute in (first, first + 1):
            settled(run, minute)


def test_symbols_that_join_are_subscribed_over_the_same_connection_and_those_before_stay() -> None:
    with fed(exchange(), begin=False) as run:
        run.begin([BTC])
        run.feed.subscribe([ETH], MINUTE)
        run.until_minute(run.ahead() + 1)
        assert run.server.connections == 1
        assert run.server.received.subscribed == [["btcusdt@kline_1m"], ["ethusdt@kline_1m"]]


def test_an_unknown_symbol_is_refused_by_name_with_one_that_may_be_meant_and_the_others_stay() -> None:
    with fed(exchange()) as run:
        with pytest.raises(FeedError, match=r"no symbol BTC/USD\b") as caught:
            run.feed.subscribe(["BTC/USD"], MINUTE)
        assert caught.value.is_bad_input
        assert "BTC/USDT" in str(caught.value).split("similar names")[1]
        run.until_minute(run.ahead())


def test_a_feed_is_closed_within_a_second_while_an_exchange_does_not_answer() -> None:
    with fed(exchange(always(FaultKind.HANG)), begin=False) as run:
        began = time.monotonic()
        with pytest.raises(FeedError, match="does not answer"):
            run.begin()
        assert time.monotonic() - began < 5


def test_closing_twice_or_before_connecting_does_nothing() -> None:
    with exchange() as server:
        feed = feed_of(server)
        feed.close()
        feed.close()
        assert not server.received.requests
