"""Key scripts: the console's actions as lines of a file, to be played with or without a screen.

One action a line, with what it needs behind it; lines that begin with `#` are remarks:

    # stop where it gets interesting, and keep it
    break SPY.close > 168
    resume
    step 10
    export csv out/
    quit
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from tapedeck.console.actions.speeds import read_speed
from tapedeck.console.actions.table import BY_ID
from tapedeck.console.panel_data.panel_names import PANELS
from tapedeck.console.panel_data.tables import FORMATS
from tapedeck.engine.errors import ConditionError, ConfigError, ConfigProblem, TapedeckError, nearest

# Whether words name a time at all is the same wherever and whenever one stands.
_ANY_EXCHANGE: Final = "24/7"
_ANY_DAY: Final = date(2013, 11, 26)


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
    """The lines of a key script, remarks left out; `source` names the file in errors."""

    source: str
    lines: tuple[ScriptLine, ...] = field(default=())

    @classmethod
    def parse(cls, text: str, source: str = "script") -> Script:
        """Return the script; ConfigError names every line that is wrong."""
        lines, problems = [], []
        for number, written in enumerate(text.splitlines(), 1):
            words = written.strip()
            if not words or words.startswith("#"):
                continue
            action, _, argument = words.partition(" ")
            line = ScriptLine(number, action, argument.strip())
            problem = _problem_of(line)
            if problem is None:
                lines.append(line)
            else:
                problems.append(problem)
        if problems:
            raise ConfigError(source, problems)
        return cls(source, tuple(lines))

    @classmethod
    def load(cls, path: Path) -> Script:
        """Return the script of a file; ConfigError where it cannot be read, or a line is wrong."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror or error if isinstance(error, OSError) else "it is no text in UTF-8"
            raise ConfigError(
                str(path), [ConfigProblem("file", None, f"cannot be read: {reason}")]
            ) from error
        return cls.parse(text, str(path))

    @classmethod
    def of(cls, actions: Iterable[tuple[str, str]], source: str = "recording") -> Script:
        """Return the script of actions with their arguments, as they were done one after the other."""
        numbered = enumerate(actions, 1)
        lines = (ScriptLine(number, action, " ".join(a.splitlines())) for number, (action, a) in numbered)
        return cls(source, tuple(lines))

    def dump(self) -> str:
        """Return the text of the script, which `parse` reads again."""
        return "".join(f"{line}\n" for line in self.lines)


def _problem_of(line: ScriptLine) -> ConfigProblem | None:
    """Return what is wrong with a line."""
    place = f"line {line.number}"
    if line.action not in _ARGUMENTS and line.action not in BY_ID:
        known = [*_ARGUMENTS, *BY_ID]
        message = f"{line.action!r} is no action; those without a screen are {', '.join(_ARGUMENTS)}."
        return ConfigProblem(place, line.action, message, nearest(line.action, known))
    check = _ARGUMENTS.get(line.action)
    fault = None if check is None else check(line.argument)
    return None if fault is None else ConfigProblem(place, line.argument, f"{line.action}: {fault}")


# What stands behind an action: each gives what is wrong with it, or None.


def _nothing(text: str) -> str | None:
    return f"takes nothing, and {text!r} stands behind it" if text else None


def _anything(_text: str) -> str | None:
    return None


def _steps(text: str) -> str | None:
    if not text or (text.isdecimal() and int(text) > 0):
        return None
    return f"{text!r} is no number of slots: give 1 or more, or nothing for 1"


def _number(text: str) -> str | None:
    return None if text.isdecimal() else f"{text!r} is no number of a breakpoint"


def _speed(text: str) -> str | None:
    try:
        read_speed(text)
    except ValueError as error:
        return str(error)
    return None


def _moment(text: str) -> str | None:
    if not text:
        return "a time is missing: 10:30, +15m, next open, 2013-10-08 10:30"
    # Calendars are not loaded for a script that goes to no time.
    from tapedeck.console.actions.time_expressions import Here, NoMomentError, read_moment  # noqa: PLC0415
    from tapedeck.engine.clock.time_manager import TimeManager  # noqa: PLC0415

    calendar = TimeManager(_ANY_EXCHANGE)
    session = calendar.get_trading_session(_ANY_DAY)
    try:
        read_moment(text, Here(session, session.regular_open), calendar)
    except NoMomentError as error:
        (problem,) = error.problems
        return problem.message
    except TapedeckError:  # it is a moment, and only the run knows whether there is a session then
        return None
    return None


def _condition(text: str) -> str | None:
    # The reader of conditions is not loaded for a script that has none.
    from tapedeck.engine.conditions.reading import read_condition  # noqa: PLC0415

    try:
        read_condition(text)
    except ConditionError as error:
        return str(error)
    return None


def _export(text: str) -> str | None:
    form, _, folder = text.partition(" ")
    if form in ("csv", "json") and folder.strip():
        return None
    return f"{text!r}: write csv and a folder, or json and a file, as in: export csv out/"


def _view(text: str) -> str | None:
    panel, _, form = text.partition(" ")
    if panel not in PANELS:
        return f"{panel!r} is no panel: {', '.join(PANELS)}"
    if form.strip() not in ("", *FORMATS):
        return f"{form.strip()!r} is no format: {', '.join(FORMATS)}"
    return None


_ARGUMENTS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "pause": _nothing,
    "resume": _nothing,
    "step": _steps,
    "run_to": _moment,
    "goto": _moment,
    "next_session": _nothing,
    "minute_on": _nothing,
    "hour_on": _nothing,
    "day_on": _nothing,
    "speed": _speed,
    "faster": _nothing,
    "slower": _nothing,
    "max_speed": _nothing,
    "break": _condition,
    "breakpoint": _condition,
    "unbreak": _number,
    "bookmark": _anything,
    "export": _export,
    "view": _view,
    "quit": _nothing,
}
