"""Symbols panel: the table whose focused symbol the other panels show."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from tapedeck.console.app.decimals import names_on_price_scale
from tapedeck.console.app.openings import figures_before
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.rows import symbol_rows
from tapedeck.console.app.widgets import SymbolRows, SymbolTable
from tapedeck.console.panel_data.panel_tables import symbols_table
from tapedeck.console.panel_data.tables import Table


class SymbolsPanel(Panel):
    """Price, change, volume, indicators, quality and trend of all symbols; sorted and filtered."""

    NAME: ClassVar[str] = "symbols"
    HAS_FILTER: ClassVar[bool] = True

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.table = SymbolTable()
        self._prices = names_on_price_scale(playback)

    def content(self) -> ComposeResult:
        """Compose the table."""
        yield self.table

    def show(self, view_state: ViewState) -> None:
        """Show all symbols at the time shown."""
        self.fill()
        self.table.show(self._rows(view_state))

    def as_table(self, view_state: ViewState) -> Table:
        """Return the filtered symbols in the order of the table, with all columns."""
        assert view_state.view is not None
        rows = self._rows(view_state)
        shown = [rows.symbols[at] for at in self.table.order_of(rows).tolist()]
        return symbols_table(view_state.view, shown)

    def keyboard_target(self) -> Widget:
        """Return the table."""
        return self.table

    def filter_by(self, text: str) -> None:
        """Show the symbols whose names contain a text."""
        super().filter_by(text)
        self.table.filter(text)

    def _rows(self, view_state: ViewState) -> SymbolRows:
        assert view_state.view is not None
        known = set(view_state.view.indicator_names())
        relative = self.playback.indicator_in_column("rel_volume")
        return symbol_rows(
            view_state.view,
            indicators=[name for name in self.playback.table_indicators() if name in known],
            relative_volume=relative if relative in known else None,
            prices=self._prices,
            before=figures_before(view_state.view, view_state.opening, relative),
        )
