"""Playing: pause, steps, speed, sessions. In the past, steps on move the viewer, not the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tapedeck.console.actions.speeds import faster, read_speed, slower, speed_text
from tapedeck.console.actions.table import BY_ID, shown_keys
from tapedeck.console.actions.time_expressions import Here, moment_words, same_time, session_after, slots_of
from tapedeck.console.app.handlers.recording import Recording
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState

if TYPE_CHECKING:
    from datetime import datetime

    from tapedeck.console.app.console_app import ConsoleApp
    from tapedeck.console.app.viewpoint import Place
    from tapedeck.engine.clock.trading_session import TradingSession

LENGTHS_S: Final = {"minute": 60, "hour": 3600}


class TransportHandlers:
    """Commands to the engine."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._playback = app.playback
        self.recording = Recording(app)

    async def toggle(self, argument: str) -> None:
        """Pause, or play on."""
        self._check_under_way()
        if self._playback.system.state is RunState.PAUSED:
            self.resume(argument)
        else:
            await self.recording.stand()
            self.recording.leave_out()

    def resume(self, _argument: str) -> None:
        """Play on."""
        self._check_under_way()
        self.recording.resumed()
        self._playback.system.resume()
        self.recording.told()

    async def on(self, length: str) -> None:
        """Play so much on: slot, minute, hour or day, or a number of slots."""
        place = self._playback.viewpoint.place
        if place is not None:
            if length == "day":
                session_after(self._playback.plan.sessions, place.day)
            self._look_on(length)
            return
        self._check_under_way()
        if length == "day":
            await self._playback.wait_for_moves()
            self._day_on()
            return
        slots = self.slots(length)
        await self._playback.wait_for_jump()
        await self.recording.steps(slots)
        self._playback.step(slots)
        self.recording.told()

    def slots(self, length: str) -> int:
        """Return how many slots a length has; EngineError for a word that is none."""
        if length == "slot":
            return 1
        if length in LENGTHS_S:
            return slots_of(LENGTHS_S[length], self._playback.plan.base)
        if length.isdecimal() and int(length) > 0:
            return int(length)
        raise EngineError(f"{length!r} is no distance: give slot, minute, hour, day or a number of slots")

    def _look_on(self, length: str) -> None:
        playback, present = self._playback, self._past()
        if length == "day":
            playback.viewpoint.day_on(present)
        elif length == "session":
            playback.viewpoint.session_on(present)
        else:
            playback.viewpoint.on(self.slots(length), present)
        self.recording.leave_out()

    def _past(self) -> Place:
        present = self._playback.present()
        if present is None:
            raise EngineError("no session is loaded yet")
        return present

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Have the engine play on to a moment of a session, and return to the present."""
        playback = self._playback
        with self.recording.unless_refused():
            self.recording.runs_to(moment_words(session, clock))
            playback.jump_to(clock)
        playback.viewpoint.stand_at(None, self._past())
        self.recording.told()

    def _day_on(self) -> None:
        """Play to the same time of the next session, or to its close where that is shorter."""
        view = self._playback.system.snapshot().view
        if view is None:
            raise EngineError("no session is loaded yet")
        following = session_after(self._playback.plan.sessions, view.session.trading_day)
        self.run_to(following, same_time(following, Here(view.session, view.clock)))

    def next_session(self, _argument: str) -> None:
        """Play to the open of the next session; in the past, look at it."""
        sessions, place = self._playback.plan.sessions, self._playback.viewpoint.place
        if place is not None:
            session_after(sessions, place.day)
            self._look_on("session")
            return
        self._check_under_way()
        following = session_after(sessions, self._past().day)
        self.run_to(following, following.regular_open)

    def faster(self, _argument: str) -> None:
        """Take the next speed up the ladder."""
        self._set_speed(faster(self._playback.speed))

    def slower(self, _argument: str) -> None:
        """Take the next speed down the ladder."""
        self._set_speed(slower(self._playback.speed))

    def fastest(self, _argument: str) -> None:
        """Play as fast as data allow."""
        self._set_speed(0.0)

    async def speed(self, text: str) -> None:
        """Play at a speed that is written out: `60`, `x60` or `max`; asked for where none is given."""
        if text:
            self._set_speed(self._read_speed(text))
            return

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("speed", answer)

        def meaning(answer: str) -> str:
            return speed_text(self._read_speed(answer))

        await self._app.push_screen(PromptScreen("Speed", "60, x3600 or max", meaning), chosen)

    @staticmethod
    def _read_speed(text: str) -> float:
        try:
            return read_speed(text)
        except ValueError as error:
            raise EngineError(str(error)) from None

    def _set_speed(self, speed: float) -> None:
        self._check_under_way()
        self._playback.set_speed(speed)  # the session bar shows it

    def _check_under_way(self) -> None:
        if self._playback.system.state.is_over:
            back, day, leave = (
                shown_keys(BY_ID[name], self._app.key_changes) for name in ("step_back", "day_back", "quit")
            )
            raise EngineError(f"the run is over: look back with {back} or {day}, leave with {leave}")
