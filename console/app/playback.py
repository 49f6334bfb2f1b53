"""Playback: the engine's run as the console shows it, now or where the viewer looks."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from threading import Event
from typing import Final, Protocol

from tapedeck.console.app.viewpoint import EarlierDays, Place, Viewpoint
from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.events import Event as MarketEvent
from tapedeck.engine.read.events import events_known_at
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_view import Bars, SessionView

_TABLE_INDICATORS: Final = 3
_SETTLED_S: Final = 0.5
_TRADING_DAY: Final = attrgetter("trading_day")


@dataclass(frozen=True, slots=True)
class ViewState:
    """One moment of a run, for all panels alike.

    `view` ends where the viewer looks, `played` is of the same session as far as it was played when the
    snapshot was taken, for the timeline; they are one where `is_past` is false. Without a session yet, both
    are None.
    """

    snapshot: Snapshot
    view: SessionView | None
    played: SessionView | None
    is_past: bool

    @property
    def is_racing(self) -> bool:
        """Whether the run plays as fast as data allow, so that every picture is of another day."""
        return self.snapshot.state is RunState.RUNNING and self.snapshot.speed == 0

    @property
    def clock_text(self) -> str:
        """The clock of what is shown, in the exchange's time, with its zone."""
        if self.view is None:
            return ""
        local = self.view.clock.astimezone(self.view.session.zone)
        seconds = ":%S" if self.snapshot.base.seconds < 60 else ""
        return local.strftime(f"%H:%M{seconds} %Z")


