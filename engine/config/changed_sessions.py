"""Section `sessions`: days whose open, close or holiday differs from the exchange's calendar."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, StrictBool, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from tapedeck.engine.config.faults import fault
from tapedeck.engine.config.fields import TimeOfDay, TradingDate
from tapedeck.engine.config.readers import read_date
from tapedeck.engine.config.section import Section


class ChangedSession(Section):
    """Hours of one trading day, where the calendar's are stale: open, close or both, or a holiday."""

    open: TimeOfDay | None = None
    """Open in exchange time; where sessions begin the evening before, a time not before the close is on that
    evening. Default: the calendar's."""
    close: TimeOfDay | None = None
    """Close in exchange time; 00:00 is midnight at the end of the day. Default: the calendar's."""
    holiday: StrictBool = False
    """Whether the exchange is closed on that day."""

    @model_validator(mode="after")
    def _check_content(self) -> ChangedSession:
        has_hours = self.open is not None or self.close is not None
        if self.holiday and has_hours:
            raise fault("must have either holiday: true, or open and close, not both")
        if not self.holiday and not has_hours:
            raise fault('must have open, close or both, such as {close: "13:00"}, or holiday: true')
        return self


def _read_change(value: object) -> object:
    """Return a mapping unchanged; the word `holiday` alone is a fault with the right spelling."""
    if value == "holiday":
        raise fault("must be a mapping, not 'holiday'", "{holiday: true}")
    return value


def valid_changes(section: object) -> dict[date, ChangedSession]:
    """Return the valid entries of a section `sessions` as written; the model reports the others."""
    found: dict[date, ChangedSession] = {}
    for day, change in section.items() if isinstance(section, Mapping) else ():
        with suppress(PydanticCustomError, ValidationError):
            found[read_date(day)] = ChangedSession.model_validate(change)
    return found


ChangedSessions = Mapping[TradingDate, Annotated[ChangedSession, BeforeValidator(_read_change)]]
"""Changed days by their trading date."""


def describe_changes(changes: Mapping[date, ChangedSession]) -> tuple[str, ...]:
    """Return the changed days as text, in the order of dates: `2024-06-19 calendar to 17:00:00`.

    The texts are part of a run's stamp.
    """
    return tuple(
        f"{day} holiday"
        if change.holiday
        else f"{day} {change.open or 'calendar'} to {change.close or 'calendar'}"
        for day, change in sorted(changes.items())
    )
