"""Session bar: state, time, speed, and the session's timeline."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from textual.app import ComposeResult
from textual.color import Color
from textual.containers import Vertical
from textual.content import Content

from tapedeck.console.actions.speeds import achieved_text, speed_text
from tapedeck.console.app.grid_text import MISSING
from tapedeck.console.app.live_words import waiting_text
from tapedeck.console.app.panels.bar_parts import Part, fitted, place_parts, stop_parts, time_parts
from tapedeck.console.app.panels.live_bar import live_parts
from tapedeck.console.app.playback import ViewState
from tapedeck.console.app.rows import strip_data
from tapedeck.console.app.widgets import StripTick, StyledLine, TapeStrip
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState

_STATE_SIGNS: Final = {
    RunState.RUNNING: ("▶", "$text-success bold"),
    RunState.PAUSED: ("‖", "$text-warning bold"),
    RunState.COMPLETED: ("■", "$text-accent bold"),
    RunState.ERROR: ("!", "$text-error bold"),
}
_SHORT_STAMP: Final = 8
_STATE_WIDTH: Final = len("■ completed")
_SPEED_WIDTH: Final = len("x3,600 actual x2.9k")
_SHORT_OF: Final = 0.9
# Consecutive frames, about three seconds: a measured speed is low at first.
_SLOW_FRAMES: Final = 30
_PAST_GROUND: Final = "on $warning 25%"


class SessionBar(Vertical):
    """Two lines on top: text, and the tape strip. `zone`: the exchange's."""

    def __init__(self, zone: ZoneInfo, *, note: str = "") -> None:
        super().__init__(id="session-bar")
        self._zone = zone
        self._note = note
        self._line = StyledLine(id="session-line")
        self.strip = TapeStrip()
        self._slow_frames = 0
        self._ground: Color | None = None

    def compose(self) -> ComposeResult:
        """Compose the two lines."""
        yield self._line
        yield self.strip

    def update(self, view_state: ViewState, ticks: tuple[StripTick, ...] = ()) -> None:
        """Show a state of the run."""
        self._line.show([fitted(self._parts(view_state), self._line.size.width or self.app.size.width)])
        self._show_ground(is_past=view_state.is_past)
        if view_state.played is None or view_state.view is None:
            live = view_state.snapshot.live
            if view_state.snapshot.error:
                self.strip.show_failed("the run failed")
            elif live is not None:
                self.strip.show_empty(waiting_text(live, self._zone))
            else:
                self.strip.show_loading()
            return
        looked_at = view_state.view.frontier if view_state.is_past else None
        self.strip.show(strip_data(view_state.played, looked_at=looked_at, ticks=ticks))

    def _parts(self, view_state: ViewState) -> list[Part]:
        live = view_state.snapshot.live
        if live is not None:
            return live_parts(view_state, live, self._zone, self._note)
        self._slow_frames = self._slow_frames + 1 if falls_short(view_state.snapshot) else 0
        return session_parts(view_state, self._note, is_slow=self._slow_frames >= _SLOW_FRAMES)

    def notify_style_update(self) -> None:
        """Apply the background of a new theme."""
        super().notify_style_update()
        if self._ground is not None:
            self._show_ground(is_past=True)

    def _show_ground(self, *, is_past: bool) -> None:
        """Set the background of both lines, which marks the past.

        With a CSS class, Textual would recompute all styles of the bar.
        """
        ground = self.app.stylesheet.parse_style(_PAST_GROUND).background if is_past else None
        if ground != self._ground:
            self._ground = self.styles.background = ground
            for line in (self._line, self.strip):
                line.set_background(ground)


def session_parts(view_state: ViewState, note: str = "", *, is_slow: bool = False) -> list[Part]:
    """Return the parts of the bar in order, each with a rank: high ranks are dropped first if it is narrow.

    Changing parts have a fixed width, so that nothing moves. `is_slow`: the run is too slow.
    """
    snapshot = view_state.snapshot
    state, speed = _state(snapshot), _speed(snapshot, is_slow=is_slow)
    if view_state.is_past:  # the run is paused meanwhile
        sign, word = ("▶", "playing") if view_state.is_past_playing else ("‖", "paused")
        lead = Content.styled(f" ◂ PAST {sign} ", "$text-warning bold reverse")
        follow = Content(f"{word} {speed_text(view_state.past_speed)}")
    else:
        lead, follow = state, speed
    parts: list[Part] = [(0, lead.pad_right(max(_STATE_WIDTH - len(lead), 0)))]
    if view_state.view is not None:
        parts += time_parts(view_state, view_state.view.session)
    parts.append((3, follow.pad_right(max(_SPEED_WIDTH - len(follow), 0))))
    parts += stop_parts(view_state)
    if note:
        parts.append((4, Content.styled(note, "$text-accent")))
    if view_state.view is not None:
        parts += place_parts(view_state, view_state.view)
    parts.append((8, Content.styled(snapshot.mode, "$text-muted")))
    stamp = snapshot.stamp[:_SHORT_STAMP] if snapshot.finished else MISSING
    parts.append((10, Content.styled(f"stamp {stamp:<{_SHORT_STAMP}}", "$text-muted")))
    return parts


def _state(snapshot: Snapshot) -> Content:
    sign, style = _STATE_SIGNS.get(snapshot.state, ("…", "$text-muted bold"))
    return Content.styled(f"{sign} {snapshot.state.value}", style)


def _speed(snapshot: Snapshot, *, is_slow: bool) -> Content:
    requested = speed_text(snapshot.speed)
    if snapshot.speed and not is_slow:
        return Content(requested)
    actual = achieved_text(snapshot.speed, snapshot.achieved_speed)
    return Content(f"{requested} {actual}".strip() if snapshot.state is RunState.RUNNING else requested)


def falls_short(snapshot: Snapshot) -> bool:
    """Whether the run plays at less than nine tenths of the requested speed."""
    achieved = snapshot.achieved_speed
    if snapshot.state is not RunState.RUNNING or achieved is None:
        return False
    return achieved < _SHORT_OF * snapshot.speed
