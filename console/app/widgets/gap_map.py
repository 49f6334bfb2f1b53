"""The gap map: symbols by time."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.downsample import slot_bounds, window_means
from tapedeck.console.app.widgets.shade_map import CellMessage, Floats, ShadeMap
from tapedeck.console.app.widgets.time_axis import clock_labels
from tapedeck.engine.quality.gaps_and_scores import Ints, score

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class GapMapData:
    """Which bars there are: `present`, shape (S, k), of the k slots that are over, of `slots` in all.

    `opened_at`: labels of the session's slots as far as they are known, seconds UTC, shape (k,) or longer;
    shown in `zone`.
    """

    symbols: tuple[str, ...]
    present: Mask
    slots: int
    opened_at: Ints
    zone: ZoneInfo

    @property
    def columns(self) -> int:
        """The slots of the session."""
        return self.slots


class GapMap(ShadeMap[GapMapData]):
    """Where bars are missing: a cell for a few slots, shaded by the fraction that has no bar."""

    EMPTY_TEXT = "no session yet: gaps show as it plays"

    class Seek(CellMessage):
        """A cell was clicked: its symbol, and the first of its slots."""

        def __init__(self, gap_map: GapMap, symbol: str, slot: int) -> None:
            super().__init__(gap_map, symbol)
            self.slot = slot

    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the fraction of each cell's slots that are over and have no bar."""
        return window_means(~self.data.present[rows], self.data.slots, cells)

    def present_pct(self, rows: slice) -> Floats:
        """Return the percentage of the slots that are over and have a bar."""
        present = self.data.present[rows]
        if not present.shape[1]:
            return np.full(len(present), np.nan)
        counts: Ints = np.count_nonzero(present, axis=1)
        return score(counts, present.shape[1])

    def axis(self, cells: int) -> dict[int, str]:
        """Return times of the exchange, as far as the slots are known."""
        data = self.data
        first, _ = slot_bounds(data.slots, cells)
        opened_at = data.opened_at[: data.slots]
        columns = np.searchsorted(first, np.arange(len(opened_at)), side="right") - 1
        labels = clock_labels(opened_at, columns.tolist(), data.zone)
        return {int(columns[index]): text for index, text in labels.items()}

    def chosen(self, symbol: str, column: int) -> Seek:
        """Ask for a slot."""
        return self.Seek(self, symbol, column)
