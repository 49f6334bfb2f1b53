"""Events: gaps, breakpoints, bookmarks, errors; searched, gone to, and ticks on the timeline."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from console.ui.panels.searchable import Searchable
from console.ui.playback import Picture, Playback
from console.ui.screen_data import Table
from console.ui.widgets import LineList, StripTick, TickKind
from engine.monitoring.event import Event, EventKind
from engine.tape.tape import Tape

_TICKS: Final = {
    EventKind.GAP: TickKind.GAP,
    EventKind.BREAK: TickKind.BREAK,
    EventKind.BOOKMARK: TickKind.BOOKMARK,
    EventKind.ERROR: TickKind.ERROR,
    EventKind.SESSION: TickKind.SESSION,
}
_STYLES: Final = {
    EventKind.GAP: "fair",
    EventKind.BREAK: "bad",
    EventKind.BOOKMARK: "mark",
    EventKind.ERROR: "bad",
}
_SHOWN: Final = 1000


class EventsPanel(Searchable):
    """What happened up to the moment that is shown, newest below."""

    NAME: ClassVar[str] = "events"

    class Chosen(Message):
        """An event was chosen: go there."""

        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.list = LineList()
        self._listed: tuple[Event, ...] = ()
        self._shown: tuple[tuple[Event, ...], str] | None = None
        self._ticks_of: tuple[Tape, tuple[Event, ...]] | None = None
        self._ticks: tuple[StripTick, ...] = ()

    def show(self, picture: Picture) -> None:
        """Show the events that are known at a moment, and match the search."""
        events, before = self.playback.events_until(picture), self._shown
        if before is None or before[0] is not events or before[1] != self.search:
            self._shown = (events, self.search)
            found = events if not self.search else tuple(e for e in events if self.matches(_text(e)))
            self._listed = found[-_SHOWN:]
            self.list.show_lines(len(self._listed), lambda line: self._line(self._listed[line]))
        if self._listed:
            self.fill()
        else:
            self.show_no_line("nothing has happened yet: ' marks a moment, b breaks on a condition")

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self.list

    def keyboard_target(self) -> Widget:
        """Return the list."""
        return self.list

    def ticks(self, picture: Picture) -> tuple[StripTick, ...]:
        """Return the events of the session that is shown as ticks."""
        tape = picture.tape
        if tape is None:
            return ()
        events = self.playback.system.events()
        if self._ticks_of is None or self._ticks_of[0] is not tape or self._ticks_of[1] is not events:
            day = tape.session.trading_day
            self._ticks_of = (tape, events)
            self._ticks = tuple(
                StripTick(max(event.slot, 0), _TICKS[event.kind])
                for event in events
                if event.trading_day == day and event.slot is not None and event.kind is not EventKind.SESSION
            )
        return self._ticks

    def as_table(self, picture: Picture) -> Table:
        """Return the events."""
        rows = [
            (
                event.number,
                event.kind.value,
                None if event.trading_day is None else event.trading_day.isoformat(),
                None if event.clock is None else self._time(event),
                event.symbol,
                event.text,
            )
            for event in self.playback.events_until(picture)
            if self.matches(_text(event))
        ]
        return Table.of(["number", "kind", "session_date", "time", "symbol", "text"], rows)

    @on(LineList.Chosen)
    def _line_chosen(self, message: LineList.Chosen) -> None:
        message.stop()
        self.post_message(self.Chosen(self._listed[message.line]))

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


def _text(event: Event) -> str:
    return f"{event.kind.value} {event.symbol or ''} {event.text} {event.trading_day or ''}"
