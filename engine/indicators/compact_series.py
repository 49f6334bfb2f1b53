"""Compact series: bars without the missing ones, history first, as input of TA-Lib."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapedeck.engine.tape.bar_grid import BarGrid, Floats, Ints, PackedRows
from tapedeck.engine.tape.row_selection import gathered, runs_of


class CompactSeries:
    """Bars of S symbols without the missing ones, packed to the left, for the fields that indicators read.

    `values[f][row, :length[row]]`: a symbol's bars of field f, oldest first, history before the session.
    Indicators skip missing bars, as the series does not contain them.
    """

    __slots__ = ("_is_shared", "fields", "length", "uniform", "values")

    def __init__(self, fields: Sequence[int], symbols: int, capacity: int) -> None:
        self.fields = tuple(fields)
        self.values: dict[int, Floats] = {field: np.empty((symbols, capacity)) for field in self.fields}
        self.length: Ints = np.zeros(symbols, dtype=np.int64)
        # The common length of all rows while no bar is missing; None after.
        self.uniform: int | None = 0
        self._is_shared = False  # whether `packed_since` has given views of the values

    def append(self, grid: BarGrid, start: int, stop: int) -> None:
        """Append the bars of columns [start, stop) of a grid with the same rows."""
        if self.uniform is not None and grid.is_full(start, stop):
            first, last = self.uniform, self.uniform + stop - start
            for field in self.fields:
                self.values[field][:, first:last] = grid.values[field, :, start:stop]
            self.uniform = last
            self.length[:] = last
        elif stop - start == grid.shape[1] and all(field in grid.packed for field in self.fields):
            self._append_packed(grid)
        elif stop - start == 1:
            self._append_slot(grid, start)
        else:
            self._append_rows(grid, start, stop)

    def packed_since(self, lengths: list[int]) -> dict[int, PackedRows]:
        """Return the bars appended after the rows had the given lengths, as views without a copy."""
        self._is_shared = True
        return {field: PackedRows(self.values[field], lengths, self.length.tolist()) for field in self.fields}

    def take_rows(self, part: CompactSeries, rows: Ints) -> None:
        """Take rows from a series of these rows alone, which are not longer than this one's capacity."""
        if self._is_shared:
            self.values = {field: values.copy() for field, values in self.values.items()}
            self._is_shared = False
        longest = int(part.length.max(initial=0))
        for field in self.fields:
            self.values[field][rows, :longest] = part.values[field][:, :longest]
        self.length[rows] = part.length
        self._find_uniform()

    def change_rows(self, kept: Ints, part: CompactSeries, added: Ints, capacity: int) -> None:
        """Go on with the rows `kept`, then the rows `added` of `part`, in new arrays of a capacity."""
        length = gathered([(self.length, kept), (part.length, added)])
        longest = int(length.max(initial=0))
        values: dict[int, Floats] = {}
        for field in self.fields:
            made, at = np.empty((len(length), capacity)), 0
            for one, rows in ((self, kept), (part, added)):
                old = one.values[field][:, :longest]
                for run in runs_of(rows):
                    stop = at + run.stop - run.start
                    made[at:stop, : old.shape[1]] = old[run]
                    at = stop
            values[field] = made
        self.length, self.values, self._is_shared = length, values, False
        self._find_uniform()

    def _find_uniform(self) -> None:
        """Find the common length of all rows anew."""
        longest = int(self.length.max(initial=0))
        self.uniform = longest if (self.length == longest).all() else None

    def _append_packed(self, grid: BarGrid) -> None:
        for field in self.fields:
            packed, own = grid.packed[field], self.values[field]
            rows = zip(self.length.tolist(), packed.starts, packed.stops, strict=True)
            for row, (at, start, stop) in enumerate(rows):
                own[row, at : at + stop - start] = packed.values[row, start:stop]
        self.length += np.subtract(packed.stops, packed.starts)
        self.uniform = None

    def _append_slot(self, grid: BarGrid, slot: int) -> None:
        rows = np.flatnonzero(grid.present[:, slot])
        at = self.length[rows]
        for field in self.fields:
            self.values[field][rows, at] = grid.values[field, rows, slot]
        self.length[rows] += 1
        self.uniform = None

    def _append_rows(self, grid: BarGrid, start: int, stop: int) -> None:
        counts = grid.present[:, start:stop].sum(axis=1).tolist()
        whole = stop - start
        for row, (at, count) in enumerate(zip(self.length.tolist(), counts, strict=True)):
            if count == whole:
                for field in self.fields:
                    self.values[field][row, at : at + count] = grid.values[field, row, start:stop]
            elif count:
                here = grid.present[row, start:stop]
                for field in self.fields:
                    self.values[field][row, at : at + count] = grid.values[field, row, start:stop][here]
        self.length += counts
        self.uniform = None
