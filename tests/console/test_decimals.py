"""Decimals of the numbers of a table: one count for a column, exact where there is room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.console.cli.decimals import decimals_of


@pytest.mark.parametrize(
    ("values", "fewest", "shown", "is_exact"),
    [
        ([185.0, 188.5], 2, 2, True),
        ([1.35234, 1.3524], 2, 5, True),
        ([0.00001234], 2, 8, True),
        ([200.58386928, 199.6], 2, 5, False),
        ([84557492.0], 0, 0, True),
        ([123456789.5], 0, 0, False),
        ([0.0], 2, 2, True),
        ([], 2, 2, True),
        ([-37.63, 10.0], 2, 2, True),
    ],
)
def test_decimals_show_all_values_where_there_is_room(
    values: list[float], fewest: int, shown: int, is_exact: bool
) -> None:
    assert decimals_of(values, fewest=fewest) == (shown, is_exact)


@given(st.lists(st.floats(-1e12, 1e12)))
def test_numbers_are_told_to_be_exact_only_if_they_are(values: list[float]) -> None:
    shown, is_exact = decimals_of(values)
    assert 0 <= shown <= 8
    assert is_exact == all(float(f"{value:.{shown}f}") == value for value in values)
