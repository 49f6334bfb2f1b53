"""Slice: the bars of all symbols that end at one moment, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from tapedeck.engine.strategies.slot_values import SlotValues
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, BarGrid, Floats, Ints, Mask


class Slice:
    """Bars of one interval that end at one moment. Arrays are copies, and read-only, one value per symbol.

    `symbols`: of the strategy, in the order of the rows; `rows`: the place of each. `opened_at`, `closed_at`:
    of the bars, in the zone of the exchange. Values that are missing are NaN.
    """

    __slots__ = (
        "_bars",
        "_column",
        "_grid",
        "_tape_rows",
        "_values",
        "closed_at",
        "opened_at",
        "rows",
        "symbols",
    )

    def __init__(
        self,
        symbols: tuple[str, ...],
        rows: Mapping[str, int],
        opened_at: datetime,
        closed_at: datetime,
        grid: BarGrid,
        column: int,
        tape_rows: Ints | slice,
        values: SlotValues,
    ) -> None:
        self.symbols, self.rows = symbols, rows
        self.opened_at, self.closed_at = opened_at, closed_at
        self._grid, self._column, self._tape_rows = grid, column, tape_rows
        self._values = values
        self._bars: Floats | None = None

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def bars(self) -> Floats:
        """Open, high, low, close and volume of each symbol, float64 (5, S)."""
        bars = self._bars
        if bars is None:
            bars = self._bars = self._grid.values[:, self._tape_rows, self._column].copy()
            bars.flags.writeable = False
        return bars

    @property
    def open(self) -> Floats:
        """Opens, float64 (S,)."""
        return self._field(OPEN)

    @property
    def high(self) -> Floats:
        """Highs, float64 (S,)."""
        return self._field(HIGH)

    @property
    def low(self) -> Floats:
        """Lows, float64 (S,)."""
        return self._field(LOW)

    @property
    def close(self) -> Floats:
        """Closes, float64 (S,)."""
        return self._field(CLOSE)

    @property
    def volume(self) -> Floats:
        """Volumes, float64 (S,)."""
        return self._field(VOLUME)

    @property
    def bid(self) -> Floats:
        """Bids as they stand now, float64 (S,); NaN unless the session streams quotes."""
        return self._quote("bid")

    @property
    def ask(self) -> Floats:
        """Asks as they stand now, float64 (S,); NaN unless the session streams quotes."""
        return self._quote("ask")

    def _field(self, field: int) -> Floats:
        values: Floats = self.bars[field]
        return values

    def _quote(self, name: str) -> Floats:
        if name in self._values.names:
            return self._values.of(name, self._tape_rows)
        missing = np.full(len(self), np.nan)
        missing.flags.writeable = False
        return missing

    @property
    def present(self) -> Mask:
        """Whether a symbol has a bar, bool (S,)."""
        present: Mask = self._grid.present[self._tape_rows, self._column].copy()
        present.flags.writeable = False
        return present

    def value(self, name: str) -> Floats:
        """Return a value as rules read it: the last one known at this moment, float64 (S,).

        `name`: an indicator, a bar field, `last`, `change_pct` and so on. EngineError for another name.
        """
        return self._values.of(name, self._tape_rows)
