"""Gaps and quality scores: one rule for each, for panels, conditions, events, coverage and exports.

A gap is a run of elapsed slots that lack a bar. A score is the percentage of expected slots with a bar. A
slot without a bar in which history has no trade (confirmed empty) lacks nothing, and expects none. Input of
gaps is `covered`: bool, for each elapsed slot True if it has a bar or is confirmed empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

FULL_SCORE = 100.0
"""Score in percent without missing bars, before the first slot is over, and if quality is not measured."""

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


# Gaps


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of missing slots from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """Number of missing slots."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class GapRuns:
    """Gaps of many symbols as columns, int64 (m,): row, first and last slot of each."""

    rows: Ints
    first: Ints
    last: Ints


def gaps_begin(covered: Mask, before: Mask | None = None) -> Mask:
    """Return True for each first slot of a gap, shape of `covered` (S, k).

    `before`: bool (S,), the slot before the first one; None if the first slot is at the open.
    """
    begin = ~covered
    if begin.shape[1]:
        begin[:, 1:] &= covered[:, :-1]
        if before is not None:
            begin[:, 0] &= before
    return begin


def gap_runs(covered: Mask) -> GapRuns:
    """Return all gaps of `covered` (S, k), row by row, in order of slots."""
    rows, first = _places(gaps_begin(covered))
    # In reverse order a gap begins at its end; each row has equally many of both, in the same order.
    _, last = _places(gaps_begin(covered[:, ::-1])[:, ::-1])
    return GapRuns(rows, first, last)


def _places(mask: Mask) -> tuple[Ints, Ints]:
    """Return rows and columns as `nonzero` does, which is far slower for two dimensions."""
    rows, columns = np.divmod(np.flatnonzero(mask), max(1, mask.shape[1]))
    return rows, columns


def find_gaps(covered: Mask) -> tuple[Gap, ...]:
    """Return the gaps of one symbol, in order; `covered`: (k,)."""
    runs = gap_runs(covered[None, :])
    return tuple(Gap(a, b) for a, b in zip(runs.first.tolist(), runs.last.tolist(), strict=True))


def gap_slots(covered: Mask) -> list[int]:
    """Return the slots in which a gap of any symbol begins, in order; `covered`: (S, k)."""
    slots: list[int] = np.flatnonzero(gaps_begin(covered).any(axis=0)).tolist()
    return slots


# Scores


@overload
def score(present: int, expected: int) -> float: ...


@overload
def score(
    present: NDArray[np.integer], expected: NDArray[np.integer] | int, out: Floats | None = None
) -> Floats: ...


def score(
    present: int | NDArray[np.integer],
    expected: int | NDArray[np.integer],
    out: Floats | None = None,
) -> float | Floats:
    """Return the percentage of expected slots with a bar; 100 where 0 are expected.

    Takes two integers, or arrays with shapes that broadcast. `out`: float64 array for the result.
    """
    if isinstance(present, int) and isinstance(expected, int):
        return FULL_SCORE if expected == 0 else present * FULL_SCORE / expected
    result = np.multiply(present, FULL_SCORE, out=out)
    with np.errstate(divide="ignore", invalid="ignore"):
        result /= expected
    np.copyto(result, FULL_SCORE, where=np.equal(expected, 0))
    return result


class RunningScores:
    """Counts bars and empty slots from block to block, and writes the scores of S symbols at k = 0 … n.

    `values`: float64, shape (S, n + 1), the array to write, in percent; `values[:, 0]` must be 100 already.
    """

    __slots__ = ("_counted", "_empty", "_present", "values")

    def __init__(self, values: Floats) -> None:
        self.values = values
        self._present: Ints = np.zeros(values.shape[0], dtype=np.int64)
        self._empty: Ints = np.zeros(values.shape[0], dtype=np.int64)
        self._counted = 0

    @property
    def counted(self) -> int:
        """The frontier up to which scores are written."""
        return self._counted

    def move_to(self, values: Floats, part: RunningScores, rows: Ints) -> None:
        """Go on in another array of scores, with `rows` as `part` has counted them alone."""
        self._present[rows] = part._present
        self._empty[rows] = part._empty
        self.values = values

    def change_rows(self, values: Floats, kept: Ints, part: RunningScores | None) -> None:
        """Go on in another array of scores, of the rows `kept`, then all rows of `part`, counted as far."""
        self._present, self._empty = self._present[kept], self._empty[kept]
        if part is not None:
            self._follow_with(part)
        self.values = values

    def _follow_with(self, part: RunningScores) -> None:
        self._present = np.concatenate([self._present, part._present])
        self._empty = np.concatenate([self._empty, part._empty])

    def advance(self, present: Mask, stop: int, *, empty: Mask | None = None, full: bool = False) -> None:
        """Write the scores up to frontier `stop`.

        `present`: (S, n), True for each bar; `empty`: (S, n), True for each confirmed-empty slot without a
        bar. `full`: True if every slot of the session has a bar, which skips the counting.
        """
        start = self._counted
        if stop <= start:
            return
        if full:
            self.values[:, start + 1 : stop + 1] = FULL_SCORE
            self._present[...] = self._counted = stop
            return
        counts = _counted_on(self._present, present[:, start:stop])
        self._present = counts[:, -1].copy()
        expected = np.arange(start + 1, stop + 1)
        if empty is not None:
            empties = _counted_on(self._empty, empty[:, start:stop])
            self._empty = empties[:, -1].copy()
            expected = expected - empties
        score(counts, expected, out=self.values[:, start + 1 : stop + 1])
        self._counted = stop


def _counted_on(before: Ints, chosen: Mask) -> Ints:
    """Return the number of chosen slots after each slot of a block, int64 (S, k), with those before it."""
    counts = np.cumsum(chosen, axis=1, dtype=np.int64)
    counts += before[:, None]
    return counts


@dataclass(frozen=True, slots=True)
class HistoricalQuality:
    """Quality of a symbol's history of one interval: number of bars present, and expected by the calendar.

    `expected`: None if quality is not measured; the score then is 100 by convention.
    """

    actual: int
    expected: int | None

    @property
    def percent(self) -> float:
        """The score, in percent."""
        return FULL_SCORE if self.expected is None else score(self.actual, self.expected)

    @property
    def measured(self) -> bool:
        """Whether quality is measured."""
        return self.expected is not None
