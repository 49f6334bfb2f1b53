"""Requests for a feed's history, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.feeds.bar_cells import BarTable
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.intervals import Interval


class HistoryPurpose(Enum):
    """Reason for a request, in words for messages."""

    GAPS = "missing bars"
    BACKFILL = "bars since the last complete slot"
    RECONCILE = "bars of the whole session"
    UNIVERSE = "bars of the universe"

    @property
    def kind(self) -> BarKind:
        """Kind of the bars in its answer."""
        return BarKind.RECONCILED if self is HistoryPurpose.RECONCILE else BarKind.HISTORY

    @property
    def is_recorded(self) -> bool:
        """Whether the bars of its answer are recorded as they come."""
        return self in (HistoryPurpose.GAPS, HistoryPurpose.BACKFILL)


@dataclass(frozen=True, slots=True, eq=False)
class HistoryRequest:
    """Request for the bars of `symbols` and `interval` with `start <= opened_at < end`, seconds UTC.

    `slots`: number of slots in that range. Each request is an object of its own, which its answer carries.
    """

    purpose: HistoryPurpose
    symbols: tuple[str, ...]
    interval: Interval
    start: int
    end: int
    slots: int

    @property
    def most_bars(self) -> int:
        """Number of bars that the answer can have at most."""
        return len(self.symbols) * self.slots


@dataclass(frozen=True, slots=True, eq=False)
class HistoryAnswer:
    """Answer to a request: its bars, with the kind of its purpose, or the error why there are none.

    `complete_until`: seconds UTC, as in `FeedHistory`. `bars` has bars of the request only; `columns` are
    made of them in the thread that asked, as that takes seconds for some thousand symbols.
    """

    request: HistoryRequest
    bars: tuple[FeedBar, ...] = ()
    complete_until: int = 0
    error: FeedError | None = None
    columns: BarTable = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", BarTable.of(self.bars, self.request.symbols))


def request_for_slots(
    purpose: HistoryPurpose, symbols: Sequence[str], slots: SessionSlots, first: int, stop: int
) -> HistoryRequest:
    """Return a request for the slots [first, stop) of a session; at least one slot."""
    labels = slots.stored_labels
    start, last = int(labels[first]), int(labels[stop - 1])
    # A bar's label is the only one within its own interval: a range that ends a second later has it.
    end = max(last + 1, int(slots.closed_at[stop - 1])) if slots.interval.is_intraday else last + 1
    return HistoryRequest(purpose, tuple(symbols), slots.interval, start, end, stop - first)
