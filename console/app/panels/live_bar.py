"""Session bar of a live session: its state, and the tape's clock beside the market's."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from textual.content import Content

from tapedeck.console.actions.speeds import speed_text
from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.live_words import (
    break_end,
    clock_text,
    duration,
    is_disturbed,
    opening_text,
    state_word,
)
from tapedeck.console.app.panels.bar_parts import Part, place_parts, stop_parts, time_parts
from tapedeck.console.app.playback import ViewState
from tapedeck.engine.feeds.live_status import FeedState, LivePhase, LiveStatus
from tapedeck.engine.tape.session_view import SessionView

_WIDTH: Final = len("! reconnecting")
_BEHIND_WIDTH: Final = len("59:59 behind")
_PAST_BEHIND_WIDTH: Final = len("1:59:59 behind")
_PAST_STYLE: Final = "$text-warning bold reverse"
_QUIET: Final = "$text-muted"
_PHASE_SIGNS: Final = {
    LivePhase.WAITING: ("…", "$text-accent bold"),
    LivePhase.OPEN: ("●", "$text-success bold"),
    LivePhase.CLOSING: ("…", "$text-accent bold"),
    LivePhase.OVER: ("■", "$text-accent bold"),
}
_DISTURBED: Final = ("!", "$text-error bold reverse")


def live_parts(view_state: ViewState, live: LiveStatus, zone: ZoneInfo, note: str = "") -> list[Part]:
    """Return the parts of the bar in order; `zone`: the exchange's."""
    state = _state(view_state, live)
    if view_state.is_past:
        sign = "▶" if view_state.is_past_playing else "‖"
        lead = Content.styled(f" ◂ PAST {sign} ", _PAST_STYLE)
    else:
        lead = state
    parts: list[Part] = [(0, lead.pad_right(max(_WIDTH - len(lead), 0)))]
    if live.feed.unsaved:
        parts.append((0, Content.styled(f" {counted(live.feed.unsaved, 'bar')} NOT SAVED ", _DISTURBED[1])))
    parts += _times(view_state, live, zone)
    if view_state.is_past:
        parts.append((1, state))
    parts += _reason(live)
    if live.speed != 1.0:
        parts.append((2, Content(f"replay {speed_text(live.speed)}")))
    if note:
        parts.append((4, Content.styled(note, "$text-accent")))
    parts += stop_parts(view_state)
    view = view_state.view
    edition = view.edition if view is not None and view_state.is_past else live.edition
    if edition:
        parts.append((5, Content.styled(f"edition {edition}", _QUIET)))
    if view is not None and (view_state.is_past or live.phase is not LivePhase.WAITING):
        parts += place_parts(view_state, view)[-1:]  # the days of a recording have no number
    return parts


def _state(view_state: ViewState, live: LiveStatus) -> Content:
    if view_state.snapshot.error:
        return Content.styled("! failed", _DISTURBED[1])
    sign, style = _DISTURBED if is_disturbed(live) else _PHASE_SIGNS[live.phase]
    return Content.styled(f"{sign} {state_word(live)}", style)


def _times(view_state: ViewState, live: LiveStatus, zone: ZoneInfo) -> list[Part]:
    """Return the tape's clock, the market's, and their difference; before the open, the time to it."""
    now = (1, Content.assemble(("now ", _QUIET), (clock_text(live.now, zone), "bold")))
    view, opening = view_state.view, _opening(live, zone)
    if live.phase is LivePhase.WAITING and not view_state.is_past:
        return [*((0, part) for part in opening), now]
    if view is None:
        return [now]
    clock, *others = time_parts(view_state, view.session)
    # The difference is worth more than the day and the hours.
    after = [*((rank + 1, part) for rank, part in others), *((3, part) for part in opening)]
    return [clock, now, *_difference(view_state, view, live), *after]


def _opening(live: LiveStatus, zone: ZoneInfo) -> list[Content]:
    """Return when the next session opens, and the time until then, unless one is open."""
    if live.opens is None or live.phase not in (LivePhase.WAITING, LivePhase.OVER):
        return []
    remaining = (live.opens - live.now).total_seconds()
    until = f" in {duration(remaining)}" if remaining > 0 else ""
    return [Content(f"{opening_text(live, zone)}{until}")]


def _difference(view_state: ViewState, view: SessionView, live: LiveStatus) -> list[Part]:
    """Return how far the time shown is behind the market's, or while no session is open behind the close."""
    present = (
        live.now if live.phase is LivePhase.OPEN or view_state.played is None else view_state.played.clock
    )
    behind = f"{duration((present - view.clock).total_seconds())} behind"
    if view_state.is_past:
        parts: list[Part] = [(1, Content.styled(behind.ljust(_PAST_BEHIND_WIDTH), "$text-warning bold"))]
        if view_state.is_past_playing:
            parts.append((2, Content(f"plays {speed_text(view_state.past_speed)}")))
        return parts
    if live.phase is not LivePhase.OPEN:
        return []
    reopens = break_end(view.slot_times, view.frontier, live.now)
    if reopens is not None:
        behind = f"break to {reopens.astimezone(view.session.zone):%H:%M}"
    return [(1, Content(behind.ljust(_BEHIND_WIDTH)))]


def _reason(live: LiveStatus) -> list[Part]:
    """Return why the feed is not connected."""
    feed = live.feed
    if feed.state is FeedState.CONNECTED or live.phase is LivePhase.OVER:
        return []
    words = [] if live.phase is LivePhase.OPEN else [f"feed {feed.state.value}"]
    text = ": ".join([*words, *([feed.reason] if feed.reason else [])])
    style = "$text-warning" if feed.state is FeedState.CONNECTING else "$text-error"
    return [(2, Content.styled(text, style))] if text else []
