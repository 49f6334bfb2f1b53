"""Gaps of many symbols at once, against the lists of single symbols."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tapedeck.engine.quality.gaps_and_scores import (
    Gap,
    find_gaps,
    gap_runs,
    gap_slots,
    gaps_begin,
)

PRESENT = arrays.arrays(np.bool_, st.tuples(st.integers(1, 3), st.integers(0, 15)))


@given(PRESENT)
def test_gap_slots_are_the_first_slots_of_listed_gaps(present: np.ndarray) -> None:
    listed = {gap.first for row in present for gap in find_gaps(row)}
    assert gap_slots(present) == sorted(listed)


@given(PRESENT)
def test_gap_runs_equal_the_gaps_of_each_symbol(present: np.ndarray) -> None:
    runs = gap_runs(present)
    found = list(zip(runs.rows.tolist(), runs.first.tolist(), runs.last.tolist(), strict=True))
    assert found == [(r, gap.first, gap.last) for r, row in enumerate(present) for gap in find_gaps(row)]
    assert all(Gap(first, last).count >= 1 for _, first, last in found)


@given(PRESENT, st.integers(0, 15))
def test_gaps_begin_at_the_same_slots_for_any_cut(present: np.ndarray, cut: int) -> None:
    cut = min(cut, present.shape[1])
    whole = gaps_begin(present)
    before = present[:, cut - 1] if cut else None
    assert np.array_equal(gaps_begin(present[:, cut:], before), whole[:, cut:])
