"""Transport handlers: recorded commands to the engine, and steps forward in the past."""

from __future__ import annotations

from datetime import datetime

from tapedeck.console.actions.keys import shown_keys
from tapedeck.console.actions.run_actions import read_speed
from tapedeck.console.actions.speeds import speed_text
from tapedeck.console.actions.table import BY_ID
from tapedeck.console.actions.time_expressions import time_expression
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.viewpoint import Position
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState


class Transport:
    """Commands to the engine."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._playback = app.playback
        self._recording = app.recording

    def check_can_run_ahead(self) -> None:
        """Raise EngineError if the run cannot be played to a time or a condition ahead."""
        if self._playback.system.state.is_over:
            raise EngineError("the run is over: only played sessions can be shown")

    @property
    def past(self) -> PastMoves | None:
        """The past time shown, or None at the present."""
        return None if self._playback.viewpoint.position is None else PastMoves(self._app, self)

    async def hold(self) -> None:
        """Pause the engine, and the past if it plays, before another time is shown."""
        self._playback.past_play.stop()
        await self._recording.pause_engine()

    def show_present(self) -> None:
        """Return to the present, and stand there."""
        self._recording.omit_action()
        self._app.session_recompute.cancel()
        self._playback.past_play.stop()
        self._playback.viewpoint.show_at(None, present_of(self._app))

    def advance_past(self) -> None:
        """Move the past that plays; at the present, the run goes on from there."""
        if not self._playback.past_play.is_playing:
            return
        if self._playback.advance_past():
            self.continue_at_present()
        past_play, recompute = self._playback.past_play, self._app.session_recompute
        if (search := past_play.search_needed()) is not None:
            recompute.search_ahead(search)
        elif (day := past_play.day_to_load()) is not None:
            recompute.load_ahead(day)

    def continue_at_present(self) -> None:
        """Let the run go on, as the past that played has met the present."""
        if not self._playback.system.state.is_over:
            self.resume()

    async def pause(self) -> None:
        """Pause, or resume a paused run."""
        if self._playback.system.state is RunState.PAUSED:
            self.resume()
        else:
            await self._recording.pause_engine()
            self._recording.omit_action()

    def resume(self) -> None:
        """Resume play."""
        self._recording.record_resume()
        self._playback.system.resume()
        self._recording.note_sent()

    async def step(self, slots: int) -> None:
        """Play a number of slots, after the end of a jump in progress."""
        await self._playback.wait_for_jump()
        await self._recording.record_steps(slots)
        self._playback.step(slots)
        self._recording.note_sent()

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Play to a time of a session, and show the present."""
        playback = self._playback
        with self._recording.undo_if_refused():
            self._recording.record_run_to(time_expression(session, clock))
            playback.jump_to(clock)
        playback.past_play.stop()
        playback.viewpoint.show_at(None, present_of(self._app))
        self._recording.note_sent()

    def run_until(self, condition: str) -> None:
        """Play until a condition becomes true; scripts get the time that it reaches."""
        self._recording.record_resume()
        self._playback.jump_until(condition)
        self._recording.note_sent()

    def set_speed(self, speed: float) -> None:
        """Set the speed."""
        if self.past is None:
            self.check_not_over()
        elif self._playback.system.state.is_over:  # a script plays no past
            self._recording.omit_action()
        self._playback.set_speed(speed)  # the session bar shows it

    async def ask_speed(self, _argument: str) -> None:
        """Prompt for a speed, and set it."""

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("speed", answer)

        def meaning(answer: str) -> str:
            return speed_text(read_speed(answer))

        await self._app.open(PromptScreen("Speed", "60, x3600 or max", meaning), chosen)

    def check_not_over(self) -> None:
        """Raise EngineError if the run is over."""
        if self._playback.system.state.is_over:
            back, again, restart, quit_keys = (
                shown_keys(BY_ID[name], self._app.key_changes)
                for name in ("step_back", "play_day", "restart", "quit")
            )
            raise EngineError(
                f"the run is over: {back} steps back, {again} plays this day again, "
                f"{restart} restarts, {quit_keys} quits"
            )


class PastMoves:
    """Play and steps forward in the past: they move the time shown, up to the present."""

    def __init__(self, app: AppContext, transport: Transport) -> None:
        self._app = app
        self._transport = transport
        self._viewpoint = app.playback.viewpoint
        self._past_play = app.playback.past_play

    @property
    def is_earlier_day(self) -> bool:
        """Whether the session shown is over: the next one was played, too, or is being played."""
        position = self._viewpoint.position
        return position is not None and position.played != present_of(self._app).played

    def play(self) -> None:
        """Play from the time shown."""
        self._app.recording.omit_action()
        if not self._past_play.is_playing:
            self._app.playback.play_past()

    def play_or_stop(self) -> None:
        """Play from the time shown, or stop there."""
        if self._past_play.is_playing:
            self._app.recording.omit_action()
            self._past_play.stop()
        else:
            self.play()

    def show_present(self) -> None:
        """Return to the present."""
        self._transport.show_present()

    def forward(self, slots: int) -> None:
        """Move forward by a number of slots."""
        self._past_play.stop()
        self._viewpoint.forward(slots, present_of(self._app))
        self._app.recording.omit_action()

    def day_forward(self) -> None:
        """Move to the same time of the next session."""
        self._past_play.stop()
        self._viewpoint.day_forward(present_of(self._app))
        self._app.recording.omit_action()

    def next_session(self) -> None:
        """Move to the open of the next session."""
        self._past_play.stop()
        self._viewpoint.next_session(present_of(self._app))
        self._app.recording.omit_action()


def present_of(app: AppContext) -> Position:
    """Return the engine's position. Raises EngineError before the first session."""
    present = app.playback.present()
    if present is None:
        raise EngineError("no session is loaded yet")
    return present
