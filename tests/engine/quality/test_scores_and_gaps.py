"""Scores and gaps against loops over single slots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.quality.gaps_and_scores import Gap, HistoricalQuality, RunningScores, find_gaps, score
from tests.support.naive import gaps_by_walking
from tests.support.tapes import same_bits


def gaps_of(marks: str) -> list[tuple[int, int, int]]:
    """Return the gaps of slots written as `#` (a bar) and `.` (none)."""
    present = np.array([mark == "#" for mark in marks], dtype=np.bool_)
    return [(gap.first, gap.last, gap.count) for gap in find_gaps(present)]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("", []),
        ("####", []),
        ("..##", [(0, 1, 2)]),
        ("##..", [(2, 3, 2)]),
        ("#.##", [(1, 1, 1)]),
        ("....", [(0, 3, 4)]),
        (".", [(0, 0, 1)]),
        (".#.#..#", [(0, 0, 1), (2, 2, 1), (4, 5, 2)]),
    ],
)
def test_gaps_at_the_open_at_the_close_single_long_and_all_day(
    marks: str, expected: list[tuple[int, int, int]]
) -> None:
    assert gaps_of(marks) == expected


@given(st.lists(st.booleans(), max_size=80))
def test_gaps_equal_those_of_a_search_slot_by_slot(present: list[bool]) -> None:
    found = find_gaps(np.array(present, dtype=np.bool_))
    assert [(gap.first, gap.last, gap.count) for gap in found] == gaps_by_walking(present)
    assert sum(gap.count for gap in found) == present.count(False)


def test_a_gap_has_its_first_and_last_slot_and_its_count() -> None:
    assert Gap(3, 7).count == 5
    assert Gap(3, 7) == Gap(3, 7)


@pytest.mark.parametrize(
    ("present", "expected", "percent"),
    [(0, 0, 100.0), (0, 5, 0.0), (5, 5, 100.0), (195, 390, 50.0), (1, 3, 100 / 3)],
)
def test_the_score_is_the_percentage_of_expected_slots(present: int, expected: int, percent: float) -> None:
    assert score(present, expected) == percent


def test_unmeasured_history_has_a_score_of_100_and_is_marked() -> None:
    unmeasured, half = HistoricalQuality(7, None), HistoricalQuality(195, 390)
    assert (unmeasured.percent, unmeasured.measured) == (100.0, False)
    assert (half.percent, half.measured) == (50.0, True)
    assert HistoricalQuality(0, 0).percent == 100.0


def scored(present: np.ndarray, cuts: list[int]) -> np.ndarray:
    """Return the scores of a session with blocks that end at `cuts`."""
    symbols, slots = present.shape
    values = np.full((symbols, slots + 1), np.nan)
    values[:, 0] = 100.0
    running = RunningScores(values)
    for stop in (*cuts, slots):
        running.advance(present, stop)
    return values


@given(
    st.integers(1, 3).flatmap(
        lambda rows: st.lists(st.lists(st.booleans(), min_size=rows, max_size=rows), min_size=1, max_size=60)
    ),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_scores_equal_plain_counting_for_any_cut(columns: list[list[bool]], cuts: list[int]) -> None:
    present = np.array(columns, dtype=np.bool_).T.copy()
    inside = [cut for cut in cuts if cut <= present.shape[1]]
    values = scored(present, inside)
    for row in range(present.shape[0]):
        expected = [100.0] + [
            present[row, :k].tolist().count(True) * 100.0 / k for k in range(1, present.shape[1] + 1)
        ]
        assert values[row].tolist() == expected
    assert same_bits(values, scored(present, []))


def test_a_finished_block_is_not_counted_twice() -> None:
    present = np.array([[True, False, True, True]])
    assert scored(present, [3, 2, 3, 0]).tolist() == [[100.0, 100.0, 50.0, 200 / 3, 75.0]]
