"""Moments of a run: where a condition becomes true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.tape.tape import Tape

FIRST_MOMENTS: Final = 3
"""Most moments in `MomentCount.first`."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A frontier of a session, with its clock (UTC) and the exchange's zone.

    `symbols`: for which the entry rule of a strategy becomes true there; empty for conditions.
    """

    trading_day: date
    frontier: int
    clock: datetime
    zone: ZoneInfo
    symbols: tuple[str, ...] = ()

    @classmethod
    def of(cls, tape: Tape, frontier: int, symbols: tuple[str, ...] = ()) -> Moment:
        """Return a frontier of a tape as a moment."""
        session, clock = tape.session, utc_from_epoch(tape.slots.clock(frontier))
        return cls(session.trading_day, frontier, clock, session.zone, symbols)

    @property
    def local_clock(self) -> datetime:
        """The clock in the exchange's time."""
        return self.clock.astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class MomentCount:
    """How often a condition became true: number, the first few moments, and the last one."""

    count: int
    first: tuple[Moment, ...]
    last: Moment | None
