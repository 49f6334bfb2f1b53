"""Playing the past: the time shown moves along finished slots at the pace of a clock, up to the present."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import date
from typing import Protocol

from tapedeck.console.app.viewpoint import Position, Viewpoint
from tapedeck.engine.clock.pacing import Pace
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.tape.played_session import PlayedSession

FindHit = Callable[[PlayedSession, int, int], BreakpointHit | None]
"""Returns where a breakpoint first stops a session at some frontiers (inclusive)."""
CanFind = Callable[[date], bool]
"""Whether that needs no read of the store for a session; such a read must not hold up a frame."""


class SessionsInMemory(Protocol):
    """Finished sessions; those that are not in memory have to be loaded before they are shown."""

    def after(self, trading_day: date) -> date | None:
        """Return the first finished day after a day."""
        ...

    def is_ready(self, trading_day: date) -> bool:
        """Whether a day can be shown without a recompute."""
        ...


class PastPlay:
    """Moves a viewpoint as the engine moves the present: slot by slot, through day bounds, to breakpoints.

    Slots fall due at times counted from one anchor, so that late frames cause no drift; a session begins when
    the one before was due to end. `monotonic` is the wall's clock in seconds.
    """

    def __init__(
        self,
        viewpoint: Viewpoint,
        sessions: SessionsInMemory,
        present: Callable[[], Position | None],
        find_hit: FindHit,
        can_find: CanFind,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._viewpoint = viewpoint
        self._sessions = sessions
        self._present = present
        self._find_hit = find_hit
        self._can_find = can_find
        self._monotonic = monotonic
        self._pace: Pace | None = None
        self._is_waiting = False
        self._is_beginning = False
        self._unavailable: date | None = None
        self._hit: tuple[BreakpointHit, Position | None] | None = None

    @property
    def is_playing(self) -> bool:
        """Whether the time shown moves by itself."""
        return self._pace is not None

    @property
    def stopped_at(self) -> BreakpointHit | None:
        """The breakpoint at which the time shown stands, None after it has moved."""
        if self._hit is None or self._hit[1] != self._viewpoint.position:
            return None
        return self._hit[0]

    def start(self, speed: float, *, begins_session: bool = False) -> None:
        """Play from the time shown, at a multiple of real time; without effect at the present.

        `begins_session`: stop at breakpoints that are hit at this frontier, too, as at the open of a session.
        """
        position = self._viewpoint.position
        if position is None:
            return
        self._hit, self._unavailable, self._is_waiting = None, None, False
        self._is_beginning = begins_session
        self._set_pace(position, speed, self._monotonic())
        if begins_session and self._can_find(position.day):
            self._begin(position)

    def stop(self) -> None:
        """Stop at the time shown."""
        self._pace = None

    def set_speed(self, speed: float) -> None:
        """Continue at another speed."""
        position = self._viewpoint.position
        if self._pace is not None and position is not None:
            self._pace.rebase(self._monotonic(), position.frontier, speed)

    def advance(self) -> bool:
        """Move to the slot that is due; return whether the time shown has met the present by that.

        A session that is not ready is waited for, and what breakpoints read before it, see `day_to_load`.
        """
        position, present = self._viewpoint.position, self._present()
        if self._pace is None:
            return False
        if position is None or present is None:  # another action has left the past
            self.stop()
            return False
        if not self._can_find(position.day):
            self._wait_for(position.day)
            return False
        if self._is_beginning:
            return self._begin(position)
        if position.frontier >= position.played.frontier:
            return self._enter_next(self._pace, position, present)
        if self._is_waiting:
            self._is_waiting = False
            self._set_pace(position, self._pace.speed, self._monotonic())
        due = min(self._pace.due(self._monotonic()), position.played.frontier)
        return due > position.frontier and self._move(position.played, position.frontier + 1, due)

    def day_to_load(self) -> date | None:
        """Return the day, this or the following, of which something must be loaded to play on."""
        position, present = self._viewpoint.position, self._present()
        if self._pace is None or position is None or present is None:
            return None
        day = position.day
        if self._can_find(day):
            day = self._following(position, present)
        return None if day == self._unavailable or self._is_ready(day, present) else day

    def give_up(self, trading_day: date) -> None:
        """Stop before a day that cannot be loaded, or where the time shown is in it."""
        self._unavailable = trading_day

    def _following(self, position: Position, present: Position) -> date:
        """Return the day after a position's, at most that of the present."""
        day = self._sessions.after(position.day)
        return present.day if day is None or day >= present.day else day

    def _enter_next(self, pace: Pace, position: Position, present: Position) -> bool:
        """Show the open of the next session."""
        day, now = self._following(position, present), self._monotonic()
        if not self._is_ready(day, present):
            self._wait_for(day)
            return False
        following = self._viewpoint.next_start(position, present)
        due = pace.deadline(position.frontier)
        begun = now if self._is_waiting or math.isinf(due) else due
        self._is_waiting = False
        self._set_pace(following, pace.speed, begun)
        return self._move(following.played, following.frontier, following.frontier)

    def _begin(self, position: Position) -> bool:
        self._is_beginning = self._is_waiting = False
        if self._pace is not None:
            self._set_pace(position, self._pace.speed, self._monotonic())
        return self._move(position.played, position.frontier, position.frontier)

    def _is_ready(self, trading_day: date, present: Position) -> bool:
        is_in_memory = trading_day == present.day or self._sessions.is_ready(trading_day)
        return is_in_memory and self._can_find(trading_day)

    def _wait_for(self, trading_day: date) -> None:
        self._is_waiting = True
        if trading_day == self._unavailable:
            self.stop()

    def _set_pace(self, position: Position, speed: float, now: float) -> None:
        offsets = position.played.slot_times.paced_seconds()
        self._pace = Pace(offsets, speed=speed, now=now, frontier=position.frontier)

    def _move(self, session: PlayedSession, start: int, stop: int) -> bool:
        """Show the frontier `stop`, or the first one from `start` on where a breakpoint is hit."""
        present = self._present()
        if present is None:
            return False
        hit = self._find_hit(session, start, stop)
        self._viewpoint.show_at(Position(session, stop if hit is None else hit.frontier), present)
        position = self._viewpoint.position
        if hit is not None:
            self._hit = (hit, position)
        if hit is not None or position is None:
            self.stop()
        return hit is None and position is None
