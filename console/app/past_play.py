"""Playing the past: the time shown moves along finished slots at the pace of a clock, up to the present."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import date
from typing import Protocol

from tapedeck.console.app.past_hits import HitSearch, PastHits
from tapedeck.console.app.viewpoint import Position, SessionNotCachedError, Viewpoint
from tapedeck.engine.clock.pacing import Pace
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.tape.played_session import PlayedSession


class SessionsInMemory(Protocol):
    """Finished sessions; those that are not in memory have to be loaded before they are shown."""

    def after(self, trading_day: date) -> date | None:
        """Return the first finished day after a day."""
        ...

    def is_ready(self, trading_day: date) -> bool:
        """Whether a day can be shown without a recompute."""
        ...

    def session(self, trading_day: date) -> PlayedSession:
        """Return a day's session; SessionNotCachedError if it must be recomputed."""
        ...


class PastPlay:
    """Moves a viewpoint as the engine moves the present: slot by slot, through day bounds, to breakpoints.

    Slots fall due at times counted from one anchor, so that late frames cause no drift; a session begins when
    the one before was due to end. It waits for sessions to be loaded and searched: `day_to_load` and
    `search_needed` say which. `monotonic` is the wall's clock in seconds.
    """

    def __init__(
        self,
        viewpoint: Viewpoint,
        sessions: SessionsInMemory,
        present: Callable[[], Position | None],
        hits: PastHits,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._viewpoint = viewpoint
        self._sessions = sessions
        self._present = present
        self.hits = hits
        self._monotonic = monotonic
        self._pace: Pace | None = None
        self._is_waiting = False
        self._is_at_begin = False
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
        self._is_at_begin = begins_session
        self._set_pace(position, speed, self._monotonic())

    def stop(self) -> None:
        """Stop at the time shown."""
        self._pace = None

    def set_speed(self, speed: float) -> None:
        """Continue at another speed."""
        position = self._viewpoint.position
        if self._pace is not None and position is not None:
            self._pace.rebase(self._monotonic(), position.frontier, speed)

    def advance(self) -> bool:
        """Move to the slot that is due; return whether the time shown has met the present by that."""
        position, present = self._viewpoint.position, self._present()
        if self._pace is None:
            return False
        if position is None or present is None:  # another action has left the past
            self.stop()
            return False
        if self.hits.missing(position.played) is not None:
            self._wait_for(position.day)
            return False
        if self._is_waiting and position.frontier < position.played.frontier:
            self._is_waiting = False
            self._set_pace(position, self._pace.speed, self._monotonic())
        if self._is_at_begin:
            self._is_at_begin = False
            has_met = self._move(position.played, position.frontier, position.frontier)
            if not self.is_playing:
                return has_met
        if position.frontier >= position.played.frontier:
            return self._enter_next(self._pace, position, present)
        due = min(self._pace.due(self._monotonic()), position.played.frontier)
        return due > position.frontier and self._move(position.played, position.frontier + 1, due)

    # What must be done before it plays on

    def day_to_load(self) -> date | None:
        """Return the following day if it must be loaded to play on."""
        day = self._following()
        return None if day is None or day == self._unavailable or self._sessions.is_ready(day) else day

    def search_needed(self) -> HitSearch | None:
        """Return the search for breakpoints in the session shown or in the next one, if it is needed."""
        position = self._viewpoint.position
        if self._pace is None or position is None:
            return None
        search = self.hits.missing(position.played)
        if search is None and (following := self._following_session(position)) is not None:
            search = self.hits.missing(following)
        return None if search is None or search.session.trading_day == self._unavailable else search

    def give_up(self, trading_day: date) -> None:
        """Stop before a day that cannot be loaded, or in one that cannot be searched."""
        self._unavailable = trading_day

    # Within

    def _following(self) -> date | None:
        """Return the finished day after the one shown, None if the present's session follows."""
        position, present = self._viewpoint.position, self._present()
        if self._pace is None or position is None or present is None:
            return None
        day = self._sessions.after(position.day)
        return None if day is None or day >= present.day else day

    def _following_session(self, position: Position) -> PlayedSession | None:
        """Return the session after the one shown, None if it must be loaded."""
        day, present = self._following(), self._present()
        if day is None or present is None:
            return None if present is None or present.played == position.played else present.played
        try:
            return self._sessions.session(day)
        except SessionNotCachedError:
            return None

    def _wait_for(self, day: date) -> None:
        """Wait for a day, unless it is not available."""
        self._is_waiting = True
        if day == self._unavailable:
            self.stop()

    def _enter_next(self, pace: Pace, position: Position, present: Position) -> bool:
        """Show the open of the next session; its breakpoints are searched from there."""
        try:
            following = self._viewpoint.next_start(position, present)
        except SessionNotCachedError as missing:
            self._wait_for(missing.day)
            return False
        due = pace.deadline(position.frontier)
        begun = self._monotonic() if self._is_waiting or math.isinf(due) else due
        self._set_pace(following, pace.speed, begun)
        self._is_waiting = False
        # Breakpoints of a session that is not searched yet are looked up once it is.
        self._is_at_begin = self.hits.missing(following.played) is not None
        return self._move(following.played, following.frontier, following.frontier)

    def _set_pace(self, position: Position, speed: float, now: float) -> None:
        offsets = position.played.slot_times.paced_seconds()
        self._pace = Pace(offsets, speed=speed, now=now, frontier=position.frontier)

    def _move(self, session: PlayedSession, start: int, stop: int) -> bool:
        """Show the frontier `stop`, or the first one from `start` on where a breakpoint is hit.

        Return whether that is the present.
        """
        present = self._present()
        if present is None:
            return False
        hit = self.hits.first(session, start, stop)
        self._viewpoint.show_at(Position(session, stop if hit is None else hit.frontier), present)
        position = self._viewpoint.position
        if hit is not None:
            self._hit = (hit, position)
        if hit is not None or position is None:
            self.stop()
        return hit is None and position is None
