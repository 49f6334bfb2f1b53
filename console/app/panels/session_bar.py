"""Session bar: state, time, speed, and the session's timeline."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import Final

from textual.app import ComposeResult
from textual.color import Color
from textual.containers import Vertical
from textual.content import Content

from tapedeck.console.actions.speeds import achieved_text, speed_text
from tapedeck.console.app.grid_text import MISSING
from tapedeck.console.app.playback import ViewState
from tapedeck.console.app.rows import strip_data
from tapedeck.console.app.widgets import StripTick, StyledLine, TapeStrip
from tapedeck.console.app.widgets.canvas import shortened
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.tape.session_view import SessionView

_STATE_SIGNS: Final = {
    RunState.RUNNING: ("▶", "$text-success bold"),
    RunState.PAUSED: ("‖", "$text-warning bold"),
    RunState.COMPLETED: ("■", "$text-accent bold"),
    RunState.ERROR: ("!", "$text-error bold"),
}
_SHORT_STAMP: Final = 8
_STATE_WIDTH: Final = len("■ completed")
_SPEED_WIDTH: Final = len("x3,600 actual x2.9k")
_LONGEST_CONDITION: Final = 32
_SHORT_OF: Final = 0.9
# Consecutive frames, about three seconds: a measured speed is low at first.
_SLOW_FRAMES: Final = 30
_PAST_GROUND: Final = "on $warning 25%"
_GAP: Final = "  "
_TRADING_DAY: Final = attrgetter("trading_day")

Part = tuple[int, Content]


class SessionBar(Vertical):
    """Two lines on top: text, and the tape strip."""

    def __init__(self, *, note: str = "") -> None:
        super().__init__(id="session-bar")
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
        self._slow_frames = self._slow_frames + 1 if falls_short(view_state.snapshot) else 0
        parts = session_parts(view_state, self._note, is_slow=self._slow_frames >= _SLOW_FRAMES)
        self._line.show([_fitted(parts, self._line.size.width or self.app.size.width)])
        self._show_ground(is_past=view_state.is_past)
        if view_state.played is None or view_state.view is None:
            if view_state.snapshot.error:
                self.strip.show_failed("the run failed")
            else:
                self.strip.show_loading()
            return
        looked_at = view_state.view.frontier if view_state.is_past else None
        self.strip.show(strip_data(view_state.played, looked_at=looked_at, ticks=ticks))

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
        parts += _time_parts(view_state, view_state.view.session)
    parts.append((3, follow.pad_right(max(_SPEED_WIDTH - len(follow), 0))))
    if view_state.stopped_at is not None:
        condition = shortened(f"◆ {view_state.stopped_at.text}", _LONGEST_CONDITION)
        parts.append((1, Content.styled(condition, "$text-error bold")))
    if note:
        parts.append((4, Content.styled(note, "$text-accent")))
    if view_state.view is not None:
        parts += _place_parts(view_state, view_state.view)
    parts.append((8, Content.styled(snapshot.mode, "$text-muted")))
    stamp = snapshot.stamp[:_SHORT_STAMP] if snapshot.finished else MISSING
    parts.append((10, Content.styled(f"stamp {stamp:<{_SHORT_STAMP}}", "$text-muted")))
    return parts


def _time_parts(view_state: ViewState, session: TradingSession) -> list[Part]:
    hours = "–".join(
        f"{instant.astimezone(session.zone):%H:%M}"
        for instant in (session.regular_open, session.regular_close)
    )
    parts: list[Part] = [
        (0, Content.styled(view_state.clock_text, "bold")),
        (2, Content(f"{session.trading_day:%a %Y-%m-%d}")),
        (6, Content(f"{session.exchange} {hours}")),
    ]
    if session.is_early_close:
        parts.append((1, Content.styled("early close", "$text-warning bold")))
    return parts


def _place_parts(view_state: ViewState, view: SessionView) -> list[Part]:
    """Return the numbers of the session and slot shown."""
    snapshot = view_state.snapshot
    shown, finished = view.session.trading_day.isoformat(), snapshot.finished
    at = bisect_left(finished, shown, key=_TRADING_DAY)  # called for every frame, with years of sessions
    number = at + 1 if at < len(finished) and finished[at].trading_day == shown else snapshot.session
    session, slot = len(str(snapshot.sessions)), len(str(view.slots))
    return [
        (7, Content(f"session {number:>{session}}/{snapshot.sessions}")),
        (9, Content(f"slot {view.frontier:>{slot}}/{view.slots}")),
    ]


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


def _fitted(parts: list[Part], width: int) -> Content:
    """Return the parts that fit, on one line."""
    while sum(len(part) + len(_GAP) for _, part in parts) - len(_GAP) > width and len(parts) > 1:
        worst = max(rank for rank, _ in parts)
        if worst == 0:
            break
        last = max(at for at, (rank, _) in enumerate(parts) if rank == worst)
        parts = [*parts[:last], *parts[last + 1 :]]
    return Content(_GAP).join([part for _, part in parts])
