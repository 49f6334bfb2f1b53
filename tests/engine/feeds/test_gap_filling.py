"""Gap filling: when a feed is asked for a missing bar, how often, and what becomes of it."""

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import GapFiller as GapFillerConfig
from tapedeck.engine.config import LiveConfig
from tapedeck.engine.feeds.bar_cells import RowChange
from tapedeck.engine.feeds.gap_filling import GapFiller, GapRules
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.live_status import GapState, LiveGap
from tapedeck.engine.intervals import Interval
from tests.engine.feeds.gap_kit import OPEN_S, bar, cells, longest_back_off, pairs, slots_of

SYMBOLS = ("AIG", "IBM", "SPY")
RULES = GapRules(grace_s=30.0, retry_interval_s=60.0, most_tries=3)
SLOTS = slots_of(10)


def end_of(slot):
    return OPEN_S + 60 * (slot + 1)


def filler_of(*missing, frontier=10, rules=RULES, symbols=SYMBOLS, **options):
    """A filler at a frontier, with some bars missing."""
    present = np.ones((len(symbols), len(SLOTS)), dtype=bool)
    for row, slot in missing:
        present[row, slot] = False
    filler = GapFiller(symbols, SLOTS, rules, back_off=longest_back_off(), **options)
    filler.advance(present, frontier)
    return filler


def state_of(filler, row, slot):
    found = {(gap.symbol, gap.slot): gap for gap in filler.listed(1000)}
    return found[SYMBOLS[row], slot]


def nothing(request):
    """An answer that has no bar, and does not know more."""
    return HistoryAnswer(request)


def test_a_missing_bar_waits_for_the_grace_and_is_then_asked_for():
    filler = filler_of((1, 4))
    assert filler.due(end_of(4) + 29.9, 0.0) is None
    assert state_of(filler, 1, 4) == LiveGap("IBM", 4, GapState.WAITING, 0, 3)
    assert filler.wait_s(end_of(4), 0.0) == 30.0
    assert filler.wait_s(end_of(4), 0.0, speed=60.0) == 0.5  # the market's waits pass at a replay's speed
    request = filler.due(end_of(4) + 30, 0.0)
    assert request.purpose is HistoryPurpose.GAPS
    assert (request.symbols, request.start, request.end) == (("IBM",), end_of(3), end_of(4))
    assert state_of(filler, 1, 4) == LiveGap("IBM", 4, GapState.ASKED, 1, 3)


def test_it_is_asked_again_each_interval_and_unfillable_after_the_last_try():
    filler = filler_of((0, 0))
    asked_at = []
    for now in range(int(end_of(0)), int(end_of(0)) + 600, 10):
        if request := filler.due(float(now), 0.0):
            asked_at.append(now - end_of(0))
            filler.answered(nothing(request), 0.0)
    assert asked_at == [30, 90, 150]
    assert filler.counts() == {GapState.UNFILLABLE: 1}
    assert filler.wait_s(end_of(9), 0.0) is None


def test_without_retries_it_is_never_asked_for_and_unfillable_after_the_grace():
    filler = filler_of((0, 0), rules=replace(RULES, most_tries=0))
    assert filler.due(end_of(0) + 29, 0.0) is None
    assert filler.counts() == {GapState.WAITING: 1}
    assert filler.due(end_of(0) + 30, 0.0) is None
    assert filler.counts() == {GapState.UNFILLABLE: 1}


def test_an_answer_with_the_bar_fills_it_and_one_that_covers_the_slot_confirms_it_empty():
    filler = filler_of((0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3))
    request = filler.due(end_of(9), 0.0)
    assert (request.symbols, request.slots) == (SYMBOLS, 2)
    answer = HistoryAnswer(request, (bar("IBM", SLOTS, 2), bar("SPY", SLOTS, 3)), int(end_of(2)))
    assert pairs(filler.answered(answer, 0.0)) == {(0, 2), (2, 2)}
    assert filler.counts() == {GapState.EMPTY: 2, GapState.FILLED: 2, GapState.ASKED: 2}
    assert state_of(filler, 0, 3).asked == 1
    assert state_of(filler, 2, 2).state is GapState.EMPTY


