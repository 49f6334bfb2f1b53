"""Errors of conditions, with the position in the text."""

from __future__ import annotations

from tapedeck.engine.conditions.syntax import Span
from tapedeck.engine.errors import ConditionError, ConfigProblem


def condition_fault(text: str, span: Span, message: str, suggestion: str | None = None) -> ConditionError:
    """Return the error for the characters of `span` in a condition."""
    return ConditionError(text, span.start, max(1, span.stop - span.start), message, suggestion)


def rule_problem(place: str, error: ConditionError) -> ConfigProblem:
    """Return the problem of a rule of a session file; `place`: its path."""
    message = f"at column {error.column} of {error.condition!r}: {error.message}"
    return ConfigProblem(place, error.condition, message, error.suggestion)
