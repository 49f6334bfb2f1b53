"""The one rule for a gap, and the one for a quality score.

A gap is a run of slots that are over and have no bar. A score is the percentage of expected slots that have
one. All take `present`: bool, whether each slot that is over has a bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

FULL_SCORE = 100.0
"""The score where nothing is missing, nothing is expected yet, or nothing is measured."""

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


# Gaps


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots [first, last], both missing and all between them too; `count` of them."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many slots the gap has."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class GapRuns:
    """The gaps of many symbols, by row and slot: int64 (m,), `last` included."""

    rows: Ints
    first: Ints
    last: Ints


def gaps_begin(present: Mask, before: Mask | None = None) -> Mask:
    """Return in which slots a gap begins, shape of `present` (S, k): a missing slot that follows none.

    `before`: bool (S,), whether the slot before the first one has a bar; None where that is the open.
    """
    begin = ~present
    if begin.shape[1]:
        begin[:, 1:] &= present[:, :-1]
        if before is not None:
            begin[:, 0] &= before
    return begin


def gap_runs(present: Mask) -> GapRuns:
    """Return all gaps of `present` (S, k), row by row, each row's in order."""
    rows, first = np.nonzero(gaps_begin(present))
    # Read backwards a gap begins where it ends; each row has as many ends as beginnings, in the same order.
    _, last = np.nonzero(gaps_begin(present[:, ::-1])[:, ::-1])
    return GapRuns(rows, first, last)


def find_gaps(present: Mask) -> tuple[Gap, ...]:
    """Return the gaps of one symbol, in order; `present`: (k,)."""
    runs = gap_runs(present[None, :])
    return tuple(Gap(a, b) for a, b in zip(runs.first.tolist(), runs.last.tolist(), strict=True))


def gap_counts(present: Mask) -> Ints:
    """Return how many gaps each symbol has, int64 (S,); `present`: (S, k)."""
    counts: Ints = np.count_nonzero(gaps_begin(present), axis=1).astype(np.int64)
    return counts


def gap_slots(present: Mask) -> list[int]:
    """Return the slots in which a gap of any symbol begins, in order; `present`: (S, k)."""
    slots: list[int] = np.flatnonzero(gaps_begin(present).any(axis=0)).tolist()
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
    """Return the percentage of expected slots that have a bar; 100 while none is expected.

    Numbers, or arrays whose shapes go together; `out`: float64, where the result is written.
    """
    if isinstance(present, int) and isinstance(expected, int):
        return FULL_SCORE if expected == 0 else present * FULL_SCORE / expected
    result = np.multiply(present, FULL_SCORE, out=out)
    with np.errstate(divide="ignore", invalid="ignore"):
        result /= expected
    np.copyto(result, FULL_SCORE, where=np.equal(expected, 0))
    return result


class RunningScores:
    """Counts bars on from block to block, and writes the scores of S symbols over k = 0 … n.

    `values`: float64, shape (S, n + 1), in percent, with `values[:, 0]` 100: the array to write into.
    """

    __slots__ = ("_counted", "_present", "values")

    def __init__(self, values: Floats) -> None:
        self.values = values
        self._present: Ints = np.zeros(values.shape[0], dtype=np.int64)
        self._counted = 0

    def advance(self, present: Mask, stop: int, *, full: bool = False) -> None:
        """Score the slots up to `stop`; `present`: (S, n).

        `full` says that every slot of the session has one: then there is nothing to count.
        """
        start = self._counted
        if stop <= start:
            return
        if full:
            self.values[:, start + 1 : stop + 1] = FULL_SCORE
            self._present[...] = self._counted = stop
            return
        counts = np.cumsum(present[:, start:stop], axis=1, dtype=np.int64)
        counts += self._present[:, None]
        self._present = counts[:, -1].copy()
        score(counts, np.arange(start + 1, stop + 1), out=self.values[:, start + 1 : stop + 1])
        self._counted = stop


@dataclass(frozen=True, slots=True)
class HistoricalQuality:
    """How complete a symbol's history of one interval is: bars there of bars that the calendar expects.

    `expected` is None where quality is not measured; the score then is 100 by convention.
    """

    actual: int
    expected: int | None

    @property
    def percent(self) -> float:
        """The score, in percent."""
        return FULL_SCORE if self.expected is None else score(self.actual, self.expected)

    @property
    def measured(self) -> bool:
        """Whether bars were counted."""
        return self.expected is not None