def test_adjoining_slots_of_the_same_symbols_are_one_request_and_others_the_next():
    filler = filler_of((0, 2), (2, 2), (0, 3), (2, 3), (0, 4), (1, 7))
    shapes = []
    while request := filler.due(end_of(9), 0.0):
        shapes.append((request.symbols, request.start, request.end))
        filler.answered(HistoryAnswer(request, complete_until=request.end), 0.0)
    assert shapes == [
        (("AIG", "SPY"), end_of(1), end_of(3)),
        (("AIG",), end_of(3), end_of(4)),
        (("IBM",), end_of(6), end_of(7)),
    ]


def test_one_request_is_on_its_way_at_a_time():
    filler = filler_of((0, 2), (1, 5))
    request = filler.due(end_of(9), 0.0)
    assert filler.due(end_of(9), 1e6) is None
    assert filler.wait_s(end_of(9), 0.0) is None
    filler.answered(nothing(request), 0.0)
    assert filler.due(end_of(9), 0.0) is not None


def test_a_failed_request_is_no_try_and_the_next_waits_longer_each_time_until_one_succeeds():
    filler = filler_of((0, 0))
    now, machine, waits = end_of(9), 0.0, []
    for _ in range(9):
        request = filler.due(now, machine)
        filler.answered(HistoryAnswer(request, error=FeedError("504")), machine)
        assert state_of(filler, 0, 0) == LiveGap("AIG", 0, GapState.WAITING, 0, 3)
        waits.append(filler.wait_s(now, machine))
        assert filler.due(now + 3600, machine + waits[-1] - 0.01) is None
        machine += waits[-1]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    filler.answered(nothing(filler.due(now, machine)), machine)
    request = filler.due(now + 60, machine)
    filler.answered(HistoryAnswer(request, error=FeedError("504")), machine)
    assert filler.wait_s(now + 60, machine) == 0.5
    assert state_of(filler, 0, 0) == LiveGap("AIG", 0, GapState.ASKED, 1, 3)


def test_a_request_that_is_refused_for_good_is_not_made_again():
    filler = filler_of((0, 0), (1, 5))
    request = filler.due(end_of(9), 0.0)
    filler.answered(HistoryAnswer(request, error=FeedError("unknown symbol AIG", is_final=True)), 0.0)
    assert state_of(filler, 0, 0).state is GapState.UNFILLABLE
    assert filler.due(end_of(9), 10.0).symbols == ("IBM",)


@pytest.mark.parametrize("state", [GapState.WAITING, GapState.ASKED, GapState.EMPTY, GapState.UNFILLABLE])
def test_a_bar_that_arrives_by_itself_fills_the_slot_in_any_state(state):
    filler = filler_of((0, 0), rules=replace(RULES, most_tries=1))
    if state is not GapState.WAITING:
        request = filler.due(end_of(9), 0.0)
        until = int(end_of(9)) if state is GapState.EMPTY else 0
        if state is not GapState.ASKED:
            filler.answered(HistoryAnswer(request, complete_until=until), 0.0)
    assert filler.counts() == {state: 1}
    filler.arrived(cells((0, 0), (0, 0), (1, 0)))  # twice, and a slot that was never missing
    assert filler.counts() == {GapState.FILLED: 1}
    assert filler.due(end_of(9) + 3600, 1e6) is None


def test_an_answer_to_another_request_changes_nothing():
    filler, other = filler_of((0, 0)), filler_of((0, 0))
    filler.due(end_of(9), 0.0)
    answer = HistoryAnswer(other.due(end_of(9), 0.0), complete_until=int(end_of(9)))
    assert not len(filler.answered(answer, 0.0))
    assert filler.counts() == {GapState.ASKED: 1}


