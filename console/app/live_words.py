"""Words for a live session: durations, its phase and connection, and where a recording stands."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.feeds.live_status import FeedState, LivePhase, LiveStatus
from tapedeck.engine.read.snapshot import Snapshot

_DAY_S: Final = 86_400
_OPEN_STATES: Final = {
    FeedState.CONNECTED: "live",
    FeedState.CLOSED: "feed closed",
    FeedState.FAILED: "feed failed",
}
_PHASES: Final = {
    LivePhase.WAITING: "waiting",
    LivePhase.CLOSING: LivePhase.CLOSING.value,
    LivePhase.OVER: "session over",
}


def duration(seconds: float) -> str:
    """Return a duration, truncated: `7 s`, `1:02`, `2:00:05`, `3 d 4 h`."""
    whole = max(int(seconds), 0)
    hours, rest = divmod(whole, 3600)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{rest // 60}:{rest % 60:02}"
    if whole < 2 * _DAY_S:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{hours // 24} d {hours % 24} h"


def state_word(live: LiveStatus) -> str:
    """Return what a recording does now; while the market is open, the state of its connection."""
    if live.phase is LivePhase.OPEN:
        return _OPEN_STATES.get(live.feed.state, live.feed.state.value)
    return _PHASES[live.phase]


def is_disturbed(live: LiveStatus) -> bool:
    """Whether bars may be missing while the market is open: the feed is not connected, or is silent."""
    return live.phase is LivePhase.OPEN and live.feed.state is not FeedState.CONNECTED


def clock_text(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant in the exchange's time, to the second, without its zone."""
    return f"{instant.astimezone(zone):%H:%M:%S}"


def opening_text(live: LiveStatus, zone: ZoneInfo) -> str:
    """Return when the next session opens, or has opened, as its bars are asked for; "" if it is not known."""
    if live.opens is None:
        return ""
    opens = live.opens.astimezone(zone)
    day = live.opens_day or opens.date()
    # A session may open on the evening before its trading day.
    evening = f"{opens:%a} " if day != opens.date() else ""
    word = "opens" if live.opens > live.now else "opened"
    return f"{word} {day:%a %Y-%m-%d} {evening}{opens:%H:%M %Z}"


def break_end(slots: SessionSlots, frontier: int, now: datetime) -> datetime | None:
    """Return the end of the break that a session is in, such as for lunch, with all slots before it over."""
    if not 0 < frontier < len(slots):
        return None
    reopens = utc_from_epoch(int(slots.opened_at[frontier]))
    return reopens if reopens > now else None


def waiting_text(live: LiveStatus, zone: ZoneInfo) -> str:
    """Return the text in place of a panel's content before the first slot."""
    if live.phase is LivePhase.WAITING:
        return ": ".join(filter(None, ["waiting for the session", opening_text(live, zone)]))
    return f"{state_word(live)}: waiting for the first bars"


def recording_place(live: LiveStatus, snapshot: Snapshot, zone: ZoneInfo) -> str:
    """Return where a recording stands, and what a stop means for it, in short lines."""
    day = "" if snapshot.trading_day is None else f"{snapshot.trading_day:%a %Y-%m-%d}"
    if live.phase is LivePhase.OPEN and snapshot.regular_close is not None:
        close = snapshot.regular_close.astimezone(zone)
        return f"{day} goes on to {close:%H:%M %Z}.\nStarted again, it asks for what it missed."
    if live.phase is LivePhase.CLOSING:
        return f"{day} is not compared with the feed's history yet."
    return "It waits for the next session."