class SessionNotCachedError(Exception):
    """A day has to be played again before it can be looked at, which takes a moment."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} has to be played again")
        self.day = day


class PlayedDays(EarlierDays, Protocol):
    """All sessions of a run that are over, kept or played again where they are asked for."""

    def days(self) -> tuple[date, ...]:
        """Return the trading days that are there, oldest first."""
        ...

    def last(self) -> PlayedSession | None:
        """Return the last day, None where no session is over."""
        ...

    def cached(self, trading_day: date) -> PlayedSession | None:
        """Return a day where that takes no time, None where it has to be played again."""
        ...


class CachedSessions:
    """Sessions that are over, as far as to have them takes no time."""

    def __init__(self, earlier: PlayedDays) -> None:
        self._earlier = earlier

    def before(self, trading_day: date) -> date | None:
        """Return the last day that is there before another."""
        return self._earlier.before(trading_day)

    def after(self, trading_day: date) -> date | None:
        """Return the first day that is there after another."""
        return self._earlier.after(trading_day)

    def session(self, trading_day: date) -> PlayedSession:
        """Return a day; SessionNotCachedError where it, or the day before, is not at hand."""
        session, before = self._earlier.cached(trading_day), self._earlier.before(trading_day)
        if session is None or (before is not None and self._earlier.cached(before) is None):
            raise SessionNotCachedError(trading_day)
        return session


class Playback:
    """A run that keeps the days it has played, and where the viewer stands; nothing of the market itself."""

    def __init__(self, system: SystemManager) -> None:
        if system.tape_cache is None:
            raise EngineError("the console needs a run that keeps the days that are over")
        self.system = system
        self.earlier: PlayedDays = system.tape_cache
        self.days = CachedSessions(self.earlier)
        self.viewpoint = Viewpoint(self.days)
        self.plan = system.prepare()
        self._history_of: tuple[SessionView, str, Interval] | None = None
        self._history: tuple[Bars, ...] = ()
        self._speed_after: float | None = None
        self._jump_taken = Event()
        self._step_taken = Event()
        self._step_taken.set()
        self._is_held = False

    # The moment

    def present(self) -> Place | None:
        """Return where the engine stands, None before the first session.

        Between two sessions that is the end of the one before.
        """
        session = self.system.session_data.played() or self.earlier.last()
        return None if session is None else Place(session, session.frontier)

    def _last_moment(self, snapshot: Snapshot) -> SessionView | None:
        """Return the last moment of a snapshot that has something to show.

        Between two sessions that is the close of the one before. So it is at full speed, where a session of
        many symbols is being set up or stands at its open most of the time, and is over at once after that.
        """
        here = snapshot.view
        is_racing = snapshot.speed == 0 and snapshot.state is RunState.RUNNING
        if here is not None and (here.frontier or not is_racing):
            return here
        kept = self.earlier.last()
        return here if kept is None else kept.view()

    def version(self, snapshot: Snapshot) -> tuple[object, ...]:
        """Return what differs whenever a frame would; cheap."""
        view = snapshot.view
        computed = None if view is None else (view.frontier, view.computed_frontier)
        return (snapshot.version, self.viewpoint.revision, snapshot.state, len(snapshot.finished), computed)

    def view_state(self, snapshot: Snapshot | None = None) -> ViewState:
        """Return the run as it is to be shown now, or was when a snapshot was taken."""
        snapshot, place = snapshot or self.system.snapshot(), self.viewpoint.place
        if place is None:
            view = self._last_moment(snapshot)
            return ViewState(snapshot, view, view, is_past=False)
        view, now = place.view(), snapshot.view
        played = now if now is not None and view.is_of_same_session(now) else place.played.view()
        return ViewState(snapshot, view, played, is_past=True)

    # Jumps

    @property
    def speed(self) -> float:
        """The speed that is asked for: during a jump the one that comes after it."""
        return self.system.snapshot().speed if self._speed_after is None else self._speed_after

    def jump_to(self, instant: datetime) -> None:
        """Have the engine play on to an instant as fast as data allow, and pause; the speed comes back.

        EngineError, and nothing has changed, where the clock has passed that instant.
        """
        speed = self.speed
        self.system.run_to(instant)
        self.system.set_speed(0.0)
        self._speed_after, self._jump_taken = speed, self.system.mark()

    def finish_jump(self) -> None:
        """Set the speed as it was before a jump, once it is over; asked at every frame."""
        if self._speed_after is None or self._is_jumping():
            return
        speed, self._speed_after = self._speed_after, None
        if speed and not self.system.state.is_over:
            self.system.set_speed(speed)

    def _is_jumping(self) -> bool:
        state = self.system.state
        if self._speed_after is None or state.is_over:
            return False
        return not (self._jump_taken.is_set() and state is RunState.PAUSED)

    def step(self, slots: int) -> None:
        """Have the engine play so many slots on."""
        self.system.step(slots)
        self._step_taken = self.system.mark()

    async def wait_for_moves(self) -> None:
        """Wait, but not for long, until steps and jumps that were asked for have led somewhere.

        A key that looks back is meant from there, however fast it follows.
        """
        await self._until(lambda: not self._is_moving())

    async def wait_for_jump(self) -> None:
        """Wait, but not for long, until a jump that was asked for is over: steps would end it where it is."""
        await self._until(lambda: not self._is_jumping())

    async def recorded(self) -> None:
        """Wait, but not for long, until the day before the present one is kept: that goes on beside play."""
        session, sessions = self.system.session_data.played(), self.plan.sessions
        if session is None:
            return
        at = bisect_left(sessions, session.trading_day, key=_TRADING_DAY)
        if at and self.earlier.before(session.trading_day) != sessions[at - 1].trading_day:
            await asyncio.to_thread(self.system.wait_until_recorded, _SETTLED_S)

    async def _until(self, condition: Callable[[], bool]) -> None:
        if not condition():
            await asyncio.to_thread(self.system.wait_for, condition, _SETTLED_S)
            self.finish_jump()

    def _is_moving(self) -> bool:
        if self.system.state.is_over:
            return False
        steps = not self._step_taken.is_set() or self.system.snapshot().steps_left > 0
        return steps or self._is_jumping()

    def hold(self) -> None:
        """Stand still while the process is suspended: a clock that drives the play does not.

        Afterwards all that had fallen due would be played at a stroke.
        """
        snapshot = self.system.snapshot()
        if snapshot.state is RunState.RUNNING and snapshot.speed:
            self.system.pause()
            self._is_held = True

    def let_go(self) -> None:
        """Play on after having stood still, but not past a breakpoint that came first."""
        if self._is_held and not self.system.state.is_over and self.system.snapshot().stopped_at is None:
            self.system.resume()
        self._is_held = False

    def set_speed(self, speed: float) -> None:
        """Play at a speed from now on, or from the end of a jump on."""
        if self._is_jumping():
            self._speed_after = speed
        else:
            self._speed_after = None
            self.system.set_speed(speed)

    # What there is to show

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The intervals of which there are bars, base first."""
        return (self.plan.base, *sorted(self.plan.derived))

    def specs_on(self, interval: Interval) -> tuple[IndicatorSpec, ...]:
        """Return the session indicators on the bars of an interval."""
        return tuple(spec for spec in self.plan.specs if spec.interval == interval)

    def overlays(self, interval: Interval) -> tuple[str, ...]:
        """Return the indicators of an interval that stand on the price scale, the first to be drawn first."""
        over_price = [spec for spec in self.specs_on(interval) if spec.description.over_price]
        over_price.sort(key=lambda spec: spec.description.overlay_order)
        return tuple(name for spec in over_price for name in spec.outputs)

    def table_indicators(self) -> tuple[str, ...]:
        """Return the few indicators that the symbol table shows: those on the base first."""
        named = [
            name
            for spec in sorted(self.plan.specs, key=lambda spec: (spec.interval, spec.description.over_price))
            if spec.description.symbol_column is None
            for name in spec.outputs
        ]
        return tuple(named[:_TABLE_INDICATORS])

    def indicator_in_column(self, column: str) -> str | None:
        """Return the first indicator for which the symbol table keeps a column, None where there is none."""
        return next((spec.name for spec in self.plan.specs if spec.description.symbol_column == column), None)

    def events_until(self, view_state: ViewState) -> tuple[MarketEvent, ...]:
        """Return the events that were known at a moment, in the order of the market's clock."""
        events, view = self.system.events(), view_state.view
        return events if view is None else events_known_at(events, view)

    # Earlier days

    def is_in_place(self, view: SessionView) -> bool:
        """Whether a view is of the session that the engine has in place."""
        return view.is_of_same_session(self.system.session_data.view())

    def history(self, view_state: ViewState, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        """Return a symbol's earlier bars to the left of the chart: the session before, or all daily ones.

        Empty where none are held. Kept until symbol, interval or session change.
        """
        view, before = view_state.view, self._history_of
        if view is None:
            return ()
        if before is None or not before[0].is_of_same_session(view) or before[1:] != (symbol, interval):
            self._history_of = (view, symbol, interval)
            self._history = self._read_history(view, symbol, interval)
        return self._history

    def _read_history(self, view: SessionView, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        if self.is_in_place(view):
            return self.system.session_data.history_bars(view, symbol, interval)[-1:]
        earlier = self.earlier.before(view.trading_day)
        before = None if earlier is None else self.earlier.cached(earlier)
        return () if before is None else (before.view().bars(symbol, interval),)
