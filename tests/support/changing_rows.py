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
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape
from tests.support.editions import USUAL, Late, LateQuote, Market, is_nothing, parted, write_ahead

DAYS_PER_SESSION = 10
"""Days and weeks of history of a symbol for each session of finer bars that it has."""


class ChangingSession:
    """A session played in blocks, with rows of a market that join and leave, and corrections, between them.

    `depths`: for each row of the market, the number of earlier sessions that the store has of it. `rows`: the
    rows of the market that are on the tape, in the tape's order. `input`, `empty`, `quotes`: all bars,
    confirmed empty slots and quotes of the market so far.
    """

    def __init__(
        self,
        market: Market,
        values: Floats,
        depths: Sequence[int],
        rows: Sequence[int],
        quotes: Floats | None = None,
    ) -> None:
        self.market, self.depths, self.rows = market, depths, list(rows)
        self.input = values.copy()
        self.quotes = None if quotes is None else quotes.copy()
        self.empty = np.zeros(values.shape[1:], dtype=np.bool_)
        tape, self._computer, self._scores = self.loaded(rows)
        self.data = SessionData()
        for symbol in tape.symbols:
            self.data.register_symbol_data(symbol)
        self.data.load_tape(tape)

    @property
    def tape(self) -> Tape:
        """The newest edition."""
        return self.data.require_tape()

    def loaded(
        self, rows: Sequence[int], cuts: Sequence[int] = ()
    ) -> tuple[Tape, BlockComputer, RunningScores]:
        """Return some rows as they are loaded alone, played in blocks that end at `cuts`."""
        at = np.array(rows, dtype=np.int64)
        whole = self.market.tape(self.input, self.empty, self.quotes)
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
        tape = self.tape
        kept = np.flatnonzero(~np.isin(self.rows, leaving))
        loaded = self.loaded(joining, [tape.processed]) if joining else (None, None, None)
        made = tape.with_symbols(kept, loaded[0], self._changes(leaving, joining))
        self._computer.change_rows(made, kept, loaded[1])
        assert made.scores is not None
        self._scores.change_rows(made.scores, kept, loaded[2])
        self.data.replace_tape(made)
        self.rows = [*(self.rows[at] for at in kept), *joining]

    def _changes(self, leaving: Sequence[int], joining: Sequence[int]) -> list[SymbolChange]:
        names, frontier = self.market.symbols, self.tape.frontier
        left = [SymbolChange(ChangeKind.LEFT, names[row], frontier) for row in leaving]
        return [*left, *(SymbolChange(ChangeKind.JOINED, names[row], frontier) for row in joining)]

    def correct(self, late: Sequence[Late], quotes: Sequence[LateQuote] = ()) -> None:
        """Correct bars and quotes of rows of the market, together; a row that joins later has them."""
        for row, slot, bar in late:
            if bar is None:
                self.empty[row, slot] = True
            else:
                self.input[:, row, slot] = bar
        self.empty &= np.isnan(self.input[CLOSE])
        there = [(self.rows.index(row), slot, bar) for row, slot, bar in late if row in self.rows]
        if self.quotes is not None:
            for row, slot, quote in quotes:
                self.quotes[:, row, slot] = quote
        quoted = [(self.rows.index(row), slot, quote) for row, slot, quote in quotes if row in self.rows]
        behind, ahead = parted(self.tape, there, quoted)
        if not is_nothing(behind):
            self.data.replace_tape(mended(self.tape, behind, self._computer, self._scores))
        write_ahead(self.tape, ahead)

    def expected(self) -> Tape:
        """Return what the tape must be: one that had its rows from the open, played in one block."""
        return self.loaded(self.rows, [self.tape.processed])[0]
