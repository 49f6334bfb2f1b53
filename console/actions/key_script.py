"""Key scripts: the console's actions as lines of a file, for runs with or without a screen.

Each line has one action and its argument; lines that begin with `#` are comments:

    # stop at a price, and export
    break SPY.close > 168
    resume
    step 10
    export csv out/
    quit
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final

from tapedeck.console.actions.arguments import RunWords, joined_by
from tapedeck.console.actions.table import action_of, script_words
from tapedeck.engine.config.text_files import read_text_file
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest, shortened

_MOST_LINES: Final = 10_000
_MOST_PROBLEMS: Final = 100
"""Invalid lines that are collected; the rest of the script is not checked."""


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One action and its argument; `number` is the line in the file, from 1."""

    number: int
    action: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.argument}".rstrip()


@dataclass(frozen=True, slots=True)
class Script:
    """The lines of a key script, without comments and invalid ones; `source` names the file in errors.

    `problems`: its invalid lines, or the first of very many.
    """

    source: str
    lines: tuple[ScriptLine, ...] = field(default=())
    problems: tuple[ConfigProblem, ...] = field(default=())

    @classmethod
    def parse(cls, text: str, source: str = "script") -> Script:
        """Return the script of a text; ConfigError has its invalid lines."""
        script = cls._of_text(text, source)
        script.check()
        return script

    @classmethod
    def load(cls, path: Path) -> Script:
        """Return the script of a file; ConfigError if it cannot be read, or has its invalid lines."""
        script = cls.read(path)
        script.check()
        return script

    @classmethod
    def read(cls, path: Path) -> Script:
        """Return the script of a file, with its problems, for a check with the words of a run.

        ConfigError if it cannot be read.
        """
        return cls._of_text(read_text_file(path, "key script"), str(path))

    @classmethod
    def _of_text(cls, text: str, source: str) -> Script:
        lines: list[ScriptLine] = []
        problems: list[ConfigProblem] = []
        for number, written in enumerate(text.splitlines(), 1):
            words = written.strip()
            if not words or words.startswith("#"):
                continue
            if len(lines) == _MOST_LINES:
                problems.append(
                    ConfigProblem(f"line {number}", None, f"too many actions: use at most {_MOST_LINES:,}.")
                )
            if len(problems) >= _MOST_PROBLEMS or len(lines) == _MOST_LINES:
                break
            action, _, argument = words.partition(" ")
            line = ScriptLine(number, action, argument.strip())
            problem = _problem_of(line)
            if problem is None:
                lines.append(line)
            else:
                problems.append(problem)
        return cls(source, tuple(lines), tuple(problems))

    def check(self, words: RunWords | None = None) -> None:
        """Raise ConfigError with all invalid lines.

        `words`: those of the run, in which names in arguments are looked up as well; None: the form of
        arguments alone is checked.
        """
        problems = [*self.problems, *([] if words is None else _all_unknown_words(self.lines, words))]
        if problems:
            raise ConfigError(self.source, sorted(problems, key=_line_number))

    @classmethod
    def of(cls, actions: Iterable[tuple[str, str]], source: str = "recording") -> Script:
        """Return the script of a sequence of actions with their arguments."""
        numbered = enumerate(actions, 1)
        lines = (ScriptLine(number, action, " ".join(a.splitlines())) for number, (action, a) in numbered)
        return cls(source, tuple(lines))

    def dump(self) -> str:
        """Return the text of the script, as `parse` reads it."""
        return "".join(f"{line}\n" for line in self.lines)


def _problem_of(line: ScriptLine) -> ConfigProblem | None:
    """Return the fault of a line, or None."""
    place, action = f"line {line.number}", action_of(line.action)
    if action is None:
        headless = ", ".join(script_words(needs_screen=False))
        message = f"unknown action {shortened(line.action)!r}: actions without a screen are {headless}."
        return ConfigProblem(place, line.action, message, nearest(line.action, script_words()))
    fault = action.argument.check(line.argument)
    return None if fault is None else ConfigProblem(place, line.argument, f"{line.action}: {fault}")


def _all_unknown_words(lines: Iterable[ScriptLine], words: RunWords) -> Iterator[ConfigProblem]:
    """Yield the faults of `_unknown_words`; lines may name symbols that lines before them add."""
    if words.joinable is not None:
        words = replace(words, joinable=cache(words.joinable))
    for line in lines:
        problem = _unknown_words(line, words)
        if problem is not None:
            yield problem
        elif line.action == "add":
            words = words.with_symbol(joined_by(line.argument, words))


def _unknown_words(line: ScriptLine, words: RunWords) -> ConfigProblem | None:
    """Return the fault of a line whose argument has names that the run does not have, or None."""
    action = action_of(line.action)
    fault = None if action is None else action.argument.check_words(line.argument, words)
    if fault is None:
        return None
    return ConfigProblem(f"line {line.number}", line.argument, f"{line.action}: {fault}")


def _line_number(problem: ConfigProblem) -> int:
    return int(problem.path.removeprefix("line "))
