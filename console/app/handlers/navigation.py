"""Looking around: back into the past, to a moment or an event, at what stands behind a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from tapedeck.console.actions.table import first_key
from tapedeck.console.actions.time_expressions import EXAMPLES, Here, read_moment
from tapedeck.console.app.screens.breakpoints import BreakpointsScreen
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.screens.why import WhyScreen
from tapedeck.console.app.viewpoint import Place
from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.conditions import Condition
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.events import Event
from tapedeck.engine.tape.session_view import SessionView

if TYPE_CHECKING:
    from tapedeck.console.app.console_app import ConsoleApp


@dataclass(frozen=True, slots=True)
class Destination:
    """Where going to an instant leads: to a frontier that was played, or, without one, to be played."""

    session: TradingSession
    clock: datetime
    frontier: int | None = None

    @classmethod
    def at(cls, slots: SessionSlots, seconds: int, most: int) -> Destination:
        """Return the last moment up to an instant (seconds UTC), of a session of which so much was played."""
        frontier = min(most, slots.slots_over_at(seconds))
        return cls(slots.session, utc_from_epoch(slots.clock(frontier)), frontier)


class NavigationHandlers:
    """What moves the viewer, and what asks about the moment."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._playback = app.playback

    # Back and forth

    async def back(self, length: str) -> None:
        """Look so much back: slot, minute, hour, day, or a number of slots."""
        self._app.transport.recording.leave_out()
        await self._playback.wait_for_moves()
        if length == "day" or self._here().frontier == 0:
            await self._playback.recorded()
        viewpoint, present = self._playback.viewpoint, self._present()
        if length == "day":
            moved = viewpoint.day_back(present)
        else:
            moved = viewpoint.back(self._app.transport.slots(length), present)
        if not moved:
            raise EngineError("this is where the run began: there is nothing earlier to look at")

    def present(self, _argument: str) -> None:
        """Return to the present, also from a way back that is still being made."""
        self._app.transport.recording.leave_out()
        self._app.session_recompute.forget()
        self._playback.viewpoint.stand_at(None, self._present())

    def seek(self, slot: int) -> None:
        """Go to where a slot of the session that is shown begins: back by looking, on by playing."""
        here, present = self._here(), self._present()
        if here.played != present.played or slot <= present.frontier:
            place = Place(here.played, min(slot, here.played.frontier))
            self._playback.viewpoint.stand_at(place, present)
        else:
            self.go_to(present.played.clock(slot))

    def go_to(self, instant: datetime) -> None:
        """Go to an instant: to look at it where it has been, else the engine plays on to it."""
        found = self._destination(instant)
        if found.frontier is None:
            self._app.transport.run_to(found.session, found.clock)
        else:
            self._stand(found.session.trading_day, found.frontier)
            self._app.transport.recording.leave_out()

    def _destination(self, instant: datetime) -> Destination:
        """Return where going to an instant leads; EngineError where it leads nowhere."""
        present, seconds = self._present(), epoch_seconds(instant)
        slots = present.played.slot_times
        if seconds > slots.clock(present.frontier):
            return self._ahead(instant)
        if instant >= slots.session.regular_open:
            return Destination.at(slots, seconds, present.frontier)
        return self._earlier(instant)

    def _ahead(self, instant: datetime) -> Destination:
        """Return the first moment that is still to be played, from an instant on."""
        if self._playback.system.state.is_over:
            raise EngineError("the run is over: only what was played can be looked at")
        plan = self._playback.plan
        session = next((session for session in plan.sessions if session.regular_close >= instant), None)
        if session is None:
            raise EngineError(f"the run ends with the session of {plan.sessions[-1].trading_day}")
        slots = SessionSlots(session, plan.base)
        return Destination(
            session, utc_from_epoch(slots.clock(slots.frontier_reaching(epoch_seconds(instant))))
        )

    def _earlier(self, instant: datetime) -> Destination:
        """Return the last moment that was played, up to an instant before the session in place."""
        plan, played = self._playback.plan, set(self._playback.earlier.days())
        opened = [s for s in plan.sessions if s.trading_day in played and s.regular_open <= instant]
        if not opened:
            local = instant.astimezone(self._playback.system.time.zone)
            raise EngineError(f"{local:%Y-%m-%d %H:%M %Z} lies before what this run has played")
        slots = SessionSlots(opened[-1], plan.base)
        return Destination.at(slots, epoch_seconds(instant), len(slots))

    def _is_present(self, found: Destination) -> bool:
        return found.clock == self._present().clock

    # Moments and events

    async def ask_moment(self, text: str) -> None:
        """Go to a moment, asked for where none is given."""
        await self._playback.wait_for_moves()
        if text:
            self.go_to(self._read(text))
            return

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("goto", answer)

        prompt = PromptScreen("Go to", EXAMPLES, self._meaning)
        await self._app.push_screen(prompt, chosen)

    def _read(self, text: str) -> datetime:
        view = self._view()
        here = Here(view.session, view.clock, self._playback.plan.sessions[-1].trading_day)
        return read_moment(text, here, self._playback.system.time)

    def _meaning(self, text: str) -> str:
        instant = self._read(text)
        found, zone = self._destination(instant), self._playback.system.time.zone
        if found.frontier is None:
            how = "plays on to it"
        elif self._is_present(found):
            how = "the present"
        else:
            how = "looks back at it"
        asked = ""
        if found.clock != instant:
            asked = f"; nothing is played at {instant.astimezone(zone):%a %H:%M:%S}".removesuffix(":00")
        return f"{found.clock.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}, {how}{asked}"

    async def event(self, direction: str) -> None:
        """Go to the next event before or after what is shown, of those that are known."""
        self._app.transport.recording.leave_out()
        await self._playback.wait_for_moves()
        here = self._here()
        at = (here.day, here.frontier)
        places = [
            (event.trading_day, event.frontier)
            for event in self._playback.system.events()
            if event.trading_day is not None
        ]
        # The list has the latest gaps of the run; the session that is looked at has all of its own.
        places += [(here.day, slot + 1) for slot in here.played.view().gap_slots()]
        if direction == "back":
            found = max((place for place in places if place < at), default=None)
        else:
            found = min((place for place in places if place > at), default=None)
        if found is None:
            raise EngineError(
                "no earlier event is known" if direction == "back" else "no later event is known yet"
            )
        self._stand(*found)

    def show_event(self, event: Event) -> None:
        """Look at an event, and focus its symbol."""
        if event.trading_day is not None:
            self._stand(event.trading_day, event.frontier)
        if event.symbol:
            self._app.main.focus_symbol(event.symbol)

    def _stand(self, day: date, frontier: int) -> None:
        present = self._present()
        if day == present.day:
            self._playback.viewpoint.stand_at(Place(present.played, frontier), present)
            return
        session = self._playback.days.session(day)
        self._playback.viewpoint.stand_at(Place(session, min(frontier, session.frontier)), present)

    # Breakpoints, bookmarks, why

    async def ask_breakpoint(self, text: str) -> None:
        """Add a breakpoint, asked for where none is given."""
        system = self._playback.system
        if text:
            added = system.add_breakpoint(text)
            self._app.transport.recording.at_moment("break", added.text)
            self._app.notify(f"breakpoint {added.number}: {added.text}", timeout=4)
            return

        before = {known.number for known in system.breakpoints()}

        async def left(answer: str | None) -> None:
            for number in sorted(before - {known.number for known in system.breakpoints()}):
                self._app.transport.recording.at_moment("unbreak", str(number))
            if answer:
                await self._app.do("breakpoint", answer)

        await self._app.push_screen(BreakpointsScreen(system, self._condition_meaning), left)

    def remove_breakpoint(self, text: str) -> None:
        """Remove a breakpoint by its number."""
        if not text.isdecimal():
            lists = first_key("breakpoint", self._app.key_changes)
            raise EngineError(f"give the number of a breakpoint: {lists} lists them, x there removes one")
        self._playback.system.remove_breakpoint(int(text))
        self._app.transport.recording.at_moment("unbreak", text)

    def _condition_meaning(self, text: str) -> str:
        condition = Condition.parse(text, self._playback.system.vocabulary())
        return f"pauses wherever {condition.text} becomes true"

    async def ask_bookmark(self, text: str) -> None:
        """Mark the moment that is shown, with a note that is asked for where none is given."""
        await self._playback.wait_for_moves()
        here = self._here()
        if text:
            self._mark(text, here)
            return

        async def chosen(answer: str | None) -> None:
            if answer:
                self._mark(answer, here)  # which the run may have left behind meanwhile

        local = here.clock.astimezone(here.played.session.zone)
        clock = f"{local:%H:%M:%S}".removesuffix(":00") + f" {local:%Z}"
        prompt = PromptScreen(f"Bookmark {clock}", "a note", lambda note: f"marks {clock}: {note}")
        await self._app.push_screen(prompt, chosen)

    def _mark(self, text: str, place: Place) -> None:
        recording, present = self._app.transport.recording, self._present()
        self._playback.system.add_bookmark(text, place.frontier, session=place.played)
        if place == present:
            recording.at_moment("bookmark", text)
        else:  # a script, which never looks back, would mark another moment
            recording.leave_out()
        self._app.notify(f"marked: {text}", timeout=3)

    async def why(self, name: str) -> None:
        """Show where the numbers of the focused symbol come from."""
        await self._playback.wait_for_moves()
        self._view()
        main = self._app.main
        picked = name or (main.symbols.table.sort[0] or "last")
        await self._app.push_screen(WhyScreen(self._playback, self._app.view_state(), main.symbol, picked))

    # Where one stands

    def _present(self) -> Place:
        present = self._playback.present()
        if present is None:
            raise EngineError("no session is loaded yet")
        return present

    def _here(self) -> Place:
        return self._playback.viewpoint.place or self._present()

    def _view(self) -> SessionView:
        return self._here().view()
