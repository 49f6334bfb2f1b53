"""The coverage map: symbols by trading days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from tapedeck.console.app.widgets.downsample import slot_bounds, window_means
from tapedeck.console.app.widgets.shade_map import CellMessage, Floats, ShadeMap

_SPACING: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class CoverageData:
    """What is stored: `pct`, percentage of the slots of a day that have a bar, shape (S, days)."""

    symbols: tuple[str, ...]
    days: tuple[date, ...]
    pct: Floats

    @property
    def columns(self) -> int:
        """How many days there are."""
        return len(self.days)


class CoverageMap(ShadeMap[CoverageData]):
    """What is stored before play: full, partial (how much) or missing, a cell for one or more days."""

    EMPTY_TEXT = "no coverage yet: it is measured from the store"

    class Chosen(CellMessage):
        """A cell was clicked: its symbol, and the first of its days."""

        def __init__(self, coverage_map: CoverageMap, symbol: str, day: date) -> None:
            super().__init__(coverage_map, symbol)
            self.day = day

    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the fraction that is missing of each cell's days."""
        return window_means(1.0 - self.data.pct[rows] / 100.0, len(self.data.days), cells)

    def present_pct(self, rows: slice) -> Floats:
        """Return the mean percentage over the days."""
        pct: Floats = self.data.pct[rows].mean(axis=1)
        return pct

    def axis(self, cells: int) -> dict[int, str]:
        """Return the dates of the first day, and of those that a month begins with where there is room."""
        days = self.data.days
        first = slot_bounds(len(days), cells)[0].tolist()
        labels: dict[int, str] = {}
        free = 0
        for cell, number in enumerate(first):
            day = days[number]
            new = cell == 0 or number != first[cell - 1]
            text = f"{day:%Y-%m-%d}" if not labels else f"{day:%d %b}"
            if new and cell >= free and cell + len(text) <= cells:
                labels[cell] = text
                free = cell + len(text) + _SPACING
        return labels

    def chosen(self, symbol: str, column: int) -> Chosen:
        """Name a day."""
        return self.Chosen(self, symbol, self.data.days[column])
