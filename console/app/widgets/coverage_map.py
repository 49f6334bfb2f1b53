"""Coverage map: symbols by trading days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from tapedeck.console.app.widgets.downsample import slot_bounds, window_means
from tapedeck.console.app.widgets.shade_map import CellMessage, Floats, ShadeMap

_SPACING: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class CoverageData:
    """Coverage of the store: `pct`, percentage of the slots of a day that have a bar, shape (S, days)."""

    symbols: tuple[str, ...]
    days: tuple[date, ...]
    pct: Floats

    @property
    def columns(self) -> int:
        """Number of days."""
        return len(self.days)


class CoverageMap(ShadeMap[CoverageData]):
    """Stored bars by symbol and day: full, partial (shaded) or missing. A cell is one or more days."""

    EMPTY_TEXT = "no coverage yet: it is measured from the store"

    class Chosen(CellMessage):
        """Posted when a cell is clicked: its symbol, and the first of its days."""

        def __init__(self, coverage_map: CoverageMap, symbol: str, day: date) -> None:
            super().__init__(coverage_map, symbol)
            self.day = day

    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the missing fraction of each cell's days."""
        return window_means(1.0 - self.data.pct[rows] / 100.0, len(self.data.days), cells)

    def present_pct(self, rows: slice) -> Floats:
        """Return the mean percentage over the days."""
        pct: Floats = self.data.pct[rows].mean(axis=1)
        return pct

    def axis(self, cells: int) -> dict[int, str]:
        """Return dates: that of the first day in full, then those of later cells as far as they fit."""
        days = self.data.days
        first = slot_bounds(len(days), cells)[0].tolist()
        labels: dict[int, str] = {}
        next_free = 0
        for cell, number in enumerate(first):
            day = days[number]
            is_new_day = cell == 0 or number != first[cell - 1]
            text = f"{day:%Y-%m-%d}" if not labels else f"{day:%d %b}"
            if is_new_day and cell >= next_free and cell + len(text) <= cells:
                labels[cell] = text
                next_free = cell + len(text) + _SPACING
        return labels

    def click_message(self, symbol: str, column: int) -> Chosen:
        """Return the message of a clicked day."""
        return self.Chosen(self, symbol, self.data.days[column])
