"""Universe values: what rules read of a session of the universe at one frontier."""

from __future__ import annotations

from functools import partial

import numpy as np

from tapedeck.engine.conditions.known_values import KnownValues, Rows
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES
from tapedeck.engine.universe.universe_session import UniverseSession


class UniverseValues(KnownValues):
    """The values at one frontier, with the volume of the day as the session has summed it."""

    def __init__(self, session: UniverseSession, frontier: int) -> None:
        figures = {name: partial(figure.of, session) for name, figure in UNIVERSE_FIGURES.items()}
        super().__init__(session.tape, frontier, frontier, figures)
        self._sums = session.day_volume(frontier)

    def _value(self, name: str, rows: Rows, interval: Interval | None) -> Floats:
        if name != "day_volume" or self._sums is None:
            return super()._value(name, rows, interval)
        return np.where(np.isnan(self.value("last", rows)), np.nan, self._sums[rows, None])
