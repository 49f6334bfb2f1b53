"""Universe view: a session of the universe, cut at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.vocabulary import SESSION_FIELDS
from tapedeck.engine.errors import EngineError, unknown_name
from tapedeck.engine.tape.bar_grid import FIELDS, Floats
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES
from tapedeck.engine.tape.session_view import frozen
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES
from tapedeck.engine.universe.universe_session import UniverseSession
from tapedeck.engine.universe.universe_values import UniverseValues


class UniverseView:
    """What is known of the universe at a frontier of its 1m tape; nothing later can be read through it.

    Rows are the symbols in ascending order. Arrays are read-only; values that are missing are NaN.
    """

    __slots__ = ("_frontier", "_session")

    def __init__(self, session: UniverseSession, frontier: int) -> None:
        if not 0 <= frontier <= len(session.tape):
            raise EngineError(f"invalid frontier {frontier}: use 0 to {len(session.tape)}")
        self._session = session
        self._frontier = frontier

    @classmethod
    def at(cls, session: UniverseSession, tape_clock: int) -> UniverseView:
        """Return the universe as it is known at the clock of another tape, seconds UTC."""
        return cls(session, session.tape.slots.slots_over_at(tape_clock))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, in the order of the rows."""
        return self._session.symbols

    @property
    def rows(self) -> Mapping[str, int]:
        """The row of each symbol."""
        return self._session.tape.rows

    @property
    def trading_day(self) -> date:
        """The trading day of the session."""
        return self._session.tape.session.trading_day

    @property
    def frontier(self) -> int:
        """Number of minutes of the session that are over."""
        return self._frontier

    @property
    def clock(self) -> datetime:
        """The open at frontier 0, else the close of the last minute that is over; in the exchange's zone."""
        tape = self._session.tape
        return utc_from_epoch(tape.slots.clock(self._frontier)).astimezone(tape.session.zone)

    def names(self) -> tuple[str, ...]:
        """Return the names that `value` knows."""
        tape = self._session.tape
        return (*FIELDS, *SESSION_FIELDS, *tape.indicators, *tape.historical, *UNIVERSE_FIGURES)

    def value(self, name: str) -> Floats:
        """Return a value of every symbol, float64 (S,): as a rule reads it. EngineError for another name.

        There are no quotes in the universe.
        """
        if name in QUOTE_FIGURES and name not in self.names():
            raise EngineError(f"{name} is not available: the universe has no quotes")
        if name not in self.names():
            raise EngineError(unknown_name("value", name, self.names(), owner="the universe"))
        return frozen(self.known_values().value(name, slice(None))[:, 0])

    def bars(self, field: str) -> Floats:
        """Return a field of the session's 1m bars so far, float64 (S, frontier); `field`: open, … volume.

        EngineError for another field.
        """
        return frozen(self._session.tape.base.values[_position(field), :, : self._frontier])

    @property
    def daily_days(self) -> tuple[date, ...]:
        """The trading days before this one with daily bars, oldest first; empty if none are read."""
        daily = self._session.daily
        if daily is None:
            return ()
        return tuple(day.trading_day for day in daily.days[: daily.column_of(self.trading_day)])

    def daily(self, field: str) -> Floats:
        """Return a field of the daily bars before this session, float64 (S, days); raises as `bars`."""
        position, daily = _position(field), self._session.daily
        if daily is None:
            return frozen(np.empty((len(self.symbols), 0)))
        return frozen(daily.values[position, :, : daily.column_of(self.trading_day)])

    def known_values(self) -> KnownValues:
        """Return the values that rules read, at this frontier alone."""
        return UniverseValues(self._session, self._frontier)


def _position(field: str) -> int:
    if field not in FIELDS:
        raise EngineError(unknown_name("bar field", field, FIELDS, owner="a bar"))
    return FIELDS.index(field)
