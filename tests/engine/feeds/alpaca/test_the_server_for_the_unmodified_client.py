"""The server for tests is understood by the client of alpaca-py as it is, and says what the protocol says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgpack
import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical.crypto import CryptoHistoricalDataClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.live.stock import StockDataStream
from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.alpaca_server import (
    AlpacaServer,
    BarFault,
    Drop,
    Fault,
    Frame,
    HistoryFault,
    Mute,
    Plan,
    Refuse,
    Reject,
    SlowClient,
)
from tests.support.alpaca_server.clock_at_rest import ClockAtRest
from tests.support.alpaca_server.made_market import made_market
from tests.support.runs import until

OPENS: Final = int(datetime(2013, 10, 7, 13, 30, tzinfo=UTC).timestamp())
NAMES: Final = ("AIG", "SPY")
SPEED: Final = 3000.0
MARKET: Final = made_market(NAMES, OPENS, 10, quotes_a_minute=3)
LATER: Final = OPENS + 3600.0


def server_of(
    *faults: Fault, begins: float = OPENS - 60.0, speed: float = SPEED, **options: Any
) -> AlpacaServer:
    """Return a server whose clock begins a minute before the open, once a client listens."""
    clock = ClockAtRest(speed=speed, start=begins)
    return AlpacaServer(options.pop("market", MARKET), clock, faults=faults, **options)


class Listener:
    """The client's stream as it is, with handlers that keep what comes."""

    def __init__(self, server: AlpacaServer, names: tuple[str, ...] = NAMES, *, raw: bool = False) -> None:
        self.bars: list[Any] = []
        self.updated: list[Any] = []
        self.quotes: list[Any] = []
        self.stream = StockDataStream(
            server.key,
            server.secret,
            raw_data=raw,
            url_override=server.stream_url + "/v2/iex",
            # Shorter than the usual 10 s: a test waits for them.
            websocket_params={"max_queue": 1024, "open_timeout": 0.5, "close_timeout": 0.2},
        )
        for kind, kept in (("bars", self.bars), ("updated_bars", self.updated), ("quotes", self.quotes)):
            getattr(self.stream, f"subscribe_{kind}")(self.keeper(kept), *names)
        self.thread = threading.Thread(target=self.stream.run, name="client")

    @staticmethod
    def keeper(kept: list[Any]) -> Callable[[Any], Any]:
        async def keep(item: Any) -> None:
            kept.append(item)

        return keep


@contextmanager
def listening(server: AlpacaServer, *, waits: bool = True, **options: Any) -> Iterator[Listener]:
    """Run the client; `waits`: until it has subscribed, before the clock goes."""
    listener = Listener(server, **options)
    listener.thread.start()
    try:
        assert not waits or until(lambda: bool(server.counts.subscriptions))
        server.clock.go()
        yield listener
    finally:
        stream, loop = listener.stream, listener.stream._loop
        if loop is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(stream.stop_ws(), loop).result(5)
            if stream._ws is not None:
                asyncio.run_coroutine_threadsafe(stream._ws.close(), loop).result(5)
        listener.thread.join(10)
        assert not listener.thread.is_alive()


