"""Viewpoint: the time shown on the screen, present or past, independent of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_view import SessionView


class SessionSource(Protocol):
    """Sessions that are over."""

    def before(self, trading_day: date) -> date | None:
        """Return the last available day before a day."""
        ...

    def after(self, trading_day: date) -> date | None:
        """Return the first available day after a day."""
        ...

    def session(self, trading_day: date) -> PlayedSession:
        """Return a day's session. Raises an error if it is not available."""
        ...


class SessionNotCachedError(Exception):
    """A session that must be recomputed before it can be shown."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} must be recomputed")
        self.day = day


@dataclass(frozen=True, slots=True)
class Position:
    """A frontier of a session."""

    played: PlayedSession
    frontier: int

    @property
    def day(self) -> date:
        """The trading day of the session."""
        return self.played.trading_day

    @property
    def clock(self) -> datetime:
        """The session's time there, UTC."""
        return self.played.clock(self.frontier)

    def view(self) -> SessionView:
        """Return the view at the frontier."""
        return self.played.view(self.frontier)


class Viewpoint:
    """Position in the past, or None at the present; never after the engine's frontier.

    Errors of `SessionSource.session` leave the position unchanged.
    """

    def __init__(self, sessions: SessionSource) -> None:
        self._sessions = sessions
        self.position: Position | None = None
        self.revision = 0

    def show_at(self, position: Position | None, present: Position) -> None:
        """Show a position; None, or one at or after the present, means the present."""
        if (
            position is not None
            and position.played == present.played
            and position.frontier >= present.frontier
        ):
            position = None
        self._set(position)

    def freeze(self, present: Position) -> None:
        """Show the present slot, as a position of the past, while the engine goes on."""
        self._set(present)

    def _set(self, position: Position | None) -> None:
        self.position = position
        self.revision += 1

    def back(self, slots: int, present: Position) -> bool:
        """Move back by a number of slots, also into earlier sessions; return whether it moved."""
        current = self.position or present
        frontier, session = current.frontier - slots, current.played
        if frontier < 0 and current.frontier > 0:
            frontier = 0  # stop at the open first
        if frontier < 0:
            earlier = self._sessions.before(current.day)
            if earlier is None:
                return False
            session = self._sessions.session(earlier)
            frontier = session.frontier  # and at the close
        moved = session != current.played or frontier != current.frontier
        self.show_at(Position(session, frontier), present)
        return moved

    def forward(self, slots: int, present: Position) -> None:
        """Move forward by a number of slots, at most to the present."""
        current = self.position or present
        if current.frontier < current.played.frontier:
            frontier = min(current.played.frontier, current.frontier + slots)
            self.show_at(Position(current.played, frontier), present)
        else:
            self.show_at(self.next_start(current, present), present)

    def day_back(self, present: Position) -> bool:
        """Move to the same slot of the session before; return False if there is none."""
        current = self.position or present
        earlier = self._sessions.before(current.day)
        if earlier is None:
            return False
        session = self._sessions.session(earlier)
        self.show_at(Position(session, min(current.frontier, session.frontier)), present)
        return True

    def day_forward(self, present: Position) -> None:
        """Move to the same slot of the next session, at most to the present."""
        current = self.position or present
        if current.played == present.played:
            self.show_at(None, present)
            return
        session = self.next_start(current, present).played
        self.show_at(Position(session, min(current.frontier, session.frontier)), present)

    def next_session(self, present: Position) -> None:
        """Move to the open of the next session, at most to the present."""
        self.show_at(self.next_start(self.position or present, present), present)

    def next_start(self, current: Position, present: Position) -> Position:
        """Return the open of the next session."""
        if current.played == present.played:
            return present
        later = self._sessions.after(current.day)
        if later is None or later >= present.day:
            return Position(present.played, 0)
        return Position(self._sessions.session(later), 0)
