"""Question of a run without a session: the whole commands that play what the store holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.errors import TapedeckError, shortened

_DIGITS: Final = 9


class NothingToPlayError(TapedeckError):
    """A run without a session file or symbols. Exit code 2.

    `found`: lines that tell what the store holds; `commands`: whole commands that play it.
    """

    def __init__(self, reason: str, found: Sequence[str] = (), commands: Sequence[str] = ()) -> None:
        self.commands = tuple(commands)
        lines = ["nothing to play: give a session file, or --symbols.", reason]
        lines += [f"  {line}" for line in found]
        if commands:
            lines += ["Run one of:" if len(commands) > 1 else "Run:", *(f"  {one}" for one in commands)]
        super().__init__("\n".join(lines))


def ask_which(lines: Sequence[str], terminal: Terminal) -> int | None:
    """Return the position of the line that is chosen on the terminal; None for an empty answer."""
    for number, line in enumerate(lines, 1):
        terminal.remark(f"{number}  {line}")
    allowed = f"type {_numbers(len(lines))} and return, or only return for none."
    terminal.remark(f"Play which? {allowed.capitalize()}")
    while answer := sys.stdin.readline().strip():
        is_number = answer.isascii() and answer.isdecimal() and len(answer) < _DIGITS
        if is_number and 1 <= int(answer) <= len(lines):
            return int(answer) - 1
        terminal.remark(f"invalid choice {shortened(answer)!r}: {allowed}")
    return None


def _numbers(count: int) -> str:
    return "1" if count == 1 else f"1 to {count}"
