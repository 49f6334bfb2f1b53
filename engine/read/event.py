"""One thing that happened in a run, as lists show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum


class EventKind(Enum):
    """What kind of thing happened."""

    GAP = "gap"
    BREAK = "break"
    BOOKMARK = "bookmark"
    ERROR = "error"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, and where to look at it.

    `slot`: the slot that was over when it was known, −1 for the session's open, None outside of any session.
    A gap's event stands at its first missing slot, and tells its end once that is known: then it is replaced
    by one of the same number. `last`: of a gap whose end is known the last missing slot, else None.
    `place`: its clock (seconds since 1970 UTC), or, of what has none, that of what was known before it.
    """

    number: int
    kind: EventKind
    slot: int | None
    trading_day: date | None
    clock: datetime | None
    symbol: str | None
    text: str
    place: int
    last: int | None = None

    @property
    def frontier(self) -> int:
        """The frontier at which a reader first sees it."""
        return 0 if self.slot is None else self.slot + 1
