"""Errors of conditions, with the position in the text."""

from __future__ import annotations

from tapedeck.engine.conditions.syntax import Span
from tapedeck.engine.errors import ConditionError


def condition_fault(text: str, span: Span, message: str, suggestion: str | None = None) -> ConditionError:
    """Return the error for the characters of `span` in a condition."""
    return ConditionError(text, span.start, max(1, span.stop - span.start), message, suggestion)
