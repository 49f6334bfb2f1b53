"""What any versions of bars, in any order and batches, add up to."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder_kit import MONDAY, bar, slots_of

from tapedeck.engine.feeds.arrivals import Arrivals
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.held_bars import HeldBars
from tapedeck.engine.feeds.outcomes import Outcome

SYMBOLS = ("AIG", "IBM", "SPY")
SLOTS = slots_of()
OPEN = int(SLOTS.opened_at[0])
MIDNIGHT, NEXT_MIDNIGHT = 1381118400, 1381204800  # of New York, 2013-10-07 and 08
RANK = {BarKind.BAR: 0, BarKind.HISTORY: 0, BarKind.UPDATED: 1, BarKind.RECONCILED: 2}

prices = st.sampled_from([0.0, -0.0, -1.0, 99.0, 100.0, 101.0, math.nan, math.inf])
versions = st.builds(
    FeedBar,
    symbol=st.sampled_from([*SYMBOLS, "XOM"]),
    # In slots, in extended hours, between two minutes, and of the day before.
    opened_at=st.sampled_from([OPEN, OPEN + 60, OPEN - 3600, OPEN + 7 * 3600, OPEN + 30, OPEN - 86400]),
    open=prices,
    high=prices,
    low=prices,
    close=prices,
    volume=st.sampled_from([0.0, -0.0, 5.0, -1.0, -2.0, math.nan]),
    kind=st.sampled_from(list(BarKind)),
)
sound = st.builds(
    bar,
    st.sampled_from([*SYMBOLS, "XOM"]),
    st.sampled_from([OPEN, OPEN + 60, OPEN - 3600]),
    st.sampled_from([100.0, 101.0]),
    st.sampled_from(list(BarKind)),
)


def is_held(one):
    """The rule of what is held at all, written down again in plain Python."""
    values = one[2:7]
    volume = 0.0 if one.volume == -1 else one.volume
    return (
        one.symbol in SYMBOLS
        and one.opened_at % 60 == 0
        and MIDNIGHT <= one.opened_at < NEXT_MIDNIGHT + 7 * 86400
        and all(map(math.isfinite, values))
        and min(one[2:6]) > 0
        and volume >= 0
        and one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high
    )


def folded(versions):
    """The held bars, folded one by one in plain Python: (symbol, time) to rank and values."""
    held = {}
    for one in filter(is_held, versions):
        key, rank = (one.symbol, one.opened_at), RANK[one.kind]
        values = (*one[2:6], 0.0 if one.volume == -1 else abs(one.volume))
        if key not in held or rank >= held[key][0]:
            held[key] = (rank, values)
    return {key: values for key, (_, values) in held.items()}


def content(held):
    """The bars that are to be stored, which nobody has marked as stored: (symbol, time) to values."""
    rows, bars = held.bars_to_store()
    columns = (rows, bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert found == sorted(found)
    return {(SYMBOLS[row], time): tuple(values) for row, time, *values in found}


def parts_of(items, cuts):
    """The items cut into batches."""
    edges = [0, *sorted(min(cut, len(items)) for cut in cuts), len(items)]
    return [items[first:after] for first, after in pairwise(edges)]


@given(st.lists(st.one_of(versions, sound), max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_any_batches_of_any_versions_hold_what_the_rule_adds_up_to(items, cuts):
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    for part in parts_of(items, cuts):
        held.take(Arrivals.of(part, 0))
    assert content(held) == folded(items)
    alone = HeldBars.of_session(SYMBOLS, SLOTS)
    for one in items:
        alone.take(Arrivals.of([one], 0))
    assert alone.values.tobytes() == held.values.tobytes()
    assert alone.kinds.tobytes() == held.kinds.tobytes()


@given(st.lists(sound, min_size=1, max_size=30), st.data())
def test_what_is_held_already_changes_nothing(items, data):
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    held.take(Arrivals.of(items, 0))
    before = content(held), held.values.tobytes(), held.kinds.tobytes()
    # The version that is held is the last one of the highest precedence.
    one = data.draw(st.sampled_from(items))
    rivals = [other for other in items if other[:2] == one[:2]]
    last = max(enumerate(rivals), key=lambda pair: (RANK[pair[1].kind], pair[0]))[1]
    taken = held.take(Arrivals.of([last, last], 0))
    assert len(taken.at_slots) == 0
    wanted = Outcome.SAME if one.symbol in SYMBOLS else Outcome.NOT_OURS
    assert taken.outcomes.tolist() == [wanted, wanted]
    assert (content(held), held.values.tobytes(), held.kinds.tobytes()) == before


@given(st.lists(st.one_of(versions, sound), max_size=30), st.lists(st.integers(0, 30), max_size=4))
def test_outcomes_tell_each_change(items, cuts):
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    outcomes = [
        o for part in parts_of(items, cuts) for o in held.take(Arrivals.of(part, 0)).outcomes.tolist()
    ]
    for count, (one, outcome) in enumerate(zip(items, outcomes, strict=True)):
        before, after = (folded(items[:number]).get(one[:2]) for number in (count, count + 1))
        assert (outcome == Outcome.NEW) == (before is None and after is not None)
        assert (outcome == Outcome.REPLACED) == (before is not None and after != before)


def test_names_of_outcomes():
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    arrivals = [
        bar("SPY", OPEN),
        bar("SPY", OPEN, 101.0, BarKind.UPDATED),
        bar("SPY", OPEN, 101.0),
        bar("SPY", OPEN),
        bar("SPY", OPEN, 102.0, BarKind.RECONCILED),
        bar("XOM", OPEN),
        bar("SPY", OPEN + 1),
        bar("SPY", OPEN - 86400),
        bar("SPY", OPEN)._replace(high=1.0),
    ]
    names = [Outcome(code).name for code in held.take(Arrivals.of(arrivals, 0)).outcomes.tolist()]
    assert names == (
        ["NEW", "REPLACED", "SAME", "REFUSED", "REPLACED", "NOT_OURS", "OFF_RASTER", "OFF_RASTER", "INVALID"]
    )
    [fault] = held.take(Arrivals.of(arrivals[-1:], 0)).faults.values()
    assert fault == "high 1 is below low 99"


def test_a_session_that_has_ended_takes_bars_of_extended_hours_only():
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    close = int(SLOTS.closed_at[-1])
    held.closed_before = close
    outcomes = held.take(
        Arrivals.of([bar("SPY", OPEN), bar("SPY", close), bar("SPY", close - 60)], 0)
    ).outcomes
    assert outcomes.tolist() == [Outcome.TOO_LATE, Outcome.NEW, Outcome.TOO_LATE]


def test_bars_of_the_next_session_are_handed_over():
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    early = bar("SPY", NEXT_MIDNIGHT + 8 * 3600, 101.0, BarKind.UPDATED)
    held.take(Arrivals.of([bar("SPY", OPEN - 60), early], 0))
    following = HeldBars.of_session(SYMBOLS, slots_of(MONDAY.replace(day=8)))
    assert following.since == NEXT_MIDNIGHT
    following.take(held.hand_over_from(following.since))
    assert content(following) == folded([early])
    assert content(held) == folded([bar("SPY", OPEN - 60)])
    assert len(held.hand_over_from(following.since)) == 0


@pytest.mark.parametrize("count", [1, 3])
def test_marks_of_stored_bars(count):
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    items = [bar("SPY", OPEN + 60 * number) for number in range(count)] + [bar("AIG", OPEN - 60)]
    held.take(Arrivals.of(items, 0))
    assert held.unstored_bars == count + 1
    held.mark_stored()
    assert (held.unstored_bars, content(held)) == (0, {})
    held.take(Arrivals.of([items[0], items[-1]._replace(close=99.5)], 0))
    assert content(held) == folded([items[-1]._replace(close=99.5)])


def test_slots_without_a_trade_wait_for_the_store_unless_a_bar_came():
    held = HeldBars.of_session(SYMBOLS, SLOTS)
    held.add_empty("SPY", np.array([OPEN, OPEN + 60]))
    held.take(Arrivals.of([bar("SPY", OPEN)], 0))
    assert [(symbol, times.tolist()) for symbol, times in held.empty_to_store()] == [("SPY", [OPEN + 60])]
    held.mark_stored()
    assert list(held.empty_to_store()) == []
