"""A historical indicator's value, as it stood before the session."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tapedeck.engine.tape.bar_grid import Floats, Ints


class TrailingKind(Enum):
    """How earlier bars become one value."""

    AVERAGE = "trailing_average"
    MAX = "trailing_max"
    MIN = "trailing_min"


@dataclass(frozen=True, slots=True)
class HistoricalValue:
    """A historical indicator of all symbols before one session.

    `values`: float64, shape (S,) for days, (S, minutes of the session) for minutes; NaN where nothing was
    there to compute from. `used`: int64, same shape, how many earlier bars went in; `asked`: how many
    sessions the period holds.
    """

    name: str
    kind: TrailingKind
    per_minute: bool
    values: Floats
    used: Ints
    asked: int
