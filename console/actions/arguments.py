"""Kinds of action arguments: their check in key scripts, and their prompt on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol

from tapedeck.console.actions.speeds import read_speed
from tapedeck.console.actions.symbol_changes import SymbolCommand, argument_fault, named, unknown_symbol
from tapedeck.console.actions.time_expressions import InvalidTimeError, ReferenceTime, parse_time_expression
from tapedeck.console.panel_data.registry import view_names
from tapedeck.console.panel_data.tables import FORMATS
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.conditions.reading import read_condition
from tapedeck.engine.errors import (
    ConditionError,
    EngineError,
    TapedeckError,
    shortened,
)
from tapedeck.engine.tape.symbol_changes import ChangeKind

# Syntax is checked with one exchange and one day: it is the same for all.
_ANY_EXCHANGE: Final = "24/7"
_ANY_DAY: Final = date(2013, 11, 26)
_MOST_DIGITS: Final = 9


class ColumnNames(Protocol):
    """Names of the columns of a run's symbol table; EngineError for an unknown one."""

    def read(self, text: str) -> object:
        """Read a list of columns."""

    def key_of(self, word: str) -> object:
        """Read one column."""


class LineNames(Protocol):
    """Names of the indicators on the chart; EngineError for an unknown one."""

    def read(self, text: str) -> object:
        """Read a list of indicators."""


@dataclass(frozen=True, slots=True)
class RunWords:
    """Names that a run has. `columns`, `lines`: None in batch jobs, which have no symbol table and no chart.

    `joinable`: returns the symbols that can join it; it reads the store. None: any name is accepted.
    """

    vocabulary: Vocabulary
    columns: ColumnNames | None = None
    lines: LineNames | None = None
    joinable: Callable[[], tuple[str, ...]] | None = None

    def with_symbol(self, symbol: str) -> RunWords:
        """Return the names of the run after a symbol has joined it."""
        symbols = tuple(dict.fromkeys([*self.vocabulary.symbols, symbol]))
        return replace(self, vocabulary=replace(self.vocabulary, symbols=symbols))


def _known_to_all(_text: str, _words: RunWords) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Argument:
    """A kind of argument. `check` returns the fault of a text, or None; `check_words` that of its names.

    `prompt`: name of the screen's handler that prompts for a missing argument and runs the action with the
    answer; "" if the argument is optional.
    """

    check: Callable[[str], str | None]
    prompt: str = ""
    check_words: Callable[[str, RunWords], str | None] = _known_to_all


def _no_argument(text: str) -> str | None:
    return f"unexpected argument {shortened(text)!r}" if text else None


def _any_text(_text: str) -> str | None:
    return None


def _slots(text: str) -> str | None:
    if not text or (_is_count(text) and int(text) > 0):
        return None
    return f"invalid step count {shortened(text)!r}: use a whole number of at least 1, or nothing for 1"


def _number(text: str) -> str | None:
    return None if _is_count(text) else f"invalid breakpoint number {shortened(text)!r}: use a whole number"


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _speed(text: str) -> str | None:
    try:
        read_speed(text)
    except ValueError as error:
        return str(error)
    return None


def _time(text: str) -> str | None:
    if not text:
        return "time missing: use 10:30, +15m, next open or 2013-10-08 10:30"
    calendar = TimeManager(_ANY_EXCHANGE)
    session = calendar.get_trading_session(_ANY_DAY)
    try:
        parse_time_expression(text, ReferenceTime(session, session.regular_open), calendar)
    except InvalidTimeError as error:
        (problem,) = error.problems
        return problem.message
    except TapedeckError:  # valid syntax; whether a session is open then depends on the run
        return None
    return None


def _condition(text: str) -> str | None:
    try:
        read_condition(text)
    except ConditionError as error:
        return str(error)
    return None


def _condition_words(text: str, words: RunWords) -> str | None:
    try:
        Condition.parse(text, words.vocabulary)
    except ConditionError as error:
        return str(error)
    return None


def _breakpoint_words(text: str, words: RunWords) -> str | None:
    """Return the fault of a breakpoint's names; it may wait for symbols that can join."""
    if words.joinable is None:
        return _condition_words(text, words)
    try:
        Condition.parse_waiting(text, words.vocabulary, words.joinable)
    except ConditionError as error:
        return str(error)
    return None


def known_symbol(text: str, symbols: Sequence[str]) -> str:
    """Return the symbol of a name or of its first letters, in any case; EngineError if there is none."""
    wanted = text.strip().upper()
    found = next((symbol for symbol in symbols if symbol.upper() == wanted), None)
    found = found or next((symbol for symbol in symbols if symbol.upper().startswith(wanted)), None)
    if found is None:
        raise unknown_symbol(text.strip(), symbols)
    return found


