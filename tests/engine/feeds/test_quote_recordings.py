"""Recordings of quotes: what any messages add up to, in the journal, in messages, and in the store."""

from __future__ import annotations

import math
import random
import sqlite3
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorder_kit import (
    LIMIT_S,
    MONDAY,
    PLACES,
    TUESDAY,
    Mailbox,
    MarketClock,
    Recording,
    bar,
    recorder_of,
    slots_of,
    stored,
    stored_quotes,
)

from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.recorded_day_feed import last_arrival, recorded_day_feed
from tapedeck.engine.feeds.recorder_messages import QuotesArrived
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tests.faults.live_quotes import last_quotes

SYMBOLS = ("AIG", "SPY")
TIMES = slots_of().opened_at.tolist()
TUESDAYS = slots_of(TUESDAY).opened_at.tolist()
NAN = math.nan

places = pytest.mark.parametrize("place", PLACES)
prices = st.sampled_from([100.0, 100.5, 101.0, 0.0, NAN])
quotes = st.builds(
    FeedQuote,
    symbol=st.sampled_from(SYMBOLS),
    opened_at=st.sampled_from([TIMES[0], TIMES[1], TIMES[-1], TIMES[0] - 60, TIMES[-1] + 60]),
    bid=prices,
    ask=prices,
    bid_size=st.sampled_from([1.0, 0.0, NAN]),
    ask_size=st.sampled_from([2.0, NAN]),
)


def quote(symbol, opened_at, bid=100.0, ask=100.5, bid_size=1.0, ask_size=2.0):
    """A quote of a slot."""
    return FeedQuote(symbol, opened_at, bid, ask, bid_size, ask_size)


def recording_of(location, symbols=SYMBOLS, **options):
    """A recording that takes quotes, of Monday's session."""
    recording = Recording(location, takes_quotes=True)
    recording.begin(symbols, **options)
    return recording


def sent(recording):
    """The messages with quotes so far."""
    return [one for one in recording.mailbox.messages if isinstance(one, QuotesArrived)]


def shown(messages, symbols=SYMBOLS):
    """What messages add up to, by symbol and slot."""
    found = {}
    for message in messages:
        keys = list(zip(message.rows.tolist(), message.slots.tolist(), strict=True))
        assert len(set(keys)) == len(keys)
        for (row, slot), values in zip(keys, message.values.T.tolist(), strict=True):
            found[symbols[row], slot] = tuple(values)
    return found


