"""Vocabulary of conditions: the symbols, fields and indicators of a session, and checks against them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from tapedeck.engine.conditions.account_words import (
    ACCOUNT_OWNERS,
    MONEY_WORDS,
    POSITION_WORDS,
    check_words,
)
from tapedeck.engine.conditions.faults import condition_fault
from tapedeck.engine.conditions.reading import example_symbol
from tapedeck.engine.conditions.syntax import (
    ClockTime,
    Comparison,
    Crossing,
    Node,
    Reference,
    Span,
    TimeOfDay,
    Truth,
    Value,
    children,
    references,
)
from tapedeck.engine.errors import listed, nearest
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES
from tapedeck.engine.tape.tape import Tape

SESSION_FIELDS: Final = ("last", *DAY_FIGURES, "quality", "missing", "gaps")
"""Fields of a symbol in addition to its bar fields."""
_MEANT: Final = {"gap": "gap_pct", "avg_volume": "avg_volume_to_now"}
"""Words that resemble another one than is meant: a market's gap is in percent, `gaps` are missing bars."""
_MOST_LISTED: Final = 40


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names in a session: symbols, intervals (base first), session and historical indicators.

    `figures`: further values of a symbol, such as those of the universe. `bare_names`: whether a name without
    a symbol is a value of the row's own, as in rules over rows. `any_symbol`: whether all symbols are
    allowed, where those of the session are not known yet. `account`: whether the words of the account are
    allowed, as in breakpoints of a run with strategies. `quotes`: whether the session streams quotes;
    `of_universe`: whether the symbols are those of the universe, which has none.
    """

    symbols: tuple[str, ...]
    intervals: tuple[Interval, ...]
    indicators: tuple[str, ...]
    historical: tuple[str, ...]
    figures: tuple[str, ...] = ()
    bare_names: bool = False
    any_symbol: bool = False
    account: bool = False
    quotes: bool = False
    of_universe: bool = False

    @classmethod
    def of(cls, tape: Tape) -> Vocabulary:
        """Return the vocabulary of a tape."""
        return cls(
            tape.symbols,
            tape.intervals,
            tuple(tape.indicators),
            tuple(tape.historical),
            quotes=tape.quotes is not None,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names allowed after a symbol's dot."""
        quotes = QUOTE_FIGURES if self.quotes else ()
        return (*FIELDS, *SESSION_FIELDS, *quotes, *self.indicators, *self.historical, *self._figures)

    @property
    def _figures(self) -> tuple[str, ...]:
        return (*self.figures, *POSITION_WORDS) if self.account else self.figures

    def check(self, text: str, condition: Node) -> None:
        """Raise ConditionError if a condition or value uses unknown names, or mixes times and numbers."""
        for reference in references(condition):
            self._check_reference(text, reference)
        _check_kinds(text, condition, [word for word in MONEY_WORDS if self.account or word in self.figures])
        if self.account:
            check_words(text, condition, ACCOUNT_OWNERS, (*POSITION_WORDS, *MONEY_WORDS))
        if not _depends_on_session(condition):
            raise condition_fault(text, condition.span, "it never changes: use a value of a symbol, or time")

    def _check_reference(self, text: str, reference: Reference) -> None:
        if self.account and reference.name in MONEY_WORDS and reference.interval is None:
            self._check_money_word(text, reference)
            return
        if reference.name in QUOTE_FIGURES and reference.interval is None:
            self._check_quotes(text, reference)
        if reference.is_bare and self.bare_names:
            self._check_bare_symbol(text, reference)
        elif reference.quantifier is None:
            self._check_symbol(text, reference)
        if reference.interval is not None:
            self._check_interval(text, reference)
        elif reference.name not in self.names:
            owner = "rules read" if self.bare_names else "this session has"
            message = f"unknown value {reference.name!r} ({owner} {listed(self.names, _MOST_LISTED)})"
            raise condition_fault(text, reference.name_span, message, self._meant(reference))
        elif reference.back_span is not None:
            self._check_bars_back(text, reference, reference.back_span)

    def _meant(self, reference: Reference) -> str | None:
        """Return the word that was probably meant by an unknown name, or None."""
        meant = _MEANT.get(reference.name.casefold())
        if meant in self.names:
            return meant
        return nearest(reference.name, (*self.names, "time") if reference.is_bare else self.names)

    def _check_bars_back(self, text: str, reference: Reference, back_span: Span) -> None:
        name = reference.name
        if name in self.historical or name in self._figures:
            since = ", as it is computed before the session" if name in self.historical else ""
            message = f"{name} has no bars to count back{since}: use it without [n]"
            raise condition_fault(text, back_span, message)

    def _check_money_word(self, text: str, reference: Reference) -> None:
        if reference.back_span is not None:
            message = f"{reference.name} has no bars to count back: use it without [n]"
            raise condition_fault(text, reference.back_span, message)

    def _check_quotes(self, text: str, reference: Reference) -> None:
        name = reference.name
        if name in self.names:
            return
        message = f"{name} needs quotes: add quotes to streams, as in streams: [1m, quotes]"
        if self.of_universe:
            message = (
                f"{name} is not available: the universe has no quotes. Breakpoints and strategies read them"
            )
        raise condition_fault(text, reference.name_span, message)

    def _check_bare_symbol(self, text: str, reference: Reference) -> None:
        if reference.name in self.symbols and reference.name not in self.names:
            symbol = reference.name
            message = f"{symbol} is a symbol: use one of its values, such as {symbol}.close"
            raise condition_fault(text, reference.span, message)

    def _check_symbol(self, text: str, reference: Reference) -> None:
        if reference.symbol is None:
            money = MONEY_WORDS if self.account else ()
            known, symbol = [*self.names, "time", *money], example_symbol(self.symbols)
            if reference.name in self.names:
                name = reference.name
                if reference.interval is not None:
                    name = f"{reference.interval}.{name}"
                message = f"{name!r} needs a symbol: {symbol}.{name}, any.{name} or all.{name}"
                raise condition_fault(text, reference.span, message)
            words = ", ".join(("time", *money))
            example = f"a value of a symbol, such as {symbol}.close"
            message = f"unknown name {reference.name!r}: use {words}, or {example}"
            raise condition_fault(text, reference.span, message, nearest(reference.name, known))
        if reference.symbol not in self.symbols and not self.any_symbol:
            message = f"unknown symbol {reference.symbol!r} (this session has {listed(self.symbols)})"
            near = nearest(reference.symbol, [*self.symbols, "any", "all"])
            raise condition_fault(text, reference.symbol_span, message, near)

    def _check_interval(self, text: str, reference: Reference) -> None:
        if reference.interval not in self.intervals:
            known = [str(interval) for interval in self.intervals]
            message = f"unknown interval {reference.interval} (this session has {', '.join(known)})"
            raise condition_fault(text, reference.span, message)
        if reference.name not in FIELDS:
            fields = ", ".join(FIELDS)
            message = f"unknown bar field {reference.name!r}: after an interval use {fields}"
            raise condition_fault(text, reference.name_span, message, nearest(reference.name, FIELDS))


