"""Playback: a run as the console shows it, at the present or in the past."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from threading import Event
from typing import Final, Protocol

from tapedeck.console.app.openings import Openings
from tapedeck.console.app.viewpoint import Position, SessionSource, Viewpoint
from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.events import Event as MarketEvent
from tapedeck.engine.read.events import events_known_at
from tapedeck.engine.read.opening_values import OpeningValues
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_view import Bars, SessionView

_TABLE_INDICATORS: Final = 3
_WAIT_LIMIT_S: Final = 0.5
_TRADING_DAY: Final = attrgetter("trading_day")


@dataclass(frozen=True, slots=True)
class ViewState:
    """State of a run at one time, for all panels.

    `view`: the session up to the time shown. `played`: the same session as far as it was played at the
    snapshot, for the timeline; the same as `view` at the present. Both are None before the first session.
    `opening`: opening values of the view's day, None until they are read.
    """

    snapshot: Snapshot
    view: SessionView | None
    played: SessionView | None
    is_past: bool
    opening: OpeningValues | None = None

    @property
    def is_racing(self) -> bool:
        """Whether the run plays at maximum speed, so that each frame shows another day."""
        return self.snapshot.state is RunState.RUNNING and self.snapshot.speed == 0

    @property
    def clock_text(self) -> str:
        """The time shown, in the exchange's time, with its zone."""
        if self.view is None:
            return ""
        local = self.view.clock.astimezone(self.view.session.zone)
        seconds = ":%S" if self.snapshot.base.seconds < 60 else ""
        return local.strftime(f"%H:%M{seconds} %Z")


