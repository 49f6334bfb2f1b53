"""The stream of the feed: subscriptions, nonsense, losses, and its end at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import time
import traceback

import msgpack
import pytest

from tapedeck.engine.feeds.alpaca.alpaca_client import made_client
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.live_feed import CheckedFeed, FeedError
from tapedeck.engine.intervals import MINUTE, SECOND
from tests.engine.feeds.alpaca.alpaca_kit import (
    CONNECT_S,
    OPENS,
    QUIT_S,
    KeptSink,
    clock_of,
    feed_of,
    feed_threads,
    quits_at_once,
)
from tests.support.alpaca_server import (
    AlpacaServer,
    BarFault,
    Drop,
    Frame,
    HistoryFault,
    Mute,
    Plan,
    Refuse,
    Reject,
    SlowClient,
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


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Drop(0, 1000), r"closed the connection \(code 1000\)"),
        (Drop(0, 1006), r"broke off \(code 1006\)"),
        (Drop(0, 1011), r"its server has an error \(code 1011\)"),
        (SlowClient(0), r"not read fast enough.*407"),
    ],
)
def test_a_lost_connection_is_told_once_behind_its_bars_and_made_again(fault, words):
    with AlpacaServer(MARKET, clock_of(600.0, OPENS - 60)) as server:
        feed, sink = feed_of(server, NAMES), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            assert until(lambda: sink.all_bars)
            server.strike(fault)
            assert until(lambda: sink.reasons)
            feed.close()
            assert feed_threads() == []
            again = KeptSink()
            feed.connect(again, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            assert until(lambda: again.all_bars)
    assert len(sink.reasons) == 1
    assert re.search(words, sink.reasons[0])
    assert sink.order[-1] == "lost"
    assert len(server.counts.requests) == 1  # the preflight is that of the first connection


def test_a_connection_that_is_in_use_is_tried_again_not_given_up():
    with AlpacaServer(MARKET, clock_of()) as server:
        first, second = feed_of(server, NAMES), feed_of(server, NAMES)
        with quits_at_once(second):
            first.connect(KeptSink(), CONNECT_S)
            with pytest.raises(FeedError, match=r"another program.*406") as refused:
                second.connect(KeptSink(), CONNECT_S)
            assert not refused.value.is_final
            first.close()
            second.connect(KeptSink(), CONNECT_S)


def test_nonsense_is_counted_logged_once_and_ends_nothing(caplog):
    frames = ("text", "garbage", "empty", "large", "unknown type", "no map", "no list", "no type")
    with AlpacaServer(MARKET, clock_of(600.0, OPENS - 60)) as server:
        feed, sink = feed_of(server, NAMES), KeptSink()
        with quits_at_once(feed), caplog.at_level(logging.INFO, "tapedeck"):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            for frame in frames * 3:
                server.strike(Frame(0, frame))
            assert until(lambda: server.clock.now() > OPENS + 11 * 60)
    assert not sink.reasons
    assert told(sink.all_bars) == bars_of(MARKET)
    assert sum(feed.nonsense.counts.values()) >= 3 * len(frames)
    assert len(feed.nonsense.counts) >= 6
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == len(feed.nonsense.counts)


def test_bars_without_a_close_or_of_another_day_are_passed_on_for_the_journal():
    faults = [BarFault("no close", 2, "SPY"), BarFault("other day", 4, "SPY"), BarFault("updated", 6, "SPY")]
    with AlpacaServer(MARKET, clock_of(600.0, OPENS - 60), faults=faults) as server:
        feed, sink = feed_of(server, NAMES), KeptSink()
        with quits_at_once(feed):
            feed.connect(sink, CONNECT_S)
            feed.subscribe(NAMES, MINUTE)
            assert until(lambda: len(sink.all_bars) >= len(MARKET.bars) + 1)
    spy = [bar for bar in sink.all_bars if bar.symbol == "SPY"]
    assert [bar.opened_at - OPENS for bar in spy if bar.close != bar.close] == [120]
    assert [bar.opened_at - OPENS + 86_400 for bar in spy if bar.opened_at < OPENS] == [240]
    assert [bar.opened_at - OPENS for bar in spy if bar.kind is BarKind.UPDATED] == [360]
    assert bars_of(MARKET) - told(sink.all_bars) == {
        tuple(bar) for bar in MARKET.bars if bar.symbol == "SPY" and bar.t - OPENS in (120, 240)
    }


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


@pytest.mark.parametrize("stage", ["handshake", "hello", "auth", "subscribe"])
def test_it_can_be_closed_while_it_waits_for_any_answer(stage):
    with AlpacaServer(MARKET, clock_of(), faults=[Mute(0, 1000, stage)]) as server:
        feed, errors = feed_of(server, NAMES), []

        def connect():
            try:
                feed.connect(KeptSink(), CONNECT_S)
                feed.subscribe(NAMES, MINUTE)
            except FeedError as error:
                errors.append(str(error))

        thread = threading.Thread(target=connect)
        thread.start()
        waits_for = {
            "subscribe": lambda: server.counts.subscriptions,
            "handshake": lambda: server.counts.requests,
        }
        assert until(waits_for.get(stage, lambda: server.counts.connections))
        with quits_at_once(feed):
            pass
        thread.join(QUIT_S)
        assert not thread.is_alive()
    assert len(errors) == 1
    assert "closed" in errors[0]


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


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ([Mute(0, 1000, "hello")], "does not answer within"),
        ([Refuse(0, 1000, 403)], "refuses the keys at the stream"),
        ([Reject(0, 1000, "auth", 402)], "refuses the keys"),
    ],
)
def test_a_connection_that_cannot_be_made_is_told_within_five_seconds(faults, words):
    with AlpacaServer(MARKET, clock_of(), faults=faults) as server:
        feed = feed_of(server, NAMES)
        with quits_at_once(feed):
            begun = time.monotonic()
            with pytest.raises(FeedError, match=words):
                feed.connect(KeptSink(), CONNECT_S)
            assert time.monotonic() - begun < 5
            assert feed_threads() == []


def test_no_network_is_final_at_the_start_alone():
    with AlpacaServer(MARKET, clock_of()) as server:
        nowhere = feed_of(server, NAMES, data_url="http://127.0.0.1:1")
        with quits_at_once(nowhere), pytest.raises(FeedError, match="refused the connection") as refused:
            nowhere.connect(KeptSink(), CONNECT_S)
        assert refused.value.is_final
        assert not refused.value.is_bad_input
        later = feed_of(server, NAMES, stream_url="ws://127.0.0.1:1")
        with quits_at_once(later), pytest.raises(FeedError, match="refused the connection") as refused:
            later.connect(KeptSink(), CONNECT_S)
        assert not refused.value.is_final


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


def test_a_check_tells_what_it_found_and_opens_no_stream():
    with AlpacaServer(MARKET, clock_of()) as server:
        feed = feed_of(server, NAMES)
        assert isinstance(feed, CheckedFeed)
        lines = feed.check(NAMES, 5.0)
        assert server.counts.connections == 0
        with pytest.raises(FeedError, match="unknown symbol NOPE"):
            feed.check(["NOPE"], 5.0)
        begun = time.monotonic()
        wrong = feed_of(server, NAMES, data_url="http://127.0.0.1:1")
        with pytest.raises(FeedError, match="refused"):
            wrong.check(NAMES, 5.0)
        assert time.monotonic() - begun < 5
    text = "\n".join(lines)
    for part in ("alpaca-py 0.44", "keys: from a test", "iex", "AIG, IBM, SPY", "history: answers"):
        assert part in text
    assert feed_threads() == []


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
