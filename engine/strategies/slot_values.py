"""Values at the close of one slot, as rules read them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.errors import EngineError, unknown_name_with_hint
from tapedeck.engine.tape.bar_grid import Floats, Ints

_ALL = slice(None)


class SlotValues(NamedTuple):
    """Values at one of the frontiers of `known`, in its column `at`; `names`: those that there are."""

    known: KnownValues
    at: int
    names: Collection[str]

    def of(self, name: str, rows: Ints | slice) -> Floats:
        """Return a value of some rows, a copy that cannot be written; EngineError for an unknown name."""
        values: Floats = self._column(name)[rows].copy()
        values.setflags(write=False)
        return values

    def of_row(self, name: str, row: int) -> float:
        """Return a value of a row, NaN where it is missing; EngineError for an unknown name."""
        return float(self._column(name)[row])

    def _column(self, name: str) -> Floats:
        if name not in self.names:
            raise EngineError(unknown_name_with_hint("value", name, self.names))
        column: Floats = self.known.value(name, _ALL)[:, self.at]
        return column
