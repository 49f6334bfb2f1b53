"""Reads the opening values of the day shown, in a thread, after the first frame of that day."""

from __future__ import annotations

from datetime import date
from functools import partial
from time import monotonic
from typing import Any, Final

from textual.app import App
from textual.timer import Timer

from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.playback import Playback, ViewState

_GROUP: Final = "openings"
_REST_S: Final = 0.5
"""Seconds without maximum speed before values are read."""


class OpeningFetch:
    """Reads the opening values of one day at a time, for `Playback.openings`.

    None are read at maximum speed, where each frame shows another day; nor in the moment after it: a read
    takes some tenths of a second for many symbols, and the next key would wait for it.
    """

    def __init__(self, app: App[Any], playback: Playback) -> None:
        self._app = app
        self._playback = playback
        self._is_reading = False
        self._raced_at = float("-inf")
        self._rest: Timer | None = None

    def follow(self, shown: ViewState) -> None:
        """Read the values of the day shown unless they are known; called after each frame that changed."""
        is_racing = shown.is_past_playing and not shown.past_speed if shown.is_past else shown.is_racing
        if is_racing:
            self._raced_at = monotonic()
        if shown.view is None or is_racing or self._is_reading:
            return
        if monotonic() < self._raced_at + _REST_S:
            self._look_again()
            return
        day, openings = shown.view.trading_day, self._playback.openings
        joined = openings.lacking(day, shown.view.symbols)
        if joined or day not in openings:
            self._is_reading = True
            self._app.run_worker(self._fetch(day, joined), group=_GROUP)

    def _look_again(self) -> None:
        """Follow what is shown after a rest, as a frame that stands still is not drawn again."""
        if self._rest is not None:
            self._rest.stop()
        self._rest = self._app.set_timer(_REST_S, lambda: self.follow(self._playback.view_state()))

    async def _fetch(self, day: date, joined: tuple[str, ...]) -> None:
        """Read the values of a day, or of symbols that joined it."""
        openings, system = self._playback.openings, self._playback.system
        read = partial(system.opening_values, day, *((joined,) if joined else ()))
        try:
            values = await run_in_background(f"reading the open of {day}", read, self._notify_error)
            if joined:
                openings.add(day, values, joined)
            else:
                openings.put(day, values)
        finally:
            self._is_reading = False

    def _notify_error(self, text: str) -> None:
        self._app.notify(f"no values of the session before: {text}", severity="warning", timeout=10)
