"""The words that a condition may use in one session: symbols, fields, indicators; and its check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tapedeck.engine.conditions.faults import condition_fault
from tapedeck.engine.conditions.syntax import (
    ClockTime,
    Comparison,
    Node,
    Reference,
    TimeOfDay,
    Truth,
    Value,
    children,
    references,
)
from tapedeck.engine.errors import nearest
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.tape import Tape

SESSION_FIELDS: Final = ("last", "change", "quality", "gaps")
"""Fields of a symbol besides those of its bars."""
_LISTED: Final = 12


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a session has: symbols, intervals (base first), session and historical indicators, by name."""

    symbols: tuple[str, ...]
    intervals: tuple[Interval, ...]
    indicators: tuple[str, ...]
    historical: tuple[str, ...]

    @classmethod
    def of(cls, tape: Tape) -> Vocabulary:
        """Return the words of a tape."""
        return cls(tape.symbols, tape.intervals, tuple(tape.indicators), tuple(tape.historical))

    @property
    def names(self) -> tuple[str, ...]:
        """What may stand behind the dot of a symbol."""
        return (*FIELDS, *SESSION_FIELDS, *self.indicators, *self.historical)

    def check(self, text: str, condition: Truth) -> None:
        """Raise ConditionError where a condition uses what the session does not have, or mixes kinds."""
        for reference in references(condition):
            self._check_reference(text, reference)
        _check_kinds(text, condition)
        if not _depends_on_session(condition):
            raise condition_fault(
                text, condition.span, "it is the same at every moment: name a value or time"
            )

    def _check_reference(self, text: str, reference: Reference) -> None:
        if reference.quantifier is None:
            self._check_symbol(text, reference)
        if reference.interval is not None:
            self._check_interval(text, reference)
        elif reference.name not in self.names:
            message = f"{reference.name!r} is no value of this session ({_listed(self.names)})"
            raise condition_fault(text, reference.name_span, message, nearest(reference.name, self.names))

    def _check_symbol(self, text: str, reference: Reference) -> None:
        if reference.symbol is None:
            known = [*self.names, "time"]
            if reference.name in self.names:
                example = f"{self.symbols[0] if self.symbols else 'SPY'}.{reference.name}"
                name = reference.name
                message = f"{name!r} needs a symbol: {example}, any.{name} or all.{name}"
                raise condition_fault(text, reference.span, message)
            message = f"{reference.name!r} is neither time nor a value of a symbol, such as SPY.close"
            raise condition_fault(text, reference.span, message, nearest(reference.name, known))
        if reference.symbol not in self.symbols:
            message = f"{reference.symbol!r} is no symbol of this session ({_listed(self.symbols)})"
            near = nearest(reference.symbol, [*self.symbols, "any", "all"])
            raise condition_fault(text, reference.symbol_span, message, near)

    def _check_interval(self, text: str, reference: Reference) -> None:
        if reference.interval not in self.intervals:
            known = [str(interval) for interval in self.intervals]
            message = f"{reference.interval} bars are not in this session ({', '.join(known)})"
            raise condition_fault(text, reference.span, message)
        if reference.name not in FIELDS:
            fields = ", ".join(FIELDS)
            message = f"{reference.name!r} is no field of a bar ({fields}); an interval is for those only"
            raise condition_fault(text, reference.name_span, message, nearest(reference.name, FIELDS))


def _check_kinds(text: str, node: Node) -> None:
    """Refuse arithmetic with times, comparisons of times with numbers, and any mixed with all."""
    for child in children(node):
        _check_kinds(text, child)
    if isinstance(node, Comparison):
        kinds = {_is_time(operand) for operand in node.operands}
        if len(kinds) > 1:
            message = "a time is compared with a number: compare time with a time of day such as 10:30"
            raise condition_fault(text, node.span, message)
        if len({r.quantifier for r in references(node) if r.quantifier is not None}) > 1:
            message = "any and all stand in one comparison: use one of them, or two comparisons joined by and"
            raise condition_fault(text, node.span, message)
    elif not isinstance(node, Truth):
        _refuse_times(text, node)


def _refuse_times(text: str, node: Value) -> None:
    for child in children(node):
        if isinstance(child, TimeOfDay | ClockTime):
            message = "nothing can be computed with a time; compare it with another, as in time >= 10:30"
            raise condition_fault(text, child.span, message)


def _is_time(value: Value) -> bool:
    return isinstance(value, TimeOfDay | ClockTime)


def _depends_on_session(node: Node) -> bool:
    if isinstance(node, Reference | ClockTime):
        return True
    return any(_depends_on_session(child) for child in children(node))


def _listed(words: Iterable[str]) -> str:
    known = list(words)
    more = len(known) - _LISTED
    return ", ".join(known[:_LISTED]) + (f" and {more} more" if more > 0 else "")
