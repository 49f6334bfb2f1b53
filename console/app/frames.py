"""Frame timing: decides when the screen is updated and drawn."""

from __future__ import annotations

import time
from typing import Final

from tapedeck.console.app.playback import Playback, is_racing
from tapedeck.console.app.screens.main import MainScreen
from tapedeck.console.textual_ext.terminal_driver import TerminalLink
from tapedeck.engine.read.snapshot import Snapshot

TICK_S: Final = 0.05
"""Longest time between two checks for changes; all periods are multiples of it."""
_IDLE_S: Final = 0.5
# Four frames a second at maximum speed: the engine gets the rest of the time.
_SATURATED_S: Final = 0.25
# Below a dialog: each frame there redraws the dialog, too.
_COVERED_S: Final = 1.0
# Ticks come a little early or late; they count as on time.
_TOLERANCE_S: Final = 0.02
# A connection that takes longer than this for a frame is slow.
_SLOW_S: Final = 0.25
# Time after a key in which changes in the engine count as its effect, and are drawn at once.
_EAGER_S: Final = 0.1


class Frames:
    """Updates the main screen: at most `per_second` times, four times a second at maximum speed.

    Twice a second while nothing changes, once below a dialog, at once after a key; never while the terminal
    is still taking the frame before.
    """

    def __init__(self, playback: Playback, main: MainScreen, link: TerminalLink, per_second: int) -> None:
        self._playback = playback
        self._main = main
        self._link = link
        self._period_s = 1.0 / per_second
        self._shown: tuple[object, ...] | None = None
        self._updated_at = 0.0
        self._is_requested = False
        self._eager_until = 0.0
        self._busy_since: float | None = None
        self._counted: tuple[float, int] | None = None

    @property
    def tick_s(self) -> float:
        """Seconds between two calls of `show`."""
        return min(TICK_S, self._period_s)

    def request(self) -> None:
        """Request a frame from the next `show`, and from changes in the engine for a moment after."""
        self._is_requested = True
        self._eager_until = time.monotonic() + _EAGER_S

    def show(self, snapshot: Snapshot) -> bool:
        """Draw a frame of a snapshot if one is due; return whether it was, with changes in it."""
        version = self._playback.version(snapshot)
        self._check_link()
        changed, is_requested = version != self._shown, self._is_requested
        if (
            self._link.is_busy
            or self._must_wait(is_requested)
            or not self._is_due(snapshot, has_changes=changed)
        ):
            return False
        self._shown, self._is_requested = version, False
        self._count_bars(snapshot)
        self._updated_at, started = time.monotonic(), time.perf_counter()
        if self._main.is_current and self._main.is_mounted:
            with self._playback.system.render_priority.held():
                self._main.update(self._playback.view_state(snapshot))
                if not self._must_wait(is_requested):
                    self._main.draw_now()
            self._main.metrics.frame_ms = 1e3 * (time.perf_counter() - started)
        return changed

    def _must_wait(self, is_requested: bool) -> bool:
        """Whether an unrequested frame must wait, because a pending key brings its own in a moment."""
        return self._link.has_input and not is_requested

    def _is_due(self, snapshot: Snapshot, *, has_changes: bool) -> bool:
        now, period = time.monotonic(), self._period_s if has_changes else _IDLE_S
        if not self._main.is_active:
            period = _COVERED_S
        elif self._is_requested:
            return True
        elif is_racing(snapshot):
            period = max(period, _SATURATED_S)
        elif has_changes and now < self._eager_until:
            return True
        return now - self._updated_at >= period - _TOLERANCE_S

    def _check_link(self) -> None:
        """Mark the connection as slow if it has been busy for long."""
        if not self._link.is_busy:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = time.monotonic()
        elif time.monotonic() - self._busy_since > _SLOW_S:
            self._link.is_slow = True

    def _count_bars(self, snapshot: Snapshot) -> None:
        now, bars = time.perf_counter(), snapshot.counts["bars"]
        if self._counted is not None and now > self._counted[0] and bars >= self._counted[1]:
            self._main.metrics.bars_per_second = (bars - self._counted[1]) / (now - self._counted[0])
        self._counted = (now, bars)
