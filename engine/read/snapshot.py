"""Snapshots of a run, its breakpoints, and its final summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.feeds.live_status import LiveStatus
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.status import RunState, WorkerStatus
from tapedeck.engine.tape.session_record import SessionSummary
from tapedeck.engine.tape.session_view import SessionView


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A condition that pauses the run while it is switched on; `hits`: number of times it has.

    `waits_for`: symbols it names that are not in the session; until they join, comparisons with them are
    false.
    """

    number: int
    text: str
    hits: int
    enabled: bool = True
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakpointHit:
    """Hit of a breakpoint: its frontier, its clock (UTC), and the exchange's zone.

    `number`: 0 for the condition of `SystemManager.run_until`.
    """

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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment; frozen, and cut at the clock.

    `version` grows with every change. `view`: None before the first session. `speed`: the requested one (0:
    maximum); `achieved_speed`: market seconds per second, None unless playing. `session` counts from 1.
    `stamp` covers the finished sessions. `stopped_at`: the breakpoint that paused the run, None after it has
    resumed. `live`: None in a backtest.
    """

    version: int
    state: RunState
    mode: str
    session_name: str
    exchange: str
    error: str | None
    warnings: tuple[str, ...]
    trading_day: date | None
    clock: datetime | None
    regular_open: datetime | None
    regular_close: datetime | None
    is_early_close: bool
    session_active: bool
    frontier: int
    slots: int
    steps_left: int
    speed: float
    achieved_speed: float | None
    session: int
    sessions: int
    base: Interval
    view: SessionView | None
    threads: tuple[WorkerStatus, ...]
    counts: Mapping[str, int]
    finished: tuple[SessionSummary, ...]
    stamp: str
    breakpoints: tuple[Breakpoint, ...] = ()
    stopped_at: BreakpointHit | None = None
    live: LiveStatus | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Summary of a finished run, for the batch's output and the manifest of an export.

    `state`: completed, stopped or error. `seconds`: wall time from start to end. `complete`: every session
    of the range was played to its close. `changed_sessions`: days of the file that differ from the calendar;
    part of the stamp. `scanner_code`, `strategy_code`: hash of the code of each class that is a scanner, or a
    strategy, by its name. `strategy_parameters`: values of the parameters of each strategy that has any.
    """

    session_name: str
    exchange: str
    mode: str
    state: str
    complete: bool
    error: str | None
    first_day: str
    last_day: str
    base: str
    derived: tuple[str, ...]
    symbols: tuple[str, ...]
    sessions: tuple[SessionSummary, ...]
    sessions_planned: int
    bars: int
    seconds: float
    stamp: str
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, float | int | str]]
    counts: Mapping[str, int]
    changed_sessions: tuple[str, ...] = ()
    scanner_code: Mapping[str, str] = field(default_factory=dict)
    strategy_code: Mapping[str, str] = field(default_factory=dict)
    strategy_parameters: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