class SessionNotCachedError(Exception):
    """A session that must be recomputed before it can be shown."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} must be recomputed")
        self.day = day


class FinishedSessions(SessionSource, Protocol):
    """All finished sessions of a run, cached or recomputed on request."""

    def days(self) -> tuple[date, ...]:
        """Return the trading days, oldest first."""
        ...

    def last(self) -> PlayedSession | None:
        """Return the last session, None if no session is over."""
        ...

    def cached(self, trading_day: date) -> PlayedSession | None:
        """Return a session from memory, None if it must be recomputed."""
        ...


class CachedSessions:
    """Finished sessions that are in memory."""

    def __init__(self, earlier: FinishedSessions) -> None:
        self._tape_cache = earlier

    def before(self, trading_day: date) -> date | None:
        """Return the last finished day before a day."""
        return self._tape_cache.before(trading_day)

    def after(self, trading_day: date) -> date | None:
        """Return the first finished day after a day."""
        return self._tape_cache.after(trading_day)

    def session(self, trading_day: date) -> PlayedSession:
        """Return a session; SessionNotCachedError if it, or the one before, must be recomputed."""
        session, before = self._tape_cache.cached(trading_day), self._tape_cache.before(trading_day)
        if session is None or (before is not None and self._tape_cache.cached(before) is None):
            raise SessionNotCachedError(trading_day)
        return session


class Playback:
    """A run with a tape cache, and the time shown."""

    def __init__(self, system: SystemManager) -> None:
        if system.tape_cache is None:
            raise EngineError("the console needs a run with a tape cache")
        self.system = system
        self.tape_cache: FinishedSessions = system.tape_cache
        self.cached_sessions = CachedSessions(self.tape_cache)
        self.viewpoint = Viewpoint(self.cached_sessions)
        self.openings = Openings()
        self.plan = system.prepare()
        self._history_of: tuple[SessionView, str, Interval] | None = None
        self._history: tuple[Bars, ...] = ()
        self._speed_after_jump: float | None = None
        self._jump_started = Event()
        self._step_started = Event()
        self._step_started.set()
        self._is_suspended = False

    # Present and past

    def present(self) -> Position | None:
        """Return the engine's position, None before the first session.

        Between two sessions, it is the end of the one before.
        """
        session = self.system.session_data.played() or self.tape_cache.last()
        return None if session is None else Position(session, session.frontier)

    def _latest_view(self, snapshot: Snapshot) -> SessionView | None:
        """Return the view to show for a snapshot at the present.

        Between two sessions, it is the close of the one before; also at the open at maximum speed, where a
        session of many symbols spends most of its time, and is over soon after.
        """
        here = snapshot.view
        is_racing = snapshot.speed == 0 and snapshot.state is RunState.RUNNING
        if here is not None and (here.frontier or not is_racing):
            return here
        kept = self.tape_cache.last()
        return here if kept is None else kept.view()

    def version(self, snapshot: Snapshot) -> tuple[object, ...]:
        """Return a value that changes whenever the frame would; cheap."""
        view = snapshot.view
        computed = None if view is None else (view.frontier, view.computed_frontier)
        shown = (self.viewpoint.revision, self.openings.revision)
        return (snapshot.version, *shown, snapshot.state, len(snapshot.finished), computed)

    def view_state(self, snapshot: Snapshot | None = None) -> ViewState:
        """Return the state to show, now or for a snapshot."""
        snapshot, position = snapshot or self.system.snapshot(), self.viewpoint.position
        if position is None:
            view = self._latest_view(snapshot)
            return ViewState(snapshot, view, view, is_past=False, opening=self._opening(view))
        view, now = position.view(), snapshot.view
        played = now if now is not None and view.is_of_same_session(now) else position.played.view()
        return ViewState(snapshot, view, played, is_past=True, opening=self._opening(view))

    def _opening(self, view: SessionView | None) -> OpeningValues | None:
        return None if view is None else self.openings.get(view.trading_day)

    # Jumps

    @property
    def speed(self) -> float:
        """The requested speed; during a jump, the speed after it."""
        return self.system.snapshot().speed if self._speed_after_jump is None else self._speed_after_jump

    def jump_to(self, instant: datetime) -> None:
        """Play to an instant at maximum speed, and pause; `finish_jump` restores the speed.

        Raises EngineError, without a change, if the clock has passed that instant.
        """
        speed = self.speed
        self.system.run_to(instant)
        self.system.set_speed(0.0)
        self._speed_after_jump, self._jump_started = speed, self.system.mark()

    def finish_jump(self) -> None:
        """Restore the speed after the end of a jump; called at every frame."""
        if self._speed_after_jump is None or self._is_jumping():
            return
        speed, self._speed_after_jump = self._speed_after_jump, None
        if speed and not self.system.state.is_over:
            self.system.set_speed(speed)

    def _is_jumping(self) -> bool:
        state = self.system.state
        if self._speed_after_jump is None or state.is_over:
            return False
        return not (self._jump_started.is_set() and state is RunState.PAUSED)

    def step(self, slots: int) -> None:
        """Play a number of slots."""
        self.system.step(slots)
        self._step_started = self.system.mark()

    async def wait_for_moves(self) -> None:
        """Wait, with a limit, until steps and jumps are finished.

        A step back counts from there, however soon its key follows.
        """
        await self._wait_until(lambda: not self._is_moving())

    async def wait_for_jump(self) -> None:
        """Wait, with a limit, until a jump is finished: a step would cut it short."""
        await self._wait_until(lambda: not self._is_jumping())

    async def wait_for_previous_session(self) -> None:
        """Wait, with a limit, until the session before the current one is recorded."""
        session, sessions = self.system.session_data.played(), self.plan.sessions
        if session is None:
            return
        at = bisect_left(sessions, session.trading_day, key=_TRADING_DAY)
        if at and self.tape_cache.before(session.trading_day) != sessions[at - 1].trading_day:
            await asyncio.to_thread(self.system.wait_until_recorded, _WAIT_LIMIT_S)

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        if not condition():
            await asyncio.to_thread(self.system.wait_for, condition, _WAIT_LIMIT_S)
            self.finish_jump()

    def _is_moving(self) -> bool:
        if self.system.state.is_over:
            return False
        steps = not self._step_started.is_set() or self.system.snapshot().steps_left > 0
        return steps or self._is_jumping()

    def suspend(self) -> None:
        """Pause while the process is suspended, if the clock drives the run.

        Otherwise all slots that fell due would be played at once afterwards.
        """
        snapshot = self.system.snapshot()
        if snapshot.state is RunState.RUNNING and snapshot.speed:
            self.system.pause()
            self._is_suspended = True

    def resume(self) -> None:
        """Resume after `suspend`, unless the run has stopped at a breakpoint."""
        if self._is_suspended and not self.system.state.is_over and self.system.snapshot().stopped_at is None:
            self.system.resume()
        self._is_suspended = False

    def set_speed(self, speed: float) -> None:
        """Set the speed, or during a jump the speed after it."""
        if self._is_jumping():
            self._speed_after_jump = speed
        else:
            self._speed_after_jump = None
            self.system.set_speed(speed)

    # Intervals, indicators, events

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The intervals of the run's bars, base first."""
        return (self.plan.base, *sorted(self.plan.derived))

    def specs_on(self, interval: Interval) -> tuple[IndicatorSpec, ...]:
        """Return the session indicators of an interval."""
        return tuple(spec for spec in self.plan.specs if spec.interval == interval)

    def overlays(self, interval: Interval) -> tuple[str, ...]:
        """Return the indicators of an interval on the price scale, in drawing order."""
        over_price = [spec for spec in self.specs_on(interval) if spec.description.over_price]
        over_price.sort(key=lambda spec: spec.description.overlay_order)
        return tuple(name for spec in over_price for name in spec.outputs)

    def table_indicators(self) -> tuple[str, ...]:
        """Return the indicators of the symbol table: those on the base first."""
        named = [
            name
            for spec in sorted(self.plan.specs, key=lambda spec: (spec.interval, spec.description.over_price))
            if spec.description.symbol_column is None
            for name in spec.outputs
        ]
        return tuple(named[:_TABLE_INDICATORS])

    def indicator_in_column(self, column: str) -> str | None:
        """Return the first indicator of a column of the symbol table, or None."""
        return next((spec.name for spec in self.plan.specs if spec.description.symbol_column == column), None)

    def events_until(self, view_state: ViewState) -> tuple[MarketEvent, ...]:
        """Return the events known at the time shown, in the order of the market's clock."""
        events, view = self.system.events(), view_state.view
        return events if view is None else events_known_at(events, view)

    # Earlier sessions

    def is_current_session(self, view: SessionView) -> bool:
        """Whether a view is of the engine's current session."""
        return view.is_of_same_session(self.system.session_data.view())

    def history(self, view_state: ViewState, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        """Return a symbol's earlier bars for the chart: the session before, or all daily bars.

        Empty if none are in memory. Cached until symbol, interval or session change.
        """
        view, before = view_state.view, self._history_of
        if view is None:
            return ()
        if before is None or not before[0].is_of_same_session(view) or before[1:] != (symbol, interval):
            self._history_of = (view, symbol, interval)
            self._history = self._read_history(view, symbol, interval)
        return self._history

    def _read_history(self, view: SessionView, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        if self.is_current_session(view):
            return self.system.session_data.history_bars(view, symbol, interval)[-1:]
        earlier = self.tape_cache.before(view.trading_day)
        before = None if earlier is None else self.tape_cache.cached(earlier)
        return () if before is None else (before.view().bars(symbol, interval),)
