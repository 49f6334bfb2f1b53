"""Gap map: symbols by slots of a session."""

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
    """Bars of a session: `present`, shape (S, k), for the k slots that are over, of `slots` in all.

    `covered`: shape (S, k), slots with a bar or confirmed to have none. `opened_at`: labels of the session's
    slots as far as they are known, seconds UTC, shape (k,) or longer. `zone`: time zone of the axis.
    `corrected`: bars that were corrected or filled late, (S, k), None without. `later`: symbols that join
    after this time, which are dimmed.
    """

    symbols: tuple[str, ...]
    present: Mask
    covered: Mask
    slots: int
    opened_at: Ints
    zone: ZoneInfo
    corrected: Mask | None = None
    later: frozenset[str] = frozenset()

    @property
    def columns(self) -> int:
        """Number of slots in the session."""
        return self.slots


class GapMap(ShadeMap[GapMapData]):
    """Missing bars by symbol and time: a cell is a few slots, shaded by the fraction without a bar."""

    EMPTY_TEXT = "no session yet: missing bars show as it plays"

    class Seek(CellMessage):
        """Posted when a cell is clicked: its symbol, and the first of its slots."""

        def __init__(self, gap_map: GapMap, symbol: str, slot: int) -> None:
            super().__init__(gap_map, symbol)
            self.slot = slot

    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the fraction of each cell's slots that are over and lack a bar."""
        return window_means(~self.data.covered[rows], self.data.slots, cells)

    def marked(self, rows: slice, cells: int) -> Mask | None:
        """Return the cells with a corrected bar."""
        corrected = self.data.corrected
        if corrected is None:
            return None
        found: Mask = window_means(corrected[rows], self.data.slots, cells) > 0
        return found

    def is_dimmed(self, symbol: str) -> bool:
        """Whether the symbol joins later."""
        return symbol in self.data.later

    def present_pct(self, rows: slice) -> Floats:
        """Return the percentage that has a bar, of the expected slots that are over; NaN if none is over."""
        present, covered = self.data.present[rows], self.data.covered[rows]
        if not present.shape[1]:
            return np.full(len(present), np.nan)
        counts: Ints = np.count_nonzero(present, axis=1)
        missing: Ints = np.count_nonzero(~covered, axis=1)
        return score(counts, counts + missing)

    def axis(self, cells: int) -> dict[int, str]:
        """Return times in the exchange's zone, for the slots known so far."""
        data = self.data
        first, _ = slot_bounds(data.slots, cells)
        opened_at = data.opened_at[: data.slots]
        columns = np.searchsorted(first, np.arange(len(opened_at)), side="right") - 1
        labels = clock_labels(opened_at, columns.tolist(), data.zone)
        return {int(columns[index]): text for index, text in labels.items()}

    def click_message(self, symbol: str, column: int) -> Seek:
        """Return the message of a clicked slot."""
        return self.Seek(self, symbol, column)
