"""Breakpoints as they are shown, and where a run stopped at one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A condition that pauses the run; `hits`: how often it has."""

    number: int
    text: str
    hits: int


@dataclass(frozen=True, slots=True)
class BreakpointHit:
    """Where a breakpoint fired: the frontier, the clock there (UTC), and the exchange's zone."""

    number: int
    text: str
    trading_day: date
    frontier: int
    clock: datetime
    zone: ZoneInfo

    @classmethod
    def at(cls, number: int, text: str, session: TradingSession, frontier: int, clock: int) -> BreakpointHit:
        """Return the hit of a breakpoint at a clock given in seconds UTC."""
        return cls(number, text, session.trading_day, frontier, utc_from_epoch(clock), session.zone)

    @property
    def local_clock(self) -> datetime:
        """The clock in the exchange's time."""
        return self.clock.astimezone(self.zone)
