"""Sessions whose symbols join and leave while they are played, without a store or threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.run.editions import mended
from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid, Floats, Ints
from tapedeck.engine.tape.tape import IndicatorColumn, Tape
from tests.support.editions import USUAL, Late, Market, corrections_of

DAYS_PER_SESSION = 10
"""Days and weeks of history of a symbol for each session of finer bars that it has."""


def changed_tape(tape: Tape, kept: Ints, part: Tape | None = None) -> Tape:
    """Return a tape of the rows `kept` of one, then all of `part`, with arrays of its own."""
    pieces = [(tape, kept)] if part is None else [(tape, kept), (part, np.arange(len(part.symbols)))]
    symbols = tuple(one.symbols[row] for one, chosen in pieces for row in chosen.tolist())
    made = Tape.over(tape.slots, symbols, BarGrid.empty(len(symbols), len(tape)), derived=list(tape.derived))
    for name, column in tape.indicators.items():
        values = np.empty((len(symbols), column.values.shape[1]))
        made.set_indicator(IndicatorColumn(name, column.interval, values))
    for name, value in tape.historical.items():
        shape = (len(symbols), *value.values.shape[1:])
        made.historical[name] = replace(value, values=np.empty(shape), used=np.empty(shape, dtype=np.int64))
    first = 0
    for one, chosen in pieces:
        _put_rows(made, slice(first, first + len(chosen)), one, chosen)
        first += len(chosen)
    made.frontier, made.processed, made.scored = tape.frontier, tape.processed, tape.scored
    return made


def _put_rows(made: Tape, at: slice, tape: Tape, chosen: Ints) -> None:
    for interval in tape.intervals:
        grid, own = tape.grid(interval), made.grid(interval)
        own.values[:, at], own.present[at] = grid.values[:, chosen], grid.present[chosen]
    for interval, derived in tape.derived.items():
        made.derived[interval].base_bars[at] = derived.base_bars[chosen]
    rows, slots = np.nonzero((tape.base.covered & ~tape.base.present)[chosen])
    made.base.confirm_empty(rows + at.start, slots)
    for name, column in tape.indicators.items():
        made.indicators[name].values[at] = column.values[chosen]
    for name, value in tape.historical.items():
        made.historical[name].values[at] = value.values[chosen]
        made.historical[name].used[at] = value.used[chosen]
    assert tape.scores is not None
    assert made.scores is not None
    made.scores[at] = tape.scores[chosen]


class ChangingSession:
    """A session played in blocks, with rows of a market that join and leave, and corrections, between them.

    `depths`: for each row of the market, the number of earlier sessions that the store has of it. `rows`: the
    rows of the market that are on the tape, in the tape's order. `input`, `empty`: all bars and confirmed
    empty slots of the market so far.
    """

    def __init__(self, market: Market, values: Floats, depths: Sequence[int], rows: Sequence[int]) -> None:
        self.market, self.depths, self.rows = market, depths, list(rows)
        self.input = values.copy()
        self.empty = np.zeros(values.shape[1:], dtype=np.bool_)
        self.tape, self._computer, self._scores = self.loaded(rows)

    def loaded(
        self, rows: Sequence[int], cuts: Sequence[int] = ()
    ) -> tuple[Tape, BlockComputer, RunningScores]:
        """Return some rows as they are loaded alone, played in blocks that end at `cuts`."""
        at = np.array(rows, dtype=np.int64)
        whole = self.market.tape(self.input, self.empty)
        tape = whole.of_rows(at)
        tape.historical[USUAL] = whole.historical[USUAL].of_rows(at)
        depth = max((self.depths[row] for row in rows), default=0)
        history = {interval: self._history(interval, at, depth) for interval in self.market.history}
        computer = replace(self.market, history=history, symbols=tape.symbols).computer(tape)
        assert tape.scores is not None
        scores = RunningScores(tape.scores)
        for start, stop in pairwise(sorted({0, *cuts})):
            computer.compute(start, stop)
            scores.advance(tape.base.present, stop, empty=tape.base.confirmed_empty)
            tape.frontier = tape.processed = tape.scored = stop
        return tape, computer, scores

    def _history(self, interval: Interval, rows: Ints, depth: int) -> list[BarGrid]:
        """Return the last sessions of some rows, each without the bars that its store lacks."""
        grids = [grid.values[:, rows] for grid in self.market.history[interval]]
        sessions = np.array([self.depths[row] for row in rows])
        if interval.is_intraday:
            for age, values in enumerate(reversed(grids)):
                values[:, sessions <= age] = np.nan
            return [BarGrid.loaded(values) for values in grids[len(grids) - depth :]]
        (values,) = grids
        back = np.arange(values.shape[2])[::-1]
        values[:, back >= DAYS_PER_SESSION * sessions[:, None]] = np.nan
        return [BarGrid.loaded(values[:, :, values.shape[2] - DAYS_PER_SESSION * depth :])] if depth else []

    def play(self, slots: int, *, hidden: int = 0) -> None:
        """Compute some slots more, and reveal all but the last `hidden` of them."""
        tape = self.tape
        stop = min(len(tape), tape.processed + slots)
        if stop > tape.processed:
            self._computer.compute(tape.processed, stop)
        self._scores.advance(tape.base.present, stop, empty=tape.base.confirmed_empty)
        tape.processed = tape.scored = stop
        tape.frontier = max(tape.frontier, stop - hidden)

    def change(self, leaving: Sequence[int], joining: Sequence[int]) -> None:
        """Let rows of the market leave, and others join, together."""
        kept = np.flatnonzero(~np.isin(self.rows, leaving))
        tape, processed = self.tape, self.tape.processed
        if not joining:
            self.tape = changed_tape(tape, kept)
            self._computer.change_rows(self.tape, kept, None)
            self._change_scores(kept, None)
        else:
            part, computer, scores = self.loaded(joining, [processed])
            self.tape = changed_tape(tape, kept, part)
            self._computer.change_rows(self.tape, kept, computer)
            self._change_scores(kept, scores)
        self.rows = [*(self.rows[at] for at in kept), *joining]

    def _change_scores(self, kept: Ints, part: RunningScores | None) -> None:
        assert self.tape.scores is not None
        self._scores.change_rows(self.tape.scores, kept, part)

    def correct(self, late: Sequence[Late]) -> None:
        """Correct bars of rows of the market, together; a row that joins later has them."""
        for row, slot, bar in late:
            if bar is None:
                self.empty[row, slot] = True
            else:
                self.input[:, row, slot] = bar
        self.empty &= np.isnan(self.input[CLOSE])
        there = [(self.rows.index(row), slot, bar) for row, slot, bar in late if row in self.rows]
        behind = [one for one in there if one[1] < self.tape.writable_from]
        if behind:
            self.tape = mended(self.tape, corrections_of(behind), self._computer, self._scores)
        ahead = corrections_of([one for one in there if one[1] >= self.tape.writable_from])
        self.tape.base.write_bars(ahead.rows, ahead.slots, ahead.values)
        self.tape.base.confirm_empty(ahead.empty_rows, ahead.empty_slots)

    def expected(self) -> Tape:
        """Return what the tape must be: its rows of a tape that had all rows of the market from the open."""
        whole, _, _ = self.loaded(range(len(self.depths)), [self.tape.processed])
        return changed_tape(whole, np.array(self.rows, dtype=np.int64))
