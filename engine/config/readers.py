"""Field readers: convert single JSON or YAML values to the engine's types, or raise a fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Final, Literal, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from tapedeck.engine.config.faults import FaultList, fault, shown
from tapedeck.engine.config.period import Period, nearest_period
from tapedeck.engine.errors import invalid_time_of_day, nearest
from tapedeck.engine.intervals import COMMON_SPELLINGS, WEEK, Interval
from tapedeck.engine.symbols import is_symbol_character, symbol_fault
from tapedeck.engine.user_path import path_fault

T = TypeVar("T")

QUOTES: Final = "quotes"
ALL: Final = "all"
UNIVERSE_FORMS: Final = 'all, a list such as [SPY, IBM], a pattern such as "A*", or {file: symbols.txt}'
_FILE_NAME: Final = re.compile(r"[/\\]|\.(txt|csv|lst|list)$")


def read_interval(value: object) -> Interval:
    """Return the interval in a field."""
    if isinstance(value, Interval):
        return value
    if not isinstance(value, str):
        near = f"{value}m" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
        raise fault(f"must be an interval with a unit, such as 1m, 15m, 1h, 1d, not {shown(value)}", near)
    try:
        return Interval.parse(value)
    except ValueError as error:
        raise fault(str(error), nearest(value, COMMON_SPELLINGS)) from None


def read_session_interval(value: object) -> Interval:
    """Return an interval of bars within a session; a week is possible in history and indicators only."""
    interval = read_interval(value)
    if interval == WEEK:
        raise fault("'1w' is for history and indicators only: the longest bar of a session is 1d", "1d")
    return interval


def read_intraday_interval(value: object) -> Interval:
    """Return an interval that fits into a session several times."""
    interval = read_interval(value)
    if not interval.is_intraday:
        raise fault(f"'{interval}' is too long: use less than a day, such as 5m or 1h")
    return interval


def read_stream(value: object) -> Interval | Literal["quotes"]:
    """Return one entry of `streams`: an interval, or the word `quotes`."""
    if value == QUOTES:
        return QUOTES
    if isinstance(value, str) and nearest(value, [QUOTES]):
        raise fault(f"invalid stream {value!r}: use an interval, such as 1m, or {QUOTES}", QUOTES)
    return read_session_interval(value)


def read_rule(value: str) -> str:
    """Return a rule in one line; its words are checked with the names of the session."""
    line = " ".join(value.split())
    if not line:
        raise fault("must not be empty")
    return line


def read_line(value: str) -> str:
    """Return a line of text: not blank, and without control characters."""
    if not value.strip() or not value.isprintable():
        raise fault(f"must be one line of text without control characters, not {shown(value)}")
    return value


def read_symbol(value: object) -> str:
    """Return a symbol as written; it has no spaces or control characters."""
    if not isinstance(value, str):
        hint = (
            " (YAML reads it as another type: put it in quotes)" if not isinstance(value, list | dict) else ""
        )
        near = f'"{value}"' if isinstance(value, int | float) and not isinstance(value, bool) else None
        raise fault(f"must be a symbol such as SPY, not {shown(value)}{hint}", near)
    if not value:
        raise fault("must be a symbol such as SPY, not empty text")
    if message := symbol_fault(value):
        near = "".join(letter for letter in value if is_symbol_character(letter)).lstrip("=")
        raise fault(message, near if symbol_fault(near) is None else None)
    return value


def read_period(value: object) -> Period:
    """Return the period in a field."""
    if isinstance(value, Period):
        return value
    if not isinstance(value, str):
        raise fault(f"must be a period such as 10d, 52w, 6m, 1y, not {shown(value)}", _days(value))
    try:
        return Period.parse(value)
    except ValueError as error:
        near = nearest_period(value)
        raise fault(str(error), near if near != value else None) from None


def _days(value: object) -> str | None:
    return f"{value}d" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def read_date(value: object) -> date:
    """Return the date written as YYYY-MM-DD, the only form allowed."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = str(value)
    near = f"{text[:4]}-{text[4:6]}-{text[6:]}" if re.fullmatch("[12][0-9]{7}", text) else None
    if not isinstance(value, str) or re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
        raise fault(f"must be a date as YYYY-MM-DD, not {shown(value)}", near)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise fault(f"invalid date {value!r}: {error}") from None


