"""Errors of conditions: the text, a mark below the place, what is wrong, what is near."""

from __future__ import annotations

from tapedeck.engine.conditions.syntax import Span
from tapedeck.engine.errors import ConditionError


def condition_fault(text: str, span: Span, message: str, suggestion: str | None = None) -> ConditionError:
    """Return the error of a condition, for the characters of `span`."""
    return ConditionError(text, span.start, max(1, span.stop - span.start), message, suggestion)
