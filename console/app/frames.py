"""When the run is looked at, and the screen drawn: often enough to be alive, and no more than it can take."""

from __future__ import annotations

import time
from typing import Final

from tapedeck.console.app.playback import Playback
from tapedeck.console.app.screens.main import MainScreen
from tapedeck.console.textual_ext.terminal_driver import TerminalLink
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState

TICK_S: Final = 0.05
"""How often it is asked at least whether there is something to show; all periods are multiples of it."""
_IDLE_S: Final = 0.5
# Four frames a second while the engine plays as fast as data allow: it gets the rest of the time.
_SATURATED_S: Final = 0.25
# Below a dialog: with every picture there the dialog has to be drawn again, too.
_COVERED_S: Final = 1.0
# A tick comes a little early or late; it counts as on time.
_TOLERANCE_S: Final = 0.02
# A line that takes longer than this for a frame is slow.
_SLOW_S: Final = 0.25
# So long after a key the engine's answer to it may come.
_EAGER_S: Final = 0.1


class Frames:
    """Shows the run on the main screen: `per_second` at most, four times while the engine takes all it can.

    Twice a second only while nothing changes, once below a dialog; not at all while the line to the terminal
    has not yet taken what was written before; at once after a key.
    """

    def __init__(self, playback: Playback, main: MainScreen, line: TerminalLink, per_second: int) -> None:
        self._playback = playback
        self._main = main
        self._line = line
        self._period_s = 1.0 / per_second
        self._shown: tuple[object, ...] | None = None
        self._looked = 0.0
        self._is_asked_for = False
        self._eager_until = 0.0
        self._busy_since: float | None = None
        self._counted: tuple[float, int] | None = None

    @property
    def tick_s(self) -> float:
        """How often `show` is to be called."""
        return min(TICK_S, self._period_s)

    def ask(self) -> None:
        """Have the next `show` show, whatever has changed, and however short the last one is ago.

        Whatever else a key brings about in the engine is shown at once, too.
        """
        self._is_asked_for = True
        self._eager_until = time.monotonic() + _EAGER_S

    def show(self, snapshot: Snapshot) -> bool:
        """Show a snapshot where that is due; return whether it was, and something had changed."""
        version = self._playback.version(snapshot)
        self._judge_line()
        changed, is_asked_for = version != self._shown, self._is_asked_for
        if self._line.is_busy or self._gives_way(is_asked_for) or not self._is_due(snapshot, is_news=changed):
            return False
        self._shown, self._is_asked_for = version, False
        self._count_bars(snapshot)
        self._looked, started = time.monotonic(), time.perf_counter()
        if self._main.is_current and self._main.is_mounted:
            with self._playback.system.render_priority.held():
                self._main.update(self._playback.view_state(snapshot))
                if not self._gives_way(is_asked_for):
                    self._main.draw_now()
            self._main.metrics.frame_ms = 1e3 * (time.perf_counter() - started)
        return changed

    def _gives_way(self, is_asked_for: bool) -> bool:
        """Whether a picture that nobody has asked for has to wait: a key has its own in a moment."""
        return self._line.has_input and not is_asked_for

    def _is_due(self, snapshot: Snapshot, *, is_news: bool) -> bool:
        now, period = time.monotonic(), self._period_s if is_news else _IDLE_S
        if not self._main.is_active:
            period = _COVERED_S
        elif self._is_asked_for:
            return True
        elif snapshot.state is RunState.RUNNING and snapshot.speed == 0:
            period = max(period, _SATURATED_S)
        elif is_news and now < self._eager_until:
            return True
        return now - self._looked >= period - _TOLERANCE_S

    def _judge_line(self) -> None:
        """Find the line slow where it has been busy for long."""
        if not self._line.is_busy:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = time.monotonic()
        elif time.monotonic() - self._busy_since > _SLOW_S:
            self._line.is_slow = True

    def _count_bars(self, snapshot: Snapshot) -> None:
        now, bars = time.perf_counter(), snapshot.counts["bars"]
        if self._counted is not None and now > self._counted[0]:
            self._main.metrics.bars_per_second = (bars - self._counted[1]) / (now - self._counted[0])
        self._counted = (now, bars)
