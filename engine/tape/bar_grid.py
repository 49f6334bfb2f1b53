"""Grid of a session's bars: one row per symbol, one column per slot."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.tape.row_selection import gathered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Counts = NDArray[np.int32]
Mask = NDArray[np.bool_]

OPEN: Final = 0
HIGH: Final = 1
LOW: Final = 2
CLOSE: Final = 3
VOLUME: Final = 4
FIELDS: Final = ("open", "high", "low", "close", "volume")


class PackedRows(NamedTuple):
    """One field of bars without the missing ones: row r is `values[r, starts[r]:stops[r]]`."""

    values: Floats
    starts: list[int]
    stops: list[int]


class BarGrid:
    """Bars of S symbols over n slots (or buckets).

    `values`: float64, shape (5, S, n), in the order of `FIELDS`; NaN in all five for a missing bar.
    `present`: bool, shape (S, n), True for each bar. `confirmed_empty`: bool, shape (S, n), True for each
    slot without a bar in which history has no trade, so that none is expected; None without any. `full`: True
    if no bar is missing, which allows faster reductions with the same bits; None while bars are written.
    `packed`: cache of the whole grid without its missing bars, by field; history is read from it.
    `written_to`: end of the slots that `write_bars` has written.
    """

    __slots__ = ("confirmed_empty", "full", "packed", "present", "values", "written_to")

    def __init__(
        self,
        values: Floats,
        present: Mask | None = None,
        *,
        full: bool | None = None,
        confirmed_empty: Mask | None = None,
    ) -> None:
        self.values = values
        self.confirmed_empty = confirmed_empty
        self.present: Mask = ~np.isnan(values[CLOSE]) if present is None else present
        self.full = full
        self.packed: dict[int, PackedRows] = {}
        self.written_to = 0

    @classmethod
    def empty(cls, symbols: int, slots: int) -> BarGrid:
        """Return a grid without bars."""
        shape = (symbols, slots)
        return cls(np.full((5, *shape), np.nan), np.zeros(shape, dtype=np.bool_))

    @classmethod
    def loaded(cls, values: Floats, confirmed_empty: Mask | None = None) -> BarGrid:
        """Return the grid of loaded values (5, S, n); a bar is present where its close is not NaN.

        `confirmed_empty`: bool (S, n), slots that a store holds as empty; those with a bar do not count.
        """
        present = ~np.isnan(values[CLOSE])
        empty = None if confirmed_empty is None else confirmed_empty & ~present
        if empty is not None and not empty.any():
            empty = None
        return cls(values, present, full=bool(present.all()), confirmed_empty=empty)

    @property
    def covered(self) -> Mask:
        """True for each slot with a bar, and for each that is confirmed empty; the others are gaps."""
        return self.present if self.confirmed_empty is None else self.present | self.confirmed_empty

    def covered_at(self, rows: int | slice | Ints, slots: slice | Ints) -> Mask:
        """Return `covered` at some rows and slots, as numpy's indexing; the rest is not computed."""
        present: Mask = self.present[rows, slots]
        return present if self.confirmed_empty is None else present | self.confirmed_empty[rows, slots]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of symbols, number of slots."""
        return self.present.shape[0], self.present.shape[1]

    def write_bar(self, row: int, slot: int, bar: tuple[float, float, float, float, float]) -> None:
        """Write one bar (in the order of `FIELDS`) into its slot, over an earlier one. Grid's owner only."""
        self.write_bars(np.array([row]), np.array([slot]), np.array(bar, dtype=np.float64)[:, None])

    def write_bars(self, rows: Ints, slots: Ints, values: Floats) -> None:
        """Write bars into their slots, over earlier ones. Grid's owner only.

        `rows`, `slots`: int64 (m,); `values`: float64 (5, m), NaN for no bar. Of several for one slot the
        last counts.
        """
        self.values[:, rows, slots] = canonical(values.copy())
        self.present[rows, slots] = ~np.isnan(values[CLOSE])
        self.written_to = max(self.written_to, int(slots.max(initial=-1)) + 1)
        if self.confirmed_empty is not None:
            self.confirmed_empty[rows, slots] = False
        self.full = None
        self.packed = {}

    def confirm_empty(self, rows: Ints, slots: Ints) -> None:
        """Mark slots as confirmed empty, but those with a bar; int64 (m,) each. Grid's owner only."""
        without = ~self.present[rows, slots]
        if without.any():
            self.confirmed_empty = self.empty_mask()
            self.confirmed_empty[rows[without], slots[without]] = True

    def empty_mask(self) -> Mask:
        """Return `confirmed_empty`, or False for each slot where it is None."""
        if self.confirmed_empty is None:
            return np.zeros(self.shape, dtype=np.bool_)
        return self.confirmed_empty

    def of_rows(self, rows: Ints) -> BarGrid:
        """Return a grid with copies of some rows."""
        empty = None if self.confirmed_empty is None else self.confirmed_empty[rows]
        return BarGrid(self.values[:, rows], self.present[rows], full=self.full, confirmed_empty=empty)

    @classmethod
    def gathered(cls, pieces: Sequence[tuple[Self, Ints]]) -> Self:
        """Return a grid with copies of rows of one or more grids over the same columns."""
        made = copy(pieces[0][0])
        made.values = gathered([(grid.values, rows) for grid, rows in pieces], axis=1)
        made.present = gathered([(grid.present, rows) for grid, rows in pieces])
        made.confirmed_empty = None
        if any(grid.confirmed_empty is not None for grid, _ in pieces):
            made.confirmed_empty = gathered([(grid.empty_mask(), rows) for grid, rows in pieces])
        is_written = any(grid.full is None for grid, _ in pieces)
        made.full = None if is_written else bool(made.present.all())
        made.packed = {}
        made.written_to = max(grid.written_to for grid, _ in pieces)
        return made

    def copied(self, values: Floats) -> Self:
        """Return a grid with copies of the arrays; `values`: that of the bars."""
        made = copy(self)
        made.values, made.present, made.packed = values, self.present.copy(), {}
        made.confirmed_empty = None if self.confirmed_empty is None else self.confirmed_empty.copy()
        return made

    def put_rows(self, rows: Ints, part: Self) -> None:
        """Write the rows of a smaller grid over `rows`. Grid's owner only."""
        self.values[:, rows], self.present[rows] = part.values, part.present
        if part.confirmed_empty is not None:
            self.confirmed_empty = self.empty_mask()
            self.confirmed_empty[rows] = part.confirmed_empty

    def end_at(self, column: int) -> None:
        """Remove the bars from a column on. Only before the grid is read."""
        self.values[:, :, column:] = np.nan
        self.present[:, column:] = False
        self.full, self.packed = None, {}

    def is_full(self, start: int, stop: int) -> bool:
        """Whether every symbol has every bar of slots [start, stop)."""
        return self.full is True or bool(self.present[:, start:stop].all())


def canonical(values: Floats) -> Floats:
    """Write the one quiet NaN over every NaN, 0.0 over every -0.0; then equal numbers have equal bits."""
    values += 0.0
    missing = np.isnan(values)
    if missing.any():
        values[missing] = np.nan
    return values
