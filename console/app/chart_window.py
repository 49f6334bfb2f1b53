"""Window of a chart: which candles are on view, held at their times while the clock goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tapedeck.console.app.widgets.chart_data import ChartData, ChartWindow


@dataclass(frozen=True, slots=True)
class HeldWindow:
    """Part of the candles on view. It stays at its candles when newer ones come.

    `candles`: how many, None for the usual number. `last_at`: open of the last one on view, seconds UTC, None
    at now. `cursor_at`: open of the one under the crosshair, None without a crosshair.
    """

    candles: int | None = None
    last_at: int | None = None
    cursor_at: int | None = None

    @property
    def is_at_now(self) -> bool:
        """Whether the newest candle is on view, without a crosshair."""
        return self.last_at is None and self.cursor_at is None

    def over(self, data: ChartData) -> ChartWindow:
        """Return the window over some candles; what is after them, as in the past, is cut."""
        last = self._last(data)
        behind = len(data) - 1 - last
        cursor = None if self.cursor_at is None else max(last - _candle_at(data, self.cursor_at), 0)
        return ChartWindow(self.candles, behind, cursor if len(data) else None)

    def now(self) -> HeldWindow:
        """Return the window at now, without a crosshair; of the usual width if it is there already."""
        return HeldWindow() if self.is_at_now else HeldWindow(self.candles)

    def panned(self, data: ChartData, candles: int, visible: int) -> HeldWindow:
        """Return the window moved to later candles, or to earlier ones; the crosshair moves with it.

        `visible`: how many candles are on view: as many stay.
        """
        last, end = self._last(data), len(data) - 1
        moved = min(max(last + candles, min(visible - 1, end)), end)
        held = replace(self, last_at=None if moved >= end else int(data.opened_at[moved]))
        if self.cursor_at is None or not len(data):
            return held
        cursor = _candle_at(data, self.cursor_at)
        return held.with_cursor(data, min(max(cursor, moved - visible + 1), moved))

    def zoomed(self, candles: int) -> HeldWindow:
        """Return the window with another number of candles."""
        return replace(self, candles=candles)

    def pointed(self, data: ChartData, steps: int, visible: int) -> HeldWindow:
        """Return the window with the crosshair moved by candles; it begins at the last one on view.

        At an edge, the window moves with it.
        """
        if not len(data):
            return self
        last = self._last(data)
        start = last if self.cursor_at is None else _candle_at(data, self.cursor_at) + steps
        return self.pointed_at(data, start, visible)

    def pointed_at(self, data: ChartData, candle: int, visible: int) -> HeldWindow:
        """Return the window with the crosshair at a candle, which it has on view."""
        if not len(data):
            return self
        last, candle = self._last(data), min(max(candle, 0), len(data) - 1)
        beyond = max(candle - last, 0) + min(candle - (last - visible + 1), 0)
        moved = self.panned(data, beyond, visible) if beyond else self
        return moved.with_cursor(data, candle)

    def with_cursor(self, data: ChartData, candle: int) -> HeldWindow:
        """Return the window with the crosshair at a candle on view."""
        return replace(self, cursor_at=int(data.opened_at[candle]))

    def _last(self, data: ChartData) -> int:
        """Return the index of the last candle on view."""
        return len(data) - 1 if self.last_at is None else max(_candle_at(data, self.last_at), 0)


def _candle_at(data: ChartData, opened_at: int) -> int:
    """Return the index of the last candle that opened at or before a time, seconds UTC; at least 0."""
    return max(int(np.searchsorted(data.opened_at, opened_at, side="right")) - 1, 0)