def test_slots_that_were_confirmed_empty_before_are_not_asked_for():
    known = np.zeros((3, 10), dtype=bool)
    known[0, 0] = known[1, 1] = True  # the second has a bar
    filler = filler_of((0, 0), (2, 5), confirmed_empty=known)
    assert filler.counts() == {GapState.EMPTY: 1, GapState.WAITING: 1}
    assert filler.due(end_of(9), 0.0).symbols == ("SPY",)


# Backfill


def test_a_start_in_mid_session_asks_once_for_all_from_the_first_missing_slot_to_now():
    filler = filler_of((0, 3), (1, 4), (2, 4), (0, 5), (1, 5), (2, 5), frontier=6)
    filler.missed()
    assert filler.wait_s(end_of(6), 0.0) == 0
    request = filler.due(end_of(6) + 1, 0.0)
    assert request.purpose is HistoryPurpose.BACKFILL
    assert (request.symbols, request.start, request.end) == (SYMBOLS, end_of(2), end_of(6))
    bars = (bar("AIG", SLOTS, 3), bar("IBM", SLOTS, 4), bar("SPY", SLOTS, 4), bar("AIG", SLOTS, 6))
    filler.answered(HistoryAnswer(request, bars), 0.0)
    # The grace of slot 5 is over: the backfill was its first try. Slot 6 is not over for the tape.
    assert filler.counts() == {GapState.FILLED: 3, GapState.ASKED: 3}
    assert state_of(filler, 1, 5).asked == 1


def test_a_backfill_covers_slots_since_the_last_message_whatever_their_state():
    filler = filler_of((0, 4), rules=replace(RULES, most_tries=0))
    assert filler.due(end_of(9), 0.0) is None
    assert filler.counts() == {GapState.UNFILLABLE: 1}
    filler.missed(since=end_of(3) + 10)  # in slot 4
    request = filler.due(end_of(9), 0.0)
    assert (request.start, request.end) == (end_of(3), end_of(9))
    filler.answered(HistoryAnswer(request, (bar("AIG", SLOTS, 4),)), 0.0)
    assert filler.counts() == {GapState.FILLED: 1}
    assert filler.due(end_of(9), 0.0) is None


def test_a_backfill_goes_before_single_bars_and_is_asked_again_until_it_is_answered():
    filler = filler_of((0, 2))
    filler.missed(since=end_of(8))
    request = filler.due(end_of(9), 0.0)
    filler.answered(HistoryAnswer(request, error=FeedError("not connected")), 0.0)
    assert filler.due(end_of(9), 0.4) is None
    filler.missed(since=end_of(8) + 5)  # connected again: at once, and from the earlier of both
    again = filler.due(end_of(9), 0.4)
    assert (again.purpose, again.start, again.end) == (HistoryPurpose.BACKFILL, end_of(1), end_of(9))
    assert state_of(filler, 0, 2).asked == 1
    filler.answered(nothing(again), 0.4)
    assert filler.due(end_of(9) + 60, 0.4).purpose is HistoryPurpose.GAPS


def test_a_backfill_is_no_try_for_bars_within_their_grace():
    filler = filler_of((0, 9))
    filler.missed()
    request = filler.due(end_of(9) + 1, 0.0)
    filler.answered(nothing(request), 0.0)
    assert state_of(filler, 0, 9) == LiveGap("AIG", 9, GapState.WAITING, 0, 3)
    assert filler.due(end_of(9) + 29, 0.0) is None
    assert filler.due(end_of(9) + 30, 0.0).purpose is HistoryPurpose.GAPS


def test_a_reconnect_within_a_slot_asks_for_nothing():
    filler = filler_of(frontier=4)
    filler.missed(since=end_of(3) + 5)
    assert filler.due(end_of(3) + 20, 0.0) is None
    assert filler.wait_s(end_of(3) + 20, 0.0) is None


# The end, and what is shown


