"""Events panel: gaps, breakpoint hits, bookmarks, errors, symbols, fills; also the timeline's ticks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.panels.searchable import Searchable
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import LineList, StripTick, TickKind
from tapedeck.console.panel_data.panel_tables import events_table
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.read.events import Event, EventKind
from tapedeck.engine.tape.session_view import SessionView

_TICKS: Final = {
    EventKind.GAP: TickKind.GAP,
    EventKind.BREAK: TickKind.BREAK,
    EventKind.BOOKMARK: TickKind.BOOKMARK,
    EventKind.ERROR: TickKind.ERROR,
    EventKind.SESSION: TickKind.SESSION,
    EventKind.SYMBOL: TickKind.EVENT,
    EventKind.SCAN: TickKind.SCAN,
    EventKind.BUY: TickKind.BUY,
    EventKind.SELL: TickKind.SELL,
    EventKind.NOTE: TickKind.EVENT,
    EventKind.CORRECTION: TickKind.EVENT,
}
_STYLES: Final = {
    EventKind.GAP: "fair",
    EventKind.BREAK: "bad",
    EventKind.BOOKMARK: "mark",
    EventKind.ERROR: "bad",
    EventKind.SYMBOL: "mark",
    EventKind.SCAN: "mark",
    EventKind.BUY: "good",
    EventKind.SELL: "bad",
    EventKind.NOTE: "mark",
    EventKind.CORRECTION: "bad",
}
_NO_MARKS: Final = frozenset({EventKind.GAP, EventKind.SESSION})
_PLACE: Final = attrgetter("place")

Listed = tuple[Event, ...]


class EventsPanel(Searchable):
    """Events up to the time shown, in the order of the market's clock, newest last.

    The engine keeps only the latest gaps; a first line counts the others. The timeline's ticks come from the
    tape, which has all gaps.
    """

    NAME: ClassVar[str] = "events"

    class Chosen(Message):
        """An event was chosen."""

        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.list = LineList()
        self._listed: Listed = ()
        self._note = ""
        self._shown: tuple[Listed, str] | None = None
        self._ticks_of: tuple[SessionView, Listed] | None = None
        self._ticks: tuple[StripTick, ...] = ()

    def show(self, view_state: ViewState) -> None:
        """Show the events known at the time shown that match the search."""
        events, before = self.playback.events_until(view_state), self._shown
        if before is None or before[0] is not events or before[1] != self.search:
            self._shown = (events, self.search)
            self._listed, self._note = self._found(events), self._unlisted(events)
            self.list.show_lines(self._first + len(self._listed), self._words, self._number)
        if self._listed or self._note:
            self.fill()
        else:
            keys = f"{self.key('bookmark')} adds a bookmark, {self.key('breakpoint')} a breakpoint"
            self.show_empty(f"no events yet: {keys}")

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self.list

    def keyboard_target(self) -> Widget:
        """Return the list."""
        return self.list

    def ticks(self, view_state: ViewState) -> tuple[StripTick, ...]:
        """Return the events of the session shown as ticks."""
        played = view_state.played
        if played is None:
            return ()
        events, before = self.playback.system.events(), self._ticks_of
        if before is None or not _is_same_time(before[0], played) or before[1] is not events:
            self._ticks_of = (played, events)
            gaps = (StripTick(slot, TickKind.GAP) for slot in played.gap_slots())
            self._ticks = (*gaps, *_mark_ticks(played, events))
        return self._ticks

    def as_table(self, view_state: ViewState) -> Table:
        """Return the events."""
        events = self.playback.events_until(view_state)
        return events_table(self._found(events), self.playback.system.time.zone, note=self._unlisted(events))

    @on(LineList.Chosen)
    def _line_chosen(self, message: LineList.Chosen) -> None:
        message.stop()
        if message.line >= self._first:
            self.post_message(self.Chosen(self._listed[message.line - self._first]))

    def _found(self, events: Listed) -> Listed:
        """Return the events that match the search."""
        return tuple(event for event in events if self.matches(_text(event))) if self.search else events

    def _unlisted(self, events: Listed) -> str:
        """Return the note on gaps that the engine no longer lists, up to the last of `events`."""
        missing = self.playback.system.unlisted_gaps()
        if not missing:
            return ""
        where = f"are not listed: see {self.key('panel_quality')} quality"
        if any(event.kind is EventKind.GAP for event in reversed(events)):
            return f"{counted(missing, 'earlier missing run')} {where}"
        return f"missing bars of this time {where}"

    @property
    def _first(self) -> int:
        """Line of the first event."""
        return 1 if self._note else 0

    def _words(self, line: int) -> tuple[tuple[str, str], ...]:
        if line < self._first:
            return ((self._note, "fair"),)
        return self._line(self._listed[line - self._first])

    def _number(self, line: int) -> int:
        """Return the number of a line's event, which does not change with the lines above it."""
        return -1 if line < self._first else self._listed[line - self._first].number

    def _line(self, event: Event) -> tuple[tuple[str, str], ...]:
        day = "" if event.trading_day is None else f"{event.trading_day:%m-%d} "
        symbol = f"{event.symbol} " if event.symbol else ""
        return (
            (f"{_TICKS[event.kind].value} ", _STYLES.get(event.kind, "quiet")),
            (f"{day}{self._time(event)} ", "quiet"),
            (symbol, "strong"),
            (event.text, "base"),
        )

    def _time(self, event: Event) -> str:
        if event.clock is None:
            return ""
        return f"{event.clock.astimezone(self.playback.system.time.zone):%H:%M:%S}".removesuffix(":00")


def _is_same_time(one: SessionView, other: SessionView) -> bool:
    place, other_place = (one.frontier, one.edition), (other.frontier, other.edition)
    return one.is_of_same_session(other) and place == other_place


def _mark_ticks(played: SessionView, events: Listed) -> Iterator[StripTick]:
    """Return the ticks of the session's other events, as far as it was played."""
    first = bisect_left(events, played.slot_times.clock(0), key=_PLACE)
    behind = bisect_right(events, played.clock_seconds, key=_PLACE)
    day = played.trading_day
    return (
        StripTick(max(event.slot, 0), _TICKS[event.kind])
        for event in events[first:behind]
        if event.kind not in _NO_MARKS and event.slot is not None and event.trading_day == day
    )


def _text(event: Event) -> str:
    return f"{event.kind.value} {event.symbol or ''} {event.text} {event.trading_day or ''}"
