"""Status of a live session, as panels and batch jobs show it: phase, feed, gaps, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from tapedeck.engine.feeds.feed_bar import FeedBar


class LivePhase(Enum):
    """Where a recording stands in the day."""

    WAITING = "waiting"
    """Before the open, or on a day without trading."""
    OPEN = "open"
    CLOSING = "reconciling"
    """After the close, until history has been compared."""
    OVER = "over"


class FeedState(Enum):
    """State of the connection to a feed."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    STALE = "stale"
    """Connected, but no message for two intervals while the market is open."""
    RECONNECTING = "reconnecting"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """Status of a feed. Instants are UTC, by the market's clock.

    `reason`: why it is not connected, else "". `last_message`: of any symbol. `last_by_symbol`: receipt of
    each symbol's last bar. `bars_per_minute`: over the last minutes. `skew_s`: our clock less the provider's,
    None if it is not known. `save_lag_s`: longest time from receipt to journal of the last batch.
    `unsaved`: bars shown that could not be saved yet. `quotes`: last quotes of slots that were new or others
    than before; None if the session does not stream them. `quotes_left_out`: with a fault, of other symbols,
    or too late.
    """

    name: str
    state: FeedState
    since: datetime
    reason: str = ""
    last_message: datetime | None = None
    last_by_symbol: Mapping[str, datetime] | None = None
    bars: int = 0
    duplicates: int = 0
    late: int = 0
    corrected: int = 0
    early: int = 0
    bars_per_minute: float = 0.0
    reconnects: int = 0
    skew_s: float | None = None
    save_lag_s: float | None = None
    journal_bytes: int = 0
    unsaved: int = 0
    quotes: int | None = None
    quotes_left_out: int = 0


class GapState(Enum):
    """What is being done about a missing bar."""

    WAITING = "waiting"
    """Within the grace after its slot; not asked for yet."""
    ASKED = "asked"
    FILLED = "filled"
    EMPTY = "confirmed empty"
    UNFILLABLE = "unfillable"


@dataclass(frozen=True, slots=True)
class LiveGap:
    """A missing bar, or one that was. `asked`: requests so far, of `most`."""

    symbol: str
    slot: int
    state: GapState
    asked: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """A message for the user: a toast, and a line of the log and of a batch job. Numbers grow."""

    number: int
    at: datetime
    text: str
    is_severe: bool = False


@dataclass(frozen=True, slots=True)
class Forming:
    """The bar of a slot that is not over, as the feed last told it; not on the tape."""

    bar: FeedBar
    received: datetime


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """A live session at one moment.

    `now`: the market's time by our clock; `behind_s`: how far the tape's clock is behind it. `opens`: the
    next open while waiting. `speed`: above 1 in a replay. `saved`: whether every bar shown is saved.
    `strategies_behind`: slots shown that strategies have not walked yet; None without strategies.
    `gaps`: missing bars and what is done about them; counts by state in `gap_counts`, all symbols.
    """

    phase: LivePhase
    now: datetime
    behind_s: float
    feed: FeedStatus
    opens: datetime | None = None
    opens_day: date | None = None
    speed: float = 1.0
    edition: int = 0
    gaps: tuple[LiveGap, ...] = ()
    gap_counts: Mapping[GapState, int] | None = None
    forming: Mapping[str, Forming] | None = None
    alerts: tuple[Alert, ...] = ()
    recorded_in: str = ""
    strategies_behind: int | None = None
