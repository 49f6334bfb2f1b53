"""Live symbol table over arrays; only visible rows are formatted."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.figures import BEFORE
from tapedeck.console.app.widgets.painted import Painted
from tapedeck.console.app.widgets.table_columns import TREND, SymbolRows, largest_first, order_of
from tapedeck.console.app.widgets.table_painting import (
    TABLE_INKS,
    Heading,
    TableView,
    paint_note,
    paint_table,
)


class SymbolTable(Painted, can_focus=True, inherit_bindings=False):
    """Symbols and their figures, sorted by any column and filtered; the cursor stays on its symbol.

    `end` is not bound: on the screen it returns to the present, and must not move the cursor, too.
    """

    INKS = TABLE_INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(TABLE_INKS)
    EMPTY_TEXT = "no symbols: name some in the session file, under session_data_config"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Previous symbol", show=False),
        Binding("down", "move(1)", "Next symbol", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,ctrl+home", "edge(-1)", "First symbol", show=False),
        Binding("ctrl+end", "edge(1)", "Last symbol", show=False),
    ]
    DEFAULT_CSS = """
    SymbolTable { height: 1fr; overflow: hidden auto; scrollbar-size-vertical: 1; }
    SymbolTable > .table--header { color: $foreground 75%; text-style: bold; }
    SymbolTable > .table--header-sorted { color: $accent; text-style: bold; }
    SymbolTable > .table--symbol { color: $foreground; text-style: bold; }
    SymbolTable > .table--gain { color: $success; }
    SymbolTable > .table--loss { color: $error; }
    SymbolTable > .table--good { color: $success; }
    SymbolTable > .table--fair { color: $warning; }
    SymbolTable > .table--bad { color: $error; text-style: bold; }
    SymbolTable > .table--trend { color: $primary 75%; }
    SymbolTable > .table--cursor { background: $panel; }
    SymbolTable > .table--cursor-focused { background: $panel; text-style: bold; }
    """

    class Focused(Message):
        """Posted when another symbol is focused."""

        def __init__(self, table: SymbolTable, symbol: str) -> None:
            super().__init__()
            self.table = table
            self.symbol = symbol

        @property
        def control(self) -> SymbolTable:
            """The table."""
            return self.table

    class SortChanged(Message):
        """Posted when the sort column (None: the order of the file) or direction has changed."""

        def __init__(self, table: SymbolTable, column: str | None, reverse: bool) -> None:
            super().__init__()
            self.table = table
            self.column = column
            self.reverse = reverse

        @property
        def control(self) -> SymbolTable:
            """The table."""
            return self.table

    class NoteChanged(Message):
        """Posted when another number of columns does not fit, or figures of the session before come or go."""

        def __init__(self, table: SymbolTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> SymbolTable:
            """The table."""
            return self.table

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._rows: SymbolRows | None = None
        self._order: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._filter = ""
        self._focused: str | None = None
        self._column: str | None = None
        self._reverse = False
        self._headings: list[Heading] = []
        self.hidden_columns = 0
        self.shows_before = False

    # For the application

    def show(self, rows: SymbolRows) -> None:
        """Show figures; cursor, scroll position and sort order stay."""
        if not rows.symbols:
            self._rows = None
            self.show_empty()
            return
        self._rows = rows
        self._arrange()
        self.data_changed()

    @property
    def focused_symbol(self) -> str | None:
        """The symbol under the cursor; None if the table is empty."""
        return self._focused

    @property
    def sort(self) -> tuple[str | None, bool]:
        """The sort column (None: the order of the file), and whether it is reversed."""
        return self._column, self._reverse

    @property
    def shown_symbols(self) -> tuple[str, ...]:
        """The symbols that pass the filter, in the order shown."""
        return () if self._rows is None else tuple(self._rows.symbols[row] for row in self._order.tolist())

    @property
    def fitting_columns(self) -> tuple[str, ...]:
        """The keys of the columns that fit, from left to right."""
        return tuple(key for _, _, key in self._headings[1:])

    def order_of(self, rows: SymbolRows) -> NDArray[np.intp]:
        """Return the indices of rows that pass the filter, in the table's sort order."""
        words = self._filter.casefold().replace(",", " ").split()
        chosen = [
            row
            for row, symbol in enumerate(rows.symbols)
            if not words or any(word in symbol.casefold() for word in words)
        ]
        return order_of(rows, np.array(chosen, dtype=np.intp), self._column, reverse=self._reverse)

    def filter(self, text: str) -> None:
        """Show only symbols that contain one of the words in `text`; an empty text shows all."""
        self._filter = text.strip()
        self._arrange_and_redraw()

    def focus_symbol(self, symbol: str) -> None:
        """Move the cursor to a symbol, and scroll to it; ignored if the symbol is not shown."""
        if symbol in self.shown_symbols:
            self._go_to(self.shown_symbols.index(symbol))

    def sort_by(self, column: str | None, *, reverse: bool | None = None) -> None:
        """Sort by a column, `symbol` included; None is the order of the file.

        `reverse`: None is the column's default direction, largest first for figures and A to Z for names.
        Sorting by figures scrolls to the top, sorting by names or by the file to the symbol under the cursor.
        """
        if reverse is None:
            reverse = largest_first(column)
        if (column, reverse) != (self._column, self._reverse):
            self._column, self._reverse = column, reverse
            self._arrange_and_redraw(shows_top=largest_first(column))
            self.post_message(self.SortChanged(self, column, reverse))

    def sort_next(self) -> None:
        """Sort by the next visible column; after the last one, in the order of the file."""
        keys = [None, *(key for _, _, key in self._headings if key != TREND)]
        position = keys.index(self._column) if self._column in keys else 0
        self.sort_by(keys[(position + 1) % len(keys)])

    def sort_reversed(self) -> None:
        """Reverse the sort order."""
        self.sort_by(self._column, reverse=not self._reverse)

    # Keys and mouse

    def action_move(self, rows: int) -> None:
        """Move the cursor by a number of rows."""
        self._go_to(self._position() + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a number of pages."""
        self._go_to(self._position() + pages * max(self._page_rows() - 1, 1))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or the last row."""
        self._go_to(0 if direction < 0 else len(self._order) - 1)

    def on_click(self, event: events.Click) -> None:
        """Sort by a clicked heading, reversed if it is the sort column; or focus a clicked row."""
        position = event.get_content_offset(self)
        if position is None or self._notice is not None:
            return
        event.stop()
        if position.y == 0:
            key = next((key for start, stop, key in self._headings if start <= position.x < stop), None)
            if key is not None and key != TREND:
                self.sort_by(key, reverse=not self._reverse if key == self._column else None)
        elif (row := position.y - 1 + self.scroll_offset.y) < len(self._order):
            self._go_to(row)

    # Rows

    def _arrange(self) -> None:
        """Filter and sort the rows; if the focused symbol is gone, focus the first one."""
        if self._rows is None:
            return
        self._order = self.order_of(self._rows)
        self.take_rows(len(self._order) + 1)
        shown = self.shown_symbols
        if shown and self._focused not in shown:
            self._focus(shown[0])

    def _arrange_and_redraw(self, *, shows_top: bool = False) -> None:
        if self._rows is not None:
            self._arrange()
            self._reveal(0 if shows_top else self._position())
            self.data_changed()

    def _position(self) -> int:
        shown = self.shown_symbols
        return shown.index(self._focused) if self._focused in shown else 0

    def _go_to(self, position: int) -> None:
        shown = self.shown_symbols
        if not shown:
            return
        position = min(max(position, 0), len(shown) - 1)
        if shown[position] != self._focused:
            self._focus(shown[position])
        self._reveal(position)
        self._redraw()

    def _focus(self, symbol: str) -> None:
        self._focused = symbol
        self.post_message(self.Focused(self, symbol))

    def _page_rows(self) -> int:
        return max(self.scrollable_content_region.height - 1, 1)

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the symbol under the cursor in sight."""
        self._reveal(self._position())

    def _reveal(self, position: int) -> None:
        top, rows = self.scroll_offset.y, self._page_rows()
        wanted = min(max(top, position - rows + 1), position)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    # Drawing

    def paint(self, canvas: Canvas) -> None:
        """Draw the header and the visible rows."""
        if self._rows is None or not canvas.height:
            return
        top = self.scroll_offset.y
        view = TableView(
            rows=self._rows,
            visible=self._order[top : top + canvas.height - 1],
            sorted_by=self._column,
            reverse=self._reverse,
            focused=self._focused,
            has_focus=self.has_focus,
        )
        self._headings = paint_table(canvas, view)
        hidden = len(self._rows.columns) + 1 - len(self._headings)  # the first heading is the symbols'
        shows_before = bool(np.any(canvas.glyphs[1:] == ord(BEFORE)))
        if (hidden, shows_before) != (self.hidden_columns, self.shows_before):
            self.hidden_columns, self.shows_before = hidden, shows_before
            self.post_message(self.NoteChanged(self))
        if not len(self._order):
            paint_note(canvas, f"no symbol contains {self._filter!r}: clear the filter to see all")
