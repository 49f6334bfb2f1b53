"""Each fault of an exchange's REST, and what the feed makes of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Final

import pytest

from tapedeck.engine.feeds.live_feed import CheckedFeed, FeedError
from tapedeck.engine.intervals import MINUTE
from tests.support.exchange_server.faults import Fault, FaultKind
from tests.support.exchange_server.feeds import (
    START,
    SYMBOLS,
    FedExchange,
    KeepingSink,
    exchange,
    fed,
    feed_of,
    made_up,
)

BTC, ETH = SYMBOLS
LONG: Final = 10.0**6
TRUE: Final = made_up()
NOW_MINUTE: Final = 30
KLINES: Final = frozenset({"klines"})


def true_bars(symbol: str, start: int, end: int) -> dict[int, tuple[float, ...]]:
    return {minute: TRUE[symbol][START + 60 * minute] for minute in range(start, end)}


@pytest.fixture(scope="module")
def run() -> Iterator[FedExchange]:
    """An exchange in minute 30, at its own pace, and a feed that is connected."""
    with fed(exchange(begins=60 * NOW_MINUTE + 30, speed=1.0)) as it:
        yield it


@pytest.fixture(autouse=True)
def _heal(run: FedExchange) -> Iterator[None]:
    yield
    run.server.heal()


def test_history_has_the_bars_of_the_minutes_that_are_over_and_not_the_one_that_forms(
    run: FedExchange,
) -> None:
    found, covered = run.history(10, NOW_MINUTE + 5)
    for symbol in SYMBOLS:
        assert found[symbol] == true_bars(symbol, 10, NOW_MINUTE)
    assert covered == NOW_MINUTE


@pytest.mark.parametrize(
    ("status", "words", "is_final"),
    [
        (401, "wants an account", True),
        (403, "does not serve this region or network", True),
        (418, "too many", False),
        (429, "too many", False),
        (451, "does not serve this region", True),
        (500, "binance", False),
        (503, "HTTP 503", False),
        (0, "binance", False),
    ],
)
def test_a_refused_request_is_an_error_in_words(
    run: FedExchange, status: int, words: str, is_final: bool
) -> None:
    run.server.fault(FaultKind.STATUS, LONG, status=status, paths=KLINES)
    began = time.monotonic()
    with pytest.raises(FeedError, match=words) as caught:
        run.history(10, 12)
    assert time.monotonic() - began < 5
    assert caught.value.is_final is is_final
    assert "<" not in str(caught.value)


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.BAD_JSON])
def test_an_answer_that_is_no_document_is_an_error_and_no_empty_history(
    run: FedExchange, kind: FaultKind
) -> None:
    run.server.fault(kind, LONG, paths=KLINES)
    with pytest.raises(FeedError) as caught:
        run.history(10, 12)
    assert not caught.value.is_final


def test_a_request_that_is_not_answered_ends_with_its_time(run: FedExchange) -> None:
    run.server.fault(FaultKind.HANG, LONG, paths=KLINES)
    began = time.monotonic()
    with pytest.raises(FeedError, match="no answer from binance"):
        run.feed.history(SYMBOLS, MINUTE, START, START + 60, 0.5)
    assert time.monotonic() - began < 1


def test_short_pages_are_asked_for_until_history_is_whole(run: FedExchange) -> None:
    run.server.fault(FaultKind.SHORT, LONG)
    found, covered = run.history(10, 20)
    assert found[BTC] == true_bars(BTC, 10, 20)
    assert covered >= 20


def test_history_that_differs_from_the_stream_is_given_as_it_is(run: FedExchange) -> None:
    run.server.faults.faults.append(Fault(FaultKind.HISTORY_DIFFERS, START + 60 * 15, 60, frozenset([BTC])))
    found, _ = run.history(15, 17)
    true = true_bars(BTC, 15, 17)
    assert found[BTC][15] == (
        true[15][0],
        round(true[15][1] + 0.05, 8),
        *true[15][2:4],
        round(true[15][4] * 1.25, 8),
    )
    assert found[BTC][16] == true[16]


def test_a_minute_that_history_does_not_have_yet_is_not_covered(run: FedExchange) -> None:
    run.server.fault(FaultKind.HISTORY_LATE, LONG, by=90.0)
    found, covered = run.history(25, NOW_MINUTE)
    last = max(found[BTC])
    assert last == NOW_MINUTE - 3  # the newest one that it has may still be as it was while it was forming
    assert covered <= last + 1


def test_a_minute_that_history_still_has_as_forming_is_not_taken_for_its_bar(run: FedExchange) -> None:
    run.server.fault(FaultKind.HISTORY_BEHIND, LONG, by=45.0)
    found, covered = run.history(25, NOW_MINUTE)
    behind = {minute: bar for minute, bar in found[BTC].items() if bar != TRUE[BTC][START + 60 * minute]}
    assert not behind
    assert covered <= NOW_MINUTE - 1


def test_a_hole_in_history_is_a_minute_without_a_trade() -> None:
    lost = Fault(FaultKind.LOST, START + 60 * 5, 60, frozenset([BTC]))
    with fed(exchange(lost, begins=60 * 10, speed=1.0)) as run:
        found, covered = run.history(3, 8)
        assert sorted(found[BTC]) == [3, 4, 6, 7]
        assert covered >= 8


def test_the_feed_makes_few_requests_for_many_minutes(run: FedExchange) -> None:
    before = len(run.server.received.requests)
    run.history(-19, NOW_MINUTE)
    assert len(run.server.received.requests) - before == len(SYMBOLS)


# The markets, with the first connection


@pytest.mark.parametrize(
    ("fault", "words", "is_final"),
    [
        (Fault(FaultKind.STATUS, START, LONG, status=403), "does not serve this region or network", True),
        (Fault(FaultKind.STATUS, START, LONG, status=451), "does not serve this region", True),
        (Fault(FaultKind.STATUS, START, LONG, status=429), "too many", False),
        (Fault(FaultKind.STATUS, START, LONG, status=500), "binance", False),
        (Fault(FaultKind.HTML, START, LONG), "web page", True),
        (Fault(FaultKind.BAD_JSON, START, LONG), "binance", False),
        (Fault(FaultKind.CUT, START, LONG), "cut the connection without an answer", False),
        (Fault(FaultKind.HANG, START, LONG), "does not answer", False),
    ],
    ids=lambda value: f"{value.kind.value}-{value.status}" if isinstance(value, Fault) else "",
)
def test_markets_that_cannot_be_loaded_are_an_error_in_words_within_5_s(
    fault: Fault, words: str, is_final: bool
) -> None:
    with fed(exchange(fault, begins=60.0, speed=1.0), begin=False) as it:
        began = time.monotonic()
        with pytest.raises(FeedError, match=words) as caught:
            it.feed.connect(KeepingSink(), 5.0)
        assert time.monotonic() - began < 5
        assert caught.value.is_final is is_final


def test_without_a_network_the_error_names_the_exchange_within_5_s(run: FedExchange) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    feed = feed_of(run.server, TAPEDECK_CCXT_REST_URL=url)
    began = time.monotonic()
    with pytest.raises(FeedError, match="cannot reach binance") as caught:
        feed.connect(KeepingSink(), 5.0)
    feed.close()
    assert time.monotonic() - began < 5
    assert caught.value.is_final


def test_a_check_tells_what_the_exchange_has_and_subscribes_nothing(run: FedExchange) -> None:
    feed = feed_of(run.server)
    assert isinstance(feed, CheckedFeed)
    subscribed = len(run.server.received.subscribed)
    lines = feed.check(SYMBOLS, 5.0)
    feed.close()
    assert "2 markets" in lines[0]
    assert any("BTC/USDT" in line for line in lines)
    assert len(run.server.received.subscribed) == subscribed


def test_an_unknown_exchange_is_bad_input_with_the_one_that_may_be_meant(run: FedExchange) -> None:
    feed = feed_of(run.server, "binanc")
    with pytest.raises(FeedError, match=r"unknown exchange 'binanc'.*binance") as caught:
        feed.connect(KeepingSink(), 5.0)
    assert caught.value.is_bad_input
