"""Failures of a command: error text, exit code, JSON document."""

from __future__ import annotations

import logging
from typing import Final, cast

import typer

from tapedeck.console.cli.import_questions import UnclearImportError
from tapedeck.console.cli.run_questions import NothingToPlayError
from tapedeck.engine.errors import (
    BarImportError,
    CalendarError,
    ConditionError,
    ConfigError,
    DataMissingError,
    NotAnExportError,
    NotTradingError,
    StoreChangedError,
    StoreError,
    TapedeckError,
)
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.strategies.strategy_error import StrategyError

USAGE_ERROR: Final = typer.BadParameter.__mro__[1]
"""Typer's error for an invalid command line; it has no public name."""

log = logging.getLogger(__name__)

DONE: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
DATA_MISSING: Final = 3
INTERRUPTED: Final = 130

EXIT_CODES: Final = {
    DONE: "done; also a console left with `q`",
    FAILED: "failed: an error ended the run, a recording lacks bars, `validate` found faults",
    BAD_INPUT: "bad input or configuration; `validate`: the folder has no export",
    DATA_MISSING: "data missing in the store, none imported, or `live --no-wait`: market closed",
    INTERRUPTED: "interrupted by ctrl+c or a signal; the export is marked as partial",
}
"""Meaning of each exit code, for README and help."""

_EXIT_CODES: Final = (
    (DataMissingError, DATA_MISSING),
    (NotTradingError, DATA_MISSING),
    (ConfigError, BAD_INPUT),
    (ConditionError, BAD_INPUT),
    (CalendarError, BAD_INPUT),
    (StoreChangedError, FAILED),
    (StoreError, BAD_INPUT),
    (BarImportError, BAD_INPUT),
    (NotAnExportError, BAD_INPUT),
    (NothingToPlayError, BAD_INPUT),
    (TapedeckError, FAILED),
    (USAGE_ERROR, BAD_INPUT),
)


def exit_codes_text() -> str:
    """Return the exit codes as a paragraph of a help text, one on each line."""
    return "\n".join(
        ["\b", "Exit codes:", *(f"  {code:<4}{meaning}" for code, meaning in EXIT_CODES.items())]
    )


def exit_codes_markdown() -> str:
    """Return README's table of exit codes."""
    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows])


def exit_code_of(error: BaseException) -> int:
    """Return the exit code of an error."""
    if isinstance(error, FeedError):
        return exit_code_of_run(error)
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), FAILED)


def exit_code_of_run(error: BaseException) -> int:
    """Return the exit code of a run that an error ended: failed, unless a feed refused what the user gave."""
    return BAD_INPUT if isinstance(error, FeedError) and error.is_bad_input else FAILED


def describe(error: BaseException, log_path: object = None) -> str:
    """Return the message of an error: the text of tapedeck's own; one line and the log's path for others."""
    if isinstance(error, TapedeckError):
        return str(error)
    if isinstance(error, USAGE_ERROR):
        text = cast(typer.BadParameter, error).format_message()
        return text[:1].lower() + text[1:]
    first_line = next(iter(str(error).splitlines()), "")
    where = f" The traceback is in {log_path}." if log_path is not None else ""
    return f"unexpected {type(error).__name__}: {first_line}.{where} Please report it."


def error_document(error: BaseException, log_path: object = None) -> dict[str, object]:
    """Return an error as part of a JSON document, with its attributes."""
    document: dict[str, object] = {
        "kind": type(error).__name__,
        "message": describe(error, log_path),
        "exit_code": exit_code_of(error),
    }
    if isinstance(error, ConfigError):
        document["source"] = error.source
        document["problems"] = [
            {
                "path": problem.path,
                "line": problem.line,
                "message": problem.message,
                "suggestion": problem.suggestion,
            }
            for problem in error.problems
        ]
    if isinstance(error, UnclearImportError | NothingToPlayError):
        document["commands"] = list(error.commands)
    if isinstance(error, DataMissingError):
        document["symbols"] = list(error.symbols)
        document["interval"] = error.interval
    if isinstance(error, StrategyError):
        document["strategy"] = error.strategy
        document["traceback"] = error.traceback or None
    return document


def log_failure(error: BaseException) -> None:
    """Log an error with its traceback."""
    log.error("the command failed: %s", type(error).__name__, exc_info=error)
