"""Transport of a recording: moves the time shown, as a video recorder does, and sends the engine nothing."""

from __future__ import annotations

from datetime import datetime

from tapedeck.console.actions.keys import shown_keys
from tapedeck.console.actions.offers import NOT_AHEAD, OfferState
from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.handlers.transport import Transport
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError

_PRESENT = OfferState(is_live=True)


class LiveTransport(Transport):
    """Recording goes on while an earlier time is shown, stands still, or plays."""

    async def hold(self) -> None:
        """Stop the past if it plays."""
        self._playback.past_play.stop()

    async def pause(self) -> None:
        """Stop at the present slot; from there `PastMoves` plays."""
        self._recording.omit_action()
        self._playback.freeze()

    def continue_at_present(self) -> None:
        """Do nothing: the present goes on by itself."""

    def check_can_run_ahead(self) -> None:
        """Raise EngineError."""
        raise EngineError(NOT_AHEAD)

    def resume(self) -> None:
        """Raise EngineError: the present plays by itself."""
        _refuse("resume")

    async def step(self, slots: int) -> None:
        """Raise EngineError."""
        _refuse("step")

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Raise EngineError."""
        self.check_can_run_ahead()

    def run_until(self, condition: str) -> None:
        """Raise EngineError."""
        self.check_can_run_ahead()

    def set_speed(self, speed: float) -> None:
        """Set the speed of the past; EngineError at the present."""
        if self.past is None:
            _refuse("speed")
        self._recording.omit_action()  # a script plays no past
        self._playback.set_speed(speed)

    def check_not_over(self) -> None:
        """Raise EngineError if the recording has ended."""
        if self._playback.system.state.is_over:
            back, report, quit_keys = (
                shown_keys(BY_ID[name], self._app.key_changes) for name in ("step_back", "report", "quit")
            )
            raise EngineError(
                f"the recording is over: {back} steps back, {report} shows the report, {quit_keys} quits"
            )


def _refuse(action_id: str) -> None:
    """Raise EngineError with the reason against an action at the present."""
    raise EngineError(_PRESENT.reason_against(action_id) or NOT_AHEAD)
