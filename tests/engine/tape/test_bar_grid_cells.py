"""Bar grid: presence, single bars, canonical bits."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, BarGrid, canonical

BAR = (10.0, 12.0, 9.0, 11.0, 500.0)


def test_an_empty_grid_has_no_bar_anywhere() -> None:
    grid = BarGrid.empty(2, 3)
    assert grid.shape == (2, 3)
    assert np.isnan(grid.values).all()
    assert not grid.present.any()
    assert not grid.is_full(0, 3)


def test_writing_the_same_bar_again_changes_nothing() -> None:
    grid = BarGrid.empty(2, 3)
    grid.write_bar(1, 2, BAR)
    once = grid.values.tobytes()
    grid.write_bar(1, 2, BAR)
    assert grid.values.tobytes() == once
    assert grid.values[:, 1, 2].tolist() == list(BAR)
    assert grid.present.tolist() == [[False] * 3, [False, False, True]]


def test_a_corrected_bar_replaces_the_one_before() -> None:
    grid = BarGrid.empty(1, 1)
    grid.write_bar(0, 0, BAR)
    grid.write_bar(0, 0, (1.0, 2.0, 1.0, 2.0, 3.0))
    assert grid.values[:, 0, 0].tolist() == [1.0, 2.0, 1.0, 2.0, 3.0]


def test_a_volume_of_minus_zero_is_written_as_zero() -> None:
    grid = BarGrid.empty(1, 1)
    grid.write_bar(0, 0, (1.0, 1.0, 1.0, 1.0, -0.0))
    assert not np.signbit(grid.values[VOLUME, 0, 0])


def test_loaded_bars_are_present_where_they_have_a_close() -> None:
    values = np.ones((5, 2, 2))
    values[:, 1, 0] = np.nan
    grid = BarGrid.loaded(values)
    assert grid.present.tolist() == [[True, True], [False, True]]
    assert grid.full is False
    assert grid.is_full(1, 2)
    assert not grid.is_full(0, 2)
    assert BarGrid.loaded(np.ones((5, 2, 2))).is_full(0, 2)
    assert BarGrid(values).present.tolist() == grid.present.tolist()


def test_a_grid_is_full_once_every_bar_is_written() -> None:
    grid = BarGrid.empty(1, 2)
    grid.write_bar(0, 0, BAR)
    assert grid.is_full(0, 1)
    assert not grid.is_full(0, 2)
    grid.write_bar(0, 1, BAR)
    assert grid.is_full(0, 2)


def test_fields_are_in_the_order_of_a_bar() -> None:
    assert (OPEN, HIGH, LOW, CLOSE, VOLUME) == (0, 1, 2, 3, 4)


def test_canonical_makes_equal_numbers_equal_bits() -> None:
    odd_nan = np.frombuffer(np.array([0xFFF8000000000123], dtype=np.uint64).tobytes(), dtype=np.float64)
    values = np.array([odd_nan[0], -0.0, 1.5, np.nan])
    expected = np.array([np.nan, 0.0, 1.5, np.nan])
    assert canonical(values) is values
    assert values.tobytes() == expected.tobytes()
    assert canonical(np.array([-0.0])).tobytes() == np.array([0.0]).tobytes()


def test_what_is_covered_at_some_cells_is_that_of_the_whole_grid() -> None:
    grid = BarGrid.empty(3, 4)
    grid.write_bar(0, 1, BAR)
    assert np.array_equal(grid.covered_at(np.s_[:], np.s_[:]), grid.covered)
    grid.confirm_empty(np.array([0, 2]), np.array([1, 3]))
    assert grid.covered.sum() == 2
    assert np.array_equal(grid.covered_at(np.s_[:], np.s_[1:3]), grid.covered[:, 1:3])
    assert np.array_equal(grid.covered_at(2, np.s_[:]), grid.covered[2])
    rows, slots = np.array([2, 0]), np.array([3, 0])
    assert grid.covered_at(rows, slots).tolist() == [True, False]
