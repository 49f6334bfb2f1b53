"""What panels with a search share."""

from __future__ import annotations

from typing import ClassVar

from tapedeck.console.app.panels.panel import Panel


class Searchable(Panel):
    """A panel that shows only the lines that match what is searched for."""

    HAS_FILTER: ClassVar[bool] = True

    def matches(self, text: str) -> bool:
        """Whether a line has all words of the search, in any order."""
        folded = text.casefold()
        return all(word in folded for word in self.search.casefold().split())

    def show_no_line(self, empty: str) -> None:
        """Say that there is nothing to show, or nothing that matches."""
        self.face("empty", f"nothing matches {self.search!r}: escape shows all" if self.search else empty)
