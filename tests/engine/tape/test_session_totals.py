"""Session totals: one definition, with sums from the first bar to the last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME
from tapedeck.engine.tape.bars_back import columns_back
from tapedeck.engine.tape.held_values import held_at, last_column, last_columns, taken
from tapedeck.engine.tape.session_totals import (
    SessionTotals,
    change_pct,
    first_values,
    last_values,
    sum_in_order,
)
from tapedeck.engine.tape.session_view import SessionView
from tests.support.naive import in_order
from tests.support.tapes import compute, random_values, same_bits, slots_of, tape_over

GRIDS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(0, 12)),
    elements=st.floats(1, 100) | st.just(float("nan")),
)


@given(GRIDS)
def test_last_and_first_values_equal_a_search_along_the_row(values: np.ndarray) -> None:
    for row, last, first in zip(values, last_values(values), first_values(values), strict=True):
        there = [value for value in row if not np.isnan(value)]
        np.testing.assert_equal(last, there[-1] if there else np.nan)
        np.testing.assert_equal(first, there[0] if there else np.nan)


@given(GRIDS)
def test_sums_skip_missing_values_and_run_in_order(values: np.ndarray) -> None:
    for row, total in zip(values, sum_in_order(values), strict=True):
        assert total == in_order(row[~np.isnan(row)])


@pytest.mark.parametrize("rows", [7, 8, 128, 129, 137])
def test_sums_of_many_rows_have_the_bits_of_sums_of_one(rows: int) -> None:
    random = np.random.default_rng(rows)
    values = random.uniform(-1, 1000, (rows, 50))
    values[random.random(values.shape) < 0.3] = np.nan
    values[0] = np.nan
    chosen = random.random(values.shape) < 0.5
    for present in (~np.isnan(values), chosen & ~np.isnan(values)):
        expected = [in_order(row[there]) for row, there in zip(values, present, strict=True)]
        assert same_bits(sum_in_order(values, present), np.array(expected))
    assert not same_bits(np.nansum(values, axis=1), sum_in_order(values))


@given(GRIDS, st.integers(0, 12))
def test_values_are_found_below_a_column_and_at_columns(values: np.ndarray, copies: int) -> None:
    # Wide rows with few values are searched in steps.
    wide = np.concatenate([values, np.full((len(values), 9 * copies), np.nan)], axis=1)
    over = np.arange(wide.shape[1] + 1)
    columns = last_columns(wide, over)
    for stop in (0, wide.shape[1] // 2, wide.shape[1]):
        assert last_column(wide, stop).tolist() == columns[:, stop].tolist()
    for row, found in zip(wide, columns.tolist(), strict=True):
        there = [-1, *(column for column, value in enumerate(row) if not np.isnan(value))]
        assert found == [max(column for column in there if column < stop) for stop in over]
    at = np.sort(np.random.default_rng(copies).integers(-1, max(0, wide.shape[1] - 1), (len(wide), 3)))
    assert same_bits(held_at(wide, at), taken(wide, np.take_along_axis(columns, at + 1, axis=1)))


@given(GRIDS, st.integers(1, 4))
def test_bars_are_counted_back_alike_at_one_frontier_and_at_many(values: np.ndarray, back: int) -> None:
    wide = np.repeat(values, 4, axis=1)
    present = ~np.isnan(wide)
    columns = columns_back(present, np.arange(wide.shape[1] + 1), back)
    for stop, expected in enumerate(columns.T.tolist()):
        assert columns_back(present, np.array([stop]), back)[:, 0].tolist() == expected


def test_totals_of_all_symbols_equal_those_of_each_symbol() -> None:
    slots = slots_of("2013-11-29", exchange="24/7")
    tape = compute(tape_over(slots, random_values(3, len(slots), seed=7, missing=0.1)))
    pairwise_sums = 0
    for frontier in (1, 100, 777, 1440):
        view = SessionView(tape, frontier)
        bars = tape.base.values[:, :, :frontier]
        volumes = view.day_figure("day_volume")
        pairwise_sums += int((np.nansum(bars[VOLUME], axis=1) != volumes).sum())
        for row, symbol in enumerate(view.symbols):
            own = bars[:, row, ~np.isnan(bars[CLOSE, row])]
            totals = view.totals(symbol)
            if not own.shape[1]:
                assert totals is None
                assert np.isnan([volumes[row], view.last_prices()[row]]).all()
                continue
            opened, last = float(own[OPEN, 0]), float(own[CLOSE, -1])
            expected = SessionTotals(
                opened, own[HIGH].max(), own[LOW].min(), last, float(in_order(own[VOLUME]))
            )
            assert totals == expected
            assert volumes[row] == totals.volume
            assert (view.first_opens()[row], view.last_prices()[row]) == (opened, last)
    assert pairwise_sums, "these volumes have the same sums in both orders of adding"


def test_a_reference_of_zero_gives_no_change() -> None:
    assert np.isnan(change_pct(np.array([0.0]), np.array([1.0]))).all()
