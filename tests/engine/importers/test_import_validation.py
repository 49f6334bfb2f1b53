"""Bars that importers reject, from any file format."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.importers.validation import PriceRules, ValidBars, sort_out_repeats, validate_bars
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarColumns

GOOD = (60, 10.0, 12.0, 9.0, 11.0, 100.0)
NUMBERS = st.sampled_from([-1.0, -0.0, 0.0, 1.0, 2.0, 3.0, math.nan, math.inf, -math.inf])
ROWS = st.lists(st.tuples(st.sampled_from([0, 30, 60, 120]), *[NUMBERS] * 5), max_size=8)


def bars(*rows: tuple[float, ...]) -> BarColumns:
    table = np.array(rows, float).reshape(-1, 6)
    return BarColumns(table[:, 0].astype(np.int64), *(table[:, i].copy() for i in range(1, 6)))


def steps(value: float, count: int) -> float:
    """Return the float that lies `count` units in the last place above `value`, or below it."""
    for _ in range(abs(count)):
        value = math.nextafter(value, math.copysign(math.inf, count))
    return value


def by_the_rules(row: tuple[float, ...], interval: Interval, rules: PriceRules) -> bool:
    """SPEC DATA3, one bar at a time; of prices that differ by more than rounding noise, or not at all."""
    time, *prices, volume = row
    opened, high, low, close = prices
    if not all(map(math.isfinite, (*prices, volume))) or not (volume >= 0 or volume == -1):
        return False
    if any(
        (price < 0 and not rules.allow_negative) or (price == 0 and not rules.allow_zero) for price in prices
    ):
        return False
    return high >= low and low <= opened <= high and low <= close <= high and time % interval.seconds == 0


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (1, math.nan, "open is missing"),
        (2, math.inf, "high inf is not finite"),
        (3, -math.inf, "low -inf is not finite"),
        (5, math.nan, "volume is missing"),
        (3, -0.5, "low -0.5 is negative: --allow-negative-prices stores such bars"),
        (3, 0.0, "low has a price of 0, which usually is missing data: --allow-zero-prices stores such bars"),
        (5, -2.0, "volume -2 is negative"),
        (2, 8.0, "high 8 is below low 9"),
        (1, 12.5, "open 12.5 is outside low 9 to high 12"),
        (4, 8.99, "close 8.99 is outside low 9 to high 12"),
        (4, steps(12.0, 5), f"close {steps(12.0, 5)!r} is outside low 9 to high 12"),
        (0, 61, "time 1970-01-01 00:01:01 UTC is not on a 1-minute boundary"),
    ],
)
def test_a_bar_that_cannot_be_true_is_refused_with_the_reason(place, value, reason):
    row = (*GOOD[:place], value, *GOOD[place + 1 :])
    checked = validate_bars(bars(row, (*(120,), *GOOD[1:])), MINUTE)
    assert checked.good.tolist() == [False, True]
    assert checked.faults == {0: reason}


def test_a_daily_bar_opens_at_midnight():
    checked = validate_bars(bars((86400, *GOOD[1:]), (90000, *GOOD[1:])), DAY)
    assert checked.good.tolist() == [True, False]
    assert checked.faults[1] == "time 1970-01-02 01:00:00 UTC is not on a 1-day (00:00 UTC) boundary"


def test_a_bar_of_zeros_only_is_missing_data_unless_prices_of_zero_are_allowed():
    zeros = bars((60, 0, 0, 0, 0, 0))
    assert not validate_bars(zeros, MINUTE).good.any()
    assert validate_bars(zeros, MINUTE, PriceRules(allow_zero=True)).good.all()
    assert not validate_bars(zeros, MINUTE, PriceRules(allow_negative=True)).good.any()


def test_negative_prices_are_stored_where_a_market_has_them():
    crude = bars((60, -10.0, -5.0, -40.32, -37.63, 100.0), (120, 0.5, 1.0, -1.0, 0.0, 100.0))
    assert validate_bars(crude, MINUTE, PriceRules(allow_negative=True)).good.tolist() == [True, False]
    assert validate_bars(crude, MINUTE, PriceRules(allow_zero=True, allow_negative=True)).good.all()


@given(
    price=st.floats(0.0001, 1e7),
    count=st.integers(0, 9),
    field=st.sampled_from(["open", "close"]),
    is_above=st.booleans(),
)
def test_rounding_noise_of_four_last_places_widens_high_or_low(price, count, field, is_above):
    noisy = steps(price, count if is_above else -count)
    values = {"open": price, "high": price, "low": price, "close": price, field: noisy}
    checked = validate_bars(bars((60, *values.values(), 5)), MINUTE)
    # Below a power of two the places are half as large: price is on the grid of those above it.
    distance = abs(noisy - price) / math.ulp(price)
    assert bool(checked.good[0]) == (distance <= 4)
    if distance <= 4:
        assert (checked.bars.high[0], checked.bars.low[0]) == (max(price, noisy), min(price, noisy))
        assert checked.widened == (count > 0)
        assert (checked.bars.open[0], checked.bars.close[0]) == (values["open"], values["close"])


def test_a_volume_of_minus_one_is_none_and_volumes_that_lose_digits_are_counted():
    rows = [(60 * i, *GOOD[1:5], volume) for i, volume in enumerate([-1.0, 5.0, 2.0**53, 2.0**53 - 1])]
    checked = validate_bars(bars(*rows), MINUTE)
    assert checked.bars.volume.tolist() == [0.0, 5.0, 2.0**53, 2.0**53 - 1]
    assert checked.good.all()
    assert (checked.without_volume, checked.large_volumes) == (1, 1)


def test_bars_before_1970_have_a_raster_too():
    checked = validate_bars(bars((-120, *GOOD[1:]), (-61, *GOOD[1:])), MINUTE)
    assert checked.good.tolist() == [True, False]


def test_of_two_bars_for_one_time_the_first_good_one_counts():
    other = (60, 10.0, 12.0, 9.0, 10.5, 100.0)
    broken = (60, 10.0, 8.0, 9.0, 10.5, 100.0)
    checked = validate_bars(bars(broken, GOOD, other, GOOD), MINUTE)
    assert checked.good.tolist() == [False, True, False, True]
    assert (
        checked.faults[2]
        == "duplicate timestamp 1970-01-01 00:01:00 UTC with other values; the first row is kept"
    )


def test_no_bars_are_no_trouble():
    checked: ValidBars = validate_bars(bars(), SECOND)
    assert (len(checked.good), checked.faults) == (0, {})


@given(ROWS, st.builds(PriceRules, st.booleans(), st.booleans()))
def test_what_is_good_keeps_every_rule_and_says_one_thing_for_each_time(rows, rules):
    checked = validate_bars(bars(*rows), MINUTE, rules)
    assert set(checked.faults) == {i for i, fine in enumerate(checked.good) if not fine}
    said: dict[float, tuple[float, ...]] = {}
    for i, row in enumerate(rows):
        sound = by_the_rules(row, MINUTE, rules)
        stored = (*row[:5], 0.0 if row[5] == -1 else row[5])
        assert bool(checked.good[i]) == (sound and said.setdefault(row[0], stored) == stored)


@given(ROWS)
def test_sorting_out_repeats_leaves_each_time_once_in_order(rows):
    kept = sort_out_repeats(bars(*rows))
    assert kept.opened_at.tolist() == sorted({row[0] for row in rows})
    first = {row[0]: row for row in reversed(rows)}
    for time, volume in zip(kept.opened_at, kept.volume, strict=True):
        assert repr(float(volume)) == repr(first[int(time)][5])
