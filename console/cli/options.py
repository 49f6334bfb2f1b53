"""Options that several commands share, and how words of the command line are read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from tapedeck.console.actions.speeds import read_speed
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest
from tapedeck.engine.intervals import COMMON_SPELLINGS, Interval

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="PATH", help="Bars: a .db file or a folder of Parquet files."),
]
ExportOption = Annotated[
    Path | None,
    typer.Option("--export", metavar="DIR", help="Write every session to CSV files in this folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document, and nothing else.")]
SessionFile = Annotated[Path, typer.Argument(metavar="FILE", help="Session file, YAML or JSON.")]

_INTERVALS: Final = tuple(word for word in COMMON_SPELLINGS if word != "1w")


def examples(*lines: str) -> str:
    """Return the end of a help text: commands to try, one a line."""
    word = "Example" if len(lines) == 1 else "Examples"
    return "\n".join(["\b", f"{word}:", *(f"  {line}" for line in lines)])


def complete_interval(incomplete: str) -> list[str]:
    """Return the intervals that begin as typed, for the shell."""
    return [word for word in _INTERVALS if word.startswith(incomplete)]


def complete_exchange(incomplete: str) -> list[str]:
    """Return the groups of exchanges that begin as typed, for the shell."""
    from tapedeck.engine.config.exchanges import EXCHANGE_GROUPS  # noqa: PLC0415 - slow, and only the shell asks

    known = [*EXCHANGE_GROUPS, *EXCHANGE_GROUPS.values()]
    return [word for word in known if word.startswith(incomplete.upper())]


def read_date(option: str, text: str) -> date:
    """Return the date that an option names; ConfigError says how dates are written."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise bad_option(option, text, f"{text!r} is no date: write it as 2024-07-03") from None


def read_speed_option(option: str, text: str) -> float:
    """Return the speed that an option names; ConfigError says how one is written."""
    try:
        return read_speed(text)
    except ValueError as error:
        raise bad_option(option, text, str(error)) from None


def read_interval(option: str, text: str) -> Interval:
    """Return the interval that an option names; ConfigError says which there are."""
    try:
        return Interval.parse(text)
    except ValueError as error:
        raise bad_option(option, text, f"{error}.", nearest(text, _INTERVALS)) from None


def read_choice(option: str, text: str, choices: Iterable[str]) -> str:
    """Return the word if it is one of the choices; ConfigError lists them."""
    known = list(choices)
    word = text.strip().lower()
    if word not in known:
        message = f"{text!r} is not one of {', '.join(known)}."
        raise bad_option(option, text, message, nearest(word, known))
    return word


def bad_option(option: str, value: object, message: str, suggestion: str | None = None) -> ConfigError:
    """Return the error of an option whose value cannot be used."""
    return ConfigError("command line", [ConfigProblem(option, value, message, suggestion)])
