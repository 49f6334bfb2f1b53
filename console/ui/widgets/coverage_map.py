"""The coverage map: symbols by trading days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from textual import events
from textual.message import Message

from console.ui.widgets.map_data import CoverageData, Floats
from console.ui.widgets.shade_map import ShadeMap
from console.ui.widgets.shares import slot_bounds, window_means

_SPACING: Final = 2


class CoverageMap(ShadeMap):
    """What is stored before play: full, partial (how much) or missing, a cell for one or more days."""

    EMPTY_TEXT = "no coverage yet: it is measured from the store"

    class Chosen(Message):
        """A cell was clicked: its symbol, and the first of its days."""

        def __init__(self, coverage_map: CoverageMap, symbol: str, day: date) -> None:
            super().__init__()
            self.coverage_map = coverage_map
            self.symbol = symbol
            self.day = day

        @property
        def control(self) -> CoverageMap:
            """The map."""
            return self.coverage_map

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data: CoverageData | None = None

    def show(self, data: CoverageData) -> None:
        """Show this coverage."""
        if not data.symbols or not data.days:
            self.show_empty()
            return
        self._data = data
        self.rows_changed()

    def labels(self) -> Sequence[str]:
        """Return the symbols."""
        return () if self._data is None else self._data.symbols

    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the fraction that is missing of each cell's days."""
        assert self._data is not None
        return window_means(1.0 - self._data.pct[rows] / 100.0, len(self._data.days), cells)

    def present_pct(self, rows: slice) -> Floats:
        """Return the mean percentage over the days."""
        assert self._data is not None
        pct: Floats = self._data.pct[rows].mean(axis=1)
        return pct

    def axis(self, cells: int) -> dict[int, str]:
        """Return the dates of the first day, and of those that a month begins with where there is room."""
        assert self._data is not None
        days = self._data.days
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

    def on_click(self, event: events.Click) -> None:
        """Choose the day under the mouse."""
        place, data = event.get_content_offset(self), self._data
        if place is None or data is None or self._notice is not None:
            return
        left, cells = self.track()
        row = self.row_at(place.y)
        if row is not None and left <= place.x < left + cells:
            event.stop()
            number = int(slot_bounds(len(data.days), cells)[0][place.x - left])
            self.post_message(self.Chosen(self, data.symbols[row], data.days[number]))
