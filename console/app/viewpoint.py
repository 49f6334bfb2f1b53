"""Where the viewer stands: at the present, or at an earlier moment of a tape; no matter of the engine's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from tapedeck.engine.tape.tape import Tape


class EarlierDays(Protocol):
    """Tapes of sessions that are over."""

    def before(self, trading_day: date) -> date | None:
        """Return the last day that is there before another."""
        ...

    def after(self, trading_day: date) -> date | None:
        """Return the first day that is there after another."""
        ...

    def tape(self, trading_day: date) -> Tape:
        """Return a day's tape, or raise what stands in the way."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A frontier of a tape."""

    tape: Tape
    frontier: int

    @property
    def day(self) -> date:
        """The trading day of the tape."""
        return self.tape.session.trading_day


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
        if place is not None and place.tape is present.tape and place.frontier >= present.frontier:
            place = None
        self.place = place
        self.revision += 1

    def back(self, slots: int, present: Place) -> bool:
        """Look so many slots back, into earlier days where there are any; return whether that moved it."""
        here = self.place or present
        frontier, tape = here.frontier - slots, here.tape
        if frontier < 0 and here.frontier > 0:
            frontier = 0  # the open is not passed over on the way
        if frontier < 0:
            earlier = self._days.before(here.day)
            if earlier is None:
                return False
            tape = self._days.tape(earlier)
            frontier = tape.frontier  # nor is the close
        moved = tape is not here.tape or frontier != here.frontier
        self.stand_at(Place(tape, frontier), present)
        return moved

    def on(self, slots: int, present: Place) -> None:
        """Look so many slots on, at most to the present."""
        here = self.place or present
        if here.frontier < here.tape.frontier:
            frontier = min(here.tape.frontier, here.frontier + slots)
            self.stand_at(Place(here.tape, frontier), present)
        else:
            self.stand_at(self._following(here, present), present)

    def day_back(self, present: Place) -> bool:
        """Look at the same slot of the day before; return False where there is none."""
        here = self.place or present
        earlier = self._days.before(here.day)
        if earlier is None:
            return False
        tape = self._days.tape(earlier)
        self.stand_at(Place(tape, min(here.frontier, tape.frontier)), present)
        return True

    def day_on(self, present: Place) -> None:
        """Look at the same slot of the day after, at most at the present."""
        here = self.place or present
        if here.tape is present.tape:
            self.stand_at(None, present)
            return
        following = self._following(here, present)
        tape = following.tape
        self.stand_at(Place(tape, min(here.frontier, tape.frontier)), present)

    def session_on(self, present: Place) -> None:
        """Look at the open of the day after, at most at the present."""
        self.stand_at(self._following(self.place or present, present), present)

    def _following(self, here: Place, present: Place) -> Place:
        """Return the start of the day after."""
        if here.tape is present.tape:
            return present
        later = self._days.after(here.day)
        if later is None or later >= present.day:
            return Place(present.tape, 0)
        return Place(self._days.tape(later), 0)
