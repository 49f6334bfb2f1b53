"""What of alpaca-py, websockets and urllib3 the feed relies on, though it is private or may change.

If one of these fails with a new version, `alpaca_client.py` or `alpaca_rest.py` has to be read again beside
it.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect
import tomllib
from pathlib import Path

import alpaca.data.live.websocket as live
import pytest
import urllib3.connection
from alpaca.common.rest import RESTClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.live.stock import StockDataStream
from websockets.legacy.client import WebSocketClientProtocol

from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.feeds.alpaca import alpaca_client, alpaca_feed
from tapedeck.engine.feeds.alpaca.alpaca_rest import _ClosableConnection

ROOT = Path(__file__).parents[4]
OVERRIDDEN = {"_start_ws", "_dispatch"}


def test_the_private_names_of_the_stream_client_are_there():
    client = StockDataStream("key", "secret", raw_data=True)
    assert [name for name in alpaca_client.PRIVATE_NAMES if not hasattr(client, name)] == []
    coroutines = ("_start_ws", "_consume", "_dispatch", "_send_subscribe_msg", "_send_unsubscribe_msg")
    assert all(inspect.iscoroutinefunction(getattr(client, name)) for name in coroutines)
    assert {"bars", "updatedBars", "quotes"} <= set(client._handlers)


def test_the_private_names_that_the_module_uses_are_those_that_it_lists():
    own = set(vars(alpaca_client._OneConnection))
    used = {
        name
        for function in vars(alpaca_client._OneConnection).values()
        if inspect.isfunction(function)
        for name in (*function.__code__.co_names, *function.__code__.co_freevars)
        if name.startswith("_") and not name.startswith("__")
    }
    of_the_client = {name for name in used if hasattr(StockDataStream("key", "secret"), name)}
    assert of_the_client | OVERRIDDEN <= set(alpaca_client.PRIVATE_NAMES)
    assert own & OVERRIDDEN == OVERRIDDEN


def test_nothing_of_the_client_is_overridden_by_chance():
    own = {name for name in vars(alpaca_client._OneConnection) if not name.startswith("__")}
    of_the_client = set(dir(live.DataStream)) | set(vars(StockDataStream("key", "secret")))
    assert own & of_the_client == OVERRIDDEN


def test_the_client_takes_options_of_websockets_and_connects_with_them(monkeypatch):
    taken = {}

    async def connected(url, **options):
        taken.update(options)
        raise ConnectionError

    monkeypatch.setattr(live.websockets_legacy, "connect", connected)
    client = StockDataStream("key", "secret", websocket_params={"max_size": 5, "sock": "a socket"})
    with pytest.raises(ConnectionError):
        asyncio.run(client._start_ws())
    assert (taken["max_size"], taken["sock"]) == (5, "a socket")
    assert inspect.iscoroutinefunction(WebSocketClientProtocol.recv)


def test_the_private_names_of_the_request_client_are_there():
    client = StockHistoricalDataClient("key", "secret", raw_data=True)
    assert client._retry > 0
    assert hasattr(client._session, "mount")
    # `_retry` 0 is one try: more is waited for with a sleep that nothing can end.
    assert "while retry >= 0" in inspect.getsource(RESTClient._request)


def test_urllib3_makes_its_connections_where_the_feed_does():
    for owner in (urllib3.connection.HTTPConnection, urllib3.connection.HTTPSConnection):
        assert inspect.signature(owner._new_conn).parameters.keys() == {"self"}
        assert "_new_conn()" in inspect.getsource(owner.connect)
    made = urllib3.connection.HTTPConnection("localhost", 80)
    assert made._dns_host == "localhost"
    assert set(vars(_ClosableConnection)) & {"_new_conn", "close"} == {"_new_conn", "close"}


def test_the_version_that_is_checked_is_the_one_of_the_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    first, stop = (".".join(map(str, part)) for part in alpaca_feed.LIBRARY_VERSIONS)
    assert f"alpaca-py>={first}.0,<{stop}" in extras["alpaca"]
    alpaca_feed.check_library()


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (None, "needs alpaca-py: pip install 'tapedeck-console[alpaca]'"),
        ("0.43.9", "alpaca-py 0.43.9 is installed; the feed alpaca needs 0.44: pip install"),
        ("0.45.0", "alpaca-py 0.45.0 is installed"),
        ("1.44.0", "alpaca-py 1.44.0 is installed"),
    ],
)
def test_a_library_that_is_missing_or_too_old_or_too_new_is_bad_input(monkeypatch, version, told):
    def version_of(name):
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(alpaca_feed.importlib.metadata, "version", version_of)
    with pytest.raises(TapedeckError) as error:
        alpaca_feed.check_library()
    assert error.value.is_bad_input
    assert told in str(error.value)
