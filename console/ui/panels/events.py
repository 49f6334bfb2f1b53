"""Events: gaps, breakpoints, bookmarks, errors; searched, gone to, and ticks on the timeline."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList

from console.ui.panels.listing import Listing
from console.ui.playback import Picture, Playback
from console.ui.screen_data import Table
from console.ui.widgets import StripTick, TickKind
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
    EventKind.GAP: "$text-warning",
    EventKind.BREAK: "$text-error",
    EventKind.BOOKMARK: "$text-accent",
    EventKind.ERROR: "$text-error",
}
_SHOWN: Final = 1000


class EventsPanel(Listing):
    """What happened up to the moment that is shown, newest below."""

    NAME: ClassVar[str] = "events"

    class Chosen(Message):
        """An event was chosen: go there."""

        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self._listed: tuple[Event, ...] = ()
        self._ticks_of: tuple[Tape, tuple[Event, ...]] | None = None
        self._ticks: tuple[StripTick, ...] = ()

    def show(self, picture: Picture) -> None:
        """Show the events that are known at a moment, and match the search."""
        events = self.playback.events_until(picture)
        found = tuple(event for event in events if self.matches(_text(event)))[-_SHOWN:]
        key = (found, self.search)
        if key != self._shown:
            self._listed = found
            lines = [self._line(event) for event in found]
            self.show_lines(key, lines, "nothing has happened yet: ' marks a moment, b breaks on a condition")

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

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Go to the event that was chosen."""
        message.stop()
        if message.option_index < len(self._listed):
            self.post_message(self.Chosen(self._listed[message.option_index]))

    def _line(self, event: Event) -> Content:
        day = "" if event.trading_day is None else f"{event.trading_day:%m-%d} "
        symbol = f"{event.symbol} " if event.symbol else ""
        return Content.assemble(
            (f"{_TICKS[event.kind].value} ", _STYLES.get(event.kind, "$text-muted")),
            (f"{day}{self._time(event)} ", "$text-muted"),
            (symbol, "bold"),
            event.text,
        )

    def _time(self, event: Event) -> str:
        if event.clock is None:
            return ""
        return f"{event.clock.astimezone(self.playback.system.time.zone):%H:%M:%S}".removesuffix(":00")


def _text(event: Event) -> str:
    return f"{event.kind.value} {event.symbol or ''} {event.text} {event.trading_day or ''}"
