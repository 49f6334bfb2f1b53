"""Columns dialog: shows, hides and orders the columns of the symbol table, applied at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tapedeck.console.app.screens.ordered_choice import OrderedChoiceScreen
from tapedeck.console.app.table_choice import TableChoice


class ColumnsScreen(OrderedChoiceScreen):
    """Lists all columns: shown ones first, from left to right. The last one stays.

    `apply`: called with the keys of the columns to show after each change, none for the default. `fitting`:
    returns the keys of the columns that fit the table, all if it is not on the screen.
    """

    HEADING = "Columns of the symbol table"
    LIST_ID = "columns"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "leave", "back")]

    def __init__(
        self,
        choice: TableChoice,
        apply: Callable[[tuple[str, ...]], None],
        fitting: Callable[[], Collection[str]],
    ) -> None:
        super().__init__(apply)
        self._choice = choice
        self._fitting = fitting

    def keys(self) -> Sequence[str]:
        """Return the keys of all columns."""
        return tuple(self._choice.available)

    def shown_keys(self) -> Sequence[str]:
        """Return the keys of the shown columns, from left to right."""
        return self._choice.shown

    def about(self, key: str, *, is_shown: bool) -> str:
        """Return what a column means, or that it does not fit."""
        fits = not is_shown or key in self._fitting()
        return self._choice.available[key].about if fits else "does not fit"

    def refusal(self, shown: set[str]) -> str:
        """Return why a set of columns cannot be shown, or ""."""
        return "" if shown else "the last column cannot be hidden: show another one first"
