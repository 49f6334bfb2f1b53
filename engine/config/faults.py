"""Faults of a session file on their way through pydantic: several at once, each with its own place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

FAULT: Final = "tapedeck"
"""Type of the pydantic errors whose text is ours already, and needs no rewording."""

Location = tuple[int | str, ...]
"""Where a field stands in the document: keys and list positions from the top."""

_LONGEST_SHOWN: Final = 60


def fault(message: str, suggestion: str | None = None) -> PydanticCustomError:
    """Return the error that a validator raises: `message` for the user, and the nearest valid spelling."""
    return PydanticCustomError(FAULT, "{message}", {"message": message, "suggestion": suggestion or ""})


class FaultList:
    """Faults collected inside one field, so that all of them are told and not only the first."""

    def __init__(self) -> None:
        self._details: list[InitErrorDetails] = []

    def __len__(self) -> int:
        return len(self._details)

    def add(self, place: Location, value: object, error: PydanticCustomError) -> None:
        """Note that `value`, at `place` within the field, is at fault."""
        self._details.append(InitErrorDetails(type=error, loc=place, input=value))

    def raise_any(self) -> None:
        """Raise a ValidationError with everything noted; return where nothing was."""
        if self._details:
            raise ValidationError.from_exception_data("session file", self._details)


def shown(value: object) -> str:
    """Return `value` as the file's writer would know it: quoted text, true or false, short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
