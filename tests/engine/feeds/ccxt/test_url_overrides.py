"""URLs of local servers come from the environment, and replace scheme and host of all of an exchange's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ccxt.pro
import pytest

from tapedeck.engine.feeds.ccxt.url_overrides import REST_VARIABLE, STREAM_VARIABLE, UrlOverrides
from tapedeck.engine.feeds.live_feed import FeedError


def urls_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from urls_in(one)


@pytest.mark.parametrize("name", ["binance", "bybit", "kraken", "okx", "gate"])
def test_all_urls_of_an_exchange_have_other_hosts_and_their_own_paths(name: str) -> None:
    exchange = getattr(ccxt.pro, name)()
    over = UrlOverrides.from_environment(
        {STREAM_VARIABLE: "ws://127.0.0.1:1/stream", REST_VARIABLE: "http://127.0.0.1:2"}
    )
    before, after = list(urls_in(exchange.urls["api"])), list(urls_in(over.applied(exchange.urls["api"])))
    assert len(before) == len(after) > 1
    for url, other in zip(before, after, strict=True):
        base = "ws://127.0.0.1:1/stream" if url.startswith("ws") else "http://127.0.0.1:2"
        path = url.split("://")[1].partition("/")
        assert other == base + path[1] + path[2]


def test_without_variables_nothing_changes() -> None:
    urls = ccxt.pro.binance().urls
    assert UrlOverrides.from_environment({}).applied(urls) == urls


@pytest.mark.parametrize("text", ["127.0.0.1:8000", "http://127.0.0.1", "ws://", "ws:127.0.0.1"])
def test_what_is_no_url_of_a_websocket_is_told_with_an_example(text: str) -> None:
    with pytest.raises(FeedError, match=rf"{STREAM_VARIABLE}: use ws or wss, such as ws://") as caught:
        UrlOverrides.from_environment({STREAM_VARIABLE: text})
    assert caught.value.is_bad_input
