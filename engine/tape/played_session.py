"""Played session: a handle that gives views at any frontier that the engine has reached."""

from __future__ import annotations

from datetime import date, datetime

from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape


class PlayedSession:
    """Handle of the current or of a finished session, for readers that step back in it.

    Its frontier is the engine's and advances with it; its views are of the newest edition. Two handles of one
    session are equal.
    """

    __slots__ = ("_lineage",)

    def __init__(self, tape: Tape) -> None:
        self._lineage = tape.lineage

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlayedSession) and other.tape.identity is self.tape.identity

    def __hash__(self) -> int:
        return id(self.tape.identity)

    @property
    def tape(self) -> Tape:
        """The newest edition of the whole tape, also after the frontier: for the engine only."""
        return self._lineage.current

    @property
    def session(self) -> TradingSession:
        """The session's hours, from the calendar."""
        return self.tape.session

    @property
    def trading_day(self) -> date:
        """The session's date."""
        return self.tape.session.trading_day

    @property
    def slot_times(self) -> SessionSlots:
        """Open and close of each slot of the session, from the calendar."""
        return self.tape.slots

    @property
    def frontier(self) -> int:
        """Number of slots played."""
        return self.tape.frontier

    def clock(self, frontier: int) -> datetime:
        """Return the session's time at a frontier, UTC."""
        return utc_from_epoch(self.tape.slots.clock(frontier))

    def view(self, frontier: int | None = None) -> SessionView:
        """Return the session cut at its frontier, or at an earlier one, with the symbols of that moment.

        Those that joined later are in it, too. EngineError if symbols that left cannot be read from disk.
        """
        lineage = self._lineage
        tape = lineage.current if frontier is None else lineage.at_frontier(frontier)
        return SessionView(tape, frontier)