def _check_kinds(text: str, node: Node, of_no_row: Collection[str]) -> None:
    """Reject arithmetic with times, comparisons of times with numbers, and mixtures of any and all.

    `of_no_row`: bare names that are of no symbol, and stand beside any and all.
    """
    for child in children(node):
        _check_kinds(text, child, of_no_row)
    if isinstance(node, Comparison):
        kinds = {_is_time(operand) for operand in node.operands}
        if len(kinds) > 1:
            message = "a time cannot be compared with a number: use a time of day such as 10:30"
            raise condition_fault(text, node.span, message)
        _refuse_mixtures(text, node, of_no_row)
    elif isinstance(node, Crossing):
        _refuse_times(text, node, "a time cannot cross a value: compare it, as in time >= 10:30")
        _refuse_mixtures(text, node, of_no_row)
    elif not isinstance(node, Truth):
        _refuse_times(text, node, "arithmetic with a time is not possible: compare it, as in time >= 10:30")


def _refuse_mixtures(text: str, node: Comparison | Crossing, of_no_row: Collection[str]) -> None:
    over_rows = [r for r in references(node) if r.symbol is None and not (r.is_bare and r.name in of_no_row)]
    quantifiers = {reference.quantifier for reference in over_rows if reference.quantifier is not None}
    bare = next((reference for reference in over_rows if reference.is_bare), None)
    message = None
    if len(quantifiers) > 1:
        message = "any and all are mixed in one comparison: use one of them, or two comparisons with and"
    elif quantifiers and bare is not None:
        mixed = f"{bare.name} and {quantifiers.pop()} are mixed in one comparison"
        message = f"{mixed}: use two comparisons with and"
    if message is not None:
        raise condition_fault(text, node.span, message)


def _refuse_times(text: str, node: Value | Crossing, message: str) -> None:
    for child in children(node):
        if isinstance(child, TimeOfDay | ClockTime):
            raise condition_fault(text, child.span, message)


def _is_time(value: Value) -> bool:
    return isinstance(value, TimeOfDay | ClockTime)


def _depends_on_session(node: Node) -> bool:
    if isinstance(node, Reference | ClockTime):
        return True
    return any(_depends_on_session(child) for child in children(node))
