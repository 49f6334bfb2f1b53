"""The session bar: what is played, when, how fast, and the timeline of the session."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from console.ui.playback import Picture
from console.ui.rows import strip_data
from console.ui.speeds import achieved_text, speed_text
from console.ui.widgets import StripTick, TapeStrip
from engine.monitoring.status import RunState
from engine.tape.session_view import SessionView

_STATE_SIGNS: Final = {
    RunState.RUNNING: ("▶", "$text-success bold"),
    RunState.PAUSED: ("‖", "$text-warning bold"),
    RunState.COMPLETED: ("■", "$text-accent bold"),
    RunState.ERROR: ("!", "$text-error bold"),
}
_SHORT_STAMP: Final = 8
_GAP: Final = "  "

Part = tuple[int, Content]


class SessionBar(Vertical):
    """Two lines on top: words and figures, and the tape strip."""

    def __init__(self, *, note: str = "") -> None:
        super().__init__(id="session-bar")
        self._note = note
        self._line = Static(id="session-line")
        self.strip = TapeStrip()

    def compose(self) -> ComposeResult:
        """Compose the two lines."""
        yield self._line
        yield self.strip

    def look(self, picture: Picture, ticks: tuple[StripTick, ...] = ()) -> None:
        """Show a moment."""
        parts = session_parts(picture, self._note)
        self._line.update(_fitted(parts, self._line.size.width or self.app.size.width))
        self.set_class(picture.is_past, "-past")
        if picture.tape is None or picture.view is None:
            if picture.snapshot.error:
                self.strip.show_failed("the run failed")
            else:
                self.strip.show_loading()
            return
        known = SessionView(picture.tape)
        looked_at = picture.view.frontier if picture.is_past else None
        base = picture.tape.base_interval
        self.strip.show(strip_data(known, base, known=known.frontier, looked_at=looked_at, ticks=ticks))


def session_parts(picture: Picture, note: str = "") -> list[Part]:
    """Return what the bar says, in order, each with a rank: the highest go first where it gets narrow."""
    snapshot = picture.snapshot
    sign, style = _STATE_SIGNS.get(snapshot.state, ("…", "$text-muted bold"))
    parts: list[Part] = [(0, Content.styled(f"{sign} {snapshot.state.value}", style))]
    if picture.is_past:
        parts.insert(0, (0, Content.styled(" ◂ PAST ", "$text-warning bold reverse")))
    if picture.view is not None:
        session = picture.view.session
        zone = session.zone
        hours = "–".join(
            f"{instant.astimezone(zone):%H:%M}" for instant in (session.regular_open, session.regular_close)
        )
        parts += [
            (0, Content.styled(picture.clock_text, "bold")),
            (1, Content(f"{session.trading_day:%a %Y-%m-%d}")),
            (4, Content(f"{session.exchange} {hours}")),
        ]
        if session.is_early_close:
            parts.append((3, Content.styled("early close", "$text-warning bold")))
    parts.append((2, _speed(picture)))
    if note:
        parts.append((3, Content.styled(note, "$text-accent")))
    parts += [
        (5, Content(f"session {snapshot.session}/{snapshot.sessions}")),
        (7, Content(f"slot {snapshot.frontier}/{snapshot.slots}")),
        (6, Content.styled(snapshot.mode, "$text-muted")),
        (
            8,
            Content.styled(
                f"stamp {snapshot.stamp[:_SHORT_STAMP] if snapshot.finished else '–'}", "$text-muted"
            ),
        ),
    ]
    return parts


def _speed(picture: Picture) -> Content:
    snapshot = picture.snapshot
    asked = speed_text(snapshot.speed)
    achieved = (
        ""
        if snapshot.state is not RunState.RUNNING
        else achieved_text(snapshot.speed, snapshot.achieved_speed)
    )
    return Content(f"{asked} {achieved}".strip())


def _fitted(parts: list[Part], width: int) -> Content:
    """Return the parts on one line, without those that no longer fit."""
    while sum(len(part) + len(_GAP) for _, part in parts) - len(_GAP) > width and len(parts) > 1:
        worst = max(rank for rank, _ in parts)
        if worst == 0:
            break
        last = max(at for at, (rank, _) in enumerate(parts) if rank == worst)
        parts = [*parts[:last], *parts[last + 1 :]]
    return Content(_GAP).join([part for _, part in parts])
