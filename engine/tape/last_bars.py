"""Last bars: a series at the last bars of each symbol, gathered from one or more sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints, Mask
from tapedeck.engine.tape.bars_back import last_columns_present
from tapedeck.engine.tape.held_values import taken


@dataclass(frozen=True, slots=True)
class LastBars:
    """A series at the last bars of some symbols; missing bars are skipped.

    `values`: float64 (rows, n), oldest first. `counts`: int64 (rows,), number of bars found, at most n, which
    stand at the end of a row, behind NaN. `traded`: bool (rows,), whether the last session has any of them.
    """

    values: Floats
    counts: Ints
    traded: Mask

    @classmethod
    def of(cls, values: Floats, present: Mask, count: int) -> LastBars:
        """Return the last `count` of the `present` values of each row, both of shape (rows, columns)."""
        columns = last_columns_present(present, count)
        counts = np.count_nonzero(columns >= 0, axis=1).astype(np.int64)
        return cls(taken(values, columns), counts, counts > 0)

    @classmethod
    def none(cls, rows: int, count: int) -> LastBars:
        """Return no bars at all."""
        return cls.of(np.full((rows, count), np.nan), np.zeros((rows, count), dtype=np.bool_), count)

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.values.nbytes + self.counts.nbytes + self.traded.nbytes

    def after(self, earlier: LastBars) -> LastBars:
        """Return these bars with those of earlier sessions before them, n in all."""
        length = self.values.shape[1]
        values = np.concatenate([earlier.values, self.values], axis=1)
        present = np.concatenate([earlier._present(), self._present()], axis=1)
        return replace(LastBars.of(values, present, length), traded=self.traded)

    def _present(self) -> Mask:
        length = self.values.shape[1]
        present: Mask = np.arange(length) >= length - self.counts[:, None]
        return present
