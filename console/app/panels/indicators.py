"""Indicators panel: session indicators and historical ones of the focused symbol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from tapedeck.console.app.decimals import column_decimals, names_on_price_scale, sizes_of
from tapedeck.console.app.grid_text import MISSING, Cell, figure, grid_lines
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import StyledLines, sparkline
from tapedeck.console.panel_data.panel_tables import indicators_table
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.session_view import SessionView

_TREND = 12


class IndicatorsPanel(Panel):
    """Value, trend and interval of all indicators of a symbol."""

    NAME: ClassVar[str] = "indicators"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self._prices = names_on_price_scale(playback)
        self._lines = StyledLines()

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self._lines

    def show(self, view_state: ViewState) -> None:
        """Show the symbol's indicators at the time shown."""
        assert view_state.view is not None
        prices = _price_decimals(view_state.view, self.symbol)
        session = [
            (
                name,
                Cell(interval, "$text-muted"),
                figure(value, self._decimals(name, values, prices)),
                _trend(values),
            )
            for name, interval, value, values in self._session(view_state)
        ]
        history = [
            (name, figure(value, self._decimals(name, values, prices)), Cell(how, "$text-muted"))
            for name, value, how, values in self._history(view_state)
        ]
        if not session and not history:
            self.face("empty", "the session file has no indicators: add some under session_data_config")
            return
        self.fill()
        lines = [Content.styled(self.symbol, "bold")]
        if session:
            lines += grid_lines(["session", "of", "value", "trend"], session, right="llr")
        if history:
            lines += [Content(""), *grid_lines(["before today", "value", "from"], history, right="lr")]
        self._lines.show(lines)

    def as_table(self, view_state: ViewState) -> Table:
        """Return the indicators of the focused symbol and their values."""
        assert view_state.view is not None
        return indicators_table(view_state.view, [self.symbol])

    def keyboard_target(self) -> Widget:
        """Return the scrolling list."""
        return self._lines

    def _session(self, view_state: ViewState) -> Iterator[tuple[str, str, float, Floats]]:
        view = view_state.view
        assert view is not None
        row = view.row(self.symbol)
        for name in view.indicator_names():
            values = view.indicator_grid(name)[row]
            there = values[~np.isnan(values)]
            last = float(there[-1]) if len(there) else float("nan")
            yield name, str(view.indicator_interval(name)), last, values

    def _history(self, view_state: ViewState) -> Iterator[tuple[str, float, str, Floats]]:
        view = view_state.view
        assert view is not None
        row = view.row(self.symbol)
        for name in view.historical_names():
            known, shown = view.historical_value(name), view.historical(self.symbol, name)
            per = ", this minute" if known.per_minute else " sessions"
            # Known before the session, all of them.
            values = np.atleast_1d(known.values[row])
            yield name, shown.value, f"{shown.used} of {known.requested}{per}", values

    def _decimals(self, name: str, values: Floats, of_prices: int) -> int:
        """Return the decimals of an indicator; `values`: its values so far, shape (columns,)."""
        if name in self._prices:
            return of_prices
        return column_decimals(sizes_of(values[None]))


def _price_decimals(view: SessionView, symbol: str) -> int:
    """Return the decimals of the symbol's prices, by its first open."""
    return column_decimals(view.first_opens()[[view.row(symbol)]])


def _trend(values: Floats) -> Cell:
    text = sparkline(values[-_TREND:], _TREND)
    return Cell(text.strip() or MISSING, "$text-accent")
