"""Grid of a session's bars: one row per symbol, one column per slot."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    if no bar is missing, which allows faster reductions with the same bits; None while bars are being
    written. `packed`: cache of the whole grid without its missing bars, by field; history is read from it.
    """

    __slots__ = ("confirmed_empty", "full", "packed", "present", "values")

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

    @property
    def shape(self) -> tuple[int, int]:
        """Number of symbols, number of slots."""
        return self.present.shape[0], self.present.shape[1]

    def write_bar(self, row: int, slot: int, bar: tuple[float, float, float, float, float]) -> None:
        """Write one bar (in the order of `FIELDS`) into its slot, over an earlier one. Grid's owner only."""
        self.values[:, row, slot] = bar
        canonical(self.values[:, row, slot])
        self.present[row, slot] = True
        if self.confirmed_empty is not None:
            self.confirmed_empty[row, slot] = False
        self.full = None
        self.packed.clear()

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
