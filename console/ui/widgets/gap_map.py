"""The gap map: symbols by time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from textual import events
from textual.message import Message

from console.ui.widgets.map_data import Floats, GapMapData
from console.ui.widgets.shade_map import ShadeMap
from console.ui.widgets.shares import slot_bounds, window_means
from console.ui.widgets.time_axis import clock_labels


class GapMap(ShadeMap):
    """Where bars are missing: a cell for a few slots, shaded by the fraction that has no bar."""

    EMPTY_TEXT = "no session yet: gaps show as it plays"

    class Seek(Message):
        """A cell was clicked: its symbol, and the first of its slots."""

        def __init__(self, gap_map: GapMap, symbol: str, slot: int) -> None:
            super().__init__()
            self.gap_map = gap_map
            self.symbol = symbol
            self.slot = slot

        @property
        def control(self) -> GapMap:
            """The map."""
            return self.gap_map

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data: GapMapData | None = None

    def show(self, data: GapMapData) -> None:
        """Show these bars and gaps."""
        if not data.symbols or data.slots <= 0:
            self.show_empty()
            return
        self._data = data
        self.rows_changed()

    def labels(self) -> Sequence[str]:
        """Return the symbols."""
        return () if self._data is None else self._data.symbols

    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the fraction of each cell's slots that are over and have no bar."""
        assert self._data is not None
        return window_means(~self._data.present[rows], self._data.slots, cells)

    def present_pct(self, rows: slice) -> Floats:
        """Return the percentage of the slots that are over and have a bar."""
        assert self._data is not None
        present = self._data.present[rows]
        if not present.shape[1]:
            return np.full(len(present), np.nan)
        pct: Floats = 100.0 * np.mean(present, axis=1)
        return pct

    def axis(self, cells: int) -> dict[int, str]:
        """Return times of the exchange, as far as the slots are known."""
        assert self._data is not None
        first, _ = slot_bounds(self._data.slots, cells)
        opened_at = self._data.opened_at[: self._data.slots]
        columns = np.searchsorted(first, np.arange(len(opened_at)), side="right") - 1
        labels = clock_labels(opened_at, columns.tolist(), self._data.zone)
        return {int(columns[index]): text for index, text in labels.items()}

    def on_click(self, event: events.Click) -> None:
        """Ask for the slot under the mouse."""
        place, data = event.get_content_offset(self), self._data
        if place is None or data is None or self._notice is not None:
            return
        left, cells = self.track()
        row = self.row_at(place.y)
        if row is not None and left <= place.x < left + cells:
            event.stop()
            slot = int(slot_bounds(data.slots, cells)[0][place.x - left])
            self.post_message(self.Seek(self, data.symbols[row], slot))
