"""Gaps of many symbols at once are those that are listed one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tapedeck.engine.quality.gap_grids import gap_counts, gap_starts
from tapedeck.engine.quality.gaps import find_gaps

PRESENT = arrays.arrays(np.bool_, st.tuples(st.integers(1, 3), st.integers(0, 15)))


@given(PRESENT)
def test_gaps_are_counted_as_they_are_listed(present: np.ndarray) -> None:
    assert gap_counts(present).tolist() == [len(find_gaps(row)) for row in present]


@given(PRESENT)
def test_a_gap_of_any_symbol_begins_where_one_is_listed(present: np.ndarray) -> None:
    listed = {gap.first for row in present for gap in find_gaps(row)}
    assert set(np.flatnonzero(gap_starts(present)).tolist()) == listed