@places
@settings(max_examples=12, deadline=None)
@given(
    batches=st.lists(st.lists(quotes, max_size=6), max_size=6),
    kills=st.lists(st.integers(0, 5), max_size=2),
)
def test_any_messages_in_any_batches_and_kills_add_up_to_the_same(tmp_path_factory, place, batches, kills):
    location = tmp_path_factory.mktemp("quotes") / place
    recording = recording_of(location)
    messages = sent(recording)
    for number, batch in enumerate(batches):
        recording.take_quotes(*batch)
        messages = sent(recording)
        if number in kills:
            expected = shown(messages)
            recording.kill()
            recording = Recording(location, takes_quotes=True)
            recording.part.begin_session(slots_of(), SYMBOLS, recording.now)
            recording.part.show(MONDAY, 0.0)
            assert repr(sorted(shown(sent(recording)).items())) == repr(sorted(expected.items()))
    labels = frozenset(TIMES)
    expected = last_quotes([one for batch in batches for one in batch], labels)
    by_slot = {(symbol, TIMES.index(at)): row for (symbol, at), row in expected.items()}
    assert repr(sorted(shown(sent(recording)).items())) == repr(sorted(by_slot.items()))
    with sqlite3.connect(recording.journal.path) as journal:
        tables = [name for [name] in journal.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    assert ("quotes" in tables) == (recording.journal.last_sequence > 0), "only with quotes"
    recording.close()
    assert repr(sorted(stored_quotes(location, SYMBOLS).items())) == repr(sorted(expected.items()))


def test_the_store_of_a_database_has_them_at_once_and_a_folder_at_the_end_of_the_session(tmp_path):
    for place, at_once in (("bars.db", 1), ("bars", 0)):
        recording = recording_of(tmp_path / place)
        recording.take_quotes(quote("SPY", TIMES[3]))
        assert len(stored_quotes(tmp_path / place, SYMBOLS)) == at_once
        assert recording.part.status.unstored_quotes == 1 - at_once
        assert recording.part.end_session(MONDAY, recording.now, reconciled=True)
        assert list(stored_quotes(tmp_path / place, SYMBOLS)) == [("SPY", TIMES[3])]
        recording.take_quotes(quote("SPY", TIMES[4]))
        assert recording.part.status.counts.quotes_left_out == 1, "the session takes no more"
        recording.close()
        assert list(stored_quotes(tmp_path / place, SYMBOLS)) == [("SPY", TIMES[3])]


@places
@pytest.mark.parametrize("next_day", [TUESDAY, date(2013, 10, 21)])
def test_what_a_kill_left_in_the_journal_is_stored_at_the_next_start(place, next_day, tmp_path):
    location = tmp_path / place
    recording = recording_of(location)
    after_close = quote("SPY", TIMES[-1] + 600)
    recording.take_quotes(quote("SPY", TIMES[3]), quote("AIG", TIMES[5], ask=NAN), after_close)
    recording.take(bar("SPY", TIMES[3]))
    recording.kill()
    again = Recording(location)  # whether or not the next session has quotes
    again.begin(day=next_day)
    assert sorted(stored_quotes(location, SYMBOLS)) == [("AIG", TIMES[5]), ("SPY", TIMES[3])]
    assert [row[0] for row in stored(location, SYMBOLS)["SPY"]] == [TIMES[3]]
    again.close()


@places
def test_a_session_begun_again_without_quotes_stores_those_recorded_and_shows_none(place, tmp_path):
    location = tmp_path / place
    recording = recording_of(location)
    recording.take_quotes(quote("SPY", TIMES[3]))
    recording.kill()
    again = Recording(location)
    again.part.begin_session(slots_of(), SYMBOLS, again.now)
    again.part.show(MONDAY, 0.0)
    assert sent(again) == []
    assert list(stored_quotes(location, SYMBOLS)) == [("SPY", TIMES[3])]
    again.close()


def test_quotes_of_the_session_that_begins_as_this_one_closes_are_kept_for_it(tmp_path):
    """A market around the clock opens while the session before is compared."""
    days = date(2013, 10, 7), date(2013, 10, 8)
    first, second = (slots_of(day, exchange="24/7") for day in days)
    recording = Recording(tmp_path / "bars.db", takes_quotes=True)
    recording.part.begin_session(first, SYMBOLS, recording.now)
    opens = int(second.opened_at[0])
    recording.take_quotes(quote("SPY", opens, ask=NAN), quote("AIG", opens + 3600))
    recording.take_quotes(quote("SPY", opens, bid=NAN, ask=101.0))
    assert recording.part.end_session(days[0], recording.now, reconciled=True)
    recording.part.begin_session(second, SYMBOLS, recording.now)
    recording.part.show(days[1], 0.0)
    assert shown(sent(recording)) == {("SPY", 0): (100.0, 101.0, 1.0, 2.0)}, "those of the first hour"
    recording.close()
    assert list(stored_quotes(tmp_path / "bars.db", SYMBOLS)) == [("SPY", opens)]


def test_duplicates_and_what_changes_nothing_are_neither_sent_nor_journalled(tmp_path):
    recording = recording_of(tmp_path / "bars.db")
    one = quote("SPY", TIMES[3])
    recording.take_quotes(one, one)
    recording.take_quotes(one, one._replace(bid=NAN))
    assert len(sent(recording)) == 1
    assert recording.journal.last_sequence == 1
    recording.take_quotes(one._replace(bid=99.0, ask=0.0))
    assert sent(recording)[-1].values[:, 0].tolist() == [99.0, 100.5, 1.0, 2.0], "the other side stays"
    recording.close()


def test_bars_and_quotes_are_numbered_together(tmp_path):
    recording = recording_of(tmp_path / "bars.db")
    recording.take(bar("SPY", TIMES[0]), bar("AIG", TIMES[0]))
    recording.take_quotes(quote("SPY", TIMES[0]), quote("AIG", TIMES[0]))
    recording.take(bar("SPY", TIMES[1]))
    recording.take_quotes(quote("SPY", TIMES[1]))
    bars = [n for numbers, _ in recording.journal.numbered_arrivals(MINUTE, 0, 2**40) for n in numbers]
    of_quotes = [n for numbers, _ in recording.journal.numbered_quotes(MINUTE, 0, 2**40) for n in numbers]
    assert (bars, of_quotes, recording.journal.last_sequence) == ([1, 2, 5], [3, 4, 6], 6)
    recording.close()


def test_a_symbol_has_one_feed_a_day_of_quotes_too(tmp_path):
    recording = recording_of(tmp_path / "bars.db")
    recording.take_quotes(quote("SPY", TIMES[0]))
    recording.kill()
    again = Recording(tmp_path / "bars.db", source="another", takes_quotes=True)
    with pytest.raises(FeedError, match="SPY: 1m bars of 2013-10-07 were recorded from feed 'replay'"):
        again.begin()
    again.kill()


def test_symbols_that_join_have_their_quotes_and_of_those_that_leave_none_are_taken(tmp_path):
    location = tmp_path / "bars.db"
    recording = recording_of(location)
    joins = [SymbolChange(ChangeKind.JOINED, "IBM", 2)]
    recording.part.add_symbols(MONDAY, joins, 0.0, recording.now)
    recording.take_quotes(quote("IBM", TIMES[2]), quote("AIG", TIMES[2]))
    recording.part.drop_symbols(MONDAY, [SymbolChange(ChangeKind.LEFT, "AIG", 3)], 0.0, recording.now)
    recording.take_quotes(quote("IBM", TIMES[3]), quote("AIG", TIMES[3]))
    expected = {("IBM", 2), ("IBM", 3), ("AIG", 2)}
    assert set(shown(sent(recording), (*SYMBOLS, "IBM"))) == expected
    recording.kill()
    again = recording_of(location)
    again.part.add_symbols(MONDAY, joins, 0.0, again.now, is_new=False)
    again.part.show_symbols(MONDAY, ["IBM"], 0.0)
    assert set(shown(sent(again), (*SYMBOLS, "IBM"))) == {("IBM", 2), ("IBM", 3)}
    again.close()
    assert set(stored_quotes(location, (*SYMBOLS, "IBM"))) == {(s, TIMES[slot]) for s, slot in expected}


@places
def test_without_space_they_are_shown_and_saved_when_there_is_room(place, tmp_path):
    recording = recording_of(tmp_path / place)
    recording.journal._rows("PRAGMA max_page_count = 1", ())
    recording.take_quotes(*(quote("SPY", at) for at in TIMES[:200]))
    assert len(shown(sent(recording))) == recording.part.status.unsaved_quotes == 200
    assert recording.mailbox.alerts[0].startswith("no space left on the disk")
    assert stored_quotes(tmp_path / place, SYMBOLS) == {}, "nothing that is not in the journal"
    recording.journal._rows("PRAGMA max_page_count = 1000000", ())
    recording.now += 1
    recording.part.retry(recording.now)
    assert recording.part.status.unsaved_quotes == 0
    recording.close()
    assert len(stored_quotes(tmp_path / place, SYMBOLS)) == 200


def test_quotes_that_are_lost_for_lack_of_space_are_told(tmp_path):
    recording = recording_of(tmp_path / "bars.db")
    recording.journal._rows("PRAGMA max_page_count = 1", ())
    recording.take_quotes(*(quote("SPY", at) for at in TIMES[:200]))
    recording.close()
    assert recording.mailbox.alerts[-1] == "200 quotes were not saved, for lack of space: they are lost"


WRONG = {
    "a negative price": quote("SPY", TIMES[0], bid=-1.0),
    "an infinite price": quote("SPY", TIMES[0], ask=math.inf),
    "no price": quote("SPY", TIMES[0], bid=0.0, ask=NAN),
    "a negative size": quote("SPY", TIMES[0], bid_size=-1.0),
    "a time that is none": quote("SPY", NAN),
    "text for a price": quote("SPY", TIMES[0], bid="much"),
    "a symbol that is none": quote(["SPY"], TIMES[0]),
    "another symbol": quote("XOM", TIMES[0]),
    "too few parts": ("SPY", TIMES[0], 1.0),
    "no quote at all": None,
}
NOT_TOLD = {"another symbol"}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_quote_ends_nothing_and_is_counted_and_told_once(tmp_path, what):
    mailbox, market = Mailbox(), MarketClock(TIMES[9])
    with open_store(tmp_path / "bars.db", create=True) as store:
        recorder = recorder_of(store, mailbox, clock=market, takes_quotes=True)
        recorder.start()
        recorder.begin_session(slots_of(), SYMBOLS).result(LIMIT_S)
        recorder.show(MONDAY).result(LIMIT_S)
        for _ in range(2):
            recorder.quotes([quote("SPY", TIMES[1]), WRONG[what], quote("AIG", TIMES[1])])
        recorder.flush().result(LIMIT_S)
        counts = recorder.status.counts
        recorder.stop()
        recorder.join(LIMIT_S)
    assert mailbox.errors == []
    assert (counts.quotes, counts.quotes_left_out) == (2, 2)
    assert len(mailbox.alerts) == (0 if what in NOT_TOLD else 1), mailbox.alerts
    assert all("quote" in text and "left out" in text for text in mailbox.alerts)
    assert len(stored_quotes(tmp_path / "bars.db", SYMBOLS)) == 2


@pytest.mark.parametrize(
    "opened_at", [TIMES[0] - 60, TIMES[0] + 7, TIMES[0] - 86400, TIMES[0] + 90 * 86400], ids=str
)
def test_quotes_of_no_slot_of_the_day_are_passed_over(tmp_path, opened_at):
    recording = recording_of(tmp_path / "bars.db")
    recording.take_quotes(quote("SPY", opened_at))
    assert (sent(recording), recording.mailbox.alerts, recording.journal.last_sequence) == ([], [], 0)
    recording.close()
    assert stored_quotes(tmp_path / "bars.db", SYMBOLS) == {}


def test_quotes_are_dropped_by_a_recorder_that_takes_none(tmp_path):
    mailbox = Mailbox()
    with open_store(tmp_path / "bars.db", create=True) as store:
        recorder = recorder_of(store, mailbox)
        recorder.start()
        recorder.begin_session(slots_of(), SYMBOLS).result(LIMIT_S)
        recorder.quotes([quote("SPY", TIMES[1])])
        recorder.flush().result(LIMIT_S)
        recorder.stop()
        recorder.join(LIMIT_S)
        assert store.quotes.series() == {}
    assert mailbox.messages == []


def test_quotes_of_a_batch_are_sent_before_its_bars(tmp_path):
    """A slot is shown once its bars are there, and then with its quotes."""
    mailbox = Mailbox()
    with open_store(tmp_path / "bars.db", create=True) as store:
        recorder = recorder_of(store, mailbox, clock=MarketClock(TIMES[9]), takes_quotes=True)
        begun = recorder.begin_session(slots_of(), SYMBOLS)
        recorder.show(MONDAY)
        recorder.bars([bar("SPY", TIMES[0])])
        recorder.quotes([quote("SPY", TIMES[0])])
        recorder.bars([bar("SPY", TIMES[1])])
        recorder.start()  # all of it is one batch
        begun.result(LIMIT_S)
        recorder.flush().result(LIMIT_S)
        recorder.stop()
        recorder.join(LIMIT_S)
    kinds = [(type(one).__name__, one.slots.tolist()) for one in mailbox.messages if len(one.rows)]
    assert kinds == [("QuotesArrived", [0]), ("Arrived", [0, 1])]
    numbers = [one.number for one in mailbox.messages]
    assert numbers == sorted(numbers)
    assert numbers[-1] > numbers[-2], "what was known before the bars is told apart"


def test_a_recorded_day_is_played_with_its_quotes_in_the_order_received(tmp_path):
    recording = recording_of(tmp_path / "bars.db")
    chance, expected = random.Random(1), []
    for number in range(20):
        one = chance.choice([bar, quote])(chance.choice(SYMBOLS), TIMES[number])
        take = recording.take_quotes if isinstance(one, FeedQuote) else recording.take
        take(one)
        expected.append(one)
    path = recording.journal.path
    recording.close()
    feed = recorded_day_feed(path, MONDAY, MINUTE, SYMBOLS, clock=None)
    assert [seen.message for seen in feed._arrivals()] == expected
    assert last_arrival(path, MONDAY, MINUTE, SYMBOLS) == 2 * 10**9


def test_quotes_that_come_between_subscription_and_join_are_taken_as_the_symbol_joins(tmp_path):
    recording = recording_of(tmp_path / "bars.db")
    recording.take_quotes(quote("IBM", TIMES[1]), quote("XOM", TIMES[1]))
    joins = [SymbolChange(ChangeKind.JOINED, "IBM", 2)]
    recording.part.add_symbols(MONDAY, joins, 0.0, recording.now)
    recording.part.show_symbols(MONDAY, ["IBM"], 0.0)
    assert set(shown(sent(recording)[-1:], (*SYMBOLS, "IBM"))) == {("IBM", 1)}
    recording.close()
    assert list(stored_quotes(tmp_path / "bars.db", ("IBM", "XOM"))) == [("IBM", TIMES[1])]
