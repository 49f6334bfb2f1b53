"""Number formats of table cells."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.console.app.widgets.figures import compact, decimals_of, direction, fixed, signed


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (168.1, 2, "168.10"),
        (-0.004, 2, "0.00"),
        (0.00012345, 6, "0.000123"),
        (math.nan, 2, "–"),
        (math.inf, 2, "–"),
        (2.5e12, 2, "2.5000e+12"),
    ],
)
def test_prices_have_fixed_decimals(value: float, decimals: int, text: str) -> None:
    assert fixed(value, decimals) == text


@pytest.mark.parametrize(
    ("size", "decimals"),
    [
        (168.89, 2), (3.5, 2), (1.0, 2), (0.999, 4), (0.1, 4), (0.0031, 6), (0.001, 6), (0.0000123, 8),
        (1e-12, 2), (0.0, 2), (math.nan, 2), (math.inf, 2),
    ],
)  # fmt: skip
def test_smaller_figures_have_more_decimals(size: float, decimals: int) -> None:
    assert decimals_of(size) == decimals


@pytest.mark.parametrize(
    ("value", "text", "sense"),
    [(1.25, "+1.25", 1), (-1.25, "-1.25", -1), (0.004, "0.00", 0), (-0.004, "0.00", 0), (math.nan, "–", 0)],
)
def test_gains_carry_plus_losses_minus_and_no_change_neither(value: float, text: str, sense: int) -> None:
    assert signed(value) == text
    assert direction(value) == sense


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.125, "0.125"),
        (950, "950"),
        (999.6, "1.00k"),
        (1234, "1.23k"),
        (1_500_000, "1.50M"),
        (30_000_000, "30.0M"),
        (123_456, "123k"),
        (999_960, "1.00M"),
        (4_560_000, "4.56M"),
        (-12_345, "-12.3k"),
        (3e9, "3.00B"),
        (2e12, "2.00T"),
        (5e15, "5.0e+15"),
        (math.nan, "–"),
    ],
)
def test_volumes_are_compact(value: float, text: str) -> None:
    assert compact(value) == text


@given(st.floats(0, 9.9e14))
def test_a_volume_fits_into_its_column(value: float) -> None:
    assert len(compact(float(round(value)))) <= 6