def read_time(value: object) -> time:
    """Return the time of day written as HH:MM or HH:MM:SS, in the exchange's zone."""
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if not isinstance(value, str) or re.fullmatch("[0-9]{2}:[0-9]{2}(:[0-9]{2})?", value) is None:
        raise fault(
            f"must be a time of day as HH:MM or HH:MM:SS, in quotes, not {shown(value)}",
            _padded(value),
        )
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise fault(invalid_time_of_day(value)) from None


def _padded(value: object) -> str | None:
    match = re.fullmatch("([0-9]):([0-5][0-9])", value) if isinstance(value, str) else None
    return f"0{match[1]}:{match[2]}" if match else None


def distinct(read_one: Callable[[object], T], what: str, example: str) -> Callable[[object], tuple[T, ...]]:
    """Return a reader of non-empty lists without duplicates, whose entries `read_one` reads.

    `what`: the entries' name in the plural. `example`: a valid list. Every invalid entry is reported.
    """

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise fault(f"must be a list of {what}, such as {example}, not {shown(value)}", _as_list(value))
        if not value:
            raise fault(f"must be a list of at least one of the {what}, such as {example}, not empty")
        faults, found = FaultList(), dict[T, object]()
        for position, entry in enumerate(value):
            try:
                parsed = read_one(entry)
                if parsed in found:
                    raise _duplicate(entry, found[parsed])
                found[parsed] = entry
            except PydanticCustomError as error:
                faults.add((position,), entry, error)
            except ValidationError as error:  # of an entry with fields
                faults.add_all((position,), error)
        faults.raise_any()
        return tuple(found)

    return read


def _duplicate(entry: object, first: object) -> PydanticCustomError:
    if entry == first:
        return fault(f"duplicate entry {shown(entry)}")
    return fault(f"duplicate entry {shown(entry)}: the same as {shown(first)}")


def _as_list(value: object) -> str | None:
    return f"[{value}]" if isinstance(value, str) and value else None


def is_pattern(text: str) -> bool:
    """Whether a text has a placeholder, * for any characters or ? for one."""
    return "*" in text or "?" in text


def read_pattern(value: str) -> str:
    """Return a pattern of symbols as written."""
    if not is_pattern(value) or symbol_fault(value):
        near = f"{value}*" if symbol_fault(value) is None else None
        raise fault(f'must be a pattern of symbols with * or ?, such as "A*", not {shown(value)}', near)
    return value


def read_universe_symbols(value: object) -> Literal["all"] | tuple[str, ...]:
    """Return the symbols of the universe, or the word `all`."""
    if isinstance(value, list | tuple):
        return read_symbols(value)
    if value == ALL:
        return ALL
    near = f"[{value}]" if isinstance(value, str) and symbol_fault(value) is None else None
    if isinstance(value, str) and _FILE_NAME.search(value):
        near = f"{{file: {value}}}"
    raise fault(f"must be {UNIVERSE_FORMS}, not {shown(value)}", near)


def read_file_name(value: str) -> str:
    """Return the path of a file as written."""
    if not value.strip() or path_fault(value):
        raise fault(f"must be the path of a file, not {shown(value)}")
    return value


read_symbols: Final = distinct(read_symbol, "symbols", "[SPY, IBM]")
read_streams: Final = distinct(read_stream, "streams", "[1m, 5m]")
read_intervals: Final = distinct(read_interval, "intervals", "[1m, 1d]")


def read_all_or_symbols(value: object) -> Literal["all"] | tuple[str, ...]:
    """Return a list of symbols, or the word `all`."""
    if isinstance(value, str):
        if value == ALL:
            return ALL
        raise fault(
            f"must be the word {ALL}, or a list of symbols such as [SPY, IBM], not {value!r}", f"[{value}]"
        )
    return read_symbols(value)
