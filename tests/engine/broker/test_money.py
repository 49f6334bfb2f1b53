"""Money in whole units: rounded half to even by decimal digits, as Python's decimal module does it."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.money import MoneyScale, Participation, divided, part_of

LOTS = ["1", "100", "0.5", "0.001", "0.3"]
PLAIN = st.builds(lambda number, places: number / 10**places, st.integers(1, 10**7), st.integers(0, 7))
PRICES = PLAIN | st.floats(1e-9, 1e300)
COUNTS = st.integers(-1000, 1000) | st.integers(-(10**12), 10**12)


def by_decimal(amount: float, times: Decimal = Decimal(1), digits: int = 0) -> int:
    with localcontext() as context:
        context.prec = 700
        units = Decimal(repr(amount)) * times * 10**digits
        return int(units.to_integral_value(ROUND_HALF_EVEN))


@pytest.mark.parametrize(
    ("amount", "digits", "units"),
    [
        (10.025, 2, 1002),  # a tie by its digits; the binary number is above it
        (10.015, 2, 1002),
        (10.005, 2, 1000),
        (1.005, 2, 100),
        (0.5, 0, 0),
        (1.5, 0, 2),
        (-2.5, 0, -2),
        (0.1 + 0.2, 2, 30),
        (1e20, 2, 10**22),
        (1e300, 0, 10**300),
        (41.2315, 4, 412315),
    ],
)
def test_a_float_counts_as_the_decimal_number_it_is_written_as(
    amount: float, digits: int, units: int
) -> None:
    assert MoneyScale(digits).units(amount) == units


@settings(max_examples=200)
@given(PRICES, COUNTS, st.sampled_from(LOTS), st.integers(0, 8))
def test_values_are_those_of_decimal_arithmetic(price: float, lots: int, lot: str, digits: int) -> None:
    scale = MoneyScale(digits, float(lot))
    assert scale.units(price) == by_decimal(price, digits=digits)
    assert scale.value(price, lots) == by_decimal(price, Decimal(lot) * lots, digits)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(PLAIN, st.integers(-1000, 1000)), min_size=1, max_size=20),
    st.sampled_from(LOTS),
    st.integers(0, 4),
)
def test_columns_have_the_values_of_single_prices(
    pairs: list[tuple[float, int]], lot: str, digits: int
) -> None:
    scale = MoneyScale(digits, float(lot))
    prices, lots = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    assert scale.values(prices, lots).tolist() == [scale.value(*pair) for pair in pairs]


def test_columns_are_zero_without_lots_where_no_price_is_known() -> None:
    assert MoneyScale(2).values(np.array([nan, 1.25]), np.array([0, 3])).tolist() == [0, 375]


def test_a_column_beyond_int64_is_an_error() -> None:
    with pytest.raises(OverflowError):
        MoneyScale(6).values(np.array([1e20]), np.array([1]))


@settings(max_examples=100)
@given(st.integers(-(10**30), 10**30), st.integers(1, 10**15))
def test_quotients_are_rounded_half_to_even(numerator: int, denominator: int) -> None:
    assert divided(numerator, denominator) == round(Fraction(numerator, denominator))
    assert divided(numerator * 2 + denominator, denominator * 2) == round(
        Fraction(numerator, denominator) + Fraction(1, 2)
    )


def test_parts_go_by_decimal_digits() -> None:
    assert part_of(1000, 0.25, 100) == 2  # 2.5
    assert part_of(3000, 0.15, 100) == 4  # 4.5
    assert part_of(7, 0.1) == 1


@settings(max_examples=200)
@given(st.integers(-5, 10**13), PLAIN, st.sampled_from(LOTS), st.integers(0, 6))
def test_the_lots_within_an_amount_are_worth_at_most_it(
    units: int, price: float, lot: str, digits: int
) -> None:
    lots = MoneyScale(digits, float(lot)).lots_within(units, price)
    of_one = Fraction(repr(price)) * Fraction(lot) * 10**digits
    assert lots >= 0
    assert lots * of_one <= max(0, units) < (lots + 1) * of_one or units < 0 == lots


def test_an_amount_that_is_just_enough_buys_all() -> None:
    assert MoneyScale(2).lots_within(2970, 0.1 * 3) == 98  # 0.30000000000000004
    assert MoneyScale(2).lots_within(2970, 0.3) == 99
    assert MoneyScale(6).lots_within(10**400, 1.0) == 10**394


@settings(max_examples=100)
@given(PLAIN | st.just(0.0), PLAIN, st.sampled_from(LOTS))
def test_participation_and_whole_lots_round_down(volume: float, percent: float, lot: str) -> None:
    shares = Fraction(repr(volume))
    assert MoneyScale(2, float(lot)).whole_lots(volume) == shares // Fraction(lot)
    allowed = shares * Fraction(repr(percent)) / 100 // Fraction(lot)
    assert Participation(percent, float(lot)).lots(volume) == allowed


def test_a_hundredth_part_that_floats_miss() -> None:
    assert 100 * 0.29 < 29
    assert Participation(29.0).lots(100.0) == 29
    assert MoneyScale(2, 0.1).whole_lots(0.3) == 3


@settings(max_examples=100)
@given(st.integers(-(10**14), 10**14), st.integers(0, 6))
def test_amounts_come_back(units: int, digits: int) -> None:
    scale = MoneyScale(digits)
    assert scale.units(scale.amount(units)) == units
    assert Decimal(repr(scale.amount(units))) == Decimal(units).scaleb(-digits)


def test_average_prices_and_shares() -> None:
    scale = MoneyScale(2, 0.001)
    assert scale.shares(1500) == 1.5
    assert scale.price(30_00, 1500) == 20.0
    assert scale.price(-10_00, -3000) == pytest.approx(10 / 3)


@pytest.mark.parametrize("quantity", [nan, inf, -inf, -1.0])
def test_a_quantity_that_is_none_is_refused(quantity: float) -> None:
    with pytest.raises(ValueError, match="quantity must be a number from 0, not"):
        MoneyScale().whole_lots(quantity)


def test_scales_and_participations_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="digits must be a whole number from 0 to 12, not 13"):
        MoneyScale(13)
    for lot in (0.0, -1.0, nan, inf):
        with pytest.raises(ValueError, match="lot must be a number above 0"):
            MoneyScale(2, lot)
        with pytest.raises(ValueError, match="participation must be a percentage above 0"):
            Participation(lot)
