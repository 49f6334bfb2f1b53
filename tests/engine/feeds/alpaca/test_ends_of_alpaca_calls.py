"""Calls of the feed that end with their connection, or late: an error in words, no traceback in the log."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings

import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.alpaca.alpaca_account import AlpacaAccount
from tapedeck.engine.feeds.alpaca.alpaca_keys import AlpacaKeys
from tapedeck.engine.feeds.alpaca.alpaca_stream import AlpacaStream
from tapedeck.engine.feeds.alpaca.closable_sockets import ClosableSockets, NoNetworkError
from tapedeck.engine.feeds.alpaca.message_delivery import MessageDelivery
from tapedeck.engine.feeds.alpaca.nonsense import Nonsense
from tapedeck.engine.feeds.live_feed import FeedError
from tests.support.alpaca_feeds import Kept
from tests.support.runs import until


def test_a_machine_that_stood_still_past_the_deadline_is_not_told_as_no_network() -> None:
    with pytest.raises(FeedError, match="no time was left") as caught:
        ClosableSockets().connected("127.0.0.1", 9, time.monotonic() - 1)
    assert not isinstance(caught.value, NoNetworkError)
    assert not caught.value.is_final


def test_a_subscription_whose_connection_ends_before_it_is_sent_logs_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = AlpacaAccount(AlpacaKeys("key", "secret", "a test"), False, "iex")
    nonsense = Nonsense()
    delivery = MessageDelivery(Kept(), LiveClock(), nonsense, None)
    stream = AlpacaStream(account, ("bars",), delivery, nonsense)
    stream._loop = loop = asyncio.new_event_loop()  # which does not run

    def end() -> None:
        assert until(lambda: bool(loop._ready))  # the subscription waits in it
        loop.close()
        stream._ended.set_result("the connection broke off")

    thread = threading.Thread(target=end)
    thread.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FeedError, match="the connection broke off"):
            stream.subscribe(("SPY",), time.monotonic() + 5)
        thread.join()
        gc.collect()
    assert not caplog.records
