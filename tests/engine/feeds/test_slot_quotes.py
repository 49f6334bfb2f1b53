"""The last quote of each slot, of a stream in any order, with anything in it."""

from __future__ import annotations

import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.slot_quotes import MOST_SLOTS, SlotQuotes
from tapedeck.engine.intervals import MINUTE, Interval

OPEN = 1381152600  # 2013-10-07 09:30 of New York
NAN = math.nan

prices = st.sampled_from([100.0, 100.5, 101, 0, 0.0, None, NAN, -1.0, math.inf, "nonsense"])
sizes = st.sampled_from([1.0, 5, 0, None, NAN])
instants = st.one_of(st.integers(OPEN, OPEN + 240), st.floats(OPEN, OPEN + 240))
added = st.tuples(st.sampled_from(["AIG", "SPY"]), instants, prices, prices, sizes, sizes)


def seen(quotes):
    """Return quotes as text, in which NaN equals NaN."""
    return [repr(FeedQuote(*quote[:2], *map(float, quote[2:]))) for quote in quotes]


def is_price(value):
    return not isinstance(value, str) and value is not None and 0 < value < math.inf


def naive(quotes, label, symbol, seconds):
    """The last price of each side of a slot, by sorting all quotes; None without one."""
    of_slot = [one for one in quotes if one[0] == symbol and label <= one[1] < label + seconds]
    of_slot.sort(key=lambda one: one[1])  # stable: of equal times the last one counts
    bids = [(one[2], one[4]) for one in of_slot if is_price(one[2])]
    asks = [(one[3], one[5]) for one in of_slot if is_price(one[3])]
    if not bids and not asks:
        return None
    (bid, bid_size), (ask, ask_size) = (side[-1] if side else (NAN, NAN) for side in (bids, asks))
    bid_size, ask_size = (NAN if size is None else size for size in (bid_size, ask_size))
    return FeedQuote(symbol, label, bid, ask, bid_size, ask_size)


@pytest.mark.parametrize("seconds", [1, 60])
@given(parts=st.lists(st.tuples(st.lists(added, max_size=8), st.integers(OPEN, OPEN + 300)), max_size=6))
def test_any_stream_gives_the_last_quote_of_each_slot_once_and_again_if_it_changed(seconds, parts):
    reduced, quotes, known = SlotQuotes(Interval(seconds), most_slots=1000), [], {}
    for part, now in parts:
        for one in part:
            reduced.add(*one)
        quotes += part
        expected = {}
        for label in range(OPEN, now - seconds + 1, seconds):
            for symbol in ("AIG", "SPY"):
                quote = naive(quotes, label, symbol, seconds)
                if quote is not None and seen([quote]) != known.get((label, symbol)):
                    expected[label, symbol] = seen([quote])
        due = reduced.due(now)
        found = {(one.opened_at, one.symbol): seen([one]) for one in due}
        # A quote that changed, and changed back before it was due, may come again.
        again = {key: text for key, text in found.items() if known.get(key) != text}
        assert again == expected
        assert all(known.get(key, text) == text for key, text in found.items() if key not in again)
        assert len(found) == len(due)
        assert [one.opened_at for one in due] == sorted(one.opened_at for one in due)
        known |= found
    assert reduced.left_out == 0


def test_each_side_holds_its_own_last_quote_within_the_slot():
    quotes = SlotQuotes(MINUTE)
    quotes.add("SPY", OPEN + 5.0, 168.0, 168.02, 300.0, 200.0)
    quotes.add("SPY", OPEN + 59.9, 0, 168.01, 9.0, None)
    assert quotes.due(OPEN + 59.99) == []
    assert seen(quotes.due(OPEN + 60)) == seen([FeedQuote("SPY", OPEN, 168.0, 168.01, 300.0, NAN)])
    assert quotes.due(OPEN + 61) == []


def test_a_quote_of_an_old_slot_comes_again_if_it_is_the_last_one_by_its_own_time():
    quotes = SlotQuotes(MINUTE)
    quotes.add("SPY", OPEN + 50.0, 168.0, 168.02, 1.0, 1.0)
    quotes.due(OPEN + 60)
    quotes.add("SPY", OPEN + 49.0, 167.0, 167.02, 1.0, 1.0)
    assert quotes.due(OPEN + 70) == []
    quotes.add("SPY", OPEN + 51.0, 169.0, 169.02, 1.0, 1.0)
    assert quotes.due(OPEN + 70) == [FeedQuote("SPY", OPEN, 169.0, 169.02, 1.0, 1.0)]


def test_quotes_without_a_time_and_of_slots_long_over_are_left_out_and_counted():
    quotes = SlotQuotes(MINUTE)
    quotes.due(OPEN)
    for at in (NAN, math.inf, None, "noon", 0, -5.0, OPEN - (MOST_SLOTS + 1) * 60 - 1):
        quotes.add("SPY", at, 168.0, 168.02, 1.0, 1.0)
    assert quotes.left_out == 7
    quotes.add("SPY", OPEN - MOST_SLOTS * 60, 168.0, 168.02, 1.0, 1.0)
    assert [one.opened_at for one in quotes.due(OPEN)] == [OPEN - MOST_SLOTS * 60]


def test_a_quote_that_was_left_out_never_stands_in_for_the_last_one():
    quotes = SlotQuotes(MINUTE)
    quotes.add("SPY", OPEN + 50.0, 168.0, 168.02, 1.0, 1.0)
    assert len(quotes.due(OPEN + 60)) == 1
    quotes.due(OPEN + 3600)
    quotes.add("SPY", OPEN + 49.0, 1.0, 2.0, 1.0, 1.0)
    assert quotes.due(OPEN + 3660) == []


def test_wrong_times_ahead_neither_grow_the_memory_nor_keep_right_quotes_out():
    quotes = SlotQuotes(MINUTE)
    tracemalloc.start()
    for number in range(20_000):
        quotes.add("SPY", OPEN + 86400 + number * 60, 168.0, 168.02, 1.0, 1.0)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 100_000
    quotes.add("SPY", OPEN + 1, 168.0, 168.02, 1.0, 1.0)
    assert len(quotes.due(OPEN + 60)) == 1
    assert quotes.left_out == 20_000
