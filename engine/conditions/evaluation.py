"""Evaluation of a condition at many frontiers at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce
from typing import Final

import numpy as np

from tapedeck.engine.conditions.account_words import MONEY_WORDS
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.syntax import (
    Arithmetic,
    Both,
    Call,
    ClockTime,
    Comparator,
    Comparison,
    Crossing,
    Either,
    Function,
    Negative,
    Not,
    Number,
    Operator,
    Quantifier,
    Reference,
    TimeOfDay,
    Truth,
    Value,
    references,
)
from tapedeck.engine.tape.bar_grid import Floats, Mask
from tapedeck.engine.tape.tape import row_index

COMPARE: Final[dict[Comparator, np.ufunc]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_COMPUTE: Final[dict[Operator, np.ufunc]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
_FOLD: Final[dict[Function, np.ufunc]] = {"min": np.minimum, "max": np.maximum}


class Evaluation:
    """Evaluates a condition over the values known at some frontiers; `symbols` are the rows of the values.

    `one_slot_before`: reads each value one slot before, as crosses do.
    A value is an array (1, frontiers), or (S, frontiers) if it contains `any`, `all` or a bare name. Missing
    values and divisions by zero are NaN, and make every comparison with them false. So are values of a symbol
    that is not on the tape, and of one after it left; `all` ranges over the others then. `gone`: where a
    symbol has left, bool (S, frontiers); None where none has.
    """

    def __init__(
        self, known: KnownValues, symbols: tuple[str, ...], *, one_slot_before: bool = False
    ) -> None:
        self._known = known
        self._symbols = symbols
        self._read = known.value_before if one_slot_before else known.value
        self.gone: Final = known.gone()

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        """The row of each symbol; of thousands of symbols only a condition that names one needs it."""
        return row_index(self._symbols)

    def truth(self, node: Truth) -> Mask:
        """Return whether a node is true at each frontier, shape (frontiers,)."""
        match node:
            case Comparison():
                return self._comparison(node)
            case Crossing():
                return self._crossing(node)
            case Not(operand):
                return ~self.truth(operand)
            case Both(operands):
                return reduce(np.logical_and, map(self.truth, operands))
            case Either(operands):
                return reduce(np.logical_or, map(self.truth, operands))

    def _comparison(self, node: Comparison) -> Mask:
        first, *others = node.operands
        holds: Mask = np.ones((1, len(self._known)), dtype=np.bool_)
        left = self.value(first)
        for comparator, operand in zip(node.comparators, others, strict=True):
            right = self.value(operand)
            # Needed for !=, which is true for NaN.
            known = ~(np.isnan(left) | np.isnan(right))
            compared: Mask = COMPARE[comparator](left, right)
            holds = holds & compared & known
            left = right
        return self._folded(node, holds)

    def _crossing(self, node: Crossing) -> Mask:
        before = Evaluation(self._known, self._symbols, one_slot_before=True)
        above, below = (node.left, node.right) if node.direction == "above" else (node.right, node.left)
        # Comparisons with a missing value are false.
        crossed: Mask = self.value(above) > self.value(below)
        return self._folded(node, crossed & (before.value(above) <= before.value(below)))

    def _folded(self, node: Comparison | Crossing, holds: Mask) -> Mask:
        if quantifier_of(node) != "all":
            return np.asarray(holds.any(axis=0))
        there = holds if self.gone is None else holds | self.gone
        return np.asarray(there.all(axis=0))

    def value(self, node: Value) -> Floats:  # noqa: PLR0911  # a case for each kind of node
        """Return a value at each frontier, (1, frontiers), or (S, frontiers) if it is of all symbols."""
        match node:
            case Number(value):
                return np.full((1, len(self._known)), value)
            case TimeOfDay(seconds):
                return np.full((1, len(self._known)), self._known.instant(seconds))
            case ClockTime():
                return self._known.clock()[None, :]
            case Reference():
                return self._reference(node)
            case Negative(operand):
                return -self.value(operand)
            case Arithmetic(operator, left, right):
                return _finite(_COMPUTE[operator], self.value(left), self.value(right))
            case Call():
                return self._call(node)

    def _call(self, node: Call) -> Floats:
        first, *rest = [self.value(argument) for argument in node.arguments]
        if node.function == "abs":
            return np.abs(first)
        for value in rest:
            first = _finite(_FOLD[node.function], first, value)
        return first

    def _reference(self, reference: Reference) -> Floats:
        rows = slice(None)
        if reference.symbol is not None:
            row = self._rows.get(reference.symbol)
            if row is None:
                return np.full((1, len(self._known)), np.nan)
            rows = slice(row, row + 1)
        values = self._read(reference.name, rows, reference.interval, reference.back)
        if self.gone is None or (reference.is_bare and reference.name in MONEY_WORDS):
            return values
        return np.where(self.gone[rows], np.nan, values)


def quantifier_of(node: Comparison | Crossing) -> Quantifier | None:
    """Return the word over which a comparison or cross ranges, None without one."""
    return next((r.quantifier for r in references(node) if r.quantifier is not None), None)


def _finite(operation: np.ufunc, left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        result: Floats = operation(left, right)
    result[~np.isfinite(result)] = np.nan
    return result
