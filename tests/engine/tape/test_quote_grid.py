"""Quotes of a session: held from slot to slot, made of closes, corrected; against a plain walk."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid, Floats
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tests.support.quotes import held_by_walking, random_quote, random_quotes
from tests.support.tapes import random_values, same_bits, slots_of, tape_over

SLOTS = 40


def held(came: Floats, bars: Floats, cuts: list[int] = []) -> QuoteGrid:  # noqa: B006 - it is not changed
    """Return quotes that are held block by block."""
    grid, base = QuoteGrid(came.copy()), BarGrid.loaded(bars)
    for start, stop in pairwise(sorted({0, *cuts, came.shape[2]})):
        grid.hold(base, start, stop)
    return grid


@given(
    seed=st.integers(0, 2**20),
    quotes_missing=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    bars_missing=st.sampled_from([0.0, 0.5, 1.0]),
    cuts=st.lists(st.integers(0, SLOTS), max_size=8),
)
def test_any_cut_gives_the_quotes_of_a_plain_walk(
    seed: int, quotes_missing: float, bars_missing: float, cuts: list[int]
) -> None:
    came = random_quotes(4, SLOTS, seed=seed, missing=quotes_missing)
    bars = random_values(4, SLOTS, seed=seed % 1000, missing=bars_missing)
    grid = held(came, bars, cuts)
    assert grid.made.tolist() == [bool(np.isnan(came[:2, row]).all()) for row in range(4)]
    for row, made in enumerate(grid.made.tolist()):
        walked = held_by_walking(came[:, row], bars[CLOSE, row], made=made)
        assert same_bits(grid.values[:, row].copy(), walked)


@given(seed=st.integers(0, 2**20), slot=st.integers(1, SLOTS - 1))
def test_later_quotes_and_bars_change_no_earlier_value(seed: int, slot: int) -> None:
    came = random_quotes(4, SLOTS, seed=seed, missing=0.5)
    bars = random_values(4, SLOTS, seed=seed % 1000, missing=0.3)
    other, other_bars = came.copy(), bars.copy()
    other[:, :, slot:] = random_quotes(4, SLOTS, seed=seed + 3, missing=0.5)[:, :, slot:]
    other_bars[:, :, slot:] *= 2
    first, second = held(came, bars), held(other, other_bars)
    same = first.made == second.made  # decided for the whole session
    assert same_bits(first.values[:, same, :slot], second.values[:, same, :slot])


def test_a_side_holds_its_last_price_with_the_size_that_came_with_it() -> None:
    nan = np.nan
    came = np.array(
        [
            [[nan, 10.0, nan, 10.2, nan]],
            [[nan, 10.1, 10.3, nan, nan]],
            [[nan, 500.0, nan, nan, nan]],
            [[nan, 300.0, 200.0, nan, nan]],
        ]
    )
    grid = held(came, random_values(1, 5, seed=1))
    assert not grid.made[0]
    assert grid.values[0, 0].tolist()[1:] == [10.0, 10.0, 10.2, 10.2]
    assert grid.values[1, 0].tolist()[1:] == [10.1, 10.3, 10.3, 10.3]
    assert np.isnan(grid.values[:, 0, 0]).all()
    assert grid.values[2, 0, 1:3].tolist() == [500.0, 500.0]
    assert np.isnan(grid.values[2, 0, 3:]).all(), "the size of the bid 10.2 is not known"
    assert grid.values[3, 0].tolist()[1:] == [300.0, 200.0, 200.0, 200.0]


def test_a_quote_that_comes_behind_or_is_the_first_of_a_made_symbol_is_late() -> None:
    came = random_quotes(3, SLOTS, seed=3, missing=0.5)  # the first symbol has none
    grid = QuoteGrid(came)
    rows, slots = np.array([0, 0, 1, 1]), np.array([4, 20, 4, 20])
    assert grid.made.tolist() == [True, False, False]
    assert grid.is_late(rows, slots, 10).tolist() == [True, True, True, False]
    assert grid.is_late(rows, slots, 0).tolist() == [False] * 4


@given(
    seed=st.integers(0, 2**20),
    late=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, SLOTS - 1), st.integers(0, 999)), min_size=1, max_size=6
    ),
    reached=st.integers(1, SLOTS),
)
def test_corrected_quotes_are_those_that_were_there_from_the_start(
    seed: int, late: list[tuple[int, int, int]], reached: int
) -> None:
    came, bars = random_quotes(3, SLOTS, seed=seed, missing=0.8), random_values(3, SLOTS, seed=1, missing=0.2)
    base, grid = BarGrid.loaded(bars), QuoteGrid(came.copy())
    grid.hold(base, 0, reached)
    rows, slots = (np.array([one[at] for one in late], dtype=np.int64) for at in (0, 1))
    quotes = np.array([random_quote(number) for *_, number in late]).T
    grid.correct(base, rows, slots, quotes, reached)
    for (row, slot, _), quote in zip(late, quotes.T, strict=True):
        came[:, row, slot] = quote
    grid.hold(base, reached, SLOTS)
    assert same_bits(grid.came, came)
    expected = held(came, bars)
    assert same_bits(grid.values, expected.values)
    assert same_bits(grid.made, expected.made)


@pytest.mark.parametrize("first", [0, 5])
def test_the_first_quote_ends_that_a_symbol_is_made(first: int) -> None:
    grid, base = QuoteGrid.empty(2, 10), BarGrid.loaded(random_values(2, 10, seed=1))
    grid.hold(base, 0, first)
    quote = np.array([[50.0], [51.0], [1.0], [2.0]])
    if first:
        grid.correct(base, np.array([1]), np.array([7]), quote, first)
    else:
        grid.write_quotes(np.array([1]), np.array([7]), quote)
    grid.hold(base, first, 10)
    assert grid.made.tolist() == [True, False]
    assert np.isnan(grid.values[:, 1, :7]).all()
    assert grid.values[:, 1, 9].tolist() == [50.0, 51.0, 1.0, 2.0]


def test_a_symbol_whose_only_quote_is_taken_back_is_made_again() -> None:
    came = np.full((4, 1, 10), np.nan)
    came[:, 0, 3] = 50.0, 51.0, 1.0, 2.0
    base, grid = BarGrid.loaded(random_values(1, 10, seed=1)), QuoteGrid(came)
    grid.hold(base, 0, 6)
    assert not grid.made[0]
    grid.correct(base, np.array([0]), np.array([3]), np.full((4, 1), np.nan), 6)
    assert grid.made[0]
    assert grid.values[0, 0, :6].tolist() == base.values[CLOSE, 0, :6].tolist()


def test_quotes_count_in_the_size_of_a_tape() -> None:
    slots = slots_of("2013-11-29")
    tape = tape_over(slots, random_values(2, len(slots), seed=1))
    without = tape.nbytes
    tape.quotes = QuoteGrid.empty(2, len(slots))
    assert tape.nbytes - without == 2 * 4 * 2 * 210 * 8 + 2
