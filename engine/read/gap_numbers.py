"""Numbers of gaps: counted as they begin, and kept while bars are corrected and symbols join and leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tapedeck.engine.quality.gaps_and_scores import GapRuns, gap_runs, gaps_begin
from tapedeck.engine.tape.bar_grid import BarGrid, Ints, Mask
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True, slots=True)
class NumberedGaps:
    """Gaps, and the number of each, int64 (m,); slot by slot, then row by row."""

    runs: GapRuns
    numbers: Ints

    def continued(self, after: GapRuns, slots: int, number: int) -> NumberedGaps:
        """Return the gaps of corrected bars with their numbers; new ones count from `number` + 1.

        The first part that is left of a gap keeps its number. `slots`: number of slots of the session.
        """
        held = _held_by(after, self.runs, slots)
        is_new = np.ones(len(held), dtype=np.bool_)
        is_new[np.unique(held, return_index=True)[1]] = False
        is_new |= held < 0
        numbers = np.empty(len(held), dtype=np.int64)
        numbers[~is_new] = self.numbers[held[~is_new]]
        numbers[is_new] = np.arange(number + 1, number + 1 + np.count_nonzero(is_new))
        return NumberedGaps(after, numbers)


class _JoinedGaps(NamedTuple):
    """Numbers of the gaps of a row that begin in slots [start, stop), as it was not there to count them."""

    row: int
    start: int
    stop: int
    numbers: range


class GapNumbers:
    """Numbers the gaps of a session as its frontier advances; what has which number is found on demand.

    It only counts, so its cost is small for a run without a screen. Its rows are all `symbols` that were in
    the session, in the order of joining; one that joins again has its old row. A finished session keeps one
    bit per slot. Where a new edition fills a gap in part, what is left of it keeps its number; where it is
    split, the later parts get new ones. Gaps of a symbol that joins count as new, but those that were counted
    before it left. One that left has its gaps up to then.
    """

    def __init__(self, tape: Tape) -> None:
        self.symbols = list(tape.symbols)
        self.checked = 0
        self._slots = len(tape)
        self._edition = tape.edition
        self._base: BarGrid | None = tape.base
        self._packed: np.ndarray | None = None
        self._on_tape = tape.symbols
        self._rows: Ints | None = None  # of each symbol on the tape, -1 for one that left; None: the same
        self._left: dict[int, Mask] = {}
        self._numbers: list[Sequence[int]] = []
        self._joined: list[_JoinedGaps] = []

    @property
    def count(self) -> int:
        """Number of known gaps."""
        parts = (*self._numbers, *(joined.numbers for joined in self._joined))
        return sum(len(numbers) for numbers in parts)

    def advance(self, tape: Tape, number: int) -> tuple[int, bool]:
        """Check the slots up to the frontier, and number new gaps from `number` + 1 on.

        `tape`: the newest edition; an older one than that of the last call is ignored. Returns the last
        number used, and whether any gap has begun, ended or changed.
        """
        if tape.edition < self._edition:
            return number, False
        is_newer = tape.edition != self._edition
        if is_newer:
            number = self._follow(tape, number)
        number, is_changed = self._check(tape.base, tape.frontier, number)
        return number, is_changed or is_newer

    def finish(self) -> None:
        """Drop the grid, and keep its covered slots packed into bits."""
        self._packed = np.packbits(self._covered(), axis=1)
        self._base = None

    def numbered(self) -> NumberedGaps:
        """Return the known gaps, with their numbers."""
        runs = self._runs()
        numbers = np.empty(len(runs.rows), dtype=np.int64)
        is_counted = np.ones(len(numbers), dtype=np.bool_)
        for row, start, stop, known in self._joined:
            which = (runs.rows == row) & (start <= runs.first) & (runs.first < stop)
            numbers[which], is_counted[which] = known, False
        numbers[is_counted] = [number for counted in self._numbers for number in counted]
        self._keep(numbers)
        return NumberedGaps(runs, numbers)

    def is_open(self, row: int, last: int) -> bool:
        """Whether a gap has not ended yet: its last slot is the last one checked, before the close."""
        return last == self.checked - 1 and self.checked < self._slots and row not in self._left

    def _keep(self, numbers: Ints) -> None:
        self._numbers, self._joined = [numbers.tolist()], []

    def _follow(self, tape: Tape, number: int) -> int:
        """Take over a new edition, and return the last number used."""
        has_other_rows = tape.symbols != self._on_tape and tape.edition == self._edition + 1
        if has_other_rows and self._are_as_they_left(tape):
            return self._change_rows(tape, number)
        before = self.numbered()
        self._place(tape)
        after = before.continued(self._runs(), self._slots, number)
        self._keep(after.numbers)
        return max(number, int(after.numbers.max(initial=0)))

    def _are_as_they_left(self, tape: Tape) -> bool:
        """Whether symbols that join again were not corrected before the slot at which they left."""
        return all(
            np.array_equal(tape.base.covered_at(tape.rows[symbol], np.s_[: len(kept)]), kept)
            for row, kept in self._left.items()
            if (symbol := self.symbols[row]) in tape.rows
        )

    def _change_rows(self, tape: Tape, number: int) -> int:
        """Take over an edition that differs in its symbols alone: only those that join are counted."""
        left, known = self._left, len(self.symbols)
        self._place(tape)
        again = [row for row in left if row not in self._left]
        for row in (*again, *range(known, len(self.symbols))):
            start = len(left[row]) if row in left else 0
            covered = tape.base.covered_at(tape.rows[self.symbols[row]], np.s_[: self.checked])
            begun = int(np.count_nonzero(gaps_begin(covered[None, :])[0, start:]))
            self._joined.append(_JoinedGaps(row, start, self.checked, range(number + 1, number + 1 + begun)))
            number += begun
        return number

    def _place(self, tape: Tape) -> None:
        """Go on with another edition, and keep the covered slots of symbols that are not in it."""
        if tape.symbols != self._on_tape:
            before = self._rows_on_tape()
            known = set(self.symbols)
            self.symbols += [symbol for symbol in tape.symbols if symbol not in known]
            rows = np.array([tape.rows.get(symbol, -1) for symbol in self.symbols], dtype=np.int64)
            leaving = np.flatnonzero((before >= 0) & (rows[: len(before)] < 0)).tolist()
            left = {row: self._covered_of(row, int(before[row])) for row in leaving}
            self._left = {row: kept for row, kept in (self._left | left).items() if rows[row] < 0}
            self._on_tape, self._rows = tape.symbols, rows
        self._edition, self._base = tape.edition, tape.base

    def _rows_on_tape(self) -> Ints:
        return np.arange(len(self.symbols), dtype=np.int64) if self._rows is None else self._rows

    def _check(self, base: BarGrid, frontier: int, number: int) -> tuple[int, bool]:
        """Check the slots up to `frontier`; returns the last number used, and whether a gap has changed."""
        start = self.checked
        if frontier <= start:
            return number, False
        block = base.covered_at(np.s_[:], np.s_[start:frontier])
        before = (
            base.covered_at(np.s_[:], np.s_[start - 1 : start])[:, 0] if start else np.ones(len(block), bool)
        )
        self.checked = frontier
        begun = int(np.count_nonzero(gaps_begin(block, before)))
        if begun:
            self._numbers.append(range(number + 1, number + 1 + begun))
        # A gap ends where a run of bars begins, or at the close.
        ended = gaps_begin(~block, ~before).any() or (frontier == self._slots and not block[:, -1].all())
        return number + begun, bool(begun or ended)

    def _runs(self) -> GapRuns:
        """Return the gaps of the checked slots, slot by slot, then row by row: the order of numbering."""
        runs = gap_runs(self._covered())
        order = np.lexsort((runs.rows, runs.first))
        return GapRuns(runs.rows[order], runs.first[order], runs.last[order])

    def _covered(self) -> Mask:
        """Return True for each checked slot with a bar, or confirmed empty, or after its symbol left."""
        if self._base is None:
            assert self._packed is not None  # `finish` has packed what the tape had
            return np.unpackbits(self._packed, axis=1, count=self.checked).astype(np.bool_)
        if self._rows is None:
            return self._base.covered_at(np.s_[:], np.s_[: self.checked])
        covered = self._base.covered_at(self._rows, np.s_[: self.checked])
        for row, kept in self._left.items():
            covered[row, : len(kept)], covered[row, len(kept) :] = kept, True
        return covered

    def _covered_of(self, row: int, on_tape: int) -> Mask:
        if self._base is None:
            kept: Mask = self._covered()[row]
            return kept
        return self._base.covered_at(on_tape, np.s_[: self.checked]).copy()


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
