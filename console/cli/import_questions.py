"""Questions of an import: the whole commands that answer an unclear file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import BarImportError

_PAIRS: Final = ("--column",)


class UnclearImportError(BarImportError):
    """An import that was refused until its command says more; `commands`: whole commands that do."""

    def __init__(self, message: str, commands: Sequence[str]) -> None:
        self.commands = tuple(commands)
        lines = [message]
        if commands:
            lines += [
                "Run one of:" if len(commands) > 1 else "Run:",
                *(f"  {command}" for command in commands),
            ]
        super().__init__("\n".join(lines))


def answering_commands(
    arguments: Sequence[str], path: Path, file: Path, ways: Sequence[Mapping[str, str | None]]
) -> list[str]:
    """Return the command line of `arguments` with the options of each of `ways`, quoted for a shell.

    `path`: the argument that names what is imported; a way that names one symbol imports only `file`. One
    that names columns by position is offered for both, as other files of a folder may have another order.
    """
    commands = []
    is_part = path != file and str(path) in arguments and file.is_file()
    for way in ways:
        of_file = [*arguments]
        if is_part:
            of_file[of_file.index(str(path))] = str(file)
        if not (is_part and way.get("--symbol")):
            commands.append(_answer(arguments, way))
        if is_part and (way.get("--symbol") or way.get("--columns")):
            commands.append(_answer(of_file, way))
    return commands


def _answer(arguments: Sequence[str], way: Mapping[str, str | None]) -> str:
    words = list(arguments)
    for flag, value in way.items():
        words = _without(words, flag, value)
        if value is not None:
            words += [flag, value] if value else [flag]
    return shlex.join(["tapedeck", *words])


def _without(words: Sequence[str], flag: str, value: str | None) -> list[str]:
    # Of an option that is given several times, only the one for the same role is left out.
    role = value.partition("=")[0] + "=" if flag in _PAIRS and value else ""
    kept: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        is_pair = word == flag and value != "" and at + 1 < len(words)
        given = words[at + 1] if is_pair else word.removeprefix(f"{flag}=")
        if (word == flag or word.startswith(f"{flag}=")) and given.startswith(role):
            at += 2 if is_pair else 1
            continue
        kept += words[at : at + 2] if is_pair else [word]
        at += 2 if is_pair else 1
    return kept
