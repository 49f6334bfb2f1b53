"""Playback: a run as the console shows it, at the present or in the past."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from threading import Event
from typing import Final, Protocol

from tapedeck.console.actions.offers import OfferState
from tapedeck.console.app.chart_histories import ChartHistories, ChartHistory, HistoryKey, joined_history
from tapedeck.console.app.openings import Openings
from tapedeck.console.app.past_hits import PastHits
from tapedeck.console.app.past_play import PastPlay
from tapedeck.console.app.viewpoint import Position, SessionNotCachedError, SessionSource, Viewpoint
from tapedeck.console.panel_data.account_table import has_strategies
from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.live_status import LiveStatus
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.earlier_bars import EarlierBars
from tapedeck.engine.read.events import Event as MarketEvent
from tapedeck.engine.read.events import events_known_at
from tapedeck.engine.read.opening_values import OpeningValues
from tapedeck.engine.read.snapshot import BreakpointHit, Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_view import SessionView

WATCHED_SPEED: Final = 60.0
"""Multiple of real time at which the past of a run at maximum speed plays, unless another was set."""
_WAIT_LIMIT_S: Final = 0.5
_CHARTS: Final = 2
"""Charts on a screen."""
_TRADING_DAY: Final = attrgetter("trading_day")


@dataclass(frozen=True, slots=True)
class ViewState:
    """State of a run at one time, for all panels.

    `view`: the session up to the time shown. `played`: the same session as far as it was played at the
    snapshot, for the timeline; the same as `view` at the present. Both are None before the first session.
    `is_past_playing`: whether the past plays, at `past_speed`. `stopped_at`: the breakpoint at which the time
    shown stands. `opening`: opening values of the view's day, None until they are read.
    """

    snapshot: Snapshot
    view: SessionView | None
    played: SessionView | None
    is_past: bool
    is_past_playing: bool = False
    past_speed: float = WATCHED_SPEED
    stopped_at: BreakpointHit | None = None
    opening: OpeningValues | None = None

    @property
    def is_racing(self) -> bool:
        """Whether the run plays at maximum speed, so that each frame shows another day."""
        return is_racing(self.snapshot)

    @property
    def clock_text(self) -> str:
        """The time shown, in the exchange's time, with its zone."""
        if self.view is None:
            return ""
        local = self.view.clock.astimezone(self.view.session.zone)
        seconds = ":%S" if self.snapshot.base.seconds < 60 else ""
        return local.strftime(f"%H:%M{seconds} %Z")


def is_racing(snapshot: Snapshot) -> bool:
    """Whether a run plays at maximum speed; a recording never does."""
    return snapshot.state is RunState.RUNNING and snapshot.speed == 0 and snapshot.live is None


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

    def load_ahead(self, trading_day: date) -> None:
        """Have a session in memory, with some of those after it."""
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
        session = self._tape_cache.cached(trading_day)
        if session is None or not self.is_ready(trading_day):
            raise SessionNotCachedError(trading_day)
        return session

    def is_ready(self, trading_day: date) -> bool:
        """Whether a session, and the one before, are in memory."""
        days = (trading_day, self._tape_cache.before(trading_day))
        return all(day is None or self._tape_cache.cached(day) is not None for day in days)


