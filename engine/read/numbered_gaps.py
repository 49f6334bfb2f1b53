"""Gaps with the numbers of their events, which they keep while bars are corrected and rows change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tapedeck.engine.quality.gaps_and_scores import GapRuns
from tapedeck.engine.tape.bar_grid import Ints, Mask


@dataclass(frozen=True, slots=True)
class NumberedGaps:
    """Gaps of many symbols, and the number of each: int64 (m,)."""

    runs: GapRuns
    numbers: Ints

    @classmethod
    def joined(cls, parts: Sequence[NumberedGaps]) -> NumberedGaps:
        """Return the gaps of several parts, at least one."""
        runs = [part.runs for part in parts]
        joined = GapRuns(
            np.concatenate([part.rows for part in runs]),
            np.concatenate([part.first for part in runs]),
            np.concatenate([part.last for part in runs]),
        )
        return cls(joined, np.concatenate([part.numbers for part in parts]))

    def chosen(self, which: Mask) -> NumberedGaps:
        """Return some of the gaps; bool (m,)."""
        runs = GapRuns(self.runs.rows[which], self.runs.first[which], self.runs.last[which])
        return NumberedGaps(runs, self.numbers[which])

    def in_rows(self, rows: Ints) -> NumberedGaps:
        """Return the gaps with other rows, int64 (m,)."""
        return replace(self, runs=replace(self.runs, rows=rows))

    def continued(self, after: GapRuns, slots: int, number: int) -> NumberedGaps:
        """Return the gaps of later bars with their numbers; new ones count from `number` + 1.

        The first part that is left of a gap keeps its number. `after`: in the order of numbering; `slots`:
        number of slots of the session.
        """
        held = _held_by(after, self.runs, slots)
        is_new = np.ones(len(held), dtype=np.bool_)
        is_new[np.unique(held, return_index=True)[1]] = False
        is_new |= held < 0
        numbers = np.empty(len(held), dtype=np.int64)
        numbers[~is_new] = self.numbers[held[~is_new]]
        numbers[is_new] = np.arange(number + 1, number + 1 + np.count_nonzero(is_new))
        return NumberedGaps(after, numbers)


def _held_by(after: GapRuns, before: GapRuns, slots: int) -> Ints:
    """Return for each gap the earlier one in which it begins, as its index, -1 for none."""
    if not len(before.rows):
        return np.full(len(after.rows), -1, dtype=np.int64)
    # The only candidate is the last that begins at or before it, in the order of rows.
    by_row = np.lexsort((before.first, before.rows))
    begins = before.rows[by_row] * slots + before.first[by_row]
    found = np.searchsorted(begins, after.rows * slots + after.first, side="right") - 1
    held: Ints = by_row[found]
    lies_in = (found >= 0) & (before.rows[held] == after.rows) & (after.first <= before.last[held])
    return np.where(lies_in, held, -1)
