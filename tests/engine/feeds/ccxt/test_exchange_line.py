"""The end of a connection to an exchange."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tapedeck.engine.feeds.ccxt.exchange_line import ExchangeLine
from tapedeck.engine.feeds.ccxt.loop_thread import FAREWELL_S
from tapedeck.engine.feeds.ccxt.url_overrides import UrlOverrides


class Session:
    """A session of the library's HTTP client."""

    is_closed = False

    async def close(self) -> None:
        self.is_closed = True
        await asyncio.sleep(0)


async def hangs() -> None:
    await asyncio.sleep(60)


async def fails() -> None:
    raise OSError("the socket is gone")


async def is_late() -> None:
    time.sleep(FAREWELL_S)  # as on a machine that does other work
    await hangs()


@pytest.mark.parametrize("close", [hangs, fails, is_late])
def test_the_session_is_closed_whatever_becomes_of_the_librarys_goodbye(close: Any) -> None:
    session = Session()
    exchange: Any = SimpleNamespace(
        urls={}, streaming={}, session=session, close=close, on_rest_response=None, markets={"BTC/USDT": {}}
    )
    known: Any = SimpleNamespace(exchange=None, loaded_at=0.0)
    exchange.set_markets_from_exchange = lambda _: None
    line = ExchangeLine(lambda _: exchange, UrlOverrides(), "binance", lambda _: None)
    line.open(1.0, known)
    assert line.close()
    assert session.is_closed
    assert exchange.session is None
