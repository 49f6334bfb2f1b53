"""Values of a historical indicator, computed before the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.row_selection import gathered


class TrailingKind(Enum):
    """Statistic over earlier bars."""

    AVERAGE = "trailing_average"
    MAX = "trailing_max"
    MIN = "trailing_min"


@dataclass(frozen=True, slots=True)
class HistoricalValue:
    """A historical indicator of all symbols for one session.

    `values`: float64, shape (S,) for days, (S, minutes of the session) for minutes; NaN without any earlier
    bar. `used`: int64, same shape, number of earlier bars in each value; `requested`: number of sessions in
    the period.
    """

    name: str
    kind: TrailingKind
    per_minute: bool
    values: Floats
    used: Ints
    requested: int

    def of_rows(self, rows: Ints) -> HistoricalValue:
        """Return the values of some symbols."""
        return replace(self, values=self.values[rows], used=self.used[rows])

    @classmethod
    def gathered(cls, pieces: Sequence[tuple[HistoricalValue, Ints]]) -> HistoricalValue:
        """Return the values of rows of one or more tapes."""
        return replace(
            pieces[0][0],
            values=gathered([(value.values, rows) for value, rows in pieces]),
            used=gathered([(value.used, rows) for value, rows in pieces]),
        )

    def missing(self, symbols: int) -> HistoricalValue:
        """Return missing values of other symbols."""
        shape = (symbols, *self.values.shape[1:])
        return replace(self, values=np.full(shape, np.nan), used=np.zeros(shape, dtype=np.int64))