def _symbol_words(text: str, words: RunWords) -> str | None:
    return _fault(lambda: known_symbol(text, words.vocabulary.symbols)) if text else None


def _added(text: str) -> str | None:
    return argument_fault(ChangeKind.JOINED, text)


def _added_words(text: str, words: RunWords) -> str | None:
    return None if words.joinable is None else _fault(lambda: joined_by(text, words))


def joined_by(text: str, words: RunWords) -> str:
    """Return the symbol, as it is stored, that joins with an argument of `add`; EngineError if it is unknown.

    One of the run may leave, and join again.
    """
    symbol = SymbolCommand.read(ChangeKind.JOINED, text).symbol
    return symbol if words.joinable is None else named(symbol, (*words.vocabulary.symbols, *words.joinable()))


def _removed(text: str) -> str | None:
    return argument_fault(ChangeKind.LEFT, text)


def _removed_words(text: str, words: RunWords) -> str | None:
    return _fault(lambda: named(text.strip(), words.vocabulary.symbols))


def _column_words(text: str, words: RunWords) -> str | None:
    columns = words.columns
    return None if columns is None or not text else _fault(lambda: columns.read(text))


def _line_words(text: str, words: RunWords) -> str | None:
    lines = words.lines
    return None if lines is None or not text else _fault(lambda: lines.read(text))


def _sort_words(text: str, words: RunWords) -> str | None:
    columns = words.columns
    return None if columns is None or not text or text in SORTS else _fault(lambda: columns.key_of(text))


def _fault(read: Callable[[], object]) -> str | None:
    try:
        read()
    except EngineError as error:
        return str(error)
    return None


def _export(text: str) -> str | None:
    form, _, folder = text.partition(" ")
    if form in ("csv", "json") and folder.strip():
        return None
    example = "use csv and a folder, or json and a file, as in: export csv out/"
    return f"invalid export {shortened(text)!r}: {example}"


def _view(text: str) -> str | None:
    panel, _, form = text.partition(" ")
    if panel not in view_names():
        return f"unknown panel {shortened(panel)!r}: use {', '.join(view_names())}"
    if form.strip() not in ("", *FORMATS):
        return f"unknown format {shortened(form.strip())!r}: use {', '.join(FORMATS)}"
    return None


SORTS: Final = ("none", "symbol")
"""Words of the sort action in addition to columns of figures: order of the file, names."""

NO_ARGUMENT: Final = Argument(_no_argument)
ANY_TEXT: Final = Argument(_any_text)
SLOTS: Final = Argument(_slots)
TIME: Final = Argument(_time, prompt="navigation.ask_time")
SPEED: Final = Argument(_speed, prompt="transport.ask_speed")
CONDITION: Final = Argument(_condition, "breakpoints.ask", _breakpoint_words)
BREAKPOINT_NUMBER: Final = Argument(_number, prompt="breakpoints.ask")
SAVE_BREAKPOINTS: Final = Argument(_any_text, prompt="breakpoints.ask_save")
LOAD_BREAKPOINTS: Final = Argument(_any_text, prompt="breakpoints.ask_load")
FIND_NEXT: Final = Argument(_condition, "moments.ask_next", _condition_words)
FIND_PREVIOUS: Final = Argument(_condition, "moments.ask_previous", _condition_words)
NOTE: Final = Argument(_any_text, prompt="navigation.ask_bookmark")
SYMBOL: Final = Argument(_any_text, "panels.ask_symbol", _symbol_words)
ADDED_SYMBOL: Final = Argument(_added, "symbols.ask_add", _added_words)
REMOVED_SYMBOL: Final = Argument(_removed, "symbols.ask_remove", _removed_words)
FILTER: Final = Argument(_any_text, prompt="panels.type_filter")
COLUMNS: Final = Argument(_any_text, "panels.ask_columns", _column_words)
LINES: Final = Argument(_any_text, "panels.ask_lines", _line_words)
SORT: Final = Argument(_any_text, check_words=_sort_words)
LAYOUT: Final = Argument(_any_text, prompt="layouts.ask")
LAYOUT_TO_SAVE: Final = Argument(_any_text, prompt="layouts.ask_save")
LAYOUT_TO_REMOVE: Final = Argument(_any_text, prompt="layouts.ask_remove")
FIGURE: Final = Argument(_any_text, prompt="navigation.why")
FORMAT: Final = Argument(_any_text, prompt="data.ask_format")
EXPORT: Final = Argument(_export)
VIEW: Final = Argument(_view)
