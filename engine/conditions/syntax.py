"""Syntax tree of a condition: frozen nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tapedeck.engine.intervals import Interval

Quantifier = Literal["any", "all"]
Comparator = Literal["<", "<=", ">", ">=", "==", "!="]
Operator = Literal["+", "-", "*", "/"]
Function = Literal["abs", "min", "max"]
Direction = Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Span:
    """Position in the text: characters [start, stop), counted from 0."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float
    span: Span


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time of day of the exchange, as seconds since midnight."""

    seconds: int
    span: Span


@dataclass(frozen=True, slots=True)
class ClockTime:
    """The word `time`: the session's clock. Times are compared in the order of the session."""

    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """`SYMBOL.name` or `SYMBOL.5m.close[3]`: a value of one symbol, or of `any` or `all` of them.

    `quantifier` is set instead of a symbol. A bare name, `close` or `5m.close`, has neither: in rules over
    rows it is a value of the row's own symbol. `back`: number of bars back; `back_span`: its brackets, None
    where none are written.
    """

    symbol: str | None
    quantifier: Quantifier | None
    interval: Interval | None
    name: str
    back: int
    span: Span
    name_span: Span
    symbol_span: Span
    back_span: Span | None

    @property
    def is_bare(self) -> bool:
        """Whether it is a name without a symbol."""
        return self.symbol is None and self.quantifier is None


@dataclass(frozen=True, slots=True)
class Negative:
    """A value with reversed sign."""

    operand: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two values and the operator between them."""

    operator: Operator
    left: Value
    right: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`abs(x)`, `min(x, y, …)` or `max(x, y, …)`."""

    function: Function
    arguments: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """Values compared each with the next: `30 < SPY.rsi_14 < 70` has two comparators."""

    operands: tuple[Value, ...]
    comparators: tuple[Comparator, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Crossing:
    """`left crosses above right`, or `below`: true at the frontier where it happens only."""

    left: Value
    right: Value
    direction: Direction
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """Negation of a condition."""

    operand: Truth
    span: Span


@dataclass(frozen=True, slots=True)
class Both:
    """`and` of two or more conditions."""

    operands: tuple[Truth, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Either:
    """`or` of two or more conditions."""

    operands: tuple[Truth, ...]
    span: Span


Value = Number | TimeOfDay | ClockTime | Reference | Negative | Arithmetic | Call
Truth = Comparison | Crossing | Not | Both | Either
Node = Value | Truth


def references(node: Node) -> Iterator[Reference]:
    """Yield all references below a node, from left to right."""
    if isinstance(node, Reference):
        yield node
    for child in children(node):
        yield from references(child)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node."""
    match node:
        case Number() | TimeOfDay() | ClockTime() | Reference():
            return ()
        case Negative() | Not():
            return (node.operand,)
        case Arithmetic() | Crossing():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case Comparison() | Both() | Either():
            return node.operands
