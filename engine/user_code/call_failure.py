"""Failures of users' code: one line with the place, and the traceback from their first line on."""

from __future__ import annotations

import importlib
import traceback
from dataclasses import dataclass
from pathlib import Path
from traceback import FrameSummary, StackSummary
from types import FrameType
from typing import Final

from tapedeck.engine.errors import TapedeckError, shortened
from tapedeck.engine.printable import printable_line

_OWN_FOLDER: Final = str(Path(__file__).parents[1])
_WIDTH: Final = 200


@dataclass(frozen=True, slots=True)
class CallFailure:
    """Why a call failed. `error`: one line; `traceback`: of users' code; `overran`: its time was over."""

    error: str
    traceback: str = ""
    overran: bool = False


def failure_of(error: BaseException) -> CallFailure:
    """Return the failure of a call that raised; without a traceback if only tapedeck's own code is in it."""
    line = shortened(printable_line(" ".join(_text_of(error).split())), _WIDTH)
    stack = _users_part(traceback.extract_tb(error.__traceback__))
    if not stack:
        return CallFailure(line)
    last = traceback.format_exception_only(error)
    lines = ["Traceback (most recent call last):\n", *stack.format(), *last]
    return CallFailure(f"{line}{_place(stack)}", "".join(lines))


def overrun(limit_s: float, frame: FrameType | None) -> CallFailure:
    """Return the failure of a call that overran; `frame`: where its thread stands, None if it has ended."""
    stack = _users_part(traceback.extract_stack(frame)) if frame is not None else StackSummary()
    text = f"took longer than timeout_seconds: {limit_s:g}{_place(stack)}"
    if not stack:
        return CallFailure(text, overran=True)
    lines = ["Stack at the end of its time (most recent call last):\n", *stack.format()]
    return CallFailure(text, "".join(lines), overran=True)


def _text_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - of users' code, like the error
        text = ""
    if isinstance(error, TapedeckError):
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _users_part(stack: StackSummary) -> StackSummary:
    """Return a stack without the frames up to the call of users' code by the engine."""
    own = [frame.filename.startswith(_OWN_FOLDER) for frame in stack]
    if True not in own:
        return StackSummary()
    first = own.index(True)
    users = own.index(False, first) if False in own[first:] else len(own)
    while users < len(stack) and _is_import(stack[users].filename):
        users += 1
    return StackSummary.from_list(stack[users:])


def _is_import(file: str) -> bool:
    return file.startswith("<frozen importlib") or file == importlib.__file__


def _place(stack: StackSummary) -> str:
    """Return the last line of the user's file, as ` (momentum.py, line 12)`."""
    if not stack:
        return ""
    here: FrameSummary = [frame for frame in stack if frame.filename == stack[0].filename][-1]
    return f" ({Path(here.filename).name}, line {here.lineno})"
