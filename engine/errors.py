"""Errors a reader can act on: each says what happened, where, and what to do.

They are few, split by what can be done about them, not by where they are raised. Facts that a front end
may want to show its own way stand as attributes beside the text.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class TapedeckError(Exception):
    """Base of every error that tapedeck raises on purpose; its text is fit for a user."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One fault of a session file: where it stands, what was found, what would be right.

    `path` is the dotted path of the field (`backtest_config.start_date`, `symbols[2]`), `value` what stood
    there (None when a field is absent), `message` what is wrong and what is allowed, `suggestion` the nearest
    valid spelling or None.
    """

    path: str
    value: object
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" Did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"{self.path}: {self.message}{hint}"


class ConfigError(TapedeckError):
    """A session file, setting or argument that cannot be used. Exit code 2.

    `source` names the file; `problems` holds every fault of it, not only the first.
    """

    def __init__(self, source: str, problems: Sequence[ConfigProblem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{source}: {count} problem{'' if count == 1 else 's'}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class ConditionError(TapedeckError):
    """A breakpoint's condition that cannot be understood. Exit code 2.

    `condition` is its text, `column` where the fault begins (counted from 1), `width` how many characters it
    has, `message` what is wrong, `suggestion` the nearest known word or None.
    """

    def __init__(
        self, condition: str, start: int, width: int, message: str, suggestion: str | None = None
    ) -> None:
        self.condition = condition
        self.column = start + 1
        self.width = width
        self.message = message
        self.suggestion = suggestion
        hint = f" Did you mean {suggestion!r}?" if suggestion else ""
        # The text may have tabs or line ends, which would move the mark.
        shown = "".join(" " if character.isspace() else character for character in condition)
        mark = " " * start + "^" * width
        super().__init__(
            f"the condition cannot be used, at column {self.column}: {message}.{hint}\n  {shown}\n  {mark}"
        )


class CalendarError(TapedeckError):
    """An exchange, date or span that the calendars do not have. Exit code 2."""


class ClockError(TapedeckError):
    """Session time left its bounds or ran back: a fault of the engine, which stops the session."""


class StoreError(TapedeckError):
    """Bars at rest cannot be read or written: wrong kind of file, no permission, no space. Exit code 2."""


class BarImportError(TapedeckError):
    """A file of bars cannot be imported, or `--strict` refused it. Exit code 2."""


class DataMissingError(TapedeckError):
    """Bars that the session needs are not in the store. Exit code 3.

    `symbols` names those concerned, `interval` what was looked for.
    """

    def __init__(self, message: str, *, symbols: Sequence[str] = (), interval: str | None = None) -> None:
        super().__init__(message)
        self.symbols = tuple(symbols)
        self.interval = interval


class EngineError(TapedeckError):
    """The running engine failed, or was asked for what its state does not allow. Exit code 1."""


class ExportError(TapedeckError):
    """An export cannot be written or read. Exit code 1."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known spelling nearest to `word`, or None where nothing is near; case is ignored."""
    by_folded = {name.casefold(): name for name in known}
    match = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[match[0]] if match else None
