"""Calls of the feed that end with their connection, or late: an error in words, no traceback in the log."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

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


class SilentClient:
    """Sends a subscription to nobody."""

    def symbols_of(self, channel: str) -> set[str]:
        return set()

    def add_symbols(self, channel: str, symbols: Sequence[str]) -> None:
        self.is_asked = True

    def drop_symbols(self, channel: str, symbols: Sequence[str]) -> None:
        pass

    async def send_subscription(self) -> None:
        pass


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_subscription_that_is_left_when_the_loop_ends_logs_no_traceback_of_its_future(
    caplog: pytest.LogCaptureFixture, is_begun: bool
) -> None:
    account = AlpacaAccount(AlpacaKeys("key", "secret", "a test"), False, "iex")
    nonsense = Nonsense()
    delivery = MessageDelivery(Kept(), LiveClock(), nonsense, None)
    stream = AlpacaStream(account, ("bars",), delivery, nonsense)
    stream._client = SilentClient()
    stream._loop = loop = asyncio.new_event_loop()

    def end() -> None:
        assert until(lambda: bool(loop._ready))  # the subscription waits in it
        for _ in range(4 * is_begun):
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        stream._ended.set_result("the connection broke off")

    thread = threading.Thread(target=end)
    thread.start()
    with pytest.raises(FeedError, match="the connection broke off"):
        stream.subscribe(("SPY",), time.monotonic() + 5)
    thread.join()
    assert hasattr(stream._client, "is_asked") == is_begun
    assert [record for record in caplog.records if record.name == "concurrent.futures"] == []
