"""Evaluation of a rule over rows: where it is true, for each symbol at each frontier.

Logic has three values: true, false and unknown. A comparison with a missing value is unknown; a chain and a
cross are the `and` of their comparisons. `not` of unknown is unknown, `and` is false if one side is, `or`
is true if one side is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Final

import numpy as np

from tapedeck.engine.conditions.evaluation import COMPARE, Evaluation, quantifier_of
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.syntax import (
    Both,
    Comparator,
    Comparison,
    Crossing,
    Either,
    Not,
    Truth,
    Value,
)
from tapedeck.engine.tape.bar_grid import Floats, Mask

_OPPOSITE: Final[dict[Comparator, Comparator]] = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
}


class RowEvaluation:
    """Evaluates rules over the values known at some frontiers; `symbols` are the rows of the values."""

    def __init__(self, known: KnownValues, symbols: tuple[str, ...]) -> None:
        self._now = Evaluation(known, symbols)
        self._known, self._symbols = known, symbols

    def value(self, node: Value) -> Floats:
        """Return a value at each frontier, (S, frontiers), or (1, frontiers) if all symbols have the same."""
        return self._now.value(node)

    def holds(self, node: Truth, wanted: bool = True) -> Mask:
        """Return where a node is known to be true (or false, as is `wanted`).

        Shape (S, frontiers), or (1, frontiers) if it is the same for all symbols. Where it is neither, the
        node is unknown.
        """
        match node:
            case Not(operand):
                return self.holds(operand, not wanted)
            case Both(operands):
                return _joined([self.holds(operand, wanted) for operand in operands], every=wanted)
            case Either(operands):
                return _joined([self.holds(operand, wanted) for operand in operands], every=not wanted)
            case Comparison() | Crossing():
                return self._folded(node, self.holds_for_rows(node, wanted), wanted)

    def holds_for_rows(self, node: Comparison | Crossing, wanted: bool = True) -> Mask:
        """Return where a comparison or cross is true, as `holds`; with `any` or `all`, for each symbol."""
        if isinstance(node, Comparison):
            return self._comparison(node, wanted)
        return self._crossing(node, wanted)

    def _comparison(self, node: Comparison, wanted: bool) -> Mask:
        values = [self._now.value(operand) for operand in node.operands]
        pairs = zip(node.comparators, values[:-1], values[1:], strict=True)
        return _joined([_compared(*pair, wanted) for pair in pairs], every=wanted)

    def _crossing(self, node: Crossing, wanted: bool) -> Mask:
        before = Evaluation(self._known, self._symbols, one_slot_before=True)
        above, below = (node.left, node.right) if node.direction == "above" else (node.right, node.left)
        over_now = _compared(">", self._now.value(above), self._now.value(below), wanted)
        under_before = _compared("<=", before.value(above), before.value(below), wanted)
        return _joined([over_now, under_before], every=wanted)

    def _folded(self, node: Comparison | Crossing, holds: Mask, wanted: bool) -> Mask:
        """Return a node that ranges over all symbols as one row, any other as it is."""
        quantifier = quantifier_of(node)
        if quantifier is None:
            return holds
        if (quantifier == "any") is wanted:
            return np.asarray(holds.any(axis=0, keepdims=True))
        # A symbol that left makes no `all` false and no `any` true.
        there = holds if self._now.gone is None else holds | self._now.gone
        return np.asarray(there.all(axis=0, keepdims=True))


def _compared(comparator: Comparator, left: Floats, right: Floats, wanted: bool) -> Mask:
    """Return where a comparison is true, or where it is false; both are False for missing values."""
    used = comparator if wanted else _OPPOSITE[comparator]
    holds: Mask = COMPARE[used](left, right)
    if used == "!=":  # the only comparator that is true for NaN
        holds = holds & ~(np.isnan(left) | np.isnan(right))
    return holds


def _joined(parts: Iterable[Mask], *, every: bool) -> Mask:
    return reduce(np.logical_and if every else np.logical_or, parts)
