"""Symbols panel: the table whose focused symbol the other panels show."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from tapedeck.console.app.division import Wanted
from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.table_choice import LAST, TableChoice
from tapedeck.console.app.widgets import SymbolRows, SymbolTable
from tapedeck.console.app.widgets.figures import BEFORE
from tapedeck.console.app.widgets.symbol_strip import StripOfSymbols
from tapedeck.console.app.widgets.table_columns import wanted_width
from tapedeck.console.panel_data.panel_tables import symbols_table
from tapedeck.console.panel_data.tables import Table

_HEADINGS: Final = 2
"""Rows of the panel's heading and the table's."""
_MARGINS: Final = 2
_LEAST_COLUMNS: Final = 50
_CHANGE: Final = "change_pct"


class SymbolsPanel(Panel):
    """Figures of all symbols in columns that the user chooses; sorted and filtered."""

    NAME: ClassVar[str] = "symbols"
    HAS_FILTER: ClassVar[bool] = True

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.table = SymbolTable()
        self.columns = TableChoice(playback.plan, is_live=playback.is_live)
        self._day_before: date | None = None

    def content(self) -> ComposeResult:
        """Compose the table."""
        yield self.table

    def show(self, view_state: ViewState) -> None:
        """Show all symbols at the time shown."""
        self.fill()
        assert view_state.view is not None
        opening = view_state.opening
        day_before = None if opening is None else opening.day_before
        if day_before != self._day_before:
            self._day_before = day_before
            self._note_changed()
        self.table.show(self._rows(view_state))

    def wanted(self, view_state: ViewState) -> Wanted:
        """Return the size of all rows and columns, with the table's heading and the panel's."""
        if view_state.view is None:
            return Wanted(len(self.playback.plan.symbols) + _HEADINGS)
        rows = self._rows(view_state)
        columns = wanted_width(rows) + _MARGINS
        return Wanted(len(rows.symbols) + _HEADINGS, columns, min(columns, _LEAST_COLUMNS))

    def as_table(self, view_state: ViewState) -> Table:
        """Return the filtered symbols in the order of the table, with all columns."""
        assert view_state.view is not None
        return symbols_table(view_state.view, self.listed(view_state))

    def strip_data(self, view_state: ViewState, focused: str) -> StripOfSymbols | None:
        """Return price and change of the filtered symbols, in the table's order; None before a session."""
        if view_state.view is None:
            return None
        rows = self._rows(view_state)
        order = self.table.order_of(rows)
        last, change = rows.figures[LAST], rows.figures[_CHANGE]
        return StripOfSymbols(
            tuple(rows.symbols[at] for at in order.tolist()),
            last.shown[order],
            change.values[order],
            last.decimals,
            focused,
        )

    def listed(self, view_state: ViewState) -> tuple[str, ...]:
        """Return the filtered symbols in the order of the table, also while it is hidden."""
        rows = self._rows(view_state)
        return tuple(rows.symbols[at] for at in self.table.order_of(rows).tolist())

    def _rows(self, view_state: ViewState) -> SymbolRows:
        assert view_state.view is not None
        live = None if view_state.is_past else view_state.snapshot.live
        return self.columns.rows(view_state.view, view_state.opening, live)

    def keyboard_target(self) -> Widget:
        """Return the table."""
        return self.table

    def filter_by(self, text: str) -> None:
        """Show the symbols whose names contain a text."""
        super().filter_by(text)
        self.table.filter(text)

    @property
    def heading_note(self) -> str:
        """The number of columns that do not fit, and the day of figures of the session before."""
        hidden = self.table.hidden_columns
        notes = [f"+{counted(hidden, 'column')}"] if hidden else []
        if self.table.shows_before and self._day_before is not None:
            notes.append(f"{BEFORE} {self._day_before}")
        return "  ".join(notes)

    @property
    def tab_note(self) -> str:
        """The number of columns that do not fit, while the table is on the screen, and the filter."""
        hidden = self.table.hidden_columns if self.display else 0
        return f"{f'+{hidden} ' if hidden else ''}{super().tab_note}".strip()

    @on(SymbolTable.NoteChanged)
    def _note_changed(self) -> None:
        self.show_heading()
        self.post_message(self.NoteChanged())
