"""A played session: a handle that gives views of it, at any frontier that the engine has reached."""

from __future__ import annotations

from datetime import date, datetime

from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape


class PlayedSession:
    """The session in place or one that is over, for readers that move about in it, such as a console.

    Its frontier is the engine's, and goes on as that plays. Two handles of one tape are equal.
    """

    __slots__ = ("_tape",)

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlayedSession) and other._tape is self._tape

    def __hash__(self) -> int:
        return id(self._tape)

    @property
    def session(self) -> TradingSession:
        """The session's hours, from the calendar."""
        return self._tape.session

    @property
    def trading_day(self) -> date:
        """The session's date."""
        return self._tape.session.trading_day

    @property
    def slot_times(self) -> SessionSlots:
        """When each slot of the session opens and closes, from the calendar."""
        return self._tape.slots

    @property
    def frontier(self) -> int:
        """How many slots have been played."""
        return self._tape.frontier

    def clock(self, frontier: int) -> datetime:
        """Return the session's time at a frontier, UTC."""
        return utc_from_epoch(self._tape.slots.clock(frontier))

    def view(self, frontier: int | None = None) -> SessionView:
        """Return the session as it is known now, or was at an earlier frontier."""
        return SessionView(self._tape, frontier)
