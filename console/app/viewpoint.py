"""Viewpoint: where the viewer stands, at the present or at an earlier moment, apart from the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_view import SessionView


class EarlierDays(Protocol):
    """Sessions that are over."""

    def before(self, trading_day: date) -> date | None:
        """Return the last day that is there before another."""
        ...

    def after(self, trading_day: date) -> date | None:
        """Return the first day that is there after another."""
        ...

    def session(self, trading_day: date) -> PlayedSession:
        """Return a day's session, or raise what stands in the way."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
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
        """Return what is known there."""
        return self.played.view(self.frontier)


class Viewpoint:
    """A place in the past, or none at the present. It never lies past the engine's frontier.

    What an earlier day raises goes to the caller; the viewpoint then stays where it was.
    """

    def __init__(self, days: EarlierDays) -> None:
        self._days = days
        self.place: Place | None = None
        self.revision = 0

    def stand_at(self, place: Place | None, present: Place) -> None:
        """Look at a place; one that is not before the present is the present."""
        if place is not None and place.played == present.played and place.frontier >= present.frontier:
            place = None
        self.place = place
        self.revision += 1

    def back(self, slots: int, present: Place) -> bool:
        """Look so many slots back, into earlier days where there are any; return whether that moved it."""
        here = self.place or present
        frontier, session = here.frontier - slots, here.played
        if frontier < 0 and here.frontier > 0:
            frontier = 0  # the open is not passed over on the way
        if frontier < 0:
            earlier = self._days.before(here.day)
            if earlier is None:
                return False
            session = self._days.session(earlier)
            frontier = session.frontier  # nor is the close
        moved = session != here.played or frontier != here.frontier
        self.stand_at(Place(session, frontier), present)
        return moved

    def on(self, slots: int, present: Place) -> None:
        """Look so many slots on, at most to the present."""
        here = self.place or present
        if here.frontier < here.played.frontier:
            frontier = min(here.played.frontier, here.frontier + slots)
            self.stand_at(Place(here.played, frontier), present)
        else:
            self.stand_at(self._following(here, present), present)

    def day_back(self, present: Place) -> bool:
        """Look at the same slot of the day before; return False where there is none."""
        here = self.place or present
        earlier = self._days.before(here.day)
        if earlier is None:
            return False
        session = self._days.session(earlier)
        self.stand_at(Place(session, min(here.frontier, session.frontier)), present)
        return True

    def day_on(self, present: Place) -> None:
        """Look at the same slot of the day after, at most at the present."""
        here = self.place or present
        if here.played == present.played:
            self.stand_at(None, present)
            return
        session = self._following(here, present).played
        self.stand_at(Place(session, min(here.frontier, session.frontier)), present)

    def session_on(self, present: Place) -> None:
        """Look at the open of the day after, at most at the present."""
        self.stand_at(self._following(self.place or present, present), present)

    def _following(self, here: Place, present: Place) -> Place:
        """Return the start of the day after."""
        if here.played == present.played:
            return present
        later = self._days.after(here.day)
        if later is None or later >= present.day:
            return Place(present.played, 0)
        return Place(self._days.session(later), 0)
