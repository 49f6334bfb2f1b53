"""Recorded bars: copies of a live session's bars, for the universe of its scanners."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.tape.bar_grid import Floats, Ints, Mask
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True, slots=True, eq=False)
class RecordedBars:
    """Bars of symbols that are recorded, as far as a session was revealed: k slots of its tape.

    `values`: float64 (5, R, k), NaN where a bar is missing; `empty`: bool (R, k), slots that are confirmed
    empty. The arrays are copies.
    """

    symbols: tuple[str, ...]
    values: Floats
    empty: Mask

    @classmethod
    def none(cls) -> RecordedBars:
        """Return no bars."""
        return cls((), np.empty((5, 0, 0)), np.empty((0, 0), dtype=np.bool_))

    @classmethod
    def of(cls, tape: Tape, symbols: Collection[str]) -> RecordedBars:
        """Return the bars of those of `symbols` that are on a tape; none unless it is over 1m bars."""
        there = tuple(symbol for symbol in tape.symbols if symbol in symbols)
        if tape.base_interval != MINUTE or not there:
            return cls.none()
        rows = np.array([tape.rows[symbol] for symbol in there], dtype=np.int64)
        base, k = tape.base, tape.frontier
        return cls(there, base.values[:, rows, :k], base.empty_mask()[rows, :k])

    def in_rows(self, row_of: Mapping[str, int]) -> tuple[Ints, Floats, Mask]:
        """Return the rows that a tape has for the symbols that are on it, int64 (r,), and their bars."""
        known = [at for at, symbol in enumerate(self.symbols) if symbol in row_of]
        rows = np.array([row_of[self.symbols[at]] for at in known], dtype=np.int64)
        return rows, self.values[:, known], self.empty[known]
