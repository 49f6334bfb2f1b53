"""Feed panel: connection, receipt by symbol, saving, and missing bars of a live session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from tapedeck.console.app.grid_text import MISSING, Cell, GridLines, counted, flowed
from tapedeck.console.app.live_words import clock_text, duration
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import StyledLines
from tapedeck.console.panel_data.feed_table import counts_of, gap_words, open_gaps, slowest_first
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.feeds.live_status import FeedState, FeedStatus, GapState, LiveGap, LiveStatus
from tapedeck.engine.tape.session_view import SessionView

_STYLES: Final = {
    FeedState.CONNECTED: "$text-success bold",
    FeedState.CONNECTING: "$text-warning bold",
    FeedState.CLOSED: "$text-muted bold",
}
_BAD: Final = "$text-error bold"
_QUIET: Final = "$text-muted"
_SKEW_LIMIT_S: Final = 1.0
_MOST_GAPS: Final = 200
_MOST_SYMBOLS: Final = 200
_PAIR_GAP: Final = 3
_SCROLLBAR: Final = 1
_GAP_STYLES: Final = {GapState.UNFILLABLE: "$text-error", GapState.ASKED: "$text-warning"}


class FeedPanel(Panel):
    """What the feed sends and what is saved of it, as of now, whatever time is shown."""

    NAME: ClassVar[str] = "feed"
    NEEDS_SESSION: ClassVar[bool] = False
    LOADING: ClassVar[str] = "starting"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self._lines = StyledLines()
        self._shown: tuple[LiveStatus, SessionView | None] | None = None

    def content(self) -> ComposeResult:
        """Compose the text."""
        yield self._lines

    def update(self, view_state: ViewState) -> None:
        """Show the feed, also before the first session."""
        live = view_state.snapshot.live
        if live is None:
            self.face("loading", self.LOADING)
            return
        self.fill()
        self._shown = (live, view_state.snapshot.view)
        self._write()

    def show(self, view_state: ViewState) -> None:
        """Show the feed."""
        self.update(view_state)

    def on_resize(self) -> None:
        """Lay the text out for the new width."""
        self._write()

    def keyboard_target(self) -> Widget:
        """Return the scrolling text."""
        return self._lines

    def _write(self) -> None:
        if self._shown is not None:
            live, view = self._shown
            width = self.content_size.width - _SCROLLBAR
            self._lines.show(feed_lines(live, view, self.playback.system.time.zone, width))


def feed_lines(live: LiveStatus, view: SessionView | None, zone: ZoneInfo, width: int) -> list[Content]:
    """Return the panel's text. `view`: the session's, for the times of slots; None before the first."""
    feed = live.feed
    lines = [_state_line(feed, live.now)]
    if feed.reason:
        lines.append(Content.styled(feed.reason, "$text-error"))
    for pairs in (_received(live), _kept(live), _gap_counts(live)):
        lines += flowed(pairs, width, gap=_PAIR_GAP)
    lines += [Content(""), *_symbol_lines(live, zone, width)]
    if gaps := open_gaps(live, latest_first=True):
        lines += [Content(""), *_gap_lines(gaps, view, zone, width)]
    return lines


def _state_line(feed: FeedStatus, now: datetime) -> Content:
    since = f" for {duration((now - feed.since).total_seconds())}"
    reconnects = f", {counted(feed.reconnects, 'reconnect')}" if feed.reconnects else ""
    return Content.assemble(
        (feed.name, "bold"),
        " ",
        (feed.state.value, _STYLES.get(feed.state, _BAD)),
        since,
        (reconnects, _QUIET),
    )


def _received(live: LiveStatus) -> list[Content]:
    feed = live.feed
    pairs = [_pair("last message", _age(feed.last_message, live.now)), _pair("bars", f"{feed.bars:,}")]
    pairs.append(_pair("per minute", f"{feed.bars_per_minute:,.0f}"))
    counts = {
        "duplicates": feed.duplicates,
        "late": feed.late,
        "corrected": feed.corrected,
        "early": feed.early,
    }
    if feed.quotes is not None:
        counts["quotes"] = feed.quotes
    if feed.quotes_left_out:
        counts["quotes left out"] = feed.quotes_left_out
    return [*pairs, *(_pair(name, f"{count:,}") for name, count in counts.items())]


def _kept(live: LiveStatus) -> list[Content]:
    feed = live.feed
    pairs = [_pair("edition", f"{live.edition:,}"), _pair("journal", _size(feed.journal_bytes))]
    pairs.append(
        _pair("save lag", MISSING if feed.save_lag_s is None else f"{1e3 * feed.save_lag_s:,.0f} ms")
    )
    if feed.unsaved:
        pairs.append(_pair("NOT SAVED", counted(feed.unsaved, "bar"), _BAD))
    if live.strategies_behind is not None:
        pairs.append(_strategies(live.strategies_behind))
    pairs.append(_skew(feed.skew_s))
    if live.recorded_in:
        pairs.append(_pair("recorded in", live.recorded_in))
    return pairs


def _strategies(behind: int) -> Content:
    """Return how far the strategies are behind what is shown: a slot is usual while they walk it."""
    text = "in time" if behind == 0 else f"{counted(behind, 'slot')} behind"
    return _pair("strategies", text, _BAD if behind > 1 else "")


def _skew(skew_s: float | None) -> Content:
    """Return our clock less the provider's."""
    if skew_s is None:
        return _pair("clock skew", MISSING)
    return _pair("clock skew", f"{skew_s:+.1f} s", _BAD if abs(skew_s) > _SKEW_LIMIT_S else "")


