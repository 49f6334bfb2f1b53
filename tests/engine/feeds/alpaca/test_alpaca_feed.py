"""The feed of a session file: which data it takes, what it is called, and where it connects."""

from __future__ import annotations

import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.registry import make_feed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("APCA_API_KEY_ID", "PKOFATEST0123456789")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret-of-a-test-0123456789")


def made(**fields):
    document = {
        "session_name": "a test",
        "exchange_group": "US_EQUITY",
        "mode": "live",
        "session_data_config": {"symbols": ["SPY"], "streams": ["1m"]},
        **fields,
    }
    config = parse_session_config(document, "test.yaml").config
    return make_feed("alpaca", FeedContext(config, MINUTE, LiveClock(), TimeManager(config.exchange)))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "alpaca-iex"),
        ({"api_config": {"alpaca_feed": "sip"}}, "alpaca-sip"),
        ({"asset_class": "ETF"}, "alpaca-iex"),
        ({"asset_class": "CRYPTO", "exchange_group": "CRYPTO"}, "alpaca-crypto"),
    ],
)
def test_the_name_tells_the_data_so_that_two_never_mix_in_one_series(fields, name):
    feed = made(**fields)
    assert feed.name == name
    assert feed.abilities.intervals == (MINUTE,)
    assert feed.abilities.has_quotes


def test_an_asset_class_that_alpaca_does_not_stream_is_bad_input():
    with pytest.raises(FeedError, match=r"invalid asset_class FUTURE.*use EQUITY, ETF, CRYPTO") as refused:
        made(asset_class="FUTURE")
    assert refused.value.is_bad_input


def test_the_servers_come_from_the_environment_alone(monkeypatch):
    feed = made()
    assert (feed._account.stream_url, feed._account.data_url) == (None, None)
    monkeypatch.setenv("TAPEDECK_ALPACA_STREAM_URL", "ws://127.0.0.1:1")
    monkeypatch.setenv("TAPEDECK_ALPACA_DATA_URL", "http://127.0.0.1:2")
    feed = made()
    assert feed._account.stream_url == "ws://127.0.0.1:1"
    assert feed._account.data_url == "http://127.0.0.1:2"
