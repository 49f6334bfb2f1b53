"""Parser of conditions, with a closed grammar."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Final, TypeVar, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from tapedeck.engine.conditions.faults import condition_fault
from tapedeck.engine.conditions.syntax import (
    Arithmetic,
    Both,
    Call,
    ClockTime,
    Comparator,
    Comparison,
    Crossing,
    Direction,
    Either,
    Function,
    Negative,
    Node,
    Not,
    Number,
    Operator,
    Quantifier,
    Reference,
    Span,
    TimeOfDay,
    Truth,
    Value,
    children,
)
from tapedeck.engine.errors import ConditionError, invalid_time_of_day, nearest
from tapedeck.engine.intervals import Interval

_GRAMMAR: Final = r"""
    condition: either
    value: sum

    ?either: both ("or" both)*
    ?both: denial ("and" denial)*
    ?denial: "not" denial -> denied
        | comparison
        | crossing
        | "(" either ")"
    comparison: sum (COMPARATOR sum)+
    crossing: sum _CROSSES DIRECTION sum

    ?sum: product (PLUS_MINUS product)*
    ?product: signed (TIMES_OVER signed)*
    ?signed: "-" signed -> negative
        | atom
    ?atom: NUMBER -> number
        | TIME_OF_DAY -> time_of_day
        | "time" back? -> clock_time
        | FUNCTION "(" sum ("," sum)* ")" -> call
        | symbol "." NAME back? -> reference
        | symbol "." INTERVAL "." NAME back? -> reference
        | INTERVAL "." NAME back? -> lonely
        | NAME back? -> lonely
        | "(" sum ")"
    symbol: NAME | QUOTED | QUANTIFIER
    back: "[" MINUS? NUMBER "]"

    COMPARATOR: "<=" | ">=" | "==" | "!=" | "<" | ">" | "="
    _CROSSES: /crosses\b/
    DIRECTION: /(above|below)\b/
    PLUS_MINUS: "+" | "-"
    MINUS: "-"
    TIMES_OVER: "*" | "/"
    FUNCTION.2: /(abs|min|max)(?=\s*\()/
    QUANTIFIER.2: /(any|all)(?=\s*\.)/
    TIME_OF_DAY.2: /[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?/
    INTERVAL.2: /[1-9][0-9]*[smhdw](?=\s*\.)/
    NUMBER: /[0-9][0-9_]*(\.[0-9]+)?([eE][+-]?[0-9]+)?/
    QUOTED: /"[^"]+"|'[^']+'/
    NAME: /[^\W\d]\w*/
    %import common.WS
    %ignore WS
"""
_LONGEST: Final = 10_000
"""Most characters of a condition."""
_MAX_BRACKETS: Final = 100
"""Most levels of brackets, `not` and signs in a condition."""
_MAX_LEVELS: Final = 200
"""Most levels of its nodes; each further value of a sum adds one."""
MOST_BARS_BACK: Final = 1_000
"""Largest number of bars back in `x[n]`."""
_EXAMPLE: Final = "{symbol}.close > 30 and time >= 10:30"
_DAY_SECONDS: Final = 86_400
# Names of the grammar's tokens in messages; the tokens that begin a value share one entry.
_VALUE: Final = "a value such as {symbol}.close, any.quality, 30, time or 10:30"
_WORDS: Final = {
    "NUMBER": _VALUE,
    "NAME": "a name such as close",
    "COMPARATOR": "a comparison (<, <=, >, >=, ==, !=)",
    "_CROSSES": "crosses",
    "DIRECTION": "above or below",
    "PLUS_MINUS": "+ or -",
    "TIMES_OVER": "* or /",
    "INTERVAL": "an interval such as 5m",
    "AND": "and",
    "OR": "or",
    "RPAR": "a closing bracket",
    "RSQB": "a closing bracket",
    "DOT": "a dot",
    "COMMA": "a comma",
    "$END": "the end",
}
# A name with dots, which could be a symbol without quotes.
_DOTTED: Final = re.compile(r"(?<![\w.\"'])(?P<symbol>[^\W\d]\w*\.\w+)\.(?P<rest>[\w.]+)")
_KEYWORDS: Final = ("and", "or", "not")
# The word that is meant by one that stands after a value, or after `crosses`.
_CROSSES: Final = {
    **dict.fromkeys(("crosses", "cross", "crossed", "crossing"), "crosses"),
    **dict.fromkeys(("above", "crosses_above", "cross_above", "crossover"), "crosses above"),
    **dict.fromkeys(("below", "crosses_below", "cross_below", "crossunder"), "crosses below"),
}
_DIRECTIONS: Final = {
    **dict.fromkeys(("above", "over", "up", "upwards"), "above"),
    **dict.fromkeys(("below", "under", "down", "downwards"), "below"),
}
_WHOLE: Final = re.compile(r"[0-9]{1,12}")


def read_condition(text: str, symbols: Collection[str] | None = None, *, example: str | None = None) -> Truth:
    """Return the tree of a condition; ConditionError gives the position of a fault and what is allowed.

    `symbols`: those of the session, or None; used to recognise a symbol with a dot that needs quotes.
    `example`: for the error of an empty text; default: one of a breakpoint.
    """
    example = example or _EXAMPLE.format(symbol=example_symbol(symbols))
    return cast(Truth, _read(text, "condition", symbols, example))


def read_value(text: str, symbols: Collection[str] | None = None, *, example: str) -> Value:
    """Return the tree of a value, as they are compared in conditions. Raises as `read_condition`."""
    return cast(Value, _read(text, "value", symbols, example))


def _read(text: str, start: str, symbols: Collection[str] | None, example: str) -> Node:
    """Return the tree of a text; `start`: the rule of the grammar that it follows."""
    if not text.strip():
        raise condition_fault(text, Span(0, len(text)), f"it is empty; an example is {example}")
    if len(text) > _LONGEST:
        message = f"it is too long: use at most {_LONGEST:,} characters, not {len(text):,}"
        raise condition_fault(text, Span(_LONGEST, _LONGEST + 1), message)
    try:
        tree = _parser().parse(text, start=start)
    except UnexpectedToken as error:
        unquoted = _unquoted(text, int(error.token.start_pos or 0), symbols)
        raise unquoted or _unexpected(text, error, symbols) from None
    except UnexpectedCharacters as error:
        at = int(error.pos_in_stream or 0)
        if (unquoted := _unquoted(text, at, symbols)) is not None:
            raise unquoted from None
        allowed = _allowed(error.allowed, symbols)
        raise condition_fault(
            text, Span(at, at + 1), f"unexpected {text[at]!r}; expected {allowed}"
        ) from None
    _check_levels(text, tree, lambda node: getattr(node, "children", ()), _MAX_BRACKETS)
    root = _node(text, cast("Tree[Token]", tree.children[0]))
    _check_levels(text, root, children, _MAX_LEVELS)
    return root


T = TypeVar("T")


def _check_levels(text: str, root: T, below: Callable[[T], Iterable[T]], limit: int) -> None:
    """Raise ConditionError if a tree has too many levels; without recursion, which has a limit, too."""
    level = [root]
    for _ in range(limit):
        level = [child for node in level for child in below(node)]
        if not level:
            return
    message = f"it is nested too deeply: use at most {limit} levels of brackets, not, signs and terms"
    raise condition_fault(text, Span(0, 1), message)


@cache
def _parser() -> Lark:
    starts = ["condition", "value"]
    return Lark(_GRAMMAR, parser="lalr", start=starts, propagate_positions=True, maybe_placeholders=False)


def example_symbol(symbols: Collection[str] | None) -> str:
    """Return a symbol for examples as conditions write it: the first of the session, if it is known."""
    first = next(iter(symbols or ()), "SPY")
    return first if first.isidentifier() else f'"{first}"'


def _unexpected(text: str, error: UnexpectedToken, symbols: Collection[str] | None) -> ConditionError:
    token, expected = error.token, set(error.accepts or error.expected)
    allowed = _allowed(expected, symbols)
    if token.type == "$END":
        end = len(text.rstrip())
        return condition_fault(text, Span(end, end + 1), f"unexpected end; expected {allowed}")
    span = Span(token.start_pos or 0, token.end_pos or len(text))
    message = f"unexpected {str(token)!r}; expected {allowed}"
    if "COMPARATOR" in expected and token.type in ("AND", "OR", "RPAR"):
        message = f"missing comparison before {str(token)!r}, such as > 30"
    elif token.type == "LSQB":
        example = f"{example_symbol(symbols)}.close[1]"
        message = f"unexpected '[': bars back are counted of one value of a symbol, such as {example}"
    return condition_fault(text, span, message, _suggestion(token, expected))


def _suggestion(token: Token, expected: set[str]) -> str | None:
    """Return the word of the grammar that was probably meant, or None."""
    word = str(token)
    if expected == {"DIRECTION"}:
        return _meant(word, _DIRECTIONS)
    if token.type not in ("NAME", "DIRECTION"):
        return None
    if "_CROSSES" in expected:
        return _meant(word, _CROSSES)
    return nearest(word, _KEYWORDS) if expected & {"AND", "OR"} else None


def _meant(word: str, meanings: Mapping[str, str]) -> str | None:
    found = nearest(word, meanings, cutoff=0.75)
    return None if found is None else meanings[found]


def _unquoted(text: str, at: int, symbols: Collection[str] | None) -> ConditionError | None:
    """Return the error for a symbol with a dot but without quotes, as in BRK.B.close, or None."""
    found = next((match for match in _DOTTED.finditer(text) if match.end("symbol") == at), None)
    if found is None or (symbols is not None and found["symbol"] not in symbols):
        return None
    message = f"symbol {found['symbol']!r} has a dot: put it in quotes"
    return condition_fault(text, Span(*found.span("symbol")), message, f'"{found["symbol"]}".{found["rest"]}')


def _allowed(expected: set[str] | None, symbols: Collection[str] | None) -> str:
    """Return the allowed tokens: those that end a comparison, else a comparison, else all."""
    names = set(expected or ())
    if "AND" in names:
        names -= {"COMPARATOR", "PLUS_MINUS", "TIMES_OVER"}
    elif "COMPARATOR" in names:
        names &= {"COMPARATOR", "_CROSSES"}
    if names <= {"MINUS", "NUMBER"} and names:
        return "a whole number of bars"
    if "NUMBER" in names:
        names -= {"NAME", "INTERVAL"}
    symbol = example_symbol(symbols)
    words = [word.format(symbol=symbol) for name, word in _WORDS.items() if name in names]
    if len(words) < 2:
        return "".join(words) or "nothing"
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _node(text: str, tree: Tree[Token]) -> Node:  # noqa: PLR0911  # a case for each rule
    """Return the node of a part of the grammar's tree."""
    span = _span(tree)
    match tree.data:
        case "number" | "time_of_day" | "clock_time" | "reference" | "lonely" | "call":
            return _atom(text, tree, span)
        case "negative":
            return Negative(_value(text, tree.children[0]), span)
        case "denied":
            return Not(_truth(text, tree.children[0]), span)
        case "both":
            return Both(tuple(_truth(text, child) for child in tree.children), span)
        case "either":
            return Either(tuple(_truth(text, child) for child in tree.children), span)
        case "comparison":
            return _comparison(text, tree, span)
        case "crossing":
            return _crossing(text, tree, span)
    return _arithmetic(text, tree)


def _atom(text: str, tree: Tree[Token], span: Span) -> Node:
    match tree.data:
        case "number":
            return Number(float(str(tree.children[0]).replace("_", "")), span)
        case "time_of_day":
            return TimeOfDay(_seconds(text, cast(Token, tree.children[0])), span)
        case "clock_time":
            if tree.children:
                message = "time has no bars to count back: use it without [n]"
                raise condition_fault(text, _span(cast("Tree[Token]", tree.children[0])), message)
            return ClockTime(span)
        case "call":
            function, *arguments = tree.children
            values = tuple(_value(text, argument) for argument in arguments)
            return Call(cast(Function, str(function)), values, span)
    return _reference(text, tree, span)


def _reference(text: str, tree: Tree[Token], span: Span) -> Reference:
    parts = list(tree.children)
    back, back_span = _back(text, parts)
    name = cast(Token, parts.pop())
    if not parts:
        return Reference(None, None, None, str(name), back, span, _token_span(name), span, back_span)
    if isinstance(parts[0], Token):
        own = _interval(text, parts[0])
        return Reference(None, None, own, str(name), back, span, _token_span(name), span, back_span)
    holder = parts[0]
    token = cast(Token, holder.children[0])
    interval = _interval(text, cast(Token, parts[1])) if len(parts) > 1 else None
    word = str(token)[1:-1] if token.type == "QUOTED" else str(token)
    where = (span, _token_span(name), _token_span(token), back_span)
    if token.type == "QUANTIFIER":
        return Reference(None, cast(Quantifier, word), interval, str(name), back, *where)
    return Reference(word, None, interval, str(name), back, *where)


def _back(text: str, parts: list[Tree[Token] | Token]) -> tuple[int, Span | None]:
    """Take `[n]` off the end of a reference's parts; return its number, 0 without it, and its span."""
    last = parts[-1]
    if isinstance(last, Token):
        return 0, None
    parts.pop()
    written, span = "".join(map(str, last.children)), _span(last)
    if _WHOLE.fullmatch(written) and int(written) <= MOST_BARS_BACK:
        return int(written), span
    written = written if len(written) <= 12 else f"{written[:12]}…"
    message = f"invalid number of bars back {written}: use a whole number from 0 to {MOST_BARS_BACK:,}"
    raise condition_fault(text, span, message)


def _comparison(text: str, tree: Tree[Token], span: Span) -> Comparison:
    operands = tuple(_value(text, child) for child in tree.children[::2])
    signs = tuple("==" if str(sign) == "=" else str(sign) for sign in tree.children[1::2])
    return Comparison(operands, cast("tuple[Comparator, ...]", signs), span)


def _crossing(text: str, tree: Tree[Token], span: Span) -> Crossing:
    left, direction, right = tree.children
    return Crossing(_value(text, left), _value(text, right), cast(Direction, str(direction)), span)


def _arithmetic(text: str, tree: Tree[Token]) -> Value:
    """Return a sum or product, evaluated from left to right."""
    first, *rest = tree.children
    value = _value(text, first)
    start = _span(tree).start
    for sign, operand in zip(rest[::2], rest[1::2], strict=True):
        right = _value(text, operand)
        value = Arithmetic(cast(Operator, str(sign)), value, right, Span(start, right.span.stop))
    return value


def _value(text: str, child: Tree[Token] | Token) -> Value:
    return cast(Value, _node(text, cast("Tree[Token]", child)))


def _truth(text: str, child: Tree[Token] | Token) -> Truth:
    return cast(Truth, _node(text, cast("Tree[Token]", child)))


def _seconds(text: str, token: Token) -> int:
    hours, minutes, seconds = ([int(part) for part in token.split(":")] + [0])[:3]
    if hours > 23 or minutes > 59 or seconds > 59:
        raise condition_fault(text, _token_span(token), invalid_time_of_day(str(token)))
    return (hours * 60 + minutes) * 60 + seconds


def _interval(text: str, token: Token) -> Interval:
    try:
        interval = Interval.parse(str(token))
    except ValueError as error:
        raise condition_fault(text, _token_span(token), str(error)) from None
    return interval


def _span(tree: Tree[Token]) -> Span:
    return Span(tree.meta.start_pos, tree.meta.end_pos)


def _token_span(token: Token) -> Span:
    start = token.start_pos or 0
    return Span(start, start + len(token))
