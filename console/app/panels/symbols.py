"""Symbols panel: the table whose focused symbol the other panels show."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.table_choice import TableChoice
from tapedeck.console.app.widgets import SymbolRows, SymbolTable
from tapedeck.console.app.widgets.figures import BEFORE
from tapedeck.console.panel_data.panel_tables import symbols_table
from tapedeck.console.panel_data.tables import Table


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

    def as_table(self, view_state: ViewState) -> Table:
        """Return the filtered symbols in the order of the table, with all columns."""
        assert view_state.view is not None
        return symbols_table(view_state.view, self.listed(view_state))

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
