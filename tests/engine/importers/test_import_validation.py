"""Bars that importers reject, from any file format."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.importers.validation import sort_out_repeats, validate_bars
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarColumns

GOOD = (60, 10.0, 12.0, 9.0, 11.0, 100.0)
NUMBERS = st.sampled_from([-1.0, -0.0, 0.0, 1.0, 2.0, 3.0, math.nan, math.inf, -math.inf])
ROWS = st.lists(st.tuples(st.sampled_from([0, 30, 60, 120]), *[NUMBERS] * 5), max_size=8)


def bars(*rows: tuple[float, ...]) -> BarColumns:
    table = np.array(rows, float).reshape(-1, 6)
    return BarColumns(table[:, 0].astype(np.int64), *(table[:, i].copy() for i in range(1, 6)))


def by_the_rules(row: tuple[float, ...], interval: Interval) -> bool:
    """SPEC DATA3, one bar at a time."""
    time, opened, high, low, close, volume = row
    values = (opened, high, low, close, volume)
    if not all(math.isfinite(value) and value >= 0 for value in values):
        return False
    return high >= low and low <= opened <= high and low <= close <= high and time % interval.seconds == 0


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (1, math.nan, "open nan is not finite"),
        (2, math.inf, "high inf is not finite"),
        (3, -math.inf, "low -inf is not finite"),
        (5, math.nan, "volume nan is not finite"),
        (3, -0.5, "low -0.5 is negative"),
        (5, -1.0, "volume -1 is negative"),
        (2, 8.0, "high 8 is below low 9"),
        (1, 12.5, "open 12.5 is outside low 9 to high 12"),
        (4, 8.99, "close 8.99 is outside low 9 to high 12"),
        (0, 61, "time 1970-01-01 00:01:01 UTC is not on a 1-minute boundary"),
    ],
)
def test_a_bar_that_cannot_be_true_is_refused_with_the_reason(place, value, reason):
    row = (*GOOD[:place], value, *GOOD[place + 1 :])
    good, reasons = validate_bars(bars(row, (*(120,), *GOOD[1:])), MINUTE)
    assert good.tolist() == [False, True]
    assert reasons == {0: reason}


def test_a_daily_bar_opens_at_midnight():
    good, reasons = validate_bars(bars((86400, *GOOD[1:]), (90000, *GOOD[1:])), DAY)
    assert good.tolist() == [True, False]
    assert reasons[1] == "time 1970-01-02 01:00:00 UTC is not on a 1-day (00:00 UTC) boundary"


def test_prices_and_volume_of_zero_are_accepted():
    assert validate_bars(bars((60, 0, 0, 0, 0, 0)), MINUTE)[0].all()


def test_bars_before_1970_have_a_raster_too():
    good, _ = validate_bars(bars((-120, *GOOD[1:]), (-61, *GOOD[1:])), MINUTE)
    assert good.tolist() == [True, False]


def test_of_two_bars_for_one_time_the_first_good_one_counts():
    other = (60, 10.0, 12.0, 9.0, 10.5, 100.0)
    broken = (60, 10.0, 8.0, 9.0, 10.5, 100.0)
    good, reasons = validate_bars(bars(broken, GOOD, other, GOOD), MINUTE)
    assert good.tolist() == [False, True, False, True]
    assert (
        reasons[2] == "duplicate timestamp 1970-01-01 00:01:00 UTC with other values; the first row is kept"
    )


def test_no_bars_are_no_trouble():
    good, reasons = validate_bars(bars(), SECOND)
    assert (len(good), reasons) == (0, {})


@given(ROWS)
def test_what_is_good_keeps_every_rule_and_says_one_thing_for_each_time(rows):
    good, reasons = validate_bars(bars(*rows), MINUTE)
    assert set(reasons) == {i for i, fine in enumerate(good) if not fine}
    said: dict[float, tuple[float, ...]] = {}
    for i, row in enumerate(rows):
        sound = by_the_rules(row, MINUTE)
        assert bool(good[i]) == (sound and said.setdefault(row[0], row) == row)


@given(ROWS)
def test_sorting_out_repeats_leaves_each_time_once_in_order(rows):
    kept = sort_out_repeats(bars(*rows))
    assert kept.opened_at.tolist() == sorted({row[0] for row in rows})
    first = {row[0]: row for row in reversed(rows)}
    for time, volume in zip(kept.opened_at, kept.volume, strict=True):
        assert repr(float(volume)) == repr(first[int(time)][5])
