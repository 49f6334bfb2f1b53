"""Lines of lists that change: each with a text and a key."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tapedeck.console.app.widgets.line_list import Part


class Line(Protocol):
    """A line of the list: its text, and a key that stays the same when the line moves."""

    @property
    def parts(self) -> Sequence[Part]:
        """The text, in its inks."""
        ...

    @property
    def key(self) -> Hashable:
        """The key."""
        ...


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line that cannot be chosen."""

    text: str

    @property
    def parts(self) -> Sequence[Part]:
        """The text."""
        return ((self.text, "quiet"),)

    @property
    def key(self) -> Hashable:
        """The text."""
        return self.text
