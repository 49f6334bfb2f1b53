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

    __slots__ = ("_is_shared", "_memory", "fields", "length", "uniform", "values")

    def __init__(self, fields: Sequence[int], symbols: int, capacity: int) -> None:
        self.fields = tuple(fields)
        # With rows to spare for symbols that join, as new memory takes far longer to write.
        self._memory: dict[int, Floats] = {}
        self.values: dict[int, Floats] = {}
        for field in self.fields:
            self._keep(field, _memory_for(symbols, capacity), symbols)
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
            for field, values in self.values.items():
                self._keep(field, values.copy(), len(values))
            self._is_shared = False
        longest = int(part.length.max(initial=0))
        for field in self.fields:
            self.values[field][rows, :longest] = part.values[field][:, :longest]
        self.length[rows] = part.length
        self._find_uniform()

    def change_rows(self, kept: Ints, part: CompactSeries, added: Ints, capacity: int) -> None:
        """Go on with the rows `kept`, ascending, then the rows `added` of `part`.

        `capacity`: bars that each row must have room for.
        """
        before, first = int(self.length[kept].max(initial=0)), len(kept)
        length = gathered([(self.length, kept), (part.length, added)])
        longest = int(part.length[added].max(initial=0))
        for field in self.fields:
            memory = self._memory[field]
            if self._is_shared or not _is_of_use(memory, len(length), capacity):
                memory = _memory_for(len(length), capacity)
                _copy_rows(memory, 0, self.values[field][:, :before], kept)
            else:
                _move_up(memory, kept)
            _copy_rows(memory, first, part.values[field][:, :longest], added)
            self._keep(field, memory, len(length))
        self.length, self._is_shared = length, False
        self._find_uniform()

    def _keep(self, field: int, memory: Floats, symbols: int) -> None:
        self._memory[field], self.values[field] = memory, memory[:symbols]

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


def _memory_for(symbols: int, capacity: int) -> Floats:
    """Return new memory for a field of some symbols, with rows to spare."""
    return np.empty((symbols + symbols // 16 + 1, capacity))


def _is_of_use(memory: Floats, symbols: int, capacity: int) -> bool:
    """Whether memory has room for so many symbols and bars, without too much of it unused."""
    return symbols <= len(memory) <= 2 * symbols + 2 and capacity <= memory.shape[1]


def _move_up(memory: Floats, kept: Ints) -> None:
    """Move the rows `kept`, ascending, to the top."""
    width, at = memory.shape[1], 0
    flat = memory.reshape(-1)  # numpy moves overlapping runs of one dimension without a copy between
    for run in runs_of(kept):
        if run.start != at:
            flat[at * width : (at + run.stop - run.start) * width] = flat[
                run.start * width : run.stop * width
            ]
        at += run.stop - run.start


def _copy_rows(memory: Floats, at: int, values: Floats, rows: Ints) -> None:
    """Copy some rows of `values` to the rows of memory from `at` on."""
    for run in runs_of(rows):
        stop = at + run.stop - run.start
        memory[at:stop, : values.shape[1]] = values[run]
        at = stop
