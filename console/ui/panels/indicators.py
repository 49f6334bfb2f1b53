"""Indicators of the focused symbol: those of the session by interval, and those from history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from console.ui.grid_text import MISSING, Cell, figure, grid
from console.ui.panels.figure_text import FigureText
from console.ui.panels.panel import Panel
from console.ui.playback import Picture, Playback
from console.ui.screen_data import Table
from console.ui.widgets import sparkline
from engine.tape.bar_grid import Floats
from engine.tape.historical_value import HistoricalValue

_TREND = 12


class IndicatorsPanel(Panel):
    """Value, trend and interval of every indicator of one symbol."""

    NAME: ClassVar[str] = "indicators"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.symbol = playback.plan.symbols[0]
        self._text = FigureText(classes="figures")
        self._scroll = VerticalScroll(self._text)

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self._scroll

    def show(self, picture: Picture) -> None:
        """Show the symbol's indicators at a moment."""
        session = [
            (name, Cell(interval, "$text-muted"), figure(value), _trend(values))
            for name, interval, value, values in self._session(picture)
        ]
        history = [
            (name, figure(value), Cell(how, "$text-muted")) for name, value, how in self._history(picture)
        ]
        if not session and not history:
            self.face("empty", "the session file names no indicators: add some under session_data_config")
            return
        self.fill()
        parts = [Content.styled(self.symbol, "bold")]
        if session:
            parts.append(grid(["session", "of", "value", "trend"], session, right="llr"))
        if history:
            parts += [Content(""), grid(["before today", "value", "from"], history, right="lr")]
        self._text.show(Content("\n").join(parts))

    def as_table(self, picture: Picture) -> Table:
        """Return the indicators and their values."""
        rows = [(self.symbol, name, interval, value) for name, interval, value, _ in self._session(picture)]
        rows += [(self.symbol, name, how, value) for name, value, how in self._history(picture)]
        return Table.of(["symbol", "indicator", "from", "value"], rows)

    def keyboard_target(self) -> Widget:
        """Return the scrolling list."""
        return self._scroll

    def _session(self, picture: Picture) -> Iterator[tuple[str, str, float, Floats]]:
        view = picture.view
        assert view is not None
        row = view.row(self.symbol)
        for name in view.indicator_names():
            values = view.indicator_grid(name)[row]
            there = values[~np.isnan(values)]
            last = float(there[-1]) if len(there) else float("nan")
            yield name, str(view.indicator_interval(name)), last, values

    def _history(self, picture: Picture) -> Iterator[tuple[str, float, str]]:
        view, tape = picture.view, picture.tape
        assert view is not None
        assert tape is not None
        row = view.row(self.symbol)
        for name, value in tape.historical.items():
            at = min(view.frontier, value.values.shape[-1]) - 1 if value.per_minute else 0
            number_, used = _historical_cell(value, row, max(at, 0))
            per = ", this minute" if value.per_minute else " sessions"
            yield name, number_, f"{used} of {value.asked}{per}"


def _historical_cell(value: HistoricalValue, row: int, at: int) -> tuple[float, int]:
    if value.per_minute:
        return float(value.values[row, at]), int(value.used[row, at])
    return float(value.values[row]), int(value.used[row])


def _trend(values: Floats) -> Cell:
    text = sparkline(values[-_TREND:], _TREND)
    return Cell(text.strip() or MISSING, "$text-accent")
