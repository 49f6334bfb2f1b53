"""Candles that form become bars once they are over, and updated bars when they change after that."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.feeds.ccxt.candle_book import FARTHEST_AHEAD_S, KEPT_SLOTS, CandleBook, Unconfirmed
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar

STEP, DELAY = 60, 1.0
START = 1_700_000_040  # a full minute


def candle(slot: int, close: float = 10.0, volume: float = 1.0) -> list[float]:
    return [(START + STEP * slot) * 1000, 10.0, 20.0, 5.0, close, volume]


def at(slot: float) -> float:
    return START + STEP * slot


def told(bars: list[FeedBar]) -> list[tuple[float, float, str]]:
    return [((bar.opened_at - START) / STEP, bar.close, bar.kind.value) for bar in bars]


def test_a_candle_forms_until_the_next_one_comes() -> None:
    book = CandleBook(STEP, DELAY)
    first = book.take("BTC/USDT", [candle(0, 11)], at(0.5))
    assert (told(first.bars), told(first.forming)) == ([], [(0, 11, "bar")])
    second = book.take("BTC/USDT", [candle(1, 12)], at(0.999))
    assert (told(second.bars), told(second.forming)) == ([(0, 11, "bar")], [(1, 12, "bar")])


def test_a_candle_is_a_bar_a_moment_after_its_end_by_the_clock() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11)], at(0.5))
    book.take("ETH/USDT", [candle(0, 3)], at(0.5))
    assert book.close(at(1) + DELAY - 0.01) == []
    assert told(book.close(at(1) + DELAY)) == [(0, 11, "bar"), (0, 3, "bar")]
    assert book.close(at(3)) == []


def test_several_candles_of_one_update_all_count() -> None:
    book = CandleBook(STEP, DELAY)
    taken = book.take("BTC/USDT", [candle(slot, 10 + slot) for slot in (2, 0, 1)], at(2.5))
    assert told(taken.bars) == [(0, 10, "bar"), (1, 11, "bar")]
    assert told(taken.forming) == [(2, 12, "bar")]


def test_a_change_after_the_bar_was_sent_is_an_updated_bar_and_a_repetition_is_none() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11), candle(1)], at(1.1))
    assert told(book.take("BTC/USDT", [candle(0, 11)], at(1.2)).bars) == []
    assert told(book.take("BTC/USDT", [candle(0, 12)], at(1.3)).bars) == [(0, 12, "updated")]
    assert told(book.take("BTC/USDT", [candle(0, 12)], at(1.4)).bars) == []


def test_a_minute_without_a_trade_is_no_bar_but_ends_the_candle_before() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11)], at(0.5))
    assert told(book.take("BTC/USDT", [candle(1, 11, volume=0)], at(0.99)).bars) == [(0, 11, "bar")]
    assert book.close(at(5)) == []


@pytest.mark.parametrize("broken", [None, math.nan, math.inf, "text"])
def test_a_candle_whose_values_are_no_numbers_is_none(broken: object) -> None:
    book = CandleBook(STEP, DELAY)
    for place in range(6):
        values: list[object] = list(candle(0))
        values[place] = broken
        taken = book.take("BTC/USDT", [values], at(0.5))  # type: ignore[list-item]
        assert taken == ([], [])
    assert book.take("BTC/USDT", [candle(0)[:5]], at(0.5)) == ([], [])
    assert book.close(at(9)) == []


@pytest.mark.parametrize("away", [math.ceil(FARTHEST_AHEAD_S / STEP) + 2, -KEPT_SLOTS, -1440, 1440])
def test_a_candle_of_another_day_is_no_bar_and_ends_none(away: int) -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11)], at(0.5))
    taken = book.take("BTC/USDT", [candle(away)], at(0.5))
    assert (told(taken.bars), told(taken.forming)) == ([], [(0, 11, "bar")])


def test_a_candle_that_formed_when_the_connection_was_lost_is_no_bar() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11), candle(1, 12)], at(1.5))
    book.disconnect()
    assert book.close(at(9)) == []
    assert told(book.take("BTC/USDT", [candle(0, 13), candle(2)], at(2.1)).bars) == [(0, 13, "updated")]


slots = st.integers(0, 5)
events = st.lists(
    st.one_of(
        st.tuples(st.just("candle"), slots, st.integers(10, 14), st.sampled_from([0, 1, 2])),
        st.tuples(st.just("clock"), st.floats(0, 1.5)),
    ),
    max_size=40,
)


@given(events)
def test_whatever_comes_each_slot_ends_as_its_last_candle_and_none_comes_before_its_end(
    happened: list[tuple[str, ...]],
) -> None:
    book, now = CandleBook(STEP, DELAY), at(0)
    latest: dict[int, tuple[int, int]] = {}
    newest = -1
    sent: dict[int, list[FeedBar]] = {}
    for what, *values in [*happened, ("clock", 10.0)]:
        if what == "clock":
            now += STEP * float(values[0])
            bars = book.close(now)
        else:
            slot, close, volume = map(int, values)
            newest = max(newest, slot)
            if volume:
                latest[slot] = (close, volume)
            taken = book.take("A", [candle(slot, close, volume)], now)
            bars = taken.bars
            over = {bar.opened_at for bar in taken.forming}
            assert all((one - START) // STEP >= newest for one in over)
        for bar in bars:
            slot = (bar.opened_at - START) // STEP
            assert slot < newest or now >= at(slot + 1) + DELAY
            sent.setdefault(slot, []).append(bar)
    assert {slot: (bars[-1].close, bars[-1].volume) for slot, bars in sent.items()} == latest
    for bars in sent.values():
        kinds = [bar.kind for bar in bars]
        assert kinds == [BarKind.BAR] + [BarKind.UPDATED] * (len(bars) - 1)
        assert all(a[:7] != b[:7] for a, b in pairwise(bars))


# What history confirms


def test_history_that_differs_is_an_updated_bar_and_then_confirmed() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11), candle(1, 12), candle(2, 13)], at(2.5))
    asked = book.next_unconfirmed(at(2), asked_before=0.0)
    assert asked == Unconfirmed("BTC/USDT", START, START + STEP)
    given = [candle(0, 11), candle(1, 15), candle(2, 9)]
    assert told(book.confirm(asked, given, 0.0, at(0))) == [(1, 15, "updated")]
    assert book.next_unconfirmed(at(2), asked_before=9.0) is None
    assert told(book.take("BTC/USDT", [candle(1, 15)], at(2.6)).bars) == []


def test_a_bar_that_changes_after_it_was_confirmed_is_confirmed_again() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11), candle(1, 12)], at(1.5))
    asked = book.next_unconfirmed(at(1), asked_before=0.0)
    assert asked is not None
    book.confirm(asked, [candle(0, 11), candle(1, 12)], 0.0, at(0))
    assert book.next_unconfirmed(at(1), asked_before=9.0) is None
    book.take("BTC/USDT", [candle(0, 13)], at(1.6))
    assert book.next_unconfirmed(at(1), asked_before=9.0) == asked


def test_bars_that_history_does_not_reach_yet_are_asked_for_again() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11), candle(1, 12), candle(2, 13)], at(2.5))
    asked = book.next_unconfirmed(at(2), asked_before=0.0)
    assert asked is not None
    assert book.confirm(asked, [candle(0, 11), candle(1, 11.5)], 1.0, at(0)) == []
    assert book.next_unconfirmed(at(2), asked_before=1.0) is None
    again = book.next_unconfirmed(at(2), asked_before=2.0)
    assert again == Unconfirmed("BTC/USDT", START + STEP, START + STEP)


def test_after_a_while_a_bar_is_confirmed_without_a_later_candle() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11)], at(0.5))
    book.close(at(2))
    asked = book.next_unconfirmed(at(2), asked_before=0.0)
    assert asked is not None
    assert told(book.confirm(asked, [candle(0, 12)], 1.0, at(1))) == [(0, 12, "updated")]
    assert book.next_unconfirmed(at(2), asked_before=9.0) is None


def test_bars_that_the_stream_had_not_are_not_sent_by_a_confirmation() -> None:
    book = CandleBook(STEP, DELAY)
    book.take("BTC/USDT", [candle(0, 11), candle(2, 13), candle(3)], at(3.5))
    asked = book.next_unconfirmed(at(3), asked_before=0.0)
    assert asked is not None
    assert book.confirm(asked, [candle(slot, 11 + slot) for slot in range(4)], 0.0, at(0)) == []


def test_symbols_are_confirmed_in_turn_those_whose_end_was_not_heard_first() -> None:
    book = CandleBook(STEP, DELAY)
    for symbol in ("A", "B", "C"):
        book.take(symbol, [candle(0, 11)], at(0.5))
    book.take("A", [candle(0, 12)], at(1.001))
    book.take("C", [candle(0, 12)], at(1.001))
    book.close(at(1) + DELAY)
    order = []
    for turn in range(3):
        asked = book.next_unconfirmed(at(2), asked_before=100.0)
        assert asked is not None
        order.append(asked.symbol)
        if asked.symbol == "B":
            book.confirm(asked, [candle(0, 11), candle(1)], 1.0, at(0))
        else:
            book.not_confirmed(asked, float(turn + 1))
    assert order == ["B", "A", "C"]


def test_the_book_of_a_symbol_keeps_a_fixed_number_of_slots() -> None:
    book = CandleBook(STEP, DELAY, kept=10)
    for slot in range(100):
        book.take("A", [candle(slot, slot)], at(slot + 0.5))
    asked = book.next_unconfirmed(at(200), asked_before=0.0)
    assert asked == Unconfirmed("A", START + STEP * 89, START + STEP * 98)
