"""Parts of the session bar's line: shared ones, and the choice of those that fit."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import Final

from textual.content import Content

from tapedeck.console.app.playback import ViewState
from tapedeck.console.app.widgets.canvas import shortened
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.tape.session_view import SessionView

_GAP: Final = "  "
_LONGEST_CONDITION: Final = 32
_TRADING_DAY: Final = attrgetter("trading_day")

Part = tuple[int, Content]
"""A rank, and a text; high ranks are dropped first if the line is narrow."""


def time_parts(view_state: ViewState, session: TradingSession) -> list[Part]:
    """Return clock, day and hours of the session shown."""
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


def stop_parts(view_state: ViewState) -> list[Part]:
    """Return the condition of the breakpoint at which the time shown stands, if any."""
    if view_state.stopped_at is None:
        return []
    condition = shortened(f"◆ {view_state.stopped_at.text}", _LONGEST_CONDITION)
    return [(1, Content.styled(condition, "$text-error bold"))]


def place_parts(view_state: ViewState, view: SessionView) -> list[Part]:
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


def fitted(parts: list[Part], width: int) -> Content:
    """Return the parts that fit, on one line."""
    while sum(len(part) + len(_GAP) for _, part in parts) - len(_GAP) > width and len(parts) > 1:
        worst = max(rank for rank, _ in parts)
        if worst == 0:
            break
        last = max(at for at, (rank, _) in enumerate(parts) if rank == worst)
        parts = [*parts[:last], *parts[last + 1 :]]
    return Content(_GAP).join([part for _, part in parts])
