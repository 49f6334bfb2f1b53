"""Navigation handlers: steps back, times, events, bookmarks and explanations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tapedeck.console.actions.run_actions import slots_in
from tapedeck.console.actions.time_expressions import EXAMPLES, ReferenceTime, parse_time_expression
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.handlers.transport import Transport, present_of
from tapedeck.console.app.panels.orders import OrdersPanel
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.screens.why import WhyScreen
from tapedeck.console.app.viewpoint import Position
from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.events import Event
from tapedeck.engine.tape.session_view import SessionView


@dataclass(frozen=True, slots=True)
class Destination:
    """Destination of a jump: a played frontier, or a future time without one."""

    session: TradingSession
    clock: datetime
    frontier: int | None = None

    @classmethod
    def at(cls, slots: SessionSlots, seconds: int, most: int) -> Destination:
        """Return the last frontier up to an instant (seconds UTC) of a session with `most` played slots."""
        frontier = min(most, slots.slots_over_at(seconds))
        return cls(slots.session, utc_from_epoch(slots.clock(frontier)), frontier)


class NavigationHandlers:
    """Changes the time shown; sets bookmarks; opens explanations."""

    def __init__(self, app: AppContext, transport: Transport) -> None:
        self._app = app
        self._playback = app.playback
        self._recording = app.recording
        self._transport = transport

    # Past, present, jumps

    async def back(self, length: str) -> None:
        """Step back by a slot, minute, hour, day, or a number of slots."""
        self._recording.omit_action()
        await self._playback.wait_for_moves()
        await self._transport.hold()
        if length == "day" or self._shown_position().frontier == 0:
            await self._playback.wait_for_previous_session()
        viewpoint, present = self._playback.viewpoint, self._present()
        if length == "day":
            moved = viewpoint.day_back(present)
        else:
            moved = viewpoint.back(slots_in(length, self._playback.plan.base), present)
        if not moved:
            raise EngineError("this is the start of the run")

    def present(self, _argument: str) -> None:
        """Return to the present; cancel steps back that wait for a session to be recomputed."""
        self._transport.show_present()

    async def play_day(self, _argument: str) -> None:
        """Play the day shown again, from its open; on the report page, the page's day."""
        self._recording.omit_action()
        await self._playback.wait_for_moves()
        page = self._app.screen
        if isinstance(page, ReportScreen):
            await self._show_position(page.day or self._shown_position().day, 0)
            page.action_leave()
        else:
            await self._transport.hold()
            self._playback.viewpoint.show_at(Position(self._shown_position().played, 0), self._present())
        if self._playback.viewpoint.position is not None:
            self._playback.play_past(begins_session=True)
        else:  # it has just begun
            self._transport.continue_at_present()

    async def seek(self, slot: int) -> None:
        """Go to the start of a slot of the session shown: show it, or play to it."""
        shown, present = self._shown_position(), self._present()
        if shown.played != present.played or slot <= present.frontier:
            await self._transport.hold()
            present = self._present()
        if shown.played != present.played or slot <= present.frontier:
            position = Position(shown.played, min(slot, shown.played.frontier))
            self._playback.viewpoint.show_at(position, present)
        else:
            await self.go_to(present.played.clock(slot))

    async def go_to(self, instant: datetime) -> None:
        """Go to an instant: show it if it was played, else play to it."""
        found = self._destination(instant)
        if found.frontier is None:
            self._transport.run_to(found.session, found.clock)
        else:
            await self._show_position(found.session.trading_day, found.frontier)
            self._recording.omit_action()

    def _destination(self, instant: datetime) -> Destination:
        """Return the destination for an instant; EngineError if it is outside the run."""
        present, seconds = self._present(), epoch_seconds(instant)
        slots = present.played.slot_times
        if seconds > slots.clock(present.frontier):
            return self._to_be_played(instant)
        if instant >= slots.session.regular_open:
            return Destination.at(slots, seconds, present.frontier)
        return self._played(instant)

    def _to_be_played(self, instant: datetime) -> Destination:
        """Return the first future time at or after an instant."""
        self._transport.check_can_run_ahead()
        plan = self._playback.plan
        session = next((session for session in plan.sessions if session.regular_close >= instant), None)
        if session is None:
            last = plan.sessions[-1].trading_day
            raise EngineError(f"this time is after the last session of the run, {last}")
        slots = SessionSlots(session, plan.base)
        return Destination(
            session, utc_from_epoch(slots.clock(slots.frontier_reaching(epoch_seconds(instant))))
        )

    def _played(self, instant: datetime) -> Destination:
        """Return the last played time up to an instant before the current session."""
        plan, played = self._playback.plan, set(self._playback.tape_cache.days())
        opened = [s for s in plan.sessions if s.trading_day in played and s.regular_open <= instant]
        if not opened:
            local = instant.astimezone(self._playback.system.time.zone)
            raise EngineError(f"{local:%Y-%m-%d %H:%M %Z} is before the start of this run")
        slots = SessionSlots(opened[-1], plan.base)
        return Destination.at(slots, epoch_seconds(instant), len(slots))

    def _is_present(self, found: Destination) -> bool:
        return found.clock == self._present().clock

    # Times and events

    async def ask_time(self, _argument: str) -> None:
        """Prompt for a time, and go to it."""
        await self._playback.wait_for_moves()

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("goto", answer)

        prompt = PromptScreen("Go to", EXAMPLES, self._time_meaning)
        await self._app.open(prompt, chosen)

    def reference_time(self) -> ReferenceTime:
        """Return the time shown, from which relative times count."""
        view = self._view()
        return ReferenceTime(view.session, view.clock, self._playback.plan.sessions[-1].trading_day)

    def _time_meaning(self, text: str) -> str:
        instant = parse_time_expression(text, self.reference_time(), self._playback.system.time)
        found, zone = self._destination(instant), self._playback.system.time.zone
        if found.frontier is None:
            action = "plays to it"
        elif self._is_present(found):
            action = "the present"
        else:
            action = "in the past"
        note = ""
        if found.clock != instant:
            note = f"; no trading at {instant.astimezone(zone):%a %H:%M:%S}".removesuffix(":00")
        return f"{found.clock.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}, {action}{note}"

    async def event(self, direction: str) -> None:
        """Go to the nearest event before or after the time shown."""
        self._recording.omit_action()
        await self._playback.wait_for_moves()
        shown = self._shown_position()
        at = (shown.day, shown.frontier)
        positions = [
            (event.trading_day, event.frontier)
            for event in self._playback.system.events()
            if event.trading_day is not None
        ]
        # The list has only the latest gaps of the run; the session shown has all of its gaps.
        positions += [(shown.day, slot + 1) for slot in shown.played.view().gap_slots()]
        if direction == "back":
            found = max((position for position in positions if position < at), default=None)
        else:
            found = min((position for position in positions if position > at), default=None)
        if found is None:
            raise EngineError("no earlier event" if direction == "back" else "no later event yet")
        await self._show_position(*found)

    async def show_event(self, event: Event) -> None:
        """Show the time of an event, and focus its symbol."""
        if event.trading_day is not None:
            await self._show_position(event.trading_day, event.frontier)
        if event.symbol:
            self._app.main.focus_symbol(event.symbol)

    async def _show_position(self, day: date, frontier: int) -> None:
        await self._transport.hold()
        present = self._present()
        if day == present.day:
            self._playback.viewpoint.show_at(Position(present.played, frontier), present)
            return
        session = self._playback.cached_sessions.session(day)
        self._playback.viewpoint.show_at(Position(session, min(frontier, session.frontier)), present)

    async def show_moment(self, day: date, frontier: int) -> None:
        """Show a frontier of a played session."""
        await self._show_position(day, frontier)

    def shown_place(self) -> tuple[date, int]:
        """Return the trading day and frontier shown."""
        shown = self._shown_position()
        return shown.day, shown.frontier

    def present_place(self) -> tuple[date, int]:
        """Return the trading day and frontier of the engine."""
        present = self._present()
        return present.day, present.frontier

    # Bookmarks, why

    async def bookmark(self, text: str) -> None:
        """Add a bookmark at the time shown."""
        await self._playback.wait_for_moves()
        self._add_bookmark(text, self._shown_position())

    async def ask_bookmark(self, _argument: str) -> None:
        """Prompt for a note, and bookmark the time shown when the prompt opened."""
        await self._playback.wait_for_moves()
        shown = self._shown_position()

        async def chosen(answer: str | None) -> None:
            if answer:
                self._add_bookmark(answer, shown)  # the run may have moved since

        local = shown.clock.astimezone(shown.played.session.zone)
        clock = f"{local:%H:%M:%S}".removesuffix(":00") + f" {local:%Z}"
        prompt = PromptScreen(f"Bookmark {clock}", "a note", lambda note: f"bookmarks {clock}: {note}")
        await self._app.open(prompt, chosen)

    def _add_bookmark(self, text: str, position: Position) -> None:
        recording, present = self._recording, self._present()
        self._playback.system.add_bookmark(text, position.frontier, session=position.played)
        if position == present:
            recording.record_at_present("bookmark", text)
        else:  # scripts show no past, and would mark another time
            recording.omit_action()
        self._app.notify(f"bookmarked: {text}", timeout=3)

    async def why(self, name: str) -> None:
        """Open explanations of the focused symbol's numbers, and of decisions; from the orders of these."""
        await self._playback.wait_for_moves()
        self._view()
        main = self._app.main
        picked = name or self._strategy_asked_for() or main.symbols.table.sort[0] or "last"
        await self._app.open(WhyScreen(self._playback, self._app.view_state(), main.symbol, picked))

    def _strategy_asked_for(self) -> str | None:
        """Return the strategy of the orders panel's line, if that panel is active."""
        panel = self._app.main.active_panel
        return panel.strategy if isinstance(panel, OrdersPanel) else None

    # Position

    def _present(self) -> Position:
        return present_of(self._app)

    def _shown_position(self) -> Position:
        return self._playback.viewpoint.position or self._present()

    def _view(self) -> SessionView:
        return self._shown_position().view()
