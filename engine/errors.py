"""Errors for users: each text gives the fault, its place and a remedy.

There are few classes, one for each kind of remedy, not one for each place that raises. Facts are also
attributes, for front ends that format them their own way.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

WHOLE_FILE: Final = "file"
"""Path of a problem that concerns a whole file, not one of its fields."""


_PROBLEMS_SHOWN: Final = 100
_PROBLEM_WIDTH: Final = 2000
# Forms of messages: "unknown field 'x': the fields here are a, b.", "must be a or b, not 'x'."
_FAULT_THEN_ALLOWED: Final = re.compile(
    r"(?P<fault>(?:unknown|invalid) .*?['\"]): (?P<allowed>.{20,})", re.DOTALL
)
_ALLOWED_THEN_VALUE: Final = re.compile(r"must be (?P<allowed>.{30,}), not (?P<value>.+)\.", re.DOTALL)
_CONDITION_WIDTH: Final = 160
"""Characters shown of a long condition, around its fault."""


class TapedeckError(Exception):
    """Base of all errors that tapedeck raises on purpose; its text is meant for the user."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One fault of a session file, with the field's path and value.

    `path`: dotted path of the field (`backtest_config.start_date`, `symbols[2]`). `value`: the value in the
    file, None if the field is absent. `message`: the fault and the allowed values. `suggestion`: the nearest
    valid spelling, or None. `line`: that of the field in the file, from 1, or None.
    """

    path: str
    value: object
    message: str
    suggestion: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = self.path if self.line is None else f"line {self.line}: {self.path}"
        return f"{place}: {self.message}{did_you_mean(self.suggestion)}"


class ConfigError(TapedeckError):
    """An invalid session file, setting or argument. Exit code 2.

    `source`: the file. `problems`: all its faults. A single fault of the whole file is one sentence, which
    begins with the file: `october.yaml does not exist.`
    """

    def __init__(self, source: str, problems: Sequence[ConfigProblem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(_text_of(source, self.problems))


def _text_of(source: str, problems: Sequence[ConfigProblem]) -> str:
    if len(problems) == 1 and problems[0].path == WHOLE_FILE:
        return f"{source} {problems[0].message}{did_you_mean(problems[0].suggestion)}"
    count = len(problems)
    head = f"{source}: {count} problem{'' if count == 1 else 's'}"
    lines = [
        head,
        *(_indented(shortened(str(one), _PROBLEM_WIDTH)) for one in _told_once(problems[:_PROBLEMS_SHOWN])),
    ]
    if count > _PROBLEMS_SHOWN:
        lines.append(f"  and {count - _PROBLEMS_SHOWN:,} more")
    return "\n".join(lines)


def _indented(text: str) -> str:
    # Further lines are those of a condition, with a mark below its fault.
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _told_once(problems: Sequence[ConfigProblem]) -> Iterator[ConfigProblem]:
    """Yield problems, without what is allowed where the same was said before."""
    told: set[str] = set()
    for problem in problems:
        listed = _FAULT_THEN_ALLOWED.fullmatch(problem.message)
        demanded = _ALLOWED_THEN_VALUE.fullmatch(problem.message)
        allowed = listed["allowed"] if listed else demanded["allowed"] if demanded else None
        if allowed is None or allowed not in told:
            told.add(allowed or "")
            yield problem
        elif listed:
            yield replace(problem, message=f"{listed['fault']}.")
        elif demanded:
            yield replace(problem, message=f"invalid value {demanded['value']}.")


class ConditionError(TapedeckError):
    """An invalid condition of a breakpoint. Exit code 2.

    `condition`: its text. `column`: first character of the fault, counted from 1. `width`: its number of
    characters. `message`: the fault. `suggestion`: the nearest known word, or None.
    """

    def __init__(
        self, condition: str, start: int, width: int, message: str, suggestion: str | None = None
    ) -> None:
        self.condition = condition
        self.column = start + 1
        self.width = width
        self.message = message
        self.suggestion = suggestion
        super().__init__(
            f"invalid condition, at column {self.column}: {message}.{did_you_mean(suggestion)}"
            f"\n  {_marked(condition, start, width)}"
        )


def _marked(condition: str, start: int, width: int) -> str:
    """Return a condition, or of a long one the part around the fault, and a line that marks the fault."""
    first = 0 if len(condition) <= _CONDITION_WIDTH else max(0, start - _CONDITION_WIDTH // 2)
    part = condition[first : first + _CONDITION_WIDTH]
    # One character for each, as tabs, line ends and direction marks would move the mark.
    shown = "".join(" " if c.isspace() else c if c.isprintable() else "?" for c in part)
    head, tail = "…" * (first > 0), "…" * (first + len(part) < len(condition))
    room = len(head) + len(part) + 1 - (start - first)
    mark = " " * (len(head) + start - first) + "^" * min(width, max(1, room))
    return f"{head}{shown}{tail}\n  {mark}"


class CalendarError(TapedeckError):
    """An unknown exchange, or a date outside its calendar. Exit code 2."""


class ClockError(TapedeckError):
    """Session time left its bounds or ran backwards: an internal error, which stops the session."""


class StoreError(TapedeckError):
    """The bar store cannot be read or written: wrong file type, no permission, disk full. Exit code 2."""


class StoreDamagedError(StoreError):
    """Stored bars that differ from their checksums, or cannot be decoded, in `file`. Exit code 2."""

    def __init__(self, message: str, *, file: str) -> None:
        super().__init__(message)
        self.file = file


class StoreChangedError(StoreError):
    """Bars that a run still reads were changed, or their store was removed. Exit code 1."""


class SymbolRefusedError(StoreError):
    """A symbol that a store cannot hold; other symbols are not affected. Exit code 2."""


class BarImportError(TapedeckError):
    """A file of bars that cannot be imported, or was refused by `--strict`. Exit code 2."""


class DataMissingError(TapedeckError):
    """Bars needed for the session are missing in the store. Exit code 3.

    `symbols`: those without bars. `interval`: the missing interval.
    """

    def __init__(self, message: str, *, symbols: Sequence[str] = (), interval: str | None = None) -> None:
        super().__init__(message)
        self.symbols = tuple(symbols)
        self.interval = interval


class NotTradingError(TapedeckError):
    """The market is closed, and the recording was told not to wait for its open. Exit code 3."""


class EngineError(TapedeckError):
    """The engine failed, or its state does not allow a command. Exit code 1."""


class ExportError(TapedeckError):
    """An export cannot be written or read. Exit code 1."""


class NotAnExportError(ExportError):
    """A folder that was to be validated has no export. Exit code 2."""


def shortened(text: str, width: int = 80) -> str:
    """Return the text, or the first characters of a long one and an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def cause_of(error: OSError) -> str:
    """Return the cause of an operating system's error in words, never empty: `No such file or directory`.

    Errors of libraries (Arrow's, zip's) may have no code, or no text of the system.
    """
    if error.strerror:
        return error.strerror
    if error.errno:
        return os.strerror(error.errno)
    first_line = next((line for line in str(error).splitlines() if line.strip()), "")
    return first_line.strip() or type(error).__name__


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known spelling most similar to `word`, ignoring case, or None.

    `cutoff`: the least similarity, from 0 to 1, as in difflib.
    """
    by_folded = {name.casefold(): name for name in known}
    match = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=cutoff)
    return by_folded[match[0]] if match else None


def did_you_mean(suggestion: str | None) -> str:
    """Return the end of a message that suggests a spelling, with a space before it; empty for None."""
    if not suggestion:
        return ""
    # A suggestion to put text in quotes has its own.
    shown = suggestion if suggestion.startswith('"') else repr(suggestion)
    return f" Did you mean {shown}?"


def listed(names: Collection[str], limit: int = 12) -> str:
    """Return the first names in words, with the number of the others; `none` without names."""
    first = ", ".join(list(names)[:limit])
    return f"{first} and {len(names) - limit} more" if len(names) > limit else first or "none"


def invalid_time_of_day(text: str) -> str:
    """Return the message for a time of day whose hours, minutes or seconds are too large."""
    return f"invalid time of day {text!r}: hours are 0 to 23, minutes and seconds 0 to 59"


def unknown_name(what: str, name: str, known: Collection[str], *, owner: str = "this session") -> str:
    """Return the message for an unknown name: its kind, its text, and the names of `owner`."""
    return f"unknown {what} {name!r}: {owner} has {listed(known)}"


def unknown_name_with_hint(what: str, name: str, known: Collection[str]) -> str:
    """Return the sentence for an unknown name of a session, with the nearest known one."""
    return f"{unknown_name(what, name, known)}.{did_you_mean(nearest(name, known))}"
