"""Opening values of the days on the screen: read in the background, and kept for the last few days shown."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from textual.app import App

from tapedeck.console.app.background import run_in_background
from tapedeck.engine.read.opening_values import OpeningValues
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.session_view import SessionView

_KEPT: Final = 16
_GROUP: Final = "openings"


class Openings:
    """Opening values by trading day, of the last days shown; None where they cannot be read.

    `revision` increases with each change. The app's thread reads and writes it.
    """

    def __init__(self) -> None:
        self._days: OrderedDict[date, OpeningValues | None] = OrderedDict()
        self.revision = 0

    def __contains__(self, day: date) -> bool:
        return day in self._days

    def get(self, day: date) -> OpeningValues | None:
        """Return a day's values, None until they are read."""
        return self._days.get(day)

    def put(self, day: date, values: OpeningValues | None) -> None:
        """Keep a day's values; the days put first are dropped."""
        self._days[day] = values
        while len(self._days) > _KEPT:
            self._days.popitem(last=False)
        self.revision += 1


class OpeningFetch:
    """Reads the opening values of the day shown in the background, one day at a time."""

    def __init__(self, app: App[Any], openings: Openings, read: Callable[[date], OpeningValues]) -> None:
        self._app = app
        self._openings = openings
        self._read = read
        self._is_reading = False

    def follow(self, day: date) -> None:
        """Read a day's values unless they are known; while another day is read, call it again later."""
        if not self._is_reading and day not in self._openings:
            self._is_reading = True
            self._app.run_worker(self._fetch(day), group=_GROUP)

    async def _fetch(self, day: date) -> None:
        try:
            read = partial(self._read, day)
            values = await run_in_background(f"reading the open of {day}", read, self._notify_error)
            self._openings.put(day, values)
        finally:
            self._is_reading = False

    def _notify_error(self, text: str) -> None:
        self._app.notify(f"no values of the session before: {text}", severity="warning", timeout=10)


def figures_before(
    view: SessionView, opening: OpeningValues | None, relative_volume: str | None = None
) -> Mapping[str, Floats]:
    """Return the figures shown where a column of the symbol table has no value of today yet, by its key.

    They are the prior close, and the last values of the indicators in the session before: float64 (S,).
    """
    indicators = {} if opening is None else dict(opening.indicators)
    if relative_volume in indicators:
        indicators["rel_volume"] = indicators[relative_volume]
    return {**indicators, "last": view.prior_close.values}