def _gap_counts(live: LiveStatus) -> list[Content]:
    counts = counts_of(live)
    return [
        Content.styled("missing bars", _QUIET),
        *(
            _pair(state.value, f"{count:,}", _GAP_STYLES.get(state, "") if count else "")
            for state, count in counts.items()
        ),
    ]


def _symbol_lines(live: LiveStatus, zone: ZoneInfo, width: int) -> Sequence[Content]:
    slowest = slowest_first(live.feed)
    rows = [
        (symbol, clock_text(received, zone), Cell(_age(received, live.now)))
        for symbol, received in slowest[:_MOST_SYMBOLS]
    ]
    if not rows:
        return [Content.styled("no bar received yet", _QUIET)]
    return GridLines(["slowest first", "last bar", "age"], rows, right="lrr", width=width)


def _gap_lines(
    gaps: Sequence[LiveGap], view: SessionView | None, zone: ZoneInfo, width: int
) -> Iterator[Content]:
    rows = [
        (gap.symbol, _slot_time(gap, view, zone), Cell(gap_words(gap), _GAP_STYLES.get(gap.state, "")))
        for gap in gaps[:_MOST_GAPS]
    ]
    yield from GridLines(["missing", "bar of", "state"], rows, right="lrl", width=width)
    if len(gaps) > _MOST_GAPS:
        yield Content.styled(f"and {counted(len(gaps) - _MOST_GAPS, 'earlier one')}", _QUIET)


def _slot_time(gap: LiveGap, view: SessionView | None, zone: ZoneInfo) -> str:
    if view is None or gap.slot >= view.slots:
        return f"slot {gap.slot}"
    opened = utc_from_epoch(int(view.slot_times.opened_at[gap.slot])).astimezone(zone)
    return f"{opened:%H:%M:%S}".removesuffix(":00")


def _age(instant: datetime | None, now: datetime) -> str:
    return MISSING if instant is None else f"{duration((now - instant).total_seconds())} ago"


def _size(size: int) -> str:
    return f"{size / 2**20:,.1f} MB" if size >= 2**20 else f"{size / 2**10:,.0f} kB"


def _pair(name: str, text: str, style: str = "") -> Content:
    return Content.assemble((f"{name} ", _QUIET), (text, style))
