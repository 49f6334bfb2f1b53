"""Table of the feed panel: connection, receipt by symbol, and gaps, of a live session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tapedeck.console.panel_data.panel_tables import local_time
from tapedeck.console.panel_data.tables import Row, Table
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.feeds.live_status import FeedStatus, GapState, LiveGap, LiveStatus
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.system import SystemManager

FEED: Final = ("kind", "symbol", "name", "value")
_OPEN: Final = (GapState.WAITING, GapState.ASKED, GapState.UNFILLABLE)


def feed(system: SystemManager, now: Snapshot) -> Table:
    """Return the state of a live session's feed, one fact per row; a backtest has one row that says so."""
    if now.live is None:
        return Table.of(FEED, [("note", None, "feed", "a backtest has no feed")])
    zone = system.time.zone
    rows: list[Row] = [("session", None, name, value) for name, value in _session(now.live, zone)]
    rows += [("feed", None, name, value) for name, value in _feed(now.live.feed, zone)]
    rows += [
        ("symbol", symbol, "last_message", local_time(received, zone))
        for symbol, received in slowest_first(now.live.feed)
    ]
    rows += [("gaps", None, state.value, count) for state, count in counts_of(now.live).items()]
    rows += [
        ("gap", gap.symbol, _label(gap, now, zone), gap_words(gap))
        for gap in open_gaps(now.live, latest_first=False)
    ]
    return Table.of(FEED, rows)


def slowest_first(feed_status: FeedStatus) -> list[tuple[str, datetime]]:
    """Return the symbols with the receipt of their last bars, the oldest first."""
    return sorted((feed_status.last_by_symbol or {}).items(), key=lambda item: (item[1], item[0]))


def counts_of(live: LiveStatus) -> Mapping[GapState, int]:
    """Return the number of missing bars in every state, 0 where there is none."""
    known = live.gap_counts or {}
    return {state: known.get(state, 0) for state in GapState}


def open_gaps(live: LiveStatus, *, latest_first: bool) -> list[LiveGap]:
    """Return the missing bars that are neither filled nor confirmed empty, by slot and symbol."""
    found = [gap for gap in live.gaps if gap.state in _OPEN]
    return sorted(found, key=lambda gap: (-gap.slot if latest_first else gap.slot, gap.symbol))


def gap_states(live: LiveStatus, symbol: str) -> dict[int, LiveGap]:
    """Return slot → what is being done about a symbol's missing bar."""
    return {gap.slot: gap for gap in live.gaps if gap.symbol == symbol}


def gap_words(gap: LiveGap) -> str:
    """Return what is being done about a missing bar, such as `asked 2 of 5`."""
    return f"asked {gap.asked} of {gap.most}" if gap.state is GapState.ASKED else gap.state.value


def _session(live: LiveStatus, zone: ZoneInfo) -> Iterator[tuple[str, str | float | None]]:
    yield "phase", live.phase.value
    yield "now", local_time(live.now, zone)
    yield "behind_s", live.behind_s
    yield "opens", local_time(live.opens, zone)
    yield "speed", live.speed
    yield "edition", live.edition
    yield "recorded_in", live.recorded_in or None
    if live.strategies_behind is not None:
        yield "strategies_behind", live.strategies_behind


def _feed(status: FeedStatus, zone: ZoneInfo) -> Iterator[tuple[str, str | float | None]]:
    yield "name", status.name
    yield "state", status.state.value
    yield "since", local_time(status.since, zone)
    yield "reason", status.reason or None
    yield "last_message", local_time(status.last_message, zone)
    for name in (
        "bars", "duplicates", "late", "corrected", "early", "bars_per_minute", "reconnects",
        "skew_s", "save_lag_s", "journal_bytes", "unsaved",
    ):  # fmt: skip
        value: float | None = getattr(status, name)
        yield name, value
    if status.quotes is not None:
        yield "quotes", status.quotes
        yield "quotes_left_out", status.quotes_left_out


def _label(gap: LiveGap, now: Snapshot, zone: ZoneInfo) -> str:
    """Return the open of a missing bar, or its slot while no session is loaded."""
    view = now.view
    if view is None or gap.slot >= view.slots:
        return f"slot {gap.slot}"
    return local_time(utc_from_epoch(int(view.slot_times.opened_at[gap.slot])), zone) or ""
