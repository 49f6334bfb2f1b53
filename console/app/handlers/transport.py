"""Transport: commands to the engine, recorded, and the way forward in the past."""

from __future__ import annotations

from datetime import datetime

from tapedeck.console.actions.keys import shown_keys
from tapedeck.console.actions.run_actions import read_speed
from tapedeck.console.actions.speeds import speed_text
from tapedeck.console.actions.table import BY_ID
from tapedeck.console.actions.time_expressions import moment_words, session_after
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.viewpoint import Place
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState


class Transport:
    """Commands to the engine."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._playback = app.playback
        self._recording = app.recording

    @property
    def past(self) -> PastMoves | None:
        """The past, where the viewer looks at it."""
        return None if self._playback.viewpoint.place is None else PastMoves(self._app)

    async def pause(self) -> None:
        """Pause, or play on where it is paused."""
        if self._playback.system.state is RunState.PAUSED:
            self.resume()
        else:
            await self._recording.stand()
            self._recording.leave_out()

    def resume(self) -> None:
        """Play on."""
        self._recording.resumed()
        self._playback.system.resume()
        self._recording.told()

    async def step(self, slots: int) -> None:
        """Play so many slots, from the end of a jump that is under way on."""
        await self._playback.wait_for_jump()
        await self._recording.steps(slots)
        self._playback.step(slots)
        self._recording.told()

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Have the engine play on to a moment of a session, and return to the present."""
        playback = self._playback
        with self._recording.unless_refused():
            self._recording.runs_to(moment_words(session, clock))
            playback.jump_to(clock)
        playback.viewpoint.stand_at(None, present_of(self._app))
        self._recording.told()

    def set_speed(self, speed: float) -> None:
        """Play at a speed from now on."""
        self.check_under_way()
        self._playback.set_speed(speed)  # the session bar shows it

    async def ask_speed(self, _argument: str) -> None:
        """Ask for a speed, and play at it."""

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("speed", answer)

        def meaning(answer: str) -> str:
            return speed_text(read_speed(answer))

        await self._app.open(PromptScreen("Speed", "60, x3600 or max", meaning), chosen)

    def check_under_way(self) -> None:
        """Raise EngineError where the run is over."""
        if self._playback.system.state.is_over:
            back, day, leave = (
                shown_keys(BY_ID[name], self._app.key_changes) for name in ("step_back", "day_back", "quit")
            )
            raise EngineError(f"the run is over: step back with {back} or {day}, quit with {leave}")


class PastMoves:
    """Steps forward while the viewer looks at the past: they move the viewer, up to the present."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._viewpoint = app.playback.viewpoint

    def forward(self, slots: int) -> None:
        """Look so many slots later."""
        self._viewpoint.on(slots, present_of(self._app))
        self._app.recording.leave_out()

    def day_forward(self) -> None:
        """Look at the same time of the next session."""
        self._check_next()
        self._viewpoint.day_on(present_of(self._app))
        self._app.recording.leave_out()

    def next_session(self) -> None:
        """Look at the open of the next session."""
        self._check_next()
        self._viewpoint.session_on(present_of(self._app))
        self._app.recording.leave_out()

    def _check_next(self) -> None:
        place = self._viewpoint.place or present_of(self._app)
        session_after(self._app.playback.plan.sessions, place.day)


def present_of(app: AppContext) -> Place:
    """Return where the engine stands. Raises EngineError before the first session."""
    present = app.playback.present()
    if present is None:
        raise EngineError("no session is loaded yet")
    return present
