"""Prior close: each symbol's close of the trading day before, from which change and gap are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints, Mask
from tapedeck.engine.tape.row_selection import gathered


@dataclass(frozen=True, slots=True)
class PriorClose:
    """Prior close of each symbol; the arrays are read-only.

    `values`: float64 (S,), NaN where the trading day before has no bars: it is never taken from older days.
    `opened_at`: int64 (S,), label of the bar that it is the close of, seconds UTC; 0 where it is missing.
    `is_daily`: bool (S,), True where it is the close of the stored 1d bar, as the store has no bars of the
    base interval of that day.
    """

    values: Floats
    opened_at: Ints
    is_daily: Mask

    def __post_init__(self) -> None:
        for array in (self.values, self.opened_at, self.is_daily):
            array.flags.writeable = False

    @classmethod
    def unknown(cls, symbols: int) -> PriorClose:
        """Return missing prior closes."""
        return cls(
            np.full(symbols, np.nan), np.zeros(symbols, dtype=np.int64), np.zeros(symbols, dtype=np.bool_)
        )

    @classmethod
    def gathered(cls, pieces: Sequence[tuple[PriorClose, Ints]]) -> PriorClose:
        """Return the prior closes of rows of one or more tapes."""
        return cls(
            gathered([(known.values, rows) for known, rows in pieces]),
            gathered([(known.opened_at, rows) for known, rows in pieces]),
            gathered([(known.is_daily, rows) for known, rows in pieces]),
        )
