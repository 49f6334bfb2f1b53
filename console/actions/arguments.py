"""Kinds of action arguments: their check in key scripts, and their prompt on the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from tapedeck.console.actions.speeds import read_speed
from tapedeck.console.actions.time_expressions import InvalidTimeError, ReferenceTime, parse_time_expression
from tapedeck.console.panel_data.registry import view_names
from tapedeck.console.panel_data.tables import FORMATS
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.conditions.reading import read_condition
from tapedeck.engine.errors import ConditionError, TapedeckError, shortened

# Syntax is checked with one exchange and one day: it is the same for all.
_ANY_EXCHANGE: Final = "24/7"
_ANY_DAY: Final = date(2013, 11, 26)
_MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Argument:
    """A kind of argument. `check` returns the fault of a text, or None.

    `prompt`: name of the screen's handler that prompts for a missing argument and runs the action with the
    answer; "" if the argument is optional.
    """

    check: Callable[[str], str | None]
    prompt: str = ""


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


NO_ARGUMENT: Final = Argument(_no_argument)
ANY_TEXT: Final = Argument(_any_text)
SLOTS: Final = Argument(_slots)
TIME: Final = Argument(_time, prompt="navigation.ask_time")
SPEED: Final = Argument(_speed, prompt="transport.ask_speed")
CONDITION: Final = Argument(_condition, prompt="breakpoints.ask")
BREAKPOINT_NUMBER: Final = Argument(_number, prompt="breakpoints.ask")
SAVE_BREAKPOINTS: Final = Argument(_any_text, prompt="breakpoints.ask_save")
LOAD_BREAKPOINTS: Final = Argument(_any_text, prompt="breakpoints.ask_load")
FIND_NEXT: Final = Argument(_condition, prompt="moments.ask_next")
FIND_PREVIOUS: Final = Argument(_condition, prompt="moments.ask_previous")
NOTE: Final = Argument(_any_text, prompt="navigation.ask_bookmark")
SYMBOL: Final = Argument(_any_text, prompt="panels.ask_symbol")
FILTER: Final = Argument(_any_text, prompt="panels.type_filter")
COLUMNS: Final = Argument(_any_text, prompt="panels.ask_columns")
FIGURE: Final = Argument(_any_text, prompt="navigation.why")
FORMAT: Final = Argument(_any_text, prompt="data.ask_format")
EXPORT: Final = Argument(_export)
VIEW: Final = Argument(_view)
