"""What a recording says at its start if the account, the network or the plan does not fit: within 5 s."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

import pytest

from tapedeck.engine.feeds.feed_connection import FeedConnected, FeedFailed
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.live_status import FeedState
from tests.support.alpaca_feeds import NAMES, OPENS, Recording, recording, refused, running
from tests.support.alpaca_server import BASIC, Drop, HistoryFault, Mute, Plan, Refuse, Reject
from tests.support.alpaca_server.made_market import made_market
from tests.support.runs import until

starting = partial(recording, waits=False)
pytestmark = pytest.mark.usefixtures("keys_stay_hidden")
FROM, FOR_LONG = -100.0, 10_000.0


def failed(it: Recording) -> FeedError:
    error: FeedError = it.wait_for(FeedFailed).error
    assert it.status.state is FeedState.FAILED
    assert it.run.sink.got == []
    return error


@pytest.mark.parametrize("wrong", ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY"])
def test_a_wrong_key_or_secret_ends_the_recording_as_bad_input_before_the_stream_is_asked(wrong: str) -> None:
    with starting(environment={wrong: "PKWRONG"}) as it:
        error = failed(it)
        assert error.is_bad_input
        assert str(error).startswith("Alpaca refuses the keys (HTTP 401: unauthorized")
        assert it.run.server.counts.connections == 0
        assert len(it.run.server.counts.requests) == 1


def test_keys_that_the_stream_alone_refuses_end_the_recording_as_bad_input() -> None:
    with starting(Reject(FROM, FOR_LONG, "auth", 402)) as it:
        error = failed(it)
        assert error.is_bad_input
        assert str(error).startswith("Alpaca refuses the keys (error 402: auth failed). Check")


@pytest.mark.parametrize("status", [401, 403])
def test_a_handshake_that_is_refused_for_the_keys_ends_the_recording_as_bad_input(status: int) -> None:
    with starting(Refuse(FROM, FOR_LONG, status)) as it:
        error = failed(it)
        assert error.is_bad_input
        assert f"refuses the keys at the stream (HTTP {status})" in str(error)


def test_a_handshake_to_nowhere_ends_the_recording() -> None:
    with starting(Refuse(FROM, FOR_LONG, 404)) as it:
        error = failed(it)
        assert (error.is_final, error.is_bad_input) == (True, False)
        assert "HTTP 404" in str(error)


@pytest.mark.parametrize("code", [409, 410, 411])
def test_a_plan_or_key_without_the_data_ends_the_recording_as_bad_input(code: int) -> None:
    stage = "auth" if code == 409 else "subscribe"
    with starting(Reject(FROM, FOR_LONG, stage, code)) as it:
        error = failed(it)
        assert error.is_bad_input
        assert f"error {code}" in str(error)


def test_a_plan_without_sip_is_told_with_the_remedy_before_the_stream_is_asked() -> None:
    sip = {"api_config": {"alpaca_feed": "sip"}}
    with starting(plan=BASIC, parts=sip) as it:
        error = failed(it)
        assert error.is_bad_input
        assert "the account's plan does not have this data (HTTP 403" in str(error)
        assert "Use `alpaca_feed: iex`" in str(error)
        assert it.run.server.counts.connections == 0


def test_the_data_that_the_file_names_is_asked_of_both_stream_and_rest() -> None:
    with starting(plan=Plan(feeds=frozenset({"sip"})), parts={"api_config": {"alpaca_feed": "sip"}}) as it:
        it.wait_for(FeedConnected)
        it.run.history()
        assert {request.query["feed"] for request in it.run.server.counts.requests} == {"sip"}
        assert {request.query.get("adjustment", "raw") for request in it.run.server.counts.requests} == {
            "raw"
        }


def test_unknown_symbols_end_the_recording_as_bad_input_and_are_named() -> None:
    with starting(symbols=("AIG", "NOPE", "ZILCH", "SPY")) as it:
        error = failed(it)
        assert error.is_bad_input
        assert "NOPE" in str(error)
        assert "ZILCH" in str(error)
        assert "AIG" not in str(error)


def test_a_symbol_that_alpaca_cannot_have_ends_the_recording_as_bad_input_and_is_named() -> None:
    with starting(symbols=("AIG", "SPY1")) as it:
        error = failed(it)
        assert error.is_bad_input
        assert "SPY1" in str(error)
        assert "AIG" not in str(error)


def test_a_symbol_that_is_quoted_but_has_never_traded_is_known() -> None:
    market = made_market(("AIG", "NEW"), OPENS - 600, 20, quotes_a_minute=2)
    market.bars = [bar for bar in market.bars if bar.symbol != "NEW"]
    market.__post_init__()
    market.traded = frozenset({"AIG"})
    with starting(market=market, symbols=("AIG", "NEW")) as it:
        it.wait_for(FeedConnected)


def test_thirty_one_symbols_on_the_free_plan_end_the_recording_and_the_message_tells_the_limit() -> None:
    names = [f"S{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(31)]
    market = made_market(names, OPENS, 2)
    with starting(market=market, symbols=names, plan=BASIC) as it:
        error = failed(it)
        assert error.is_bad_input
        assert "more symbols than the plan streams (error 405: symbol limit exceeded)" in str(error)
        assert "30 symbols" in str(error)
        assert "SAA" in str(error)
    with starting(market=market, symbols=names[:30], plan=BASIC) as it:
        it.wait_for(FeedConnected)


def test_symbols_that_the_subscription_leaves_out_end_the_recording_and_are_named() -> None:
    with starting(not_subscribed=["SPY"]) as it:
        error = failed(it)
        assert error.is_bad_input
        assert str(error).startswith("SPY is not subscribed")


def test_symbols_that_join_beyond_the_limit_are_refused_and_the_others_go_on() -> None:
    market = made_market(("AIG", "BAC", "SPY"), OPENS, 3)
    with starting(market=market, plan=Plan(most_symbols=2)) as it:
        it.wait_for(FeedConnected)
        error = it.connection.subscribe(["BAC"]).exception(5)
        assert isinstance(error, FeedError)
        assert "more symbols than the plan streams" in str(error)
        assert until(lambda: len(it.run.sink.got) == 6)
        assert {bar.symbol for bar in it.run.sink.got} == {"AIG", "SPY"}
        assert it.run.server.counts.connections == 1


def test_a_symbol_that_joins_is_subscribed_beside_the_others_and_stays_so_after_a_drop() -> None:
    market = made_market(("AIG", "BAC", "SPY"), OPENS, 30)
    with starting(market=market, minutes=30) as it:
        it.wait_for(FeedConnected)
        assert it.connection.subscribe(["BAC"]).exception(5) is None
        it.run.server.strike(Drop(at=0))
        it.wait_for(FeedConnected, 2)
        assert sorted(it.run.server.counts.subscriptions[-1]["bars"]) == ["AIG", "BAC", "SPY"]


def test_the_last_connection_in_use_elsewhere_is_told_and_tried_again_until_it_is_free() -> None:
    with starting(Reject(FROM, 100 + 2, "auth", 406)) as it:
        it.wait_for(FeedConnected)
        (first, *_) = it.texts()
        assert "the account's connection is in use by another program" in first
        assert "error 406: connection limit exceeded" in first
        assert it.run.server.counts.errors[406] >= 2


@contextmanager
def nobody() -> Iterator[str]:
    """Give an address of this machine at which nothing listens."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def test_without_a_network_the_recording_ends_at_once_with_the_address_and_not_as_bad_input() -> None:
    with nobody() as address, running(environment={"TAPEDECK_ALPACA_DATA_URL": f"http://{address}"}) as run:
        error = refused(run.connect)
        assert (error.is_final, error.is_bad_input) == (True, False)
        assert "127.0.0.1 refused the connection" in str(error)
        assert address.rpartition(":")[2] in str(error)
    with nobody() as address, running(environment={"TAPEDECK_ALPACA_STREAM_URL": f"ws://{address}"}) as run:
        error = refused(run.connect)
        assert "127.0.0.1 refused the connection" in str(error)


