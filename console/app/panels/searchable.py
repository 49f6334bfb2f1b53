"""Base of panels with a search."""

from __future__ import annotations

from typing import ClassVar

from tapedeck.console.app.panels.panel import Panel


class Searchable(Panel):
    """Panel that shows only lines that match a search."""

    HAS_FILTER: ClassVar[bool] = True

    def matches(self, text: str) -> bool:
        """Whether a line has all words of the search, in any order."""
        folded = text.casefold()
        return all(word in folded for word in self.search.casefold().split())

    def show_empty(self, empty: str) -> None:
        """Show the empty face; `empty`: its text without a search."""
        self.face(
            "empty", f"no match for {self.search!r}: escape clears the filter" if self.search else empty
        )
