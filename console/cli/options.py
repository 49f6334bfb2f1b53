"""Shared options of commands, and readers of their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from tapedeck.console.actions.speeds import read_speed
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest, shortened
from tapedeck.engine.intervals import COMMON_SPELLINGS, Interval
from tapedeck.engine.user_path import path_fault

if TYPE_CHECKING:
    from pydantic import JsonValue


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

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Parameter of the file, or STRATEGY.NAME=VALUE; repeatable.",
    ),
]

_PARAMETER: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)?")
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


def read_settings(texts: Sequence[str] | None) -> dict[str, JsonValue]:
    """Return the parameters given to --set, by name; ConfigError for what is not NAME=VALUE.

    A value is written as in a session file.
    """
    settings: dict[str, JsonValue] = {}
    for text in texts or ():
        name, sign, written = (part.strip() for part in text.partition("="))
        if not _PARAMETER.fullmatch(name) or not sign or not written:
            message = f"must be NAME=VALUE, such as fast=12 or cross.fast=12, not {shortened(text)!r}."
            raise bad_option("--set", text, message)
        if name in settings:
            raise bad_option("--set", text, f"{name!r} is given twice: keep one of them.")
        settings[name] = _read_value(name, written)
    return settings


def _read_value(name: str, written: str) -> JsonValue:
    from tapedeck.engine.config.documents import parse_text  # noqa: PLC0415 - slow, and seldom needed

    try:
        value = cast("JsonValue", parse_text(written, "--set", is_json=False))
    except ConfigError as error:
        [problem, *_] = error.problems
        raise bad_option(f"--set {name}", written, problem.message) from error
    if value is None:
        raise bad_option(f"--set {name}", written, "needs a value, such as 12.")
    return value


def check_file_for(settings: Mapping[str, JsonValue] | None) -> None:
    """Raise ConfigError if parameters are given without a session file."""
    if settings:
        names = ", ".join(settings)
        raise bad_option("--set", names, f"sets parameters of a session file: give FILE, too, for {names}.")


def words_of_settings(texts: Sequence[str] | None) -> list[str]:
    """Return what was given to --set as words of a command line."""
    return [word for text in texts or () for word in ("--set", text)]


def bad_option(option: str, value: object, message: str, suggestion: str | None = None) -> ConfigError:
    """Return the error of an option with an invalid value."""
    return ConfigError("command line", [ConfigProblem(option, value, message, suggestion)])
