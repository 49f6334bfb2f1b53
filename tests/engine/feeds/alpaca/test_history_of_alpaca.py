"""What the feed gives for requests of history: all bars once, or an error in words and in time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tapedeck.engine.feeds.feed_connection import FeedConnected
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose, request_for_slots
from tapedeck.engine.feeds.live_status import FeedState
from tests.engine.feeds.gap_kit import slots_of
from tests.support.alpaca_feeds import (
    LATER,
    MARKET,
    MINUTES,
    NAMES,
    OPENS,
    Run,
    feed_bars,
    recording,
    refused,
    running,
    values_of,
)
from tests.support.alpaca_server import BASIC, BarFault, HistoryFault, Market, Plan
from tests.support.alpaca_server.made_market import made_market
from tests.support.runs import until

pytestmark = pytest.mark.usefixtures("keys_stay_hidden")


def connected(run: Run) -> Run:
    run.connect()
    run.feed.subscribe(NAMES, run.feed.abilities.intervals[0])
    return run


@pytest.mark.parametrize("page", [1, 7, 10, 10_000])
def test_all_bars_come_once_also_if_pages_end_inside_a_symbol(page: int) -> None:
    with running(begins=LATER, page=page) as run:
        answer = connected(run).history()
        assert [bar[:2] for bar in sorted(answer.bars)] == [bar[:2] for bar in sorted(MARKET.bars)]
        assert values_of(answer.bars) == feed_bars()
        pages = run.server.counts.requests_for("/stocks/bars")[1:]
        assert len(pages) == -(-len(MARKET.bars) // page)
        assert {request.query["limit"] for request in pages} == {"10000"}


def test_the_end_of_a_request_is_not_included_as_the_provider_would_have_it() -> None:
    with running(begins=LATER) as run:
        answer = connected(run).history("SPY", minutes=(2, 4))
        assert [(bar.opened_at - OPENS) // 60 for bar in answer.bars] == [2, 3]
        assert connected(run).history("SPY", minutes=(4, 4)).bars in ([], ())


def test_five_hundred_symbols_are_one_request_for_each_page() -> None:
    names = [f"{a}{b}{c}" for a in "ABCDEFGH" for b in "ABCDEFGH" for c in "ABCDEFGH"][:500]
    market = made_market(names, OPENS, 2)
    with running(market=market, symbols=names, begins=LATER) as run:
        run.connect()
        before = len(run.server.counts.requests)
        answer = run.history(*names, minutes=(0, 2))
        assert values_of(answer.bars) == feed_bars(market)
        assert len(run.server.counts.requests) - before == 1


def test_minutes_without_a_trade_are_confirmed_once_the_provider_has_come_so_far() -> None:
    quiet = Market([bar for bar in MARKET.bars if bar.t != OPENS + 240], opens=OPENS)
    with running(market=quiet, begins=LATER) as run:
        answer = connected(run).history()
        assert answer.complete_until >= OPENS + 60 * MINUTES
        assert OPENS + 240 not in {bar.opened_at for bar in answer.bars}


def test_history_that_is_not_there_yet_confirms_nothing() -> None:
    slow = made_market(NAMES, OPENS, MINUTES)
    slow.history_delay_s = 600.0  # the provider is ten minutes behind
    with running(market=slow, begins=OPENS + 300.0) as run:
        answer = connected(run).history(minutes=(0, 5))
        assert list(answer.bars) == []
        # Older minutes are taken for complete: nothing tells a provider that lags from a quiet market.
        assert answer.complete_until <= OPENS + 300 - 60


def test_a_bar_that_history_has_late_is_given_once_it_is_there() -> None:
    with running(BarFault("history late", 3, "SPY", by=90.0), begins=OPENS + 301.5, speed=600.0) as run:
        answer = connected(run).history()
        assert ("SPY", OPENS + 180) not in {bar[:2] for bar in answer.bars}
        run.go()
        assert until(lambda: run.clock.now() > OPENS + 240 + 91)
        assert ("SPY", OPENS + 180) in {bar[:2] for bar in run.history().bars}


def test_history_has_other_values_than_the_stream_and_both_are_given() -> None:
    with running(BarFault("history differs", 3, "SPY")) as run:
        run.start()
        assert until(lambda: run.clock.now() > OPENS + 60 * MINUTES + 5)
        assert until(lambda: len(run.sink.got) == len(MARKET.bars))
        differ = set(values_of(run.sink.got)) ^ set(values_of(run.history().bars))
        assert {bar[:2] for bar in differ} == {("SPY", OPENS + 180)}


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("429", "too many requests to Alpaca (HTTP 429"),
        ("500", "Alpaca's server has an error (HTTP 500"),
        ("504", "Alpaca's server has an error (HTTP 504"),
        ("html", "Alpaca's server has an error (HTTP 502"),
        ("401", "Alpaca refuses the keys (HTTP 401"),
        ("403", "Alpaca refuses the keys (HTTP 403"),
        ("cut", "is not JSON, or was cut off"),
        ("reset", "the connection broke off"),
        ("hang", "no answer of Alpaca within"),
    ],
)
def test_a_request_that_fails_says_why_in_time_and_may_be_asked_again(how: Any, words: str) -> None:
    with running(HistoryFault(60.5, 10_000, how), begins=LATER, speed=600.0) as run:
        connected(run)
        run.go()
        assert until(lambda: run.clock.now() > LATER + 31)
        began = time.monotonic()
        error = refused(run.history, timeout=0.5, within=1.0)
        assert str(error).startswith("history: ")
        assert words in str(error)
        assert not error.is_bad_input
        assert not error.is_final
        assert time.monotonic() - began < 1.0
        assert "<html>" not in str(error)


@pytest.mark.parametrize("how", ["429", "500", "504", "html", "reset", "cut"])
def test_a_request_that_fails_for_a_moment_is_tried_again_within_its_time(how: Any) -> None:
    with running(HistoryFault(60.5, 1.0, how), begins=LATER, speed=120.0) as run:
        connected(run)
        run.go()
        assert until(lambda: run.clock.now() > LATER + 31)
        assert values_of(run.history(timeout=5.0).bars) == feed_bars()


def test_recent_bars_of_sip_without_the_plan_are_asked_for_fifteen_minutes_later() -> None:
    plan = Plan(feeds=frozenset({"iex", "sip"}))
    with running(begins=OPENS + 600.0, plan=plan, parts={"api_config": {"alpaca_feed": "sip"}}) as run:
        connected(run)
        object.__setattr__(plan, "feeds", frozenset({"iex"}))  # the plan ends
        answer = run.feed.history(NAMES, run.feed.abilities.intervals[0], OPENS - 3600, OPENS + 600, 5.0)
        assert list(answer.bars) == []
        assert answer.complete_until <= OPENS - 300


@pytest.mark.parametrize("how", ["429", "500", "hang"])
def test_history_that_fails_leaves_the_stream_and_the_recording_alone(how: Any) -> None:
    with recording(HistoryFault(3, 3, how), minutes=MINUTES) as it:
        slots = slots_of(MINUTES)
        assert until(lambda: it.run.clock.now() > OPENS + 200)
        it.connection.request(request_for_slots(HistoryPurpose.GAPS, NAMES, slots, 0, 2))
        answer = it.wait_for(HistoryAnswer)
        assert it.status.state is FeedState.CONNECTED
        assert len(it.of(FeedConnected)) == 1
        if answer.error is None:  # tried again within its time
            assert len(answer.bars) == 4


def test_a_gap_is_filled_by_a_request_for_it() -> None:
    with recording(BarFault("missing", 3), minutes=MINUTES) as it:
        assert until(lambda: it.run.clock.now() > OPENS + 300)
        it.connection.request(request_for_slots(HistoryPurpose.GAPS, NAMES, slots_of(MINUTES), 3, 4))
        answer = it.wait_for(HistoryAnswer)
        assert sorted(bar[:2] for bar in answer.bars) == [(name, OPENS + 180) for name in NAMES]


def test_a_limit_of_requests_is_told_and_no_more_are_made_than_it_allows() -> None:
    limit = Plan(requests_a_minute=3)
    with running(begins=LATER, speed=1.0, plan=limit) as run:
        connected(run)
        run.history()
        run.history()
        error = refused(run.history, timeout=0.4, within=1.0)
        assert "too many requests to Alpaca (HTTP 429" in str(error)


def test_crypto_is_asked_at_its_own_paths() -> None:
    market = made_market(("BTC/USD", "ETH/USD"), OPENS, 5)
    names = ("BTC/USD", "ETH/USD")
    parts = {"asset_class": "CRYPTO", "exchange_group": "CRYPTO"}
    with running(market=market, symbols=names, begins=LATER, parts=parts, plan=BASIC) as run:
        run.connect()
        run.subscribe(*names)
        answer = run.history(*names)
        assert values_of(answer.bars) == feed_bars(market)
        assert {one.path for one in run.server.counts.requests} == {
            "/v1beta3/crypto/us/latest/bars",
            "/v1beta3/crypto/us/bars",
        }
        assert run.server.counts.subscriptions[0]["bars"] == list(names)
