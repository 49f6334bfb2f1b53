"""Shared options of commands, and readers of their values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from tapedeck.console.actions.speeds import read_speed
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest
from tapedeck.engine.intervals import COMMON_SPELLINGS, Interval
from tapedeck.engine.user_path import path_fault


def one_line_path(path: Path | None) -> Path | None:
    """Return the path given to an option; one with a line end could add lines to messages and is refused."""
    if path is not None and (fault := path_fault(str(path))) is not None:
        raise typer.BadParameter(fault)
    return path


StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="PATH",
        help="Bar store: a .db file or a folder of Parquet files.",
        callback=one_line_path,
    ),
]
ExportOption = Annotated[
    Path | None,
    typer.Option(
        "--export",
        metavar="DIR",
        help="Export all sessions as CSV files to this folder.",
        callback=one_line_path,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document only.")]
SessionFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Session file, YAML or JSON.", callback=one_line_path)
]

_INTERVALS: Final = tuple(word for word in COMMON_SPELLINGS if word != "1w")


def examples(*lines: str) -> str:
    """Return the examples of a help text, one command per line."""
    word = "Example" if len(lines) == 1 else "Examples"
    return "\n".join(["\b", f"{word}:", *(f"  {line}" for line in lines)])


def complete_interval(incomplete: str) -> list[str]:
    """Return the intervals that start with `incomplete`, for shell completion."""
    return [word for word in _INTERVALS if word.startswith(incomplete)]


def complete_exchange(incomplete: str) -> list[str]:
    """Return the exchange groups and codes that start with `incomplete`, for shell completion."""
    from tapedeck.engine.config.exchanges import EXCHANGE_GROUPS  # noqa: PLC0415 - slow, for completion only

    known = [*EXCHANGE_GROUPS, *EXCHANGE_GROUPS.values()]
    return [word for word in known if word.startswith(incomplete.upper())]


def read_date(option: str, text: str) -> date:
    """Return the date given to an option, in any usual spelling; ConfigError for an invalid one."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        from tapedeck.console.actions.time_expressions import parse_date  # noqa: PLC0415 - slow, and seldom needed

    found = parse_date(text)
    if found is None:
        message = f"invalid date {text!r}: use YYYY-MM-DD, such as 2024-07-03, or 3 July 2024."
        raise bad_option(option, text, message)
    return found


def read_speed_option(option: str, text: str) -> float:
    """Return the speed given to an option; ConfigError for an invalid one."""
    try:
        return read_speed(text)
    except ValueError as error:
        raise bad_option(option, text, str(error)) from None


def read_interval(option: str, text: str) -> Interval:
    """Return the interval given to an option; ConfigError for an invalid one."""
    try:
        return Interval.parse(text)
    except ValueError as error:
        raise bad_option(option, text, f"{error}.", nearest(text, _INTERVALS)) from None


def read_choice(option: str, text: str, choices: Iterable[str]) -> str:
    """Return the word if it is one of the choices; otherwise ConfigError lists them."""
    known = list(choices)
    word = text.strip().lower()
    if word not in known:
        message = f"invalid value {text!r}: use one of {', '.join(known)}."
        raise bad_option(option, text, message, nearest(word, known))
    return word


def bad_option(option: str, value: object, message: str, suggestion: str | None = None) -> ConfigError:
    """Return the error of an option with an invalid value."""
    return ConfigError("command line", [ConfigProblem(option, value, message, suggestion)])
