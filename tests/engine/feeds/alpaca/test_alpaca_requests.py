"""Requests to REST: within their deadline whatever the server does, ended by another thread, and in pages."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tapedeck.engine.feeds.alpaca.alpaca_account import AlpacaAccount
from tapedeck.engine.feeds.alpaca.alpaca_history import AlpacaHistory
from tapedeck.engine.feeds.alpaca.alpaca_keys import AlpacaKeys
from tapedeck.engine.feeds.alpaca.closable_sockets import ClosableSockets, NoNetworkError
from tapedeck.engine.feeds.alpaca.nonsense import Nonsense
from tapedeck.engine.feeds.live_feed import FeedError
from tests.engine.feeds.alpaca.alpaca_kit import OPENS, QUIT_S
from tests.support.runs import until

END = OPENS + 600
NOW = float(END + 3600)
BAR = {"t": "2013-10-07T13:30:00Z", "o": 1.5, "h": 2.0, "l": 1.25, "c": 1.75, "v": 300}


class Server(ThreadingHTTPServer):
    """Server whose answers are a function of the number of the request and of its query."""

    daemon_threads = True

    def __init__(self, answer):
        self.answer, self.asked = answer, []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((parts.path, query))
        answer = self.server.answer(len(self.server.asked), query)
        if callable(answer):
            answer(self)
            return
        status, body, headers = answer
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def history_of(answer, *, is_crypto=False):
    server = Server(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    account = AlpacaAccount(
        AlpacaKeys("key-of-a-test", "secret-of-a-test", "a test"),
        is_crypto,
        "us" if is_crypto else "iex",
        None,
        url,
    )
    history = AlpacaHistory(account, Nonsense())
    try:
        yield history, server
    finally:
        history.shut()
        server.shutdown()
        thread.join()
        server.server_close()


def page(bars, token=None):
    return 200, {"bars": bars, "next_page_token": token}, {}


def ask(history, symbols=("SPY",), *, timeout=5.0, now=NOW):
    return history.bars(symbols, OPENS, END, now=now, timeout=timeout)


def test_a_request_names_the_feed_the_minute_and_raw_prices_and_ends_before_the_last_instant():
    with history_of(lambda n, query: page({"SPY": [BAR]})) as (history, server):
        answer = ask(history, ("SPY", "BRK.B"))
    ((path, query),) = server.asked
    assert path == "/v2/stocks/bars"
    expected = {
        "symbols": "SPY,BRK.B",
        "timeframe": "1Min",
        "feed": "iex",
        "adjustment": "raw",
        "limit": "10000",
    }
    assert {name: query[name] for name in expected} == expected
    assert query["start"].startswith("2013-10-07T13:30:00")
    assert query["end"].startswith("2013-10-07T13:39:59")
    assert [tuple(bar)[:7] for bar in answer.bars] == [("SPY", OPENS, 1.5, 2.0, 1.25, 1.75, 300.0)]


def test_crypto_has_its_own_path_and_no_feed_or_adjustment():
    with history_of(lambda n, query: page({"BTC/USD": [BAR | {"v": 0.25}]}), is_crypto=True) as (
        history,
        server,
    ):
        answer = ask(history, ("BTC/USD",))
    ((path, query),) = server.asked
    assert path == "/v1beta3/crypto/us/bars"
    assert not {"feed", "adjustment"} & query.keys()
    assert [(bar.symbol, bar.volume) for bar in answer.bars] == [("BTC/USD", 0.25)]


def test_pages_that_end_inside_a_symbol_are_put_together():
    later = BAR | {"t": "2013-10-07T13:31:00Z"}
    pages = {
        None: page({"AIG": [BAR, later], "SPY": [BAR]}, "a"),
        "a": page({"SPY": [later]}, "b"),
        "b": page({}),
    }
    with history_of(lambda n, query: pages[query.get("page_token")]) as (history, _):
        bars = ask(history, ("AIG", "SPY")).bars
    assert [(bar.symbol, bar.opened_at - OPENS) for bar in bars] == [
        ("AIG", 0), ("AIG", 60), ("SPY", 0), ("SPY", 60),
    ]  # fmt: skip


def test_pages_without_an_end_are_an_error():
    with (
        history_of(lambda n, query: page({"SPY": [BAR]}, "again")) as (history, _),
        pytest.raises(FeedError, match="pages do not end"),
    ):
        ask(history)


def test_symbols_that_do_not_fit_in_one_address_are_asked_for_in_as_few_requests():
    symbols = [f"S{number:05}" for number in range(1500)]  # 6 letters and an encoded comma: 13,500 in all
    with history_of(lambda n, query: page({})) as (history, server):
        ask(history, symbols)
    asked = [query["symbols"].split(",") for _, query in server.asked]
    assert [symbol for some in asked for symbol in some] == symbols
    assert len(asked) == 3
    with history_of(lambda n, query: page({})) as (history, server):
        ask(history, symbols[:500])
    assert len(server.asked) == 1


def test_bars_that_make_no_sense_are_left_out_or_passed_on_as_invalid():
    bars = {
        "SPY": [
            BAR,
            {"o": 1},
            None,
            BAR | {"t": "yesterday"},
            BAR | {"t": 7},
            BAR | {"c": None},
            BAR | {"v": 0},
        ],
        "NOBODY": [BAR],
        "AIG": "none",
    }
    with history_of(lambda n, query: page(bars)) as (history, _):
        found = ask(history, ("SPY", "AIG")).bars
    assert [(bar.symbol, bar.close == bar.close) for bar in found] == [("SPY", True), ("SPY", False)]


def cut_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"bars": ')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ((429, {"message": "too many requests."}, {"Retry-After": "1"}), "429"),
        ((500, {"message": "oh"}, {}), "500"),
        ((502, b"<html>", {}), "502"),
        ((200, b'{"bars": {"SPY": [{"t": "2013', {}), "cut"),
        ((200, b"<html>", {}), "not JSON"),
        (lambda handler: handler.connection.shutdown(socket.SHUT_RDWR), "broke off"),
        (cut_off, "broke off"),
    ],
)
def test_what_may_pass_is_tried_again_as_long_as_the_deadline_allows(first, words):
    with history_of(lambda n, query: first if n == 1 else page({"SPY": [BAR]})) as (history, server):
        begun = time.monotonic()
        assert len(ask(history).bars) == 1
        waited_s = time.monotonic() - begun
        assert len(server.asked) == 2
    assert waited_s > (0.9 if words == "429" else 0.4)
    with history_of(lambda n, query: first) as (history, server):
        with pytest.raises(FeedError, match=words) as told:
            ask(history, timeout=0.3)
        assert len(server.asked) == 1
    assert not told.value.is_final
    assert "history" in str(told.value)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_keys_are_not_tried_again_nor_final_in_mid_session(status):
    with history_of(lambda n, query: (status, {"message": "forbidden."}, {})) as (history, server):
        with pytest.raises(FeedError, match="keys") as told:
            ask(history)
        assert len(server.asked) == 1
    assert not told.value.is_final


def test_a_request_that_is_wrong_is_final():
    with history_of(lambda n, query: (400, {"message": "invalid symbol: A?"}, {})) as (history, server):
        with pytest.raises(FeedError, match="invalid symbol") as told:
            ask(history)
        assert len(server.asked) == 1
    assert told.value.is_final


def test_a_plan_without_the_last_minutes_is_asked_for_those_before():
    refusal = (403, {"message": "subscription does not permit querying recent SIP data"}, {})
    late = "2013-10-07T13:35"

    def answer(n, query):
        return refusal if query["end"] > late else page({"SPY": [BAR]})

    now = float(OPENS + 20 * 60)  # the plan has bars up to 13:34
    with history_of(answer) as (history, server):
        first = ask(history, now=now)
        again = ask(history, now=now)
        assert len(server.asked) == 3  # it is known then
    assert [bar.opened_at for bar in first.bars] == [bar.opened_at for bar in again.bars] == [OPENS]
    assert first.complete_until <= now - 900


def dripping(handler):
    handler.send_response(200)
    handler.end_headers()
    with_pause = threading.Event()
    try:
        while True:
            handler.wfile.write(b" ")
            with_pause.wait(0.02)
    except OSError:
        pass


def silent(handler):
    while handler.connection.recv(100):
        pass


@pytest.mark.parametrize("hang", [dripping, silent])
def test_a_server_that_hangs_or_drips_is_left_at_the_deadline(hang):
    with history_of(lambda n, query: hang) as (history, _):
        begun = time.monotonic()
        with pytest.raises(FeedError, match=r"no answer of Alpaca within 0\.4 s"):
            ask(history, timeout=0.4)
        assert 0.3 < time.monotonic() - begun < 1.0


@pytest.mark.parametrize("hang", [dripping, silent, (500, {}, {})])
def test_another_thread_ends_a_request_or_the_wait_before_the_next_one(hang):
    with history_of(lambda n, query: hang) as (history, server):
        told = []

        def run():
            try:
                ask(history, timeout=30.0)
            except FeedError as error:
                told.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        assert until(lambda: server.asked)
        begun = time.monotonic()
        history.shut()
        thread.join(QUIT_S)
        assert time.monotonic() - begun < QUIT_S
        assert not thread.is_alive()
        with pytest.raises(FeedError, match="closed"):
            ask(history)
    assert "closed" in told[0] or "500" in told[0]


@pytest.mark.parametrize(
    ("bar_minute", "asked_after_s", "complete_minutes"),
    [
        (9, 5, 9),  # the last minute is over for 5 s: it may still change
        (9, 20, 10),
        (8, 20, 9),  # nothing shows that the provider has come to the last minute
        (8, 89, 9),
        (8, 90, 10),
        (None, 90, 10),
        (None, 60, 9),
    ],
)
def test_history_is_complete_up_to_what_it_shows_or_after_a_while(
    bar_minute, asked_after_s, complete_minutes
):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(OPENS + 60 * (bar_minute or 0)))
    bars = {} if bar_minute is None else {"SPY": [BAR | {"t": at}]}
    with history_of(lambda n, query: page(bars)) as (history, _):
        answer = ask(history, now=END + asked_after_s)
    assert (answer.complete_until - OPENS) // 60 == complete_minutes


def test_what_a_later_page_shows_says_nothing_of_the_symbols_before_it():
    # The last minute came to the provider's history between the two pages.
    at = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(OPENS + 60 * minute)) for minute in (8, 9)]
    pages = {None: page({"AIG": [BAR | {"t": at[0]}]}, "2"), "2": page({"SPY": [BAR | {"t": at[1]}]})}
    with history_of(lambda n, query: pages[query.get("page_token")]) as (history, _):
        answer = ask(history, ("AIG", "SPY"), now=END + 20)
    assert (answer.complete_until - OPENS) // 60 == 9


def test_a_machine_that_refuses_and_a_name_that_is_not_found_are_told():
    sockets = ClosableSockets()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # does not listen
        port = bound.getsockname()[1]
        with pytest.raises(NoNetworkError, match=rf"127\.0\.0\.1 refused the connection \(port {port}\)"):
            sockets.connected("127.0.0.1", port, time.monotonic() + 5)


def test_a_look_up_without_an_answer_is_left_at_the_deadline_and_by_another_thread(monkeypatch):
    answered, real = threading.Event(), socket.getaddrinfo

    def hangs(host, *arguments, **named):
        if named.get("flags"):
            return real(host, *arguments, **named)
        answered.wait(30)
        raise OSError("late")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    try:
        with pytest.raises(NoNetworkError, match=r"data\.example cannot be looked up"):
            ClosableSockets().connected("data.example", 443, time.monotonic() + 0.1)
        sockets = ClosableSockets()
        timer = threading.Timer(0.1, sockets.shut)
        timer.start()
        begun = time.monotonic()
        with pytest.raises(FeedError, match="closed"):
            sockets.connected("data.example", 443, begun + 30)
        assert time.monotonic() - begun < QUIT_S
        timer.join()
    finally:
        answered.set()


def test_a_machine_that_does_not_answer_is_left_at_the_deadline_and_by_another_thread():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # they fill its queue: further ones get no answer
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            with pytest.raises(NoNetworkError, match="does not answer"):
                ClosableSockets().connected(*address, time.monotonic() + 0.2)
            sockets = ClosableSockets()
            timer = threading.Timer(0.1, sockets.shut)
            timer.start()
            begun = time.monotonic()
            with pytest.raises(FeedError, match="closed"):
                sockets.connected(*address, begun + 30)
            assert time.monotonic() - begun < QUIT_S
            timer.join()
        finally:
            for one in waiting:
                one.close()


def test_a_part_of_an_answer_is_not_asked_for_again_within_a_minute_but_the_same_is():
    later = BAR | {"t": "2013-10-07T13:31:00Z"}
    with history_of(lambda n, query: page({"SPY": [BAR, later]})) as (history, server):
        whole = history.bars(["AIG", "SPY"], OPENS, END, now=NOW, timeout=5)
        for symbols, start, end, minutes in (
            (["SPY"], OPENS, END, [0, 60]),
            (["AIG"], OPENS, END, []),
            (["SPY", "AIG"], OPENS + 60, OPENS + 120, [60]),
        ):
            part = history.bars(symbols, start, end, now=NOW + 59, timeout=5)
            assert [bar.opened_at - OPENS for bar in part.bars] == minutes
            assert part.complete_until == whole.complete_until
        assert len(server.asked) == 1
        history.bars(["AIG", "SPY"], OPENS, END, now=NOW, timeout=5)  # after the close, to compare
        history.bars(["IBM"], OPENS, END, now=NOW, timeout=5)
        history.bars(["SPY"], OPENS - 60, END, now=NOW, timeout=5)
        history.bars(["SPY"], OPENS, END, now=NOW + 61, timeout=5)
        assert len(server.asked) == 5


def test_minutes_that_were_not_complete_are_asked_for_again():
    with history_of(lambda n, query: page({"SPY": [BAR]})) as (history, server):
        history.bars(["AIG", "SPY"], OPENS, END, now=float(END), timeout=5)
        history.bars(["SPY"], END - 120, END - 60, now=float(END), timeout=5)
        assert len(server.asked) == 2
        history.bars(["SPY"], OPENS, OPENS + 60, now=float(END), timeout=5)
        assert len(server.asked) == 2