def test_at_the_end_each_missing_bar_is_filled_empty_or_unfillable():
    filler = filler_of((0, 0), (1, 1), (2, 2), frontier=3)
    filler.due(end_of(9), 0.0)
    present = np.ones((3, 10), dtype=bool)
    present[1, 1] = present[2, 2] = present[2, 9] = False
    empty = np.zeros((3, 10), dtype=bool)
    empty[1, 1] = True
    filler.end(present, empty)
    assert filler.counts() == {GapState.FILLED: 1, GapState.EMPTY: 1, GapState.UNFILLABLE: 2}
    assert filler.due(end_of(9) + 1e6, 1e6) is None


def test_bars_asked_for_are_listed_first_then_the_latest():
    filler = filler_of((0, 1), (1, 8), (2, 9), (0, 9))
    filler.due(end_of(1) + 30, 0.0)
    listed = [(gap.symbol, gap.slot, gap.state) for gap in filler.listed(3)]
    assert listed == [
        ("AIG", 1, GapState.ASKED),
        ("AIG", 9, GapState.WAITING),
        ("SPY", 9, GapState.WAITING),
    ]
    filler.arrived(cells((0, 1)))
    assert [gap.slot for gap in filler.listed(10)] == [9, 9, 8, 1]


def test_the_rules_come_from_the_session_file():
    rules = GapRules.of(
        GapFillerConfig(max_retries=7, retry_interval_seconds=5), LiveConfig(grace_seconds=11)
    )
    assert rules == GapRules(11, 5, 7)
    assert GapRules.of(GapFillerConfig(), LiveConfig(), has_history=False).most_tries == 0


# The law


class Market:
    """Runs a filler with a clock by hand, and keeps its own account of what is asked and what is there."""

    def __init__(self, rules, rows, seed):
        self.rules, self.symbols = rules, tuple("ABCD"[:rows])
        self.present = np.zeros((rows, len(SLOTS)), dtype=bool)
        self.comes_in_time = np.random.default_rng(seed).random(self.present.shape) < 0.6
        self.filler = GapFiller(self.symbols, SLOTS, rules, back_off=longest_back_off())
        self.now, self.machine, self.frontier = OPEN_S, 0.0, 0
        self.missing, self.empty = set(), set()
        self.pending, self.asked_at = None, None
        self.tries, self.last_try, self.refused = Counter(), {}, set()
        self.covered = Counter()  # by backfills

    def pass_time(self, seconds):
        self.now += seconds
        self.machine += seconds
        frontier = max(self.frontier, SLOTS.slots_over_at(int(self.now - 2)))
        self.present[:, self.frontier : frontier] |= self.comes_in_time[:, self.frontier : frontier]
        over = np.argwhere(~self.present[:, :frontier]).tolist()
        self.missing |= {(row, slot) for row, slot in over if slot >= self.frontier}
        self.frontier = frontier
        self.filler.advance(self.present, frontier)

    def arrive(self, row, slot):
        row, slot = row % len(self.symbols), slot % len(SLOTS)
        if SLOTS.closed_at[slot] <= self.now:
            self.present[row, slot] = True
            self.filler.arrived(cells((row, slot)))

    def ask(self):
        request = self.filler.due(self.now, self.machine)
        if request is None:
            return
        assert self.pending is None
        self.pending, self.asked_at = request, self.now
        if request.purpose is HistoryPurpose.BACKFILL:
            return
        for row, slot in self.cells_of(request):
            assert not self.present[row, slot]
            assert (row, slot) in self.missing - self.empty
            assert self.now >= SLOTS.closed_at[slot] + self.rules.grace_s
            before = self.last_try.get((row, slot))
            assert before is None or self.now >= before + self.rules.retry_interval_s

    def missed(self, since):
        self.filler.missed(None if since is None else OPEN_S + since)

    def ask_and_answer(self, *answer):
        self.ask()
        self.answer(*answer)

    def cells_of(self, request):
        rows = [self.symbols.index(symbol) for symbol in request.symbols]
        opened = SLOTS.opened_at
        slots = np.flatnonzero((opened >= request.start) & (opened < request.end)).tolist()
        return [(row, slot) for row in rows for slot in slots]

    def answer(self, every, covered, error, is_written_first):
        """Answer with every n-th bar (0: none), covering some slots, or with an error (2: a final one)."""
        request, self.pending = self.pending, None
        if request is None:
            return
        is_single = request.purpose is HistoryPurpose.GAPS
        asked = self.cells_of(request)
        if error:
            answer = HistoryAnswer(request, error=FeedError("no", is_final=error == 2))
            self.filler.answered(answer, self.machine)
            self.refused.update(asked if error == 2 and is_single else ())
            return
        if is_single:
            self.tries.update(asked)
            self.last_try.update(dict.fromkeys(asked, self.asked_at))
            assert max(self.tries.values()) <= self.rules.most_tries
        else:
            self.covered.update(asked)
        there = asked[::every] if every else []
        bars = tuple(bar(self.symbols[row], SLOTS, slot) for row, slot in there)
        for cell in there:
            self.present[cell] = True
        if is_written_first:
            self.filler.arrived(cells(*there))
        until = int(min(self.now, request.start + 60 * covered)) if covered else 0
        confirmed = pairs(self.filler.answered(HistoryAnswer(request, bars, until), self.machine))
        for row, slot in confirmed:
            assert (row, slot) in asked
            assert not self.present[row, slot]
            assert SLOTS.closed_at[slot] <= until
        self.empty |= confirmed
        self.filler.arrived(cells(*there))

    def check(self):
        counts = self.filler.counts()
        assert sum(counts.values()) == len(self.missing)
        states = {(self.symbols.index(gap.symbol), gap.slot): gap.state for gap in self.filler.listed(1000)}
        assert states.keys() == self.missing
        assert Counter(states.values()) == counts
        filled = {cell for cell in self.missing if self.present[cell]}
        assert {cell for cell, state in states.items() if state is GapState.FILLED} == filled
        empty = {cell for cell, state in states.items() if state is GapState.EMPTY}
        assert empty == self.empty - filled
        for cell, state in states.items():
            if state is GapState.UNFILLABLE and cell not in self.refused:
                assert self.tries[cell] + self.covered[cell] >= self.rules.most_tries