def test_a_host_without_an_address_is_told_as_no_network() -> None:
    with running(environment={"TAPEDECK_ALPACA_DATA_URL": "http://nowhere.invalid:9"}) as run:
        error = refused(run.connect)
        assert (error.is_final, error.is_bad_input) == (True, False)
        assert "no network: the name nowhere.invalid cannot be looked up" in str(error)


@pytest.mark.parametrize("how", ["hang", "reset", "html", "500", "429", "cut"])
def test_a_check_that_fails_at_the_start_ends_in_time_and_is_tried_again(how: str) -> None:
    with running(HistoryFault(FROM, FOR_LONG, how)) as run:  # type: ignore[arg-type]
        error = refused(run.connect)
        assert not error.is_final
        words = {"hang": "no answer", "reset": "broke off", "html": "502", "cut": "cut off"}
        assert words.get(how, how) in str(error)


@pytest.mark.parametrize("stage", ["handshake", "hello", "auth", "subscribe"])
def test_a_server_that_is_silent_at_the_start_is_given_up_within_five_seconds(stage: str) -> None:
    with running(Mute(FROM, FOR_LONG, stage)) as run:  # type: ignore[arg-type]
        error = refused(run.start, within=5.5)
        assert not error.is_final
        assert "does not answer" in str(error)
        assert run.server.counts.authenticated == (stage == "subscribe")


def test_a_server_that_waits_too_long_for_the_keys_is_tried_again() -> None:
    with starting(Reject(FROM, 100 + 1, "auth", 404)) as it:
        it.wait_for(FeedConnected)
        assert "Alpaca waited too long for the keys (error 404: auth timeout)" in it.texts()[0]


def test_the_check_tells_what_it_found_and_does_not_touch_the_stream() -> None:
    with running(begins=OPENS + 300) as run:
        lines = run.feed.check(NAMES, 5.0)
        assert run.server.counts.connections == 0
    assert "keys: from the environment, accepted" in lines
    assert "data: stocks of iex, allowed by the plan" in lines
    assert "symbols: AIG, SPY, known" in lines
    assert "last bar: 2013-10-07 13:33 UTC" in lines  # that of 13:34 is there a second after its end


def test_a_check_names_each_fault_and_ends_in_time() -> None:
    with running(environment={"APCA_API_SECRET_KEY": "wrong"}) as run:
        assert refused(run.feed.check, NAMES, 5.0).is_bad_input
    with running() as run:
        error = refused(run.feed.check, ("AIG", "NOPE"), 5.0)
        assert error.is_bad_input
        assert "NOPE" in str(error)
    with running(HistoryFault(FROM, FOR_LONG, "hang")) as run:
        assert "no answer" in str(refused(run.feed.check, NAMES, 1.0, within=1.5))
