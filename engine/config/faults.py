"""Faults: errors raised by the validators of session file fields, passed through pydantic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

FAULT: Final = "tapedeck"
"""Type of the pydantic errors that already have tapedeck's own text."""

Location = tuple[int | str, ...]
"""Path of a field in the document: keys and list positions from the top."""

_MAX_LENGTH: Final = 60


def fault(message: str, suggestion: str | None = None) -> PydanticCustomError:
    """Return an error for a validator to raise: the user's message, and the nearest valid spelling."""
    return PydanticCustomError(FAULT, "{message}", {"message": message, "suggestion": suggestion or ""})


class FaultList:
    """Collects the faults within one field, so that all are reported, not only the first."""

    def __init__(self) -> None:
        self._details: list[InitErrorDetails] = []

    def __len__(self) -> int:
        return len(self._details)

    def add(self, place: Location, value: object, error: PydanticCustomError) -> None:
        """Add the fault of `value`, at `place` within the field."""
        self._details.append(InitErrorDetails(type=error, loc=place, input=value))

    def add_all(self, place: Location, error: ValidationError) -> None:
        """Add the faults of a model that stands at `place` within the field."""
        for detail in error.errors(include_url=False):
            context = detail.get("ctx", {})
            own = PydanticCustomError(FAULT, "{message}", context) if detail["type"] == FAULT else None
            self._details.append(
                InitErrorDetails(
                    type=own or detail["type"],
                    loc=(*place, *detail["loc"]),
                    input=detail["input"],
                    ctx=context,
                )
            )

    def raise_any(self) -> None:
        """Raise a ValidationError with all faults, if there are any."""
        if self._details:
            raise ValidationError.from_exception_data("session file", self._details)


def shown(value: object) -> str:
    """Return `value` as messages show it: text in quotes, true or false, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
