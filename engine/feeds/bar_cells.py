"""Cells of a session's grid, by row of a symbol and slot; bars as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.feeds.feed_bar import FeedBar

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Positions in a grid (S, n): `rows` and `slots`, int64 (m,) each."""

    rows: Ints
    slots: Ints

    @classmethod
    def none(cls) -> Cells:
        """Return no cells."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, mask: Mask) -> Cells:
        """Return the cells that are True in a mask (S, n), row by row."""
        rows, slots = np.nonzero(mask)
        return cls(rows, slots)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, mask: Mask) -> Cells:
        """Return the cells at the True positions of a mask (m,)."""
        return Cells(self.rows[mask], self.slots[mask])

    def joined(self, others: Cells) -> Cells:
        """Return these cells, then the others."""
        return Cells(np.concatenate([self.rows, others.rows]), np.concatenate([self.slots, others.slots]))


@dataclass(frozen=True, slots=True, eq=False)
class BarTable:
    """Bars as columns, m of them: positions of their symbols among those given, opens, and values.

    `symbols`: int64 (m,). `opened_at`: int64 (m,), seconds UTC. `values`: float64 (5, m): open, high, low,
    close, volume.
    """

    symbols: Ints
    opened_at: Ints
    values: Floats

    @classmethod
    def of(cls, bars: Sequence[FeedBar], symbols: Sequence[str]) -> BarTable:
        """Return bars as columns; each must be of one of the symbols."""
        position = {symbol: n for n, symbol in enumerate(symbols)}
        count = len(bars)
        values = np.fromiter((value for bar in bars for value in bar[2:7]), np.float64, 5 * count)
        return cls(
            np.fromiter((position[bar.symbol] for bar in bars), np.int64, count),
            np.fromiter((bar.opened_at for bar in bars), np.int64, count),
            np.ascontiguousarray(values.reshape(count, 5).T),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RowChange:
    """Change of a grid's rows: `kept` of those before, int64 ascending, then those of `joined` symbols."""

    kept: Ints
    joined: tuple[str, ...]

    @classmethod
    def between(cls, before: Sequence[str], after: Sequence[str]) -> RowChange:
        """Return the change from some symbols to others, which begin with the kept ones, in order."""
        there = set(after)
        kept = [row for row, symbol in enumerate(before) if symbol in there]
        return cls(np.array(kept, dtype=np.int64), tuple(after[len(kept) :]))

    def symbols(self, before: Sequence[str]) -> tuple[str, ...]:
        """Return the symbols after the change."""
        return (*(before[row] for row in self.kept.tolist()), *self.joined)

    def places(self, before: int) -> Ints:
        """Return the row that each of the `before` rows has after the change, -1 for those cut out.

        At the end stands -1, for rows that were cut out before.
        """
        places = np.full(before + 1, -1, dtype=np.int64)
        places[self.kept] = np.arange(len(self.kept))
        return places

    def moved(self, cells: Cells, before: int) -> tuple[Cells, Mask]:
        """Return cells after the change, without those cut out, and which they are, bool (m,)."""
        rows = self.places(before)[cells.rows]
        return Cells(rows, cells.slots).where(rows >= 0), rows >= 0


def cells_of_bars(
    table: BarTable, symbols: Sequence[str], row_of: Mapping[str, int], slots: SessionSlots
) -> tuple[Cells, Mask]:
    """Return the cells of bars, and which bars have one, bool (m,): they open with a slot of the session.

    `symbols`: those to which the table's positions refer; a bar of one that is not in `row_of` has no cell.
    """
    labels = slots.stored_labels
    at = np.minimum(np.searchsorted(labels, table.opened_at), len(labels) - 1)
    fits: Mask = labels[at] == table.opened_at
    rows = np.array([row_of.get(symbol, -1) for symbol in symbols], dtype=np.int64)
    fits &= rows[table.symbols] >= 0
    return Cells(rows[table.symbols[fits]], at[fits].astype(np.int64)), fits
