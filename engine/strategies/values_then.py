"""Values as strategies knew them when they decided: none of a symbol that was not in the session then."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.symbol_changes import ChangeKind


class ValuesThen(KnownValues):
    """Known values in which a symbol that joined is missing up to then; elsewhere it counts from the open."""

    def gone(self) -> Mask | None:
        """Return where a symbol was not there when the slot before was decided; None without changes."""
        tape, frontiers = self._tape, self._frontiers
        if not tape.changes:
            return None
        there = np.zeros((len(tape.symbols), len(frontiers)), dtype=np.bool_)
        there[[row for symbol, row in tape.rows.items() if symbol in tape.opening]] = True
        for change in tape.changes:
            if change.symbol in tape.rows:
                is_later = frontiers > change.frontier
                there[tape.rows[change.symbol], is_later] = change.kind is ChangeKind.JOINED
        absent: Mask = ~there
        return absent
