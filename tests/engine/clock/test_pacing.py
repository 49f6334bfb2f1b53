"""Laws of the pace: no drift, never back, and no jump when speed changes or play resumes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tapedeck.engine.clock.pacing import Pace, achieved_speed
from tapedeck.engine.errors import ClockError

SLOTS = 390
MINUTES = np.arange(SLOTS + 1, dtype=np.int64) * 60
OFFSETS = st.lists(st.integers(1, 3600), min_size=1, max_size=60).map(
    lambda lengths: np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
)
SPEEDS = st.floats(0.01, 5000.0)
ANCHORS = st.floats(0.0, 1e7)


def test_at_real_time_a_minute_takes_a_minute():
    pace = Pace(MINUTES, speed=1.0, now=1000.0)
    assert pace.deadline(1) == 1060.0
    assert pace.due(1059.999) == 0
    assert pace.due(1060.0) == 1


def test_at_sixty_times_real_time_a_day_in_new_york_takes_six_and_a_half_minutes():
    pace = Pace(MINUTES, speed=60.0, now=0.0)
    assert pace.deadline(SLOTS) == 390.0
    assert pace.speed == 60.0


def test_the_pace_starts_at_the_frontier_it_is_given():
    pace = Pace(MINUTES, speed=1.0, now=500.0, frontier=100)
    assert pace.due(500.0) == 100
    assert pace.deadline(101) == 560.0
    assert pace.deadline(100) == -math.inf


def test_the_last_slot_is_the_end_however_late_it_is():
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    assert pace.due(1e9) == SLOTS


def test_a_short_last_slot_takes_its_own_length_only():
    pace = Pace(np.array([0, 3600, 7200, 9000]), speed=2.0, now=0.0)
    assert [pace.deadline(k) for k in (1, 2, 3)] == [1800.0, 3600.0, 4500.0]


@given(OFFSETS, SPEEDS, ANCHORS)
def test_every_deadline_is_the_exact_one_to_within_rounding_so_nothing_adds_up(offsets, speed, anchor):
    pace = Pace(offsets, speed=speed, now=anchor)
    for k in range(1, len(offsets)):
        exact = Fraction(anchor) + Fraction(int(offsets[k])) / Fraction(speed)
        assert abs(Fraction(pace.deadline(k)) - exact) <= Fraction(4 * math.ulp(float(exact)))


@given(OFFSETS, SPEEDS, ANCHORS)
def test_a_slot_is_due_exactly_from_its_deadline_on(offsets, speed, anchor):
    pace = Pace(offsets, speed=speed, now=anchor)
    for k in range(1, len(offsets)):
        at = pace.deadline(k)
        assert pace.due(at) >= k
        assert pace.due(math.nextafter(at, -math.inf)) < k


@given(OFFSETS, SPEEDS, st.lists(st.floats(0.0, 1e6), max_size=30))
def test_the_due_frontier_never_decreases(offsets, speed, times):
    pace = Pace(offsets, speed=speed, now=0.0)
    seen = [pace.due(now) for now in sorted(times)]
    assert seen == sorted(seen)


@given(OFFSETS, st.floats(0.1, 100.0), st.floats(0.1, 100.0), st.floats(0.0, 1.0))
def test_a_change_of_speed_keeps_what_was_played_of_the_slot_under_way(offsets, speed, faster, part):
    pace = Pace(offsets, speed=speed, now=0.0)
    now = part * float(offsets[-1]) / speed
    frontier = pace.due(now)
    assume(frontier < len(offsets) - 1)
    remaining = (pace.deadline(frontier + 1) - now) * speed
    pace.rebase(now, frontier, faster)
    assert pace.due(now) in (frontier, frontier + 1)  # the latter where the slot was over but for rounding
    assert (pace.deadline(frontier + 1) - now) * faster == pytest.approx(remaining, abs=1e-6)
    assert pace.deadline(len(offsets) - 1) - pace.deadline(frontier + 1) == pytest.approx(
        float(offsets[-1] - offsets[frontier + 1]) / faster, abs=1e-6
    )


def test_changing_speed_again_and_again_delays_nothing():
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    for second in range(1, 600):
        pace.rebase(float(second), pace.due(float(second)), 1.0)
    assert pace.due(600.0) == 10


@given(OFFSETS, SPEEDS, st.floats(0.0, 1.0), st.floats(0.0, 1e5))
def test_a_pause_of_any_length_shifts_what_follows_by_that_length(offsets, speed, part, length):
    played, paused = (Pace(offsets, speed=speed, now=0.0) for _ in range(2))
    now = part * float(offsets[-1]) / speed
    frontier = paused.due(now)
    assume(frontier < len(offsets) - 1)
    paused.hold(now)
    assert paused.due(now + length) == frontier
    assert paused.deadline(frontier + 1) == math.inf
    paused.rebase(now + length, frontier, speed)
    last = len(offsets) - 1
    assert paused.deadline(last) == pytest.approx(played.deadline(last) + length, rel=1e-9, abs=1e-6)


def test_a_held_pace_has_no_speed_and_holding_twice_changes_nothing():
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    pace.hold(90.0)
    pace.hold(200.0)
    assert pace.speed == 0.0
    pace.rebase(1000.0, 1, 1.0)
    assert pace.deadline(2) == 1030.0


def test_after_steps_while_held_play_goes_on_from_the_slot_reached():
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    pace.hold(90.0)
    pace.rebase(1000.0, 5, 1.0)
    assert pace.due(1000.0) == 5
    assert pace.deadline(6) == 1060.0


def test_a_backlog_is_dropped_but_for_the_slot_that_was_due():
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    pace.rebase(600.0, 3, 1.0)
    assert pace.due(600.0) == 4
    assert pace.deadline(5) == 660.0


def test_at_the_end_nothing_more_falls_due():
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    pace.rebase(1e6, SLOTS, 10.0)
    assert pace.due(2e6) == SLOTS


@pytest.mark.parametrize("speed", [0.0, -1.0, math.inf, math.nan])
def test_a_speed_that_no_clock_can_drive_is_refused(speed):
    with pytest.raises(ClockError, match=f"invalid speed {speed} for a clock-driven session"):
        Pace(MINUTES, speed=speed, now=0.0)
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    with pytest.raises(ClockError, match="maximum speed, is not driven"):
        pace.rebase(10.0, 0, speed)
    assert pace.speed == 1.0


def test_an_owner_that_keeps_up_achieves_the_given_speed_even_within_a_slot():
    pace = Pace(MINUTES, speed=4.0, now=100.0)
    for now in (101.0, 115.0, 130.0, 1000.0):
        assert pace.achieved(now, pace.due(now)) == pytest.approx(4.0)


def test_the_achieved_speed_is_less_if_due_slots_were_not_played():
    pace = Pace(MINUTES, speed=10.0, now=0.0)
    assert pace.due(60.0) == 10
    assert pace.achieved(60.0, 5) == pytest.approx(5.0)


def test_the_speed_achieved_is_unknown_at_first_zero_while_held_and_never_negative():
    pace = Pace(MINUTES, speed=1.0, now=0.0)
    assert pace.achieved(0.0, 0) is None
    pace.rebase(30.0, 0, 1.0)
    assert pace.achieved(90.0, 0) == 0.0
    pace.hold(95.0)
    assert pace.achieved(200.0, 1) == 0.0


def test_speed_is_trading_time_over_elapsed_time():
    assert achieved_speed(23_400.0, 2.0) == 11_700.0
    assert achieved_speed(60.0, 0.0) is None
