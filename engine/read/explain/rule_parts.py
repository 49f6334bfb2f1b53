"""Parts of a rule at a frontier: each with its values, true, false or missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.conditions.evaluation import Evaluation, quantifier_of
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.row_evaluation import RowEvaluation
from tapedeck.engine.conditions.syntax import (
    Both,
    ClockTime,
    Comparison,
    Crossing,
    Either,
    Node,
    Not,
    Reference,
    Truth,
    Value,
    references,
)
from tapedeck.engine.read.explain.decision_explanation import (
    ExplainedRule,
    Outcome,
    PartValue,
    RulePart,
)
from tapedeck.engine.tape.bar_grid import Floats, Mask
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES
from tapedeck.engine.tape.tape import Tape


class RuleReader:
    """Reads rules at one frontier of a tape for one symbol. `known`: the values there, of all words."""

    def __init__(self, tape: Tape, known: KnownValues, row: int) -> None:
        self._zone, self._row = tape.session.zone, row
        self._rows, self._quotes = tape.rows, tape.quotes
        self._truths = RowEvaluation(known, tape.symbols)
        self._before = Evaluation(known, tape.symbols, one_slot_before=True)

    def explained(self, name: str, text: str, root: Truth) -> ExplainedRule:
        """Return a rule with its parts; `text`: that it was parsed from."""
        return ExplainedRule(
            name, " ".join(text.split()), self._outcome(root), tuple(self._parts(text, root))
        )

    def value(self, node: Value) -> float:
        """Return a value, NaN where it is missing."""
        return self._of_row(self._truths.value(node))

    def _parts(self, text: str, node: Truth, level: int = 0) -> Iterator[RulePart]:
        written, outcome = _written(text, node), self._outcome(node)
        match node:
            case Comparison() | Crossing():
                yield self._comparison(text, node, level)
            case Not(operand):
                yield RulePart(written, level, outcome, "not")
                yield from self._parts(text, operand, level + 1)
            case Both(operands) | Either(operands):
                yield RulePart(written, level, outcome, "and" if isinstance(node, Both) else "or")
                for operand in operands:
                    yield from self._parts(text, operand, level + 1)

    def _comparison(self, text: str, node: Comparison | Crossing, level: int) -> RulePart:
        is_cross = isinstance(node, Crossing)
        operands = (node.left, node.right) if isinstance(node, Crossing) else node.operands
        values: dict[str, PartValue] = {}
        for operand in operands:
            for part in _shown(operand):
                written = _written(text, part)
                if written not in values:
                    values[written] = self._part_value(written, part, is_cross)
        symbols_true = None
        if quantifier_of(node) is not None:
            symbols_true = int(np.count_nonzero(self._truths.holds_for_rows(node)))
        return RulePart(
            _written(text, node),
            level,
            self._outcome(node),
            is_cross=is_cross,
            values=tuple(values.values()),
            symbols_true=symbols_true,
        )

    def _part_value(self, written: str, node: Value, is_cross: bool) -> PartValue:
        value = self.value(node)
        if isinstance(node, ClockTime):
            return PartValue(written, self._time_of_day(value))
        before = self._of_row(self._before.value(node)) if is_cross else None
        was = None if before is None else _known(before)
        return PartValue(written, _known(value), was, is_made=self._is_made(node))

    def _is_made(self, node: Value) -> bool:
        """Return whether a value is of a quote that is made."""
        if self._quotes is None or not isinstance(node, Reference) or node.name not in QUOTE_FIGURES:
            return False
        row = self._row if node.symbol is None else self._rows.get(node.symbol)
        return row is not None and bool(self._quotes.made[row])

    def _time_of_day(self, seconds: float) -> time:
        return utc_from_epoch(int(seconds)).astimezone(self._zone).time()

    def _outcome(self, node: Truth) -> Outcome:
        if self._of_row(self._truths.holds(node)):
            return Outcome.TRUE
        return Outcome.FALSE if self._of_row(self._truths.holds(node, wanted=False)) else Outcome.MISSING

    def _of_row(self, values: Floats | Mask) -> float:
        """Return the symbol's value; one row stands for all symbols."""
        return float(values[self._row if len(values) > 1 else 0, 0])


def _shown(operand: Value) -> Iterator[Value]:
    """Yield what is shown of an operand: its value, and the values that it is worked out from."""
    found = list(references(operand))
    if isinstance(operand, ClockTime):
        yield operand
    if not any(reference.quantifier for reference in found) and found:
        yield operand
    if not isinstance(operand, Reference):
        yield from (reference for reference in found if reference.quantifier is None)


def _written(text: str, node: Node) -> str:
    """Return a node as it was written, with the brackets at its ends, which spans may leave out."""
    start, stop = node.span.start, node.span.stop
    depth = lowest = 0
    for sign in text[start:stop]:
        depth += (sign == "(") - (sign == ")")
        lowest = min(lowest, depth)
    for _ in range(-lowest):
        start = text.rfind("(", 0, start)
    for _ in range(depth - lowest):
        stop = text.find(")", stop) + 1
    return " ".join(text[start:stop].split())


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
