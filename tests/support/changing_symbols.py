"""Sessions whose symbols join and leave, made from a tape that has all of them from the open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.buckets import DerivedGrid
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape


class ChangingSession:
    """A session that begins with some symbols of a whole, computed tape; its editions have others.

    `whole`: what the rows of each edition are taken from. Bars of an edition are those up to the close.
    """

    def __init__(self, whole: Tape, opening: Sequence[str]) -> None:
        self.whole = whole
        self.opening = tuple(opening)
        self.tape = chosen(whole, opening)
        self.tape.frontier = 0

    def made(self, changes: Sequence[SymbolChange]) -> Tape:
        """Return the edition after some changes, which has not taken the place of the tape yet."""
        symbols = list(self.tape.symbols)
        for change in changes:
            if change.kind is ChangeKind.JOINED:
                symbols.append(change.symbol)
            else:
                symbols.remove(change.symbol)
        made = replace(
            chosen(self.whole, symbols),
            frontier=self.tape.frontier,
            edition=self.tape.edition + 1,
            identity=self.tape.identity,
            opening=self.opening,
            changes=(*self.tape.changes, *changes),
        )
        made.prior_close = chosen(self.whole, symbols).prior_close
        return made

    def put_in_place(self, made: Tape) -> None:
        """Put an edition in the place of the tape."""
        self.tape.lineage.current = self.tape = made

    def change_of(self, symbol: str) -> SymbolChange:
        """Return the change that has a symbol join, or leave if it is there."""
        kind = ChangeKind.LEFT if symbol in self.tape.rows else ChangeKind.JOINED
        return SymbolChange(kind, symbol, self.tape.frontier)


def chosen(whole: Tape, symbols: Sequence[str]) -> Tape:
    """Return a tape with copies of some rows of another, and all that was computed of them."""
    rows: Ints = np.array([whole.rows[symbol] for symbol in symbols], dtype=np.int64)
    made = replace(
        whole.of_rows(rows),
        derived={interval: _derived(grid, rows, len(symbols)) for interval, grid in whole.derived.items()},
        indicators={
            name: replace(column, values=column.values[rows]) for name, column in whole.indicators.items()
        },
        scores=None if whole.scores is None else whole.scores[rows],
        frontier=whole.frontier,
        processed=whole.processed,
        scored=whole.scored,
    )
    prior = whole.prior_close
    made.prior_close = PriorClose(prior.values[rows], prior.opened_at[rows], prior.is_daily[rows])
    return made


def _derived(grid: DerivedGrid, rows: Ints, symbols: int) -> DerivedGrid:
    made = DerivedGrid(grid.buckets, symbols)
    made.values, made.present, made.base_bars = grid.values[:, rows], grid.present[rows], grid.base_bars[rows]
    return made
