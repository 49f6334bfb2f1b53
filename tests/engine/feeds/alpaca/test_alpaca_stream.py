"""The stream of the feed: subscriptions, nonsense, losses, and its end at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import traceback

import msgpack
import pytest

from tapedeck.engine.feeds.alpaca.alpaca_client import made_client
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.intervals import MINUTE, SECOND
from tests.engine.feeds.alpaca.alpaca_kit import (
    CONNECT_S,
    OPENS,
    QUIT_S,
    KeptSink,
    clock_of,
    feed_of,
    quits_at_once,
)
from tests.support.alpaca_server import (
    AlpacaServer,
    Drop,
    HistoryFault,
    Plan,
    Reject,
)
from tests.support.alpaca_server.made_market import made_market
from tests.support.runs import until

NAMES = ("AIG", "IBM", "SPY")
MARKET = made_market(NAMES, OPENS, 10)
MANY = tuple(f"{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(500))


def bars_of(market, symbols=None):
    return {tuple(bar) for bar in market.bars if symbols is None or bar.symbol in symbols}


def told(bars):
    return {tuple(bar)[:7] for bar in bars}


def test_all_bars_of_a_session_come_once_and_those_of_a_minute_together():
    with AlpacaServer(MARKET, clock_of(600.0, OPENS - 60)) as server:
        feed, sink = feed_of(server, NAMES), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            assert until(lambda: len(sink.all_bars) >= len(MARKET.bars))
    assert len(sink.all_bars) == len(MARKET.bars)
    assert told(sink.all_bars) == bars_of(MARKET)
    assert not sink.times  # the time of a bar is no clock
    assert not feed.nonsense.counts
    assert sum(len({bar.opened_at for bar in call}) == 1 for call in sink.calls) > len(sink.calls) / 2


def test_symbols_that_join_from_another_thread_are_delivered_while_the_others_go_on():
    with AlpacaServer(MARKET, clock_of(600.0, OPENS - 60)) as server:
        feed, sink = feed_of(server, NAMES), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(["SPY"], MINUTE)
            assert until(lambda: sink.all_bars)
            for symbol in ("AIG", "IBM"):
                joining = threading.Thread(target=feed.subscribe, args=([symbol], MINUTE))
                joining.start()
                joining.join(QUIT_S)
                assert not joining.is_alive()
            assert until(lambda: server.clock.now() > OPENS + 11 * 60)
    assert told(sink.all_bars) >= bars_of(MARKET, ["SPY"])
    assert {bar.symbol for bar in sink.all_bars} == set(NAMES)
    assert server.counts.connections == 1


def test_500_symbols_and_their_quotes_are_one_subscription_in_fragments():
    names = tuple(name * 3 + suffix for suffix in ("", ".A", ".B") for name in MANY)
    with AlpacaServer(made_market(names, OPENS, 1), clock_of()) as server:
        feed, sink = feed_of(server, names, wants_quotes=True), KeptSink()
        feed._known |= set(names)
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(names, MINUTE)
    (asked,) = server.counts.subscriptions
    assert {name: set(symbols) for name, symbols in asked.items()} == {
        name: set(names) for name in ("bars", "updatedBars", "quotes")
    }
    assert len(msgpack.packb(asked)) > 32_768  # which the client sends in parts


def test_a_subscription_over_the_limit_names_the_symbols_and_leaves_the_others_as_they_were():
    names = MANY[:32]
    plan = Plan(most_symbols=30)
    with AlpacaServer(made_market(names, OPENS, 10), clock_of(600.0, OPENS - 60), plan=plan) as server:
        feed, sink = feed_of(server, names), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            with pytest.raises(FeedError) as refused:
                feed.subscribe(names[:31], MINUTE)
            assert refused.value.is_bad_input
            assert all(name in str(refused.value) for name in (*names[:31], "405"))
            feed.subscribe(names[:30], MINUTE)
            with pytest.raises(FeedError, match=f"^{names[30]} is not subscribed.*405"):
                feed.subscribe(names[30:31], MINUTE)
            assert until(lambda: server.clock.now() > OPENS + 11 * 60)
    assert {bar.symbol for bar in sink.all_bars} == set(names[:30])
    assert set(server.counts.subscriptions[-1]["bars"]) == set(names[:31])


def test_symbols_that_the_answer_leaves_out_are_named_and_those_with_them_taken_back():
    with AlpacaServer(MARKET, clock_of(600.0, OPENS - 60), not_subscribed=["IBM"]) as server:
        feed, sink = feed_of(server, NAMES), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(["SPY"], MINUTE)
            with pytest.raises(FeedError, match=r"^IBM is not subscribed") as refused:
                feed.subscribe(["AIG", "IBM"], MINUTE)
            assert refused.value.is_bad_input
            feed.subscribe(["AIG"], MINUTE)
            assert until(lambda: server.clock.now() > OPENS + 11 * 60)
    assert {bar.symbol for bar in sink.all_bars} == {"SPY", "AIG"}


def test_an_unknown_symbol_that_joins_is_refused_by_name():
    with AlpacaServer(MARKET, clock_of()) as server:
        feed = feed_of(server, NAMES)
        with quits_at_once(feed):
            feed.connect(KeptSink(), CONNECT_S)
            feed.subscribe(["SPY"], MINUTE)
            with pytest.raises(FeedError, match=r"unknown symbol NOPE.*Take it out") as refused:
                feed.subscribe(["NOPE"], MINUTE)
            assert refused.value.is_bad_input
            with pytest.raises(FeedError, match="'SPY'"):
                feed.subscribe(["spy"], MINUTE)
    assert len(server.counts.subscriptions) == 1


def test_a_symbol_joins_though_rest_does_not_answer_about_it():
    with AlpacaServer(MARKET, clock_of(60.0), faults=[HistoryFault(1, 100, "500")]) as server:
        feed = feed_of(server, ["SPY"])
        with quits_at_once(feed):
            feed.connect(KeptSink(), CONNECT_S)
            assert until(lambda: server.clock.now() > OPENS + 60)
            feed.subscribe(["SPY", "AIG"], MINUTE)
    assert set(server.counts.subscriptions[-1]["bars"]) == {"SPY", "AIG"}


class FakeSocket:
    """A connection that gives some frames, then none."""

    def __init__(self, *frames):
        self.frames, self.last_frame = list(frames), b""

    async def recv(self):
        if not self.frames:
            await asyncio.sleep(3600)
        self.last_frame = self.frames.pop(0)
        return self.last_frame


def message(symbol, kind="b", **fields):
    at = msgpack.Timestamp(OPENS, 0)
    return {"T": kind, "S": symbol, "o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 1, "t": at, **fields}


@pytest.mark.parametrize(
    "nonsense",
    [7, None, "b", {"T": ["b"]}, {"T": {"b": 1}}, {"S": "SPY"}, {"T": "b"}, {"T": "b", "S": ["SPY"]}],
)
def test_what_has_a_meaning_of_a_frame_with_nonsense_is_taken(nonsense):
    with AlpacaServer(MARKET, clock_of()) as server:
        feed = feed_of(server, NAMES)
    taken = []

    class Listener:
        def data(self, message):
            taken.append(message["S"])

    async def receive():
        client = made_client(feed._account, None, Listener(), feed.nonsense, timeout=1)
        client.add_symbols("bars", ["SPY", "AIG"])
        frame = msgpack.packb([message("SPY"), nonsense, message("AIG"), message("IBM")])
        client._ws = FakeSocket(frame, msgpack.packb([message("SPY")]))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client.receive(), 0.1)

    asyncio.run(receive())
    assert taken == ["SPY", "AIG", "SPY"]


def test_it_can_be_closed_before_it_is_connected_twice_and_during_the_preflight_and_history():
    with AlpacaServer(MARKET, clock_of(), faults=[HistoryFault(0, 1000, "hang")]) as server:
        feed, errors = feed_of(server, NAMES), []
        with quits_at_once(feed):
            feed.close()

        def run(work):
            try:
                work()
            except FeedError as error:
                errors.append(str(error))

        def ask():
            feed._is_checked = True
            feed.connect(KeptSink(), CONNECT_S)
            feed.history(NAMES, MINUTE, OPENS, OPENS + 60, 30.0)

        for work in (lambda: feed.connect(KeptSink(), CONNECT_S), ask):
            before = len(server.counts.requests)
            thread = threading.Thread(target=run, args=(work,))
            thread.start()
            assert until(lambda before=before: len(server.counts.requests) > before)
            with quits_at_once(feed):
                pass
            thread.join(QUIT_S)
            assert not thread.is_alive()
    assert len(errors) == 2
    assert all("closed" in error for error in errors)


def test_quotes_are_the_last_of_each_minute_and_tell_the_clock():
    market = made_market(NAMES, OPENS, 6, quotes_a_minute=7)
    last = {(quote.symbol, int(quote.t) // 60 * 60): quote for quote in market.quotes}  # they are in order
    with AlpacaServer(market, clock_of(300.0, OPENS - 60)) as server:
        feed, sink = feed_of(server, NAMES, wants_quotes=True), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            assert until(lambda: server.clock.now() > OPENS + 3.5 * 60)
            server.strike(Drop(0, 1006))
            assert until(lambda: sink.reasons)
            feed.close()
            feed.connect(sink, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            assert until(lambda: len({quote[:2] for quote in sink.all_quotes}) >= len(last))
            assert until(lambda: server.clock.now() > OPENS + 7 * 60)
    found = {quote[:2]: quote for quote in sink.all_quotes}
    assert found.keys() == last.keys()
    whole = [key for key in last if key[1] - OPENS != 180]  # but for the minute of the break
    assert [tuple(found[key][2:]) for key in whole] == [
        (last[key].bp, last[key].ap, last[key].bs, last[key].as_) for key in whole
    ]
    assert sink.times
    assert all(min(abs(at - quote.t) for quote in market.quotes) < 1e-5 for at in sink.times)


def test_other_intervals_are_refused():
    with AlpacaServer(MARKET, clock_of()) as server:
        feed = feed_of(server, NAMES)
        with pytest.raises(FeedError, match="invalid interval 1s"):
            feed.subscribe(NAMES, SECOND)
        with pytest.raises(FeedError, match="not connected"):
            feed.subscribe(NAMES, MINUTE)


def test_no_log_at_any_level_no_object_and_no_traceback_has_the_keys(caplog):
    logging.getLogger("websockets").setLevel(logging.DEBUG)
    faults = [Reject(3, 100, "auth", 402)]
    with caplog.at_level(logging.DEBUG), AlpacaServer(MARKET, clock_of(60.0), faults=faults) as server:
        feed, sink = feed_of(server, NAMES), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            feed.history(NAMES, MINUTE, OPENS, OPENS + 60, 5.0)
            stream = feed._line.stream
            shown = [repr(vars(stream)), repr(vars(stream._client)), repr(vars(feed)), repr(feed._account)]
            assert until(lambda: server.clock.now() > OPENS + 180)
            feed.close()
            with pytest.raises(FeedError) as refused:
                feed.connect(sink, CONNECT_S)
            assert refused.value.is_bad_input
    logging.getLogger("websockets").setLevel(logging.NOTSET)
    shown += [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    error = refused.value
    shown += traceback.format_exception(error, chain=True)
    while error is not None:
        shown += [repr(frame.f_locals) for frame, _ in traceback.walk_tb(error.__traceback__)][1:]
        error = error.__cause__ or error.__context__
    assert len(caplog.records) > 5
    for text in shown:
        assert server.secret not in text
        assert server.key not in text