class Playback:
    """A run with a tape cache, and the time shown; `show_run` puts another run in its place.

    Readers ask for its attributes at each use, so that they are of the run shown. `watched_speed`: the speed
    of the past while the run is at maximum speed; the last speed below it counts once one was set. A
    recording is never paused or moved: its past plays at the speed of the recording, until one is set.
    """

    def __init__(
        self,
        system: SystemManager,
        *,
        watched_speed: float = WATCHED_SPEED,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._watched_speed = watched_speed or WATCHED_SPEED
        self._runs = 0
        self.show_run(system)

    def show_run(self, system: SystemManager) -> None:
        """Show a run from its present on, in place of the one before, which must have ended."""
        if system.tape_cache is None:
            raise EngineError("the console needs a run with a tape cache")
        self.plan = system.prepare()
        self.system = system
        self.tape_cache: FinishedSessions = system.tape_cache
        self.cached_sessions = CachedSessions(self.tape_cache)
        self.viewpoint = Viewpoint(self.cached_sessions)
        self.openings = Openings()
        self.past_play = PastPlay(
            self.viewpoint,
            self.cached_sessions,
            self.present,
            PastHits(system.conditions, system.past_hits),
            monotonic=self._monotonic,
        )
        self._runs += 1
        self._recorded_past_speed: float | None = None
        self._watched_speed = system.snapshot().speed or self._watched_speed
        self._histories_of: tuple[SessionView, tuple[object, ...]] | None = None
        self._joined: dict[tuple[str, Interval], ChartHistory] = {}
        self.histories = ChartHistories()
        self._speed_after_jump: float | None = None
        self._jump_started = Event()
        self._step_started = Event()
        self._step_started.set()
        self._is_suspended = self._is_past_suspended = False

    def stop(self) -> None:
        """Stop the run shown, and wait until its threads have ended."""
        self.system.stop()

    def request_render_priority(self) -> None:
        """Have the engine yield until its release, as a key was read; for any thread."""
        self.system.render_priority.request()

    # Live

    @property
    def is_live(self) -> bool:
        """Whether the run records a live session."""
        return self.system.mode == "live"

    def offer_state(self, snapshot: Snapshot | None = None) -> OfferState:
        """Return what decides which actions are offered, now or at a snapshot."""
        snapshot = snapshot or self.system.snapshot()
        return OfferState(
            is_live=self.is_live,
            is_past=self.viewpoint.position is not None,
            is_over=snapshot.state.is_over and snapshot.version > 0,  # before its start a run is stopped, too
            has_scanners=bool(self.system.config.session_data_config.scanners),
            has_strategies=has_strategies(self.system),
        )

    def freeze(self) -> None:
        """Show the present slot from now on, as the past, while a recording goes on.

        EngineError before the first slot.
        """
        present = self.present()
        if present is None or not present.frontier:
            raise EngineError("nothing is recorded yet: there is no time to stop at")
        self.past_play.stop()
        self.viewpoint.freeze(present)

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
        session of many symbols spends most of its time, and is over soon after. A clock reveals slots before
        their indicators are computed: then it is the last slot that is complete.
        """
        here = snapshot.view
        races = is_racing(snapshot)
        if here is not None and snapshot.state is RunState.RUNNING and not races:
            return here.computed()
        if here is not None and (here.frontier or not races):
            return here
        kept = self.tape_cache.last()
        return here if kept is None else kept.view()

    def version(self, snapshot: Snapshot) -> tuple[object, ...]:
        """Return a value that changes whenever the frame would; cheap."""
        view = snapshot.view
        computed = None if view is None else (view.frontier, view.computed_frontier, view.edition)
        past = (self.viewpoint.revision, self.past_play.is_playing, self._watched_speed)
        shown = (self._runs, snapshot.version, past, self.openings.revision, self.histories.revision)
        live = () if snapshot.live is None else _live_version(snapshot.live)
        return (*shown, snapshot.state, len(snapshot.finished), computed, *live)

    def view_state(self, snapshot: Snapshot | None = None) -> ViewState:
        """Return the state to show, now or for a snapshot."""
        snapshot, position = snapshot or self.system.snapshot(), self.viewpoint.position
        if position is None:
            view = self._latest_view(snapshot)
            hit, opening = snapshot.stopped_at or self.past_play.stopped_at, self._opening(view)
            return ViewState(snapshot, view, view, is_past=False, stopped_at=hit, opening=opening)
        view, now = position.view(), snapshot.view
        played = now if now is not None and view.is_of_same_session(now) else position.played.view()
        return ViewState(
            snapshot,
            view,
            played,
            is_past=True,
            is_past_playing=self.past_play.is_playing,
            past_speed=self.past_speed,
            stopped_at=self.past_play.stopped_at,
            opening=self._opening(view),
        )

    def _opening(self, view: SessionView | None) -> OpeningValues | None:
        """Return the opening values of a view's day, in its rows."""
        return None if view is None else self.openings.get(view.trading_day, view.symbols)

    # Jumps

    @property
    def speed(self) -> float:
        """The requested speed; during a jump, the speed after it."""
        return self.system.snapshot().speed if self._speed_after_jump is None else self._speed_after_jump

    @property
    def past_speed(self) -> float:
        """The speed at which the past plays: the run's, or the last one below maximum speed."""
        if self.is_live:
            return self._recorded_past_speed or self._recorded_speed()
        return (0.0 if self.system.state.is_over else self.speed) or self._watched_speed

    def _recorded_speed(self) -> float:
        live = self.system.snapshot().live
        return 1.0 if live is None else live.speed

    def play_past(self, *, begins_session: bool = False) -> None:
        """Play from the past time shown; the run, which is paused meanwhile, goes on at this speed."""
        self.past_play.start(self.past_speed, begins_session=begins_session)

    def advance_past(self) -> bool:
        """Move the past that plays; return whether it has met the present. Called at every frame."""
        speed = self.past_speed
        if not self.past_play.advance():
            return False
        if not self.is_live and not self.system.state.is_over and self.speed != speed:
            self.set_speed(speed)
        return True

    def jump_to(self, instant: datetime) -> None:
        """Play to an instant at maximum speed, and pause; `finish_jump` restores the speed.

        Raises EngineError, without a change, if the clock has passed that instant.
        """
        speed = self.speed
        self.system.run_to(instant)
        self.system.set_speed(0.0)
        self._speed_after_jump, self._jump_started = speed, self.system.mark()

    def jump_until(self, condition: str) -> None:
        """Play at maximum speed until a condition becomes true; `finish_jump` restores the speed."""
        speed = self.speed
        self.system.run_until(condition)
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
        """Pause while the process is suspended, if the clock drives the run, or the past that plays.

        Otherwise all slots that fell due would be played at once afterwards.
        """
        self._is_past_suspended = self.past_play.is_playing
        self.past_play.stop()
        snapshot = self.system.snapshot()
        if snapshot.state is RunState.RUNNING and snapshot.speed and not self.is_live:
            self.system.pause()
            self._is_suspended = True

    def resume(self) -> None:
        """Resume after `suspend`, unless the run has stopped at a breakpoint."""
        if self._is_past_suspended:
            self.play_past()
        if self._is_suspended and not self.system.state.is_over and self.system.snapshot().stopped_at is None:
            self.system.resume()
        self._is_suspended = self._is_past_suspended = False

    def set_speed(self, speed: float) -> None:
        """Set the speed, or during a jump the speed after it; of a past that plays, too.

        After the end of the run, and of a recording, it is the speed of the past only.
        """
        if self.is_live:
            self._recorded_past_speed = speed or None
            self.past_play.set_speed(self.past_speed)
            return
        self._watched_speed = speed or self._watched_speed
        self.past_play.set_speed(self._watched_speed)
        if self.system.state.is_over:
            return
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

    def events_until(self, view_state: ViewState) -> tuple[MarketEvent, ...]:
        """Return the events known at the time shown, in the order of the market's clock."""
        events, view = self.system.events(), view_state.view
        return events if view is None else events_known_at(events, view)

    # Earlier sessions

    def is_current_session(self, view: SessionView) -> bool:
        """Whether a view is of the engine's current session."""
        return view.is_of_same_session(self.system.session_data.view())

    def history(self, view_state: ViewState, symbol: str, interval: Interval) -> ChartHistory:
        """Return a symbol's earlier bars for the chart: what was read of the store, or is in memory.

        Those of the last two are cached, until the session or its symbols change, or something was read.
        """
        view, before = view_state.view, self._histories_of
        if view is None:
            return ChartHistory()
        revisions = (len(view.changes), self.histories.revision, self.openings.revision)
        if before is None or not before[0].is_of_same_session(view) or before[1] != revisions:
            self._histories_of = (view, revisions)
            self._joined.clear()
        chart = (symbol, interval)
        found = self._joined.pop(chart, None) or self._join_history(view, symbol, interval)
        self._joined[chart] = found  # the last one asked for is the last one in the dictionary
        if len(self._joined) > _CHARTS:
            del self._joined[next(iter(self._joined))]
        return found

    def _join_history(self, view: SessionView, symbol: str, interval: Interval) -> ChartHistory:
        read = self.histories.get(HistoryKey(view.trading_day, symbol, interval))
        cached = self.system.session_in_memory_before(view.trading_day)
        before = None if cached is None else cached.view()
        # A symbol that joined the session shown may not have been in the one before.
        return joined_history(read, self._held(view, symbol, interval), before, symbol, interval)

    def _held(self, view: SessionView, symbol: str, interval: Interval) -> tuple[EarlierBars, ...]:
        """Return the bars that the engine holds for its current session, or none."""
        if not self.is_current_session(view):
            return ()
        try:
            held = self.system.session_data.history_bars(view, symbol, interval)
        except EngineError:  # the symbol had joined, and has left with its history
            return ()
        return tuple(EarlierBars(bars) for bars in held[-1:])


def _live_version(live: LiveStatus) -> tuple[object, ...]:
    """Return what of a live status is shown at once; the rest follows with the frames of a screen at rest."""
    alerts = live.alerts[-1].number if live.alerts else 0
    return live.phase, live.feed.state, live.feed.unsaved, live.edition, alerts
