"""Values of a historical indicator, computed before the session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from tapedeck.engine.tape.bar_grid import Floats, Ints


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
