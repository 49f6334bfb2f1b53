"""Cells of a session's grid: bars by row of their symbol and slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.feeds.feed_bar import FeedBar

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


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
class BarsInCells:
    """Bars that belong to a session, and the cell of each, in the same order."""

    bars: tuple[FeedBar, ...]
    cells: Cells


def bars_in_cells(bars: Sequence[FeedBar], row_of: Mapping[str, int], slots: SessionSlots) -> BarsInCells:
    """Return the bars of known symbols that open with a slot of the session, with their cells."""
    own = [bar for bar in bars if bar.symbol in row_of]
    rows = np.fromiter((row_of[bar.symbol] for bar in own), np.int64, len(own))
    opened = np.fromiter((bar.opened_at for bar in own), np.int64, len(own))
    labels = slots.stored_labels
    at = np.minimum(np.searchsorted(labels, opened), len(labels) - 1)
    fits = labels[at] == opened
    if not fits.all():
        own = [bar for bar, is_in in zip(own, fits.tolist(), strict=True) if is_in]
    return BarsInCells(tuple(own), Cells(rows[fits], at[fits].astype(np.int64)))
