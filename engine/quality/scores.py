"""Quality scores: of the slots that are over, the percentage that has a bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL_SCORE = 100.0


def score(present: int, expected: int) -> float:
    """Return the percentage of expected slots that have a bar; 100 while none is expected."""
    return FULL_SCORE if expected == 0 else present * FULL_SCORE / expected


class RunningScores:
    """Counts bars on from block to block, and writes the scores of S symbols over k = 0 … n.

    `values`: float64, shape (S, n + 1), in percent, with `values[:, 0]` 100: the array to write into.
    """

    __slots__ = ("_counted", "_present", "values")

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.values = values
        self._present: NDArray[np.int64] = np.zeros(values.shape[0], dtype=np.int64)
        self._counted = 0

    def advance(self, present: NDArray[np.bool_], stop: int, *, full: bool = False) -> None:
        """Score the slots up to `stop`; `present`: bool (S, n), whether each slot has a bar.

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
        out = self.values[:, start + 1 : stop + 1]
        np.multiply(counts, FULL_SCORE, out=out)
        out /= np.arange(start + 1, stop + 1)
        self._counted = stop