def values_of(bars: list[Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (bar.symbol, int(bar.timestamp.timestamp()), bar.open, bar.high, bar.low, bar.close, bar.volume)
        for bar in bars
    )


def true_bars(*names: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(bar) for bar in MARKET.bars if not names or bar.symbol in names)


def test_every_bar_and_quote_comes_once_with_its_values_and_time() -> None:
    with server_of() as server, listening(server) as listener:
        assert until(lambda: len(listener.bars) == len(MARKET.bars))
        assert until(lambda: len(listener.quotes) == len(MARKET.quotes))
    assert values_of(listener.bars) == true_bars()
    found = [(q.symbol, q.timestamp.timestamp(), q.bid_price, q.ask_price) for q in listener.quotes]
    wanted = [(q.symbol, pytest.approx(q.t, abs=1e-5), q.bp, q.ap) for q in MARKET.quotes]
    assert found == wanted
    assert server.counts.subscriptions == [
        {channel: list(NAMES) for channel in ("quotes", "bars", "updatedBars")}
    ]
    assert server.counts.sent["b"] == len(MARKET.bars)


def test_an_updated_bar_has_the_final_values_and_follows_its_first_message() -> None:
    with server_of(BarFault("updated", 2, "SPY")) as server, listening(server) as listener:
        assert until(lambda: len(listener.bars) == len(MARKET.bars) and len(listener.updated) == 1)
    (update,) = listener.updated
    final = next(bar for bar in MARKET.bars if bar.symbol == "SPY" and bar.t == OPENS + 120)
    assert values_of([update]) == [tuple(final)]
    first = next(b for b in listener.bars if b.symbol == "SPY" and b.timestamp == update.timestamp)
    assert first.volume == final.v / 2


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("missing", -1),
        ("lost", -1),
        ("duplicate", 1),
        ("late", 0),
        ("reorder", 0),
        ("no close", -1),
        ("other day", 0),
    ],
)
def test_a_fault_of_a_bar_changes_the_number_of_its_messages(kind: Any, count: int) -> None:
    with server_of(BarFault(kind, 3, "SPY")) as server, listening(server) as listener:
        assert until(lambda: len(listener.bars) == len(MARKET.bars) + count)
        assert until(
            lambda: server.counts.sent["b"] == len(MARKET.bars) + max(count, -(kind in ("missing", "lost")))
        )
    minutes = [int(bar.timestamp.timestamp() - OPENS) // 60 for bar in listener.bars if bar.symbol == "SPY"]
    expected = {
        "duplicate": [0, 1, 2, 3, 3, *range(4, 10)],
        "late": list(range(10)),
        "reorder": [0, 1, 2, 4, 3, *range(5, 10)],
        "other day": [0, 1, 2, 3 - 1440, *range(4, 10)],
    }
    assert minutes == expected.get(kind, [0, 1, 2, *range(4, 10)])


@pytest.mark.parametrize("code", [1000, 1006, 1011])
def test_a_dropped_client_connects_again_and_subscribes_all_again(code: int) -> None:
    with server_of(speed=120, begins=OPENS + 50) as server, listening(server) as listener:
        assert until(lambda: len(listener.bars) == 2)
        server.strike(Drop(at=0, code=code))
        assert until(lambda: server.counts.authenticated == 2)
        seen = len(listener.bars)
        assert until(lambda: len(listener.bars) > seen)
    assert server.counts.subscriptions[0] == server.counts.subscriptions[1]


async def frames(server: AlpacaServer, *sent: Any, count: int, path: str = "/v2/iex") -> list[Any]:
    """Send some maps over a plain connection; return the messages that come, and the code of its end."""
    found: list[Any] = []
    async with connect(server.stream_url + path, close_timeout=1, max_size=None) as socket:
        try:
            found += msgpack.unpackb(await socket.recv())
            for one in sent:
                await socket.send(one if isinstance(one, bytes) else msgpack.packb(one))
            while len(found) < count + 1:
                raw = await asyncio.wait_for(socket.recv(), 5)
                found += msgpack.unpackb(raw)
        except ConnectionClosed as closed:
            found.append(closed.rcvd.code if closed.rcvd is not None else 1006)
    assert found[0] == {"T": "success", "msg": "connected"}
    return found[1:]


def said(server: AlpacaServer, *sent: Any, count: int = 1, path: str = "/v2/iex") -> list[Any]:
    server.clock.go()
    return asyncio.run(frames(server, *sent, count=count, path=path))


def auth(server: AlpacaServer, **changes: str) -> dict[str, str]:
    return {"action": "auth", "key": server.key, "secret": server.secret, **changes}


AUTHENTICATED: Final = {"T": "success", "msg": "authenticated"}


def error(code: int, text: str) -> dict[str, Any]:
    return {"T": "error", "code": code, "msg": text}


def test_what_is_wrong_has_the_code_of_the_protocol() -> None:
    bars = {"action": "subscribe", "bars": ["SPY"]}
    with server_of() as server:
        assert said(server, b"\xc1") == [error(400, "invalid syntax")]
        assert said(server, {"action": "dance"}) == [error(401, "not authenticated")]
        assert said(server, bars) == [error(401, "not authenticated")]
        assert said(server, auth(server, secret="wrong")) == [error(402, "auth failed")]
        twice = said(server, auth(server), auth(server), count=2)
        assert twice == [AUTHENTICATED, error(403, "already authenticated")]
        sip = said(server, auth(server), path="/v2/sip", count=2)
        assert sip == [error(409, "insufficient subscription"), 1000]


def test_authentication_that_does_not_come_in_time_ends_the_connection() -> None:
    with server_of(auth_timeout_s=0.05) as server:
        assert said(server, count=2) == [error(404, "auth timeout"), 1000]


def test_a_subscription_is_answered_with_all_that_is_in_force() -> None:
    with server_of() as server:
        answers = said(
            server,
            auth(server),
            {"action": "subscribe", "bars": ["SPY"], "quotes": ["AIG"]},
            {"action": "subscribe", "bars": ["AIG"]},
            {"action": "unsubscribe", "quotes": ["AIG"]},
            count=4,
        )
    assert [one["T"] for one in answers] == ["success", *["subscription"] * 3]
    assert [(one["bars"], one["quotes"], one["updatedBars"]) for one in answers[1:]] == [
        (["SPY"], ["AIG"], []),
        (["AIG", "SPY"], ["AIG"], []),
        (["AIG", "SPY"], [], []),
    ]


def test_more_symbols_than_the_plan_allows_leave_subscriptions_as_they_were() -> None:
    with server_of(plan=Plan(most_symbols=1)) as server:
        answers = said(
            server,
            auth(server),
            {"action": "subscribe", "bars": ["SPY"]},
            {"action": "subscribe", "bars": ["SPY", "AIG"]},
            {"action": "subscribe", "quotes": ["SPY"]},
            count=4,
        )
    assert answers[2] == error(405, "symbol limit exceeded")
    assert (answers[3]["bars"], answers[3]["quotes"]) == (["SPY"], ["SPY"])


def test_a_second_connection_is_one_too_many_also_for_a_while_after_a_drop() -> None:
    with server_of(speed=60, begins=LATER) as server, listening(server):
        assert until(lambda: server.counts.authenticated == 1)
        assert said(server, auth(server), count=2) == [error(406, "connection limit exceeded"), 1000]
    with server_of(speed=60, begins=LATER) as server:
        server.strike(Drop(at=0, limit_for=0.1))
        assert said(server, auth(server), count=2) == [error(406, "connection limit exceeded"), 1000]
        assert until(lambda: said(server, auth(server)) == [AUTHENTICATED])


@pytest.mark.parametrize(
    ("stage", "count"), [("handshake", 0), ("hello", 0), ("auth", 1), ("subscribe", 1), ("data", 1)]
)
def test_a_mute_server_sends_nothing_from_a_stage_on(stage: Any, count: int) -> None:
    with server_of(Mute(-10, 60, stage)) as server, listening(server, waits=False) as listener:
        assert until(lambda: server.clock.now() > OPENS + 660)
        assert server.counts.connections == (stage != "handshake")
        assert server.counts.authenticated == (stage in ("subscribe", "data"))
        assert len(server.counts.subscriptions) == (stage in ("subscribe", "data"))
        assert not listener.bars


def test_new_connections_are_refused_by_the_machine_or_with_a_status() -> None:
    with server_of(begins=LATER) as server:
        refusal = Refuse(0, 0)
        server.strike(refusal)
        with pytest.raises(ConnectionRefusedError):
            said(server)
        server.relent(refusal)
        assert said(server, auth(server)) == [AUTHENTICATED]
    with server_of(Refuse(-10, 20, status=403)) as server:
        with pytest.raises(InvalidStatus, match="403"):
            said(server)
        assert server.counts.refused == 1


def test_authentication_and_subscriptions_are_rejected_with_any_code() -> None:
    with server_of(Reject(-10, 60, "auth", 500)) as server:
        assert said(server, auth(server), count=2) == [error(500, "internal error"), 1000]
    with server_of(Reject(-10, 60, "subscribe", 410)) as server:
        answers = said(server, auth(server), {"action": "subscribe", "bars": ["SPY"]}, count=2)
        assert answers[1] == error(410, "invalid subscribe action for this feed")


def test_a_slow_client_is_told_and_thrown_out() -> None:
    with server_of(speed=1.0) as server, listening(server):
        server.strike(SlowClient(at=0))
        assert until(lambda: server.counts.authenticated == 2)
        assert server.counts.errors == {407: 1}


@pytest.mark.parametrize(
    "what", ["text", "garbage", "empty", "unknown type", "no type", "no map", "no list", "other day"]
)
def test_the_client_survives_frames_that_make_no_sense(what: Any) -> None:
    with server_of(Frame(2.5, what)) as server, listening(server) as listener:
        assert until(lambda: server.counts.sent["b"] == len(MARKET.bars))
        assert until(lambda: len({bar.timestamp for bar in listener.bars} - {OPENS - 86_400}) >= 10)
    assert server.counts.connections == 1


def test_a_frame_over_a_mebibyte_makes_the_client_close_the_connection() -> None:
    with server_of(speed=120, begins=OPENS + 50) as server, listening(server) as listener:
        assert until(lambda: len(listener.bars) == 2)
        server.strike(Frame(0, "large"))
        assert until(lambda: server.counts.authenticated == 2)


# REST


def historical(server: AlpacaServer) -> StockHistoricalDataClient:
    client = StockHistoricalDataClient(server.key, server.secret, url_override=server.data_url)
    client._retry = 0
    return client


def request_for(*symbols: str, minutes: tuple[int, int] = (0, 9), **fields: Any) -> StockBarsRequest:
    start, end = (datetime.fromtimestamp(OPENS + 60 * minute, UTC) for minute in minutes)
    return StockBarsRequest(
        symbol_or_symbols=list(symbols),
        timeframe=TimeFrame.Minute,
        start=start,
        end=end,
        feed=DataFeed.IEX,
        **fields,
    )


@pytest.fixture(scope="module")
def closed() -> Iterator[AlpacaServer]:
    """A server an hour after the open, with answers of at most seven bars."""
    with server_of(begins=LATER, speed=1.0, page=7) as server:
        yield server


def test_history_is_the_same_on_pages_that_end_inside_a_symbol(closed: AlpacaServer) -> None:
    before = len(closed.counts.requests)
    answer = historical(closed).get_stock_bars(request_for(*NAMES))
    assert values_of([bar for name in NAMES for bar in answer[name]]) == true_bars()
    assert [one.bars for one in closed.counts.requests[before:]] == [7, 7, 6]
    raw = requests.get(
        f"{closed.data_url}/v2/stocks/bars",
        params={"symbols": "AIG,SPY", "timeframe": "1Min", "start": "2013-10-07", "limit": "3"},
        headers={"APCA-API-KEY-ID": closed.key, "APCA-API-SECRET-KEY": closed.secret},
        timeout=5,
    ).json()
    assert ([len(bars) for bars in raw["bars"].values()], raw["next_page_token"] is None) == ([3], False)
    assert raw["bars"]["AIG"][0]["t"] == "2013-10-07T13:30:00Z"


def test_both_ends_of_a_request_are_included_and_the_limit_is_over_all_symbols(closed: AlpacaServer) -> None:
    answer = historical(closed).get_stock_bars(request_for("SPY", minutes=(2, 4)))
    assert [bar.timestamp.minute for bar in answer["SPY"]] == [32, 33, 34]
    answer = historical(closed).get_stock_bars(request_for(*NAMES, limit=12))
    assert {name: len(bars) for name, bars in answer.data.items()} == {"AIG": 10, "SPY": 2}


def test_unknown_symbols_have_no_bars_and_malformed_ones_are_refused(closed: AlpacaServer) -> None:
    assert historical(closed).get_stock_bars(request_for("NOPE")).data == {}
    with pytest.raises(APIError, match="invalid symbol: spy1") as caught:
        historical(closed).get_stock_bars(request_for("spy1"))
    assert caught.value.status_code == 400


def test_history_is_there_some_time_after_its_minute() -> None:
    faults = [BarFault("history late", 3, "SPY", by=600.0), BarFault("lost", 4)]
    with server_of(*faults, begins=OPENS + 300.5, speed=1e-6) as server:
        answer = historical(server).get_stock_bars(request_for(*NAMES))
    minutes = {name: [bar.timestamp.minute - 30 for bar in answer[name]] for name in NAMES}
    assert minutes == {"AIG": [0, 1, 2, 3], "SPY": [0, 1, 2]}


def test_history_has_the_final_values_of_a_bar_that_the_stream_sent_otherwise() -> None:
    with server_of(BarFault("history differs", 3, "SPY")) as server, listening(server) as listener:
        assert until(lambda: len(listener.bars) == len(MARKET.bars))
        assert until(lambda: server.clock.now() > OPENS + 660)
        answer = historical(server).get_stock_bars(request_for("SPY"))
    assert values_of(answer["SPY"]) == true_bars("SPY")
    streamed = values_of([bar for bar in listener.bars if bar.symbol == "SPY"])
    assert [
        at for at, (a, b) in enumerate(zip(values_of(answer["SPY"]), streamed, strict=True)) if a != b
    ] == [3]


def test_crypto_has_its_own_path_and_names_with_a_slash() -> None:
    market = made_market(("BTC/USD",), OPENS, 3)
    with server_of(begins=LATER, market=market) as server:
        client = CryptoHistoricalDataClient(server.key, server.secret, url_override=server.data_url)
        start = datetime.fromtimestamp(OPENS, UTC)
        request = CryptoBarsRequest(symbol_or_symbols=["BTC/USD"], timeframe=TimeFrame.Minute, start=start)
        assert values_of(client.get_crypto_bars(request)["BTC/USD"]) == sorted(
            tuple(bar) for bar in market.bars
        )


@pytest.mark.parametrize("how", ["401", "403", "429", "500", "504", "html", "cut", "reset"])
def test_requests_fail_in_each_way(how: Any) -> None:
    with server_of(HistoryFault(0, 600, how), begins=LATER) as server:
        with pytest.raises((APIError, ValueError, requests.ConnectionError)) as caught:
            historical(server).get_stock_bars(request_for("SPY"))
        status = getattr(caught.value, "status_code", None)
        assert status == {"html": 502}.get(how, int(how) if how.isdigit() else None)


def test_a_request_hangs_until_the_fault_is_over() -> None:
    with server_of(HistoryFault(0, 600, "hang"), begins=LATER, speed=60) as server:
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            requests.get(f"{server.data_url}/v2/stocks/bars", timeout=0.1)
        assert time.monotonic() - began < 5


def test_wrong_keys_too_many_requests_and_data_that_the_plan_lacks_are_refused(closed: AlpacaServer) -> None:
    client = StockHistoricalDataClient(closed.key, "wrong", url_override=closed.data_url)
    with pytest.raises(APIError, match="unauthorized") as caught:
        client.get_stock_bars(request_for("SPY"))
    assert caught.value.status_code == 401
    recent = request_for("SPY").model_copy(
        update={"feed": DataFeed.SIP, "end": datetime.fromtimestamp(LATER, UTC)}
    )
    with pytest.raises(APIError, match="does not permit querying recent SIP data") as caught:
        historical(closed).get_stock_bars(recent)
    assert caught.value.status_code == 403
    with server_of(begins=LATER, speed=1.0, plan=Plan(requests_a_minute=1)) as server:
        client = historical(server)
        client.get_stock_bars(request_for("SPY"))
        with pytest.raises(APIError) as caught:
            client.get_stock_bars(request_for("SPY"))
        assert caught.value.status_code == 429
        assert server.counts.most_requests_a_minute() == 2


def test_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    with server_of() as server, listening(server):
        assert until(lambda: server.counts.authenticated == 1)
    assert set(threading.enumerate()) <= before
