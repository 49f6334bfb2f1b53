"""What the console shows: the engine's run as it is now, or as it was where the viewer looks."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from threading import Event
from typing import Final

import talib

from tapedeck.console.app.viewpoint import Place, Viewpoint
from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.historical import HistoricalQuality
from tapedeck.engine.read.event import Event as MarketEvent
from tapedeck.engine.read.gap_events import as_known_at
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.tape_cache import TapeCache
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_view import Bars, SessionView
from tapedeck.engine.tape.tape import Tape


def _overlaps() -> list[str]:
    groups = talib.get_function_groups()  # type: ignore[no-untyped-call]
    return list(groups["Overlap Studies"])


_PRICE_KINDS: Final = frozenset({"VWAP", "SESSION_HIGH", "SESSION_LOW", *_overlaps()})
_TABLE_INDICATORS: Final = 3
_SETTLED_S: Final = 0.5
_PLACE: Final = attrgetter("place")
_TRADING_DAY: Final = attrgetter("trading_day")


@dataclass(frozen=True, slots=True)
class ViewState:
    """One moment of a run, for all panels alike: `view` ends where the viewer looks, `tape` is the whole.

    `is_past`: that is before the engine's clock. Without a session yet, `tape` and `view` are None.
    """

    snapshot: Snapshot
    tape: Tape | None
    view: SessionView | None
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


class CachedSessions:
    """Tapes of sessions that are over, as far as to have them takes no time."""

    def __init__(self, earlier: TapeCache) -> None:
        self._earlier = earlier

    def before(self, trading_day: date) -> date | None:
        """Return the last day that is there before another."""
        return self._earlier.before(trading_day)

    def after(self, trading_day: date) -> date | None:
        """Return the first day that is there after another."""
        return self._earlier.after(trading_day)

    def tape(self, trading_day: date) -> Tape:
        """Return a day's tape; DayAwayError where it, or the day before, is not at hand."""
        tape, before = self._earlier.cached(trading_day), self._earlier.before(trading_day)
        if tape is None or (before is not None and self._earlier.cached(before) is None):
            raise SessionNotCachedError(trading_day)
        return tape


class Playback:
    """A run that keeps the days it has played, and where the viewer stands; nothing of the market itself."""

    def __init__(self, system: SystemManager) -> None:
        if system.tape_cache is None:
            raise EngineError("the console needs a run that keeps the days that are over")
        self.system = system
        self.earlier: TapeCache = system.tape_cache
        self.days = CachedSessions(self.earlier)
        self.viewpoint = Viewpoint(self.days)
        self.plan = system.prepare()
        self._history_of: tuple[Tape | None, str, Interval] | None = None
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
        tape = self.system.tape or self.earlier.last()
        return None if tape is None else Place(tape, tape.frontier)

    def _last_moment(self, snapshot: Snapshot) -> Place | None:
        """Return the last moment that there is something to see of.

        At full speed a session of many symbols is being set up or stands at its open most of the time, and is
        over at once after that: then this is the close of the session before.
        """
        here = self.present()
        is_racing = snapshot.speed == 0 and snapshot.state is RunState.RUNNING
        if not is_racing or (here is not None and here.frontier):
            return here
        kept = self.earlier.last()
        return here if kept is None else Place(kept, kept.frontier)

    def version(self, snapshot: Snapshot) -> tuple[object, ...]:
        """Return what differs whenever a picture would; cheap."""
        tape = self.system.tape
        parts = () if tape is None else (tape.processed, tape.scored)
        return (snapshot.version, self.viewpoint.revision, snapshot.state, len(snapshot.finished), *parts)

    def view_state(self, snapshot: Snapshot | None = None) -> ViewState:
        """Return the run as it is to be shown now, or was when a snapshot was taken."""
        snapshot, place = snapshot or self.system.snapshot(), self.viewpoint.place
        here = place or self._last_moment(snapshot)
        if here is None:
            return ViewState(snapshot, None, None, is_past=False)
        view = SessionView(here.tape, here.frontier)
        return ViewState(snapshot, here.tape, view, is_past=place is not None)

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
        tape, sessions = self.system.tape, self.plan.sessions
        if tape is None:
            return
        at = bisect_left(sessions, tape.session.trading_day, key=_TRADING_DAY)
        if at and self.earlier.before(tape.session.trading_day) != sessions[at - 1].trading_day:
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
        """Return the indicators of an interval that stand on the price scale."""
        return tuple(
            name for spec in self.specs_on(interval) if spec.kind in _PRICE_KINDS for name in spec.outputs
        )

    def table_indicators(self) -> tuple[str, ...]:
        """Return the few indicators that the symbol table shows: those on the base first."""
        named = [
            name
            for spec in sorted(self.plan.specs, key=lambda spec: (spec.interval, spec.kind in _PRICE_KINDS))
            if spec.kind != "RELATIVE_VOLUME"
            for name in spec.outputs
        ]
        return tuple(named[:_TABLE_INDICATORS])

    def relative_volume(self) -> str | None:
        """Return the name of the first indicator that compares volume, None where there is none."""
        return next((spec.name for spec in self.plan.specs if spec.kind == "RELATIVE_VOLUME"), None)

    def events_until(self, view_state: ViewState) -> tuple[MarketEvent, ...]:
        """Return the events that were known at a moment, in the order of the market's clock."""
        events, view = self.system.events(), view_state.view
        if not view_state.is_past or view is None or view_state.tape is None:
            return events
        slots, frontier = view_state.tape.slots, view.frontier
        known = events[: bisect_right(events, slots.clock(frontier), key=_PLACE)]
        first = bisect_left(known, slots.clock(0), key=_PLACE)  # of this session; those before are over
        return known[:first] + tuple(as_known_at(event, view_state.tape, frontier) for event in known[first:])

    # Earlier days

    def historical_quality(self, view_state: ViewState) -> Mapping[tuple[str, Interval], HistoricalQuality]:
        """Return (symbol, interval) → quality of the history that the session shown began with."""
        tape = view_state.tape
        if tape is None or tape is self.system.tape:
            return self.system.session_data.historical_quality
        return self.earlier.historical_quality(tape.session.trading_day)

    def history(self, view_state: ViewState, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        """Return a symbol's earlier bars to the left of the chart: the session before, or all daily ones.

        Empty where none are held. Kept until symbol, interval or session change.
        """
        tape = view_state.tape
        before = self._history_of
        if before is None or before[0] is not tape or before[1:] != (symbol, interval):
            self._history_of = (tape, symbol, interval)
            self._history = () if tape is None else self._read_history(tape, symbol, interval)
        return self._history

    def _read_history(self, tape: Tape, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        if tape is not self.system.tape:
            return self._kept_history(tape, symbol, interval)
        try:
            held = self.system.session_data.get_symbol_data(symbol).historical.bars.get(interval, ())
        except EngineError:  # the session has just been let go
            return ()
        return held[-1:]

    def _kept_history(self, tape: Tape, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        earlier = self.earlier.before(tape.session.trading_day)
        before = None if earlier is None else self.earlier.cached(earlier)
        return () if before is None else (SessionView(before).bars(symbol, interval),)
