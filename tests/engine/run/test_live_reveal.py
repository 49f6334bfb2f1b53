"""The reveal rule of live sessions, against a slot-by-slot reading of it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.run.live_reveal import due_frontier, next_reveal
from tests.support.tapes import random_values, slots_of, tape_over, with_presence

SLOTS = slots_of("2013-10-07", "30m")


@given(
    present=st.lists(st.booleans(), min_size=2 * len(SLOTS), max_size=2 * len(SLOTS)),
    frontier=st.integers(0, len(SLOTS)),
    offset=st.floats(-100, 24_000),
    settle=st.floats(0, 4_000),
)
def test_a_slot_is_revealed_when_whole_or_settled_and_never_early(
    present: list[bool], frontier: int, offset: float, settle: float
) -> None:
    here = np.array(present).reshape(2, -1)
    tape = tape_over(SLOTS, with_presence(random_values(2, len(SLOTS), seed=1), here))
    tape.frontier = frontier
    now = float(SLOTS.opened_at[0]) + offset
    expected = frontier
    while expected < len(SLOTS):
        end = int(SLOTS.closed_at[expected])
        if end > now or not (end + settle <= now or here[:, expected].all()):
            break
        expected += 1
    assert due_frontier(tape, now, settle) == expected


@given(
    present=st.lists(st.booleans(), min_size=len(SLOTS), max_size=len(SLOTS)),
    frontier=st.integers(0, len(SLOTS) - 1),
    settle=st.integers(0, 4_000),
)
def test_the_next_reveal_is_the_first_instant_at_which_the_frontier_moves(
    present: list[bool], frontier: int, settle: int
) -> None:
    here = np.array(present)[None, :]
    tape = tape_over(SLOTS, with_presence(random_values(1, len(SLOTS), seed=2), here))
    tape.frontier = frontier
    now = float(SLOTS.clock(frontier))
    moment = next_reveal(tape, now, settle)
    assert due_frontier(tape, moment, settle) > frontier
    if moment - 1 >= now:
        assert due_frontier(tape, moment - 1, settle) <= max(frontier, due_frontier(tape, now, settle))
