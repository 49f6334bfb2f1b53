"""Reconciliation: when a closed session is compared with history, what differs, and what is lacking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.feeds.bar_cells import RowChange
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.reconciliation import (
    LEAST_TRYING_S,
    Lacking,
    ReconcileRules,
    Reconciliation,
)
from tapedeck.engine.quality.gaps_and_scores import Gap
from tapedeck.engine.tape.bar_grid import BarGrid
from tests.engine.feeds.gap_kit import OPEN_S, bar, longest_back_off, pairs, slots_of

SYMBOLS = ("AIG", "SPY")
SLOTS = slots_of(5)
CLOSE = OPEN_S + 300
RULES = ReconcileRules(first_after_s=30.0, within_s=300.0)


def reconciliation(**options):
    return Reconciliation(SYMBOLS, SLOTS, RULES, back_off=longest_back_off(), **options)


def grid_of(*bars, symbols=SYMBOLS, slots=SLOTS):
    """Return a grid with some bars."""
    grid = BarGrid.empty(len(symbols), len(slots))
    for one in bars:
        slot = int(np.searchsorted(slots.opened_at, one.opened_at))
        grid.write_bar(symbols.index(one.symbol), slot, one[2:7])
    return grid


def whole(price=10.0, symbols=SYMBOLS):
    return [bar(symbol, SLOTS, slot, price) for symbol in symbols for slot in range(5)]


def test_the_whole_session_is_asked_for_once_after_the_grace():
    machine = reconciliation()
    assert machine.due(CLOSE + 29.9, 0.0) is None
    assert machine.wait_s(CLOSE, 0.0) == 30.0
    assert machine.wait_s(CLOSE, 0.0, speed=60.0) == 0.5
    request = machine.due(CLOSE + 30, 0.0)
    assert request.purpose is HistoryPurpose.RECONCILE
    assert (request.symbols, request.start, request.end) == (SYMBOLS, OPEN_S, CLOSE)
    assert machine.due(CLOSE + 31, 1e6) is None
    assert not machine.is_over(CLOSE + 1e6)  # a request on its way is waited for
    found = machine.answered(HistoryAnswer(request, tuple(whole())), grid_of(*whole()), None, CLOSE + 31, 0.0)
    assert (found.bars, len(found.empty)) == ((), 0)
    assert machine.is_over(CLOSE + 31)
    assert machine.is_compared
    assert machine.due(CLOSE + 60, 1e6) is None
    assert machine.lacking(grid_of(*whole()).present, None) == Lacking({})


def test_bars_that_differ_or_were_missing_are_given_and_slots_without_any_are_empty():
    machine = reconciliation()
    recorded = grid_of(*(one for one in whole() if one.symbol == "SPY" or one.opened_at < OPEN_S + 120))
    history = [one for one in whole() if (one.symbol, one.opened_at) != ("AIG", OPEN_S + 180)]
    history[1] = history[1]._replace(volume=101.0)
    answer = HistoryAnswer(machine.due(CLOSE + 30, 0.0), tuple(history), int(CLOSE))
    found = machine.answered(answer, recorded, None, CLOSE + 31, 0.0)
    given = {(one.symbol, (one.opened_at - OPEN_S) / 60) for one in found.bars}
    assert given == {("AIG", 1), ("AIG", 2), ("AIG", 4)}
    assert pairs(found.empty) == {(0, 3)}


def test_history_that_does_not_know_its_end_confirms_nothing():
    machine = reconciliation()
    history = tuple(one for one in whole() if one.symbol == "SPY")
    answer = HistoryAnswer(machine.due(CLOSE + 30, 0.0), history)
    recorded = grid_of(*history)
    found = machine.answered(answer, recorded, None, CLOSE + 31, 0.0)
    assert (found.bars, len(found.empty)) == ((), 0)
    lacking = machine.lacking(recorded.present, None)
    assert lacking == Lacking({"AIG": (Gap(0, 4),)})
    assert lacking.bars == 5
    assert lacking.text == "5 bars lacking at the end, of AIG"


def test_confirmed_empty_slots_are_not_lacking_nor_confirmed_again():
    machine = reconciliation()
    known = np.zeros((2, 5), dtype=bool)
    known[0, 1] = True
    recorded = grid_of(*whole(symbols=("SPY",)), bar("AIG", SLOTS, 0), bar("AIG", SLOTS, 4))
    answer = HistoryAnswer(machine.due(CLOSE + 30, 0.0), tuple(whole(symbols=("SPY",))), int(CLOSE))
    assert pairs(machine.answered(answer, recorded, known, CLOSE + 31, 0.0).empty) == {(0, 2), (0, 3)}
    assert machine.lacking(recorded.present, known).gaps == {"AIG": (Gap(2, 3),)}


def test_a_failure_is_tried_again_after_a_back_off_until_the_limit_and_the_reason_is_told():
    machine = reconciliation()
    now, clock, tries = CLOSE, 0.0, []
    while not machine.is_over(now):
        if request := machine.due(now, clock):
            tries.append(now - CLOSE)
            failed = HistoryAnswer(request, error=FeedError("429 too many requests"))
            machine.answered(failed, grid_of(), None, now, clock)
        wait = machine.wait_s(now, clock)
        now, clock = now + wait, clock + wait
    # Back-off by hand: 0.5, 1, 2, 4, 8, 16, 32 and 60 s.
    assert tries == [30, 30.5, 31.5, 33.5, 37.5, 45.5, 61.5, 93.5, 153.5, 213.5, 273.5]
    assert now == CLOSE + 300
    lacking = machine.lacking(grid_of().present, None)
    assert lacking.bars == 10
    assert lacking.text == (
        "10 bars lacking at the end, of AIG, SPY; not compared with the feed's history: 429 too many requests"
    )


def test_however_late_it_begins_requests_are_made_for_five_seconds():
    machine = reconciliation()
    assert not machine.is_over(CLOSE + 4000)
    request = machine.due(CLOSE + 4000, 100.0)
    machine.answered(HistoryAnswer(request, error=FeedError("no")), grid_of(), None, CLOSE + 4001, 100.1)
    assert not machine.is_over(CLOSE + 4001)
    request = machine.due(CLOSE + 90000, 105.0)
    machine.answered(HistoryAnswer(request, error=FeedError("no")), grid_of(), None, CLOSE + 90001, 105.1)
    assert machine.is_over(CLOSE + 90001)


@pytest.mark.parametrize("until", [CLOSE - 60, 0])
def test_history_behind_the_session_is_taken_and_asked_again(until):
    machine = reconciliation()
    answer = HistoryAnswer(machine.due(CLOSE + 30, 0.0), tuple(whole()[:4]), int(until))
    found = machine.answered(answer, grid_of(*whole(symbols=("SPY",))), None, CLOSE + 30, 0.0)
    assert len(found.bars) == 4
    assert not machine.is_over(CLOSE + 30)
    assert machine.due(CLOSE + 44, 0.0) is None
    reason = "not compared with the feed's history: it ends before the close"
    assert machine.lacking(grid_of(*whole()).present, None).text == reason
    request = machine.due(CLOSE + 45, 0.0)
    machine.answered(HistoryAnswer(request, tuple(whole()), int(CLOSE)), grid_of(), None, CLOSE + 46, 0.0)
    assert machine.is_over(CLOSE + 46)
    assert machine.lacking(grid_of(*whole()).present, None).text == ""


def test_if_history_is_refused_for_good_the_session_ends_at_once():
    machine = reconciliation()
    refused = HistoryAnswer(machine.due(CLOSE + 30, 0.0), error=FeedError("no permission", is_final=True))
    machine.answered(refused, grid_of(), None, CLOSE + 30, 0.0)
    assert machine.is_over(CLOSE + 30)
    assert not machine.is_compared
    assert machine.wait_s(CLOSE + 30, 0.0) is None
    text = machine.lacking(grid_of(*whole()).present, None).text
    assert text == "not compared with the feed's history: no permission"


def test_a_feed_without_history_is_not_asked_and_late_bars_are_taken_until_the_limit():
    machine = reconciliation(has_history=False)
    assert machine.due(CLOSE + 30, 0.0) is None
    assert not machine.is_over(CLOSE + 299)
    assert machine.wait_s(CLOSE + 290, 0.0, speed=2.0) == 5.0
    assert machine.is_over(CLOSE + 300)
    text = machine.lacking(grid_of(*whole()).present, None).text
    assert text == "not compared with the feed's history: the feed has no history"


def test_a_short_limit_leaves_half_of_it_for_further_tries():
    assert ReconcileRules.of(30.0, 300.0) == ReconcileRules(30.0, 300.0)
    assert ReconcileRules.of(30.0, 10.0) == ReconcileRules(5.0, 10.0)


PRICES = st.integers(0, 2)  # 0: no bar


@settings(max_examples=100, deadline=None)
@given(
    st.lists(PRICES, min_size=10, max_size=10), st.lists(PRICES, min_size=10, max_size=10), st.integers(0, 6)
)
def test_recorded_bars_with_the_differences_written_over_them_hold_all_of_history(recorded, history, covered):
    def bars(prices):
        cells = [(symbol, slot) for symbol in SYMBOLS for slot in range(5)]
        return [bar(s, SLOTS, n, float(p)) for (s, n), p in zip(cells, prices, strict=True) if p]

    machine = reconciliation()
    until = int(min(CLOSE, OPEN_S + 60 * covered)) if covered else 0
    answer = HistoryAnswer(machine.due(CLOSE + 30, 0.0), tuple(bars(history)), until)
    grid = grid_of(*bars(recorded))
    found = machine.answered(answer, grid, None, CLOSE + 30, 0.0)
    both = [there or before for there, before in zip(history, recorded, strict=True)]
    mended = grid_of(*bars(recorded), *found.bars)
    np.testing.assert_array_equal(mended.values, grid_of(*bars(both)).values)
    changed = [a for a, b in zip(history, recorded, strict=True) if a and a != b]
    assert len(found.bars) == len(changed)
    assert all(one.kind is BarKind.BAR for one in found.bars)  # as given: the connection set their kind
    empty = {(i // 5, i % 5) for i, price in enumerate(both) if not price and i % 5 < covered}
    assert pairs(found.empty) == empty
    gaps = machine.lacking(mended.present, None).gaps
    lacking = {(SYMBOLS[i // 5], i % 5) for i, price in enumerate(both) if not price}
    assert {
        (s, n) for s, runs in gaps.items() for run in runs for n in range(run.first, run.last + 1)
    } == lacking


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.3, 10.0, 100.0]), st.sampled_from(["none", "fails", "behind", "whole"])
        ),
        max_size=25,
    ),
    st.floats(0, 1000),
    st.sampled_from([1.0, 60.0, 3600.0]),
)
def test_requests_never_overlap_none_begins_after_the_limit_but_the_first_and_there_is_an_end(
    steps, begins, speed
):
    machine, now, clock = reconciliation(), CLOSE + begins, 0.0
    pending, asked, is_whole = None, 0, False
    asked_first = answered_last = 0.0

    def ask():
        nonlocal pending, asked, asked_first
        if request := machine.due(now, clock):
            assert pending is None
            assert now >= CLOSE + RULES.first_after_s
            asked_first = asked_first if asked else clock
            assert not asked or now < CLOSE + RULES.within_s or answered_last < asked_first + LEAST_TRYING_S
            assert not is_whole
            pending, asked = request, asked + 1

    def answer(kind):
        nonlocal pending, is_whole, answered_last
        if pending is not None and kind != "none":
            answered_last = clock
            error = FeedError("no") if kind == "fails" else None
            bars = () if error else tuple(whole()[:4] if kind == "behind" else whole())
            until = int(CLOSE) if kind == "whole" else 0
            machine.answered(HistoryAnswer(pending, bars, until, error), grid_of(*whole()), None, now, clock)
            pending, is_whole = None, is_whole or kind == "whole"

    for seconds, kind in steps:
        now, clock = now + seconds * speed, clock + seconds
        ask()
        assert not (pending and machine.is_over(now))
        answer(kind)
        assert machine.is_compared == is_whole
    for _ in range(1000):
        if machine.is_over(now):
            break
        answer("fails")
        wait = max(0.01, machine.wait_s(now, clock, speed) or 0.0)
        now, clock = now + wait * speed, clock + wait
        ask()
    assert machine.is_over(now)
    assert asked
    assert pending is None
    assert is_whole or now >= CLOSE + RULES.within_s


def test_a_symbol_that_joins_is_asked_for_alone_and_one_that_left_is_not_waited_for():
    machine = reconciliation()
    request = machine.due(CLOSE + 30, 0.0)
    after = ("SPY", "XOM")
    machine.change_rows(RowChange.between(SYMBOLS, after))
    answer = HistoryAnswer(request, tuple(whole(11.0)), CLOSE)
    recorded = grid_of(*whole(symbols=("SPY",)), symbols=after)
    found = machine.answered(answer, recorded, None, CLOSE + 31, 0.0)
    assert {one.symbol for one in found.bars} == {"SPY"}
    assert len(found.empty) == 0  # of XOM nothing was asked yet
    assert not machine.is_over(CLOSE + 31)
    assert not machine.is_compared
    request = machine.due(CLOSE + 31, 0.0)
    assert request.symbols == ("XOM",)
    found = machine.answered(HistoryAnswer(request, (), CLOSE), recorded, None, CLOSE + 32, 0.0)
    assert pairs(found.empty) == {(1, slot) for slot in range(5)}
    assert machine.is_over(CLOSE + 32)
    assert machine.is_compared


def test_it_is_over_once_the_last_symbol_that_was_to_be_compared_has_left():
    machine = reconciliation()
    request = machine.due(CLOSE + 30, 0.0)
    machine.answered(HistoryAnswer(request, tuple(whole()), CLOSE), grid_of(*whole()), None, CLOSE + 31, 0.0)
    after = (*SYMBOLS, "XOM")
    machine.change_rows(RowChange.between(SYMBOLS, after))
    assert not machine.is_over(CLOSE + 31)
    machine.change_rows(RowChange.between(after, SYMBOLS))
    assert machine.is_over(CLOSE + 31)
    assert machine.is_compared