ANSWERS = (st.integers(0, 3), st.integers(0, 12), st.sampled_from([0, 0, 0, 1, 2]), st.booleans())
STEPS = st.one_of(
    st.tuples(st.just("pass_time"), st.sampled_from([1, 30, 60, 100, 200])),
    st.tuples(st.just("arrive"), st.integers(0, 3), st.integers(0, 9)),
    st.tuples(st.just("ask")),
    st.tuples(st.just("answer"), *ANSWERS),
    st.tuples(st.just("ask_and_answer"), *ANSWERS),
    st.tuples(st.just("missed"), st.one_of(st.none(), st.integers(0, 700))),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(STEPS, min_size=15, max_size=40),
    st.integers(0, 2**32),
    st.integers(1, 4),
    st.sampled_from([0.0, 5.0, 30.0, 100.0]),
    st.sampled_from([1.0, 20.0, 60.0]),
    st.integers(0, 3),
)
def test_no_bar_is_asked_for_too_early_too_often_or_once_it_is_there_and_each_is_settled(
    steps, seed, rows, grace_s, retry_interval_s, most_tries
):
    market = Market(GapRules(grace_s, retry_interval_s, most_tries), rows, seed)
    for name, *arguments in steps:
        getattr(market, name)(*arguments)
        market.check()
    # Time passes to a while after the close, and each request is answered without a bar.
    market.answer(0, 0, 0, is_written_first=True)
    end = max(market.now, end_of(9)) + 600
    while market.now < end:
        market.pass_time(min(13.0, market.filler.wait_s(market.now, market.machine) or 13.0))
        while market.filler.wait_s(market.now, market.machine) == 0 and market.pending is None:
            market.ask()
            market.answer(0, 0, 0, is_written_first=True)
    market.check()
    assert market.frontier == len(SLOTS)
    assert market.filler.counts().keys() <= {GapState.FILLED, GapState.EMPTY, GapState.UNFILLABLE}
    assert market.filler.wait_s(market.now, market.machine) is None


