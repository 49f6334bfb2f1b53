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
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._viewpoint = viewpoint
        self._sessions = sessions
        self._present = present
        self._find_hit = find_hit
        self._monotonic = monotonic
        self._pace: Pace | None = None
        self._is_waiting = False
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
        self._set_pace(position, speed, self._monotonic())
        if begins_session:
            self._move(position.played, position.frontier, position.frontier)

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

        A session that is not ready is waited for, see `day_to_load`.
        """
        position, present = self._viewpoint.position, self._present()
        if self._pace is None:
            return False
        if position is None or present is None:  # another action has left the past
            self.stop()
            return False
        if position.frontier >= position.played.frontier:
            return self._enter_next(self._pace, position, present)
        due = min(self._pace.due(self._monotonic()), position.played.frontier)
        return due > position.frontier and self._move(position.played, position.frontier + 1, due)

    def day_to_load(self) -> date | None:
        """Return the following day if it must be loaded to play on."""
        position = self._viewpoint.position
        if self._pace is None or position is None:
            return None
        day = self._following(position)
        return None if day is None or day == self._unavailable or self._sessions.is_ready(day) else day

    def give_up(self, trading_day: date) -> None:
        """Stop at the end of the session before a day, which cannot be loaded."""
        self._unavailable = trading_day

    def _following(self, position: Position) -> date | None:
        """Return the finished day after a position's, None if the present's session follows."""
        day, present = self._sessions.after(position.day), self._present()
        return None if day is None or present is None or day >= present.day else day

    def _enter_next(self, pace: Pace, position: Position, present: Position) -> bool:
        """Show the open of the next session."""
        day, now = self._following(position), self._monotonic()
        if day is not None and not self._sessions.is_ready(day):
            self._is_waiting = True
            if day == self._unavailable:
                self.stop()
            return False
        following = self._viewpoint.next_start(position, present)
        due = pace.deadline(position.frontier)
        begun = now if self._is_waiting or math.isinf(due) else due
        self._is_waiting = False
        self._set_pace(following, pace.speed, begun)
        return self._move(following.played, following.frontier, following.frontier)

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
