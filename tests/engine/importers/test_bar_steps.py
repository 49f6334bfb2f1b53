"""Steps of rows against the interval of the import: true bars are never refused, coarser ones always."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.bar_steps import StepCounts, contradicting_step, usual_step
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import Ints

A_MONDAY = 1381104000  # 2013-10-07, midnight UTC
DAY_S = 86400
WEEK_S = 7 * DAY_S


def counts_of(times: Ints, cuts: Sequence[int] = ()) -> dict[int, int]:
    steps = StepCounts()
    for part in np.split(times, sorted(cuts)):
        steps.add(part)
    return dict(steps.counts())


def session_times(days: int, interval: Interval) -> Ints:
    """Return the opening times of the bars of weekdays from 13:30 to 20:00 UTC; of daily bars their dates."""
    dates = A_MONDAY + DAY_S * np.arange(days)
    dates = dates[(dates - A_MONDAY) // DAY_S % 7 < 5]
    if not interval.is_intraday:
        return dates
    return (dates[:, None] + np.arange(48600, 72000, interval.seconds)).ravel()


def thinned(times: Ints, density: float, seed: int) -> Ints:
    return times[np.random.default_rng(seed).random(len(times)) < density]


@settings(max_examples=80, deadline=None)
@given(
    interval=st.sampled_from([SECOND, MINUTE, DAY]),
    days=st.integers(1, 12),
    density=st.floats(0.002, 1),
    seed=st.integers(0, 2**32 - 1),
)
@example(interval=MINUTE, days=12, density=0.2, seed=0)
def test_true_bars_with_random_missing_rows_are_never_refused(interval, days, density, seed):
    # A dozen bars and more: of fewer, chance makes some look regular.
    times = thinned(session_times(days if interval.is_intraday else 40 * days, interval), density, seed)
    if len(times) >= 12:
        assert contradicting_step(counts_of(times), interval) is None


@settings(max_examples=60, deadline=None)
@given(
    case=st.sampled_from(
        [
            (MINUTE, 120),
            (MINUTE, 180),
            (MINUTE, 300),
            (MINUTE, 900),
            (MINUTE, 1800),
            (SECOND, 5),
            (SECOND, 60),
        ]
    ),
    days=st.integers(1, 4),
    density=st.floats(0.5, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_longer_bars_are_always_told(case, days, density, seed):
    interval, step = case
    times = session_times(days, SECOND)
    times = thinned(times[times % step == 0], density, seed)
    if len(times) >= 30 or (density == 1 and len(times) >= 6):
        # Without a bar in two, the step told may be a multiple; it is never the claimed interval.
        found = contradicting_step(counts_of(times), interval)
        assert found is not None
        assert found % step == 0


@pytest.mark.parametrize(
    ("interval", "times", "step"),
    [
        (MINUTE, [0, 300, 600, 900], 300),  # four rows are enough
        (MINUTE, [0, DAY_S], DAY_S),
        (MINUTE, [0, DAY_S, 4 * DAY_S], DAY_S),
        (MINUTE, [0, 3600, 7200, DAY_S, DAY_S + 3600, DAY_S + 7200], 3600),
        (MINUTE, [0, 1, 2, 3, 4], 1),
        (SECOND, [0, 60, 120, 180], 60),
        (DAY, [0, WEEK_S, 2 * WEEK_S, 3 * WEEK_S], WEEK_S),
        (DAY, [0, 31 * DAY_S, 59 * DAY_S, 90 * DAY_S], 30 * DAY_S),
        (DAY, [0, 91 * DAY_S, 182 * DAY_S, 274 * DAY_S], 91 * DAY_S),
        (DAY, [0, 60, 120, 180], 60),
        (DAY, [0, DAY_S, 4 * DAY_S, 5 * DAY_S], None),
        (MINUTE, [0, 60, 180, 240], None),
        (MINUTE, [0, 300], None),
        (MINUTE, [0], None),
        (MINUTE, [], None),
        (DAY, [0], None),
    ],
)
def test_few_rows(interval, times, step):
    assert contradicting_step(counts_of(A_MONDAY + np.array(times, np.int64)), interval) == step


def test_an_odd_row_does_not_hide_five_minute_bars():
    times = session_times(3, MINUTE)
    fives = np.sort(np.append(times[times % 300 == 0], times[1]))
    assert contradicting_step(counts_of(fives), MINUTE) == 300


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=60, unique=True),
    st.lists(st.integers(0, 60), max_size=5),
    st.randoms(),
)
def test_steps_are_the_same_however_the_rows_are_cut_into_parts(times, cuts, random):
    ordered = np.array(sorted(times), np.int64)
    parts = [part for part in np.split(ordered, sorted(min(cut, len(ordered)) for cut in cuts)) if len(part)]
    shuffled = StepCounts()
    for part in random.sample(parts, len(parts)):
        shuffled.add(part)
    assert shuffled.counts() == counts_of(ordered) == counts_of(ordered, cuts)


def test_the_usual_step_is_the_most_frequent_one():
    assert usual_step(counts_of(session_times(5, MINUTE))) == 60
    assert usual_step(counts_of(np.array([5]))) is None