def test_gaps_are_listed_wherever_they_lie_in_a_long_session():
    rng = np.random.default_rng(5)
    slots = slots_of(390, Interval.parse("1s"))
    present = rng.random((3, len(slots))) > 0.001
    filler = GapFiller(("A", "B", "C"), slots, GapRules(10.0, 5.0, 3))
    filler.advance(present, len(slots))
    rows, columns = np.nonzero(~present)
    wanted = sorted(zip((-columns).tolist(), rows.tolist(), strict=True))
    for limit in (1, 7, 50, 1000):
        listed = [(-gap.slot, "ABC".index(gap.symbol)) for gap in filler.listed(limit)]
        assert listed == wanted[:limit]


def changed(filler, before, after, *present, asks=True):
    """Change the rows of a filler; `present`: cells of the new rows that have a bar."""
    mask = np.ones((len(after), len(SLOTS)), dtype=np.bool_)
    change = RowChange.between(before, after)
    mask[len(change.kept) :] = False
    for cell in present:
        mask[cell] = True
    filler.change_rows(change, mask, None, asks=asks)


def test_a_symbol_that_joins_is_asked_for_alone_from_its_first_missing_slot_on():
    filler = filler_of((0, 2), frontier=5)
    changed(filler, SYMBOLS, (*SYMBOLS, "XOM"), (3, 0))
    request = filler.due(end_of(4), 0.0)
    assert (request.purpose, request.symbols) == (HistoryPurpose.BACKFILL, ("XOM",))
    assert (request.start, request.slots) == (end_of(0), 4)
    failed = HistoryAnswer(request, error=FeedError("not connected"))
    filler.answered(failed, 0.0)
    assert filler.due(end_of(4), 0.0) is None  # after a wait, once more
    request = filler.due(end_of(4), 100.0)
    assert request.symbols == ("XOM",)
    answer = HistoryAnswer(request, (bar("XOM", SLOTS, 2),), int(end_of(3)))
    assert pairs(filler.answered(answer, 100.0)) == {(3, 1), (3, 3)}
    states = {gap.slot: gap.state for gap in filler.listed(99) if gap.symbol == "XOM"}
    assert states == {1: GapState.EMPTY, 2: GapState.FILLED, 3: GapState.EMPTY, 4: GapState.WAITING}
    assert filler.due(end_of(4), 100.0) is not None  # the others' gaps are asked for as before


def test_an_answer_counts_for_the_symbols_that_are_still_there():
    filler = filler_of((0, 2), (1, 2), (2, 2))
    request = filler.due(end_of(9), 0.0)
    changed(filler, SYMBOLS, ("AIG", "SPY"))  # IBM leaves while it is out
    changed(filler, ("AIG", "SPY"), ("SPY", "IBM"), *[(1, slot) for slot in range(10) if slot != 2])
    answer = HistoryAnswer(request, (bar("IBM", SLOTS, 2), bar("AIG", SLOTS, 2)), int(end_of(2)))
    assert pairs(filler.answered(answer, 0.0)) == {(0, 2)}
    assert filler.counts() == {GapState.EMPTY: 1, GapState.WAITING: 1}
    assert {(gap.symbol, gap.state) for gap in filler.listed(9)} == {
        ("SPY", GapState.EMPTY),
        ("IBM", GapState.WAITING),
    }


def test_readers_of_a_copy_made_before_a_change_see_the_rows_before():
    filler = filler_of((0, 2), (2, 3))
    before = copy(filler)
    changed(filler, SYMBOLS, ("SPY",))
    assert [gap.symbol for gap in before.listed(9)] == ["SPY", "AIG"]
    assert [gap.symbol for gap in filler.listed(9)] == ["SPY"]
    assert before.counts() == {GapState.WAITING: 2}
