"""Playing: pause, steps, speed, sessions. In the past, steps on move the viewer, not the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.ui.rows import slots_of
from console.ui.screens.prompt import PromptScreen
from console.ui.speeds import faster, slower, speed_text
from engine.errors import EngineError
from engine.monitoring.status import RunState
from engine.threads.transport import checked_speed

if TYPE_CHECKING:
    from console.ui.app import ConsoleApp

LENGTHS_S: Final = {"minute": 60, "hour": 3600}


class TransportHandlers:
    """Commands to the engine."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._playback = app.playback

    def toggle(self, _argument: str) -> None:
        """Pause, or play on."""
        system = self._playback.system
        self._check_under_way()
        if system.state is RunState.PAUSED:
            system.resume()
            # In a script the word has to say which of the two it was.
            self._app.done_as = "resume"
        else:
            system.pause()

    def resume(self, _argument: str) -> None:
        """Play on."""
        self._check_under_way()
        self._playback.system.resume()

    def on(self, length: str) -> None:
        """Play so much on: slot, minute, hour or day, or a number of slots."""
        if self._playback.viewpoint.place is not None:
            self._look_on(length)
            return
        self._check_under_way()
        if length == "day":
            self._day_on()
        else:
            self._playback.system.step(self.slots(length))

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
        playback = self._playback
        present = playback.present()
        if present is None:
            return
        if length == "day":
            playback.viewpoint.day_on(present)
        else:
            playback.viewpoint.on(self.slots(length), present)

    def _day_on(self) -> None:
        """Play to the same time of the next session, or to its close where that is shorter."""
        system = self._playback.system
        snapshot = system.snapshot()
        if snapshot.clock is None or snapshot.regular_open is None or snapshot.trading_day is None:
            raise EngineError("no session is loaded yet")
        if snapshot.session == snapshot.sessions:
            raise EngineError(f"{snapshot.trading_day} is the last session of the run")
        following = self._playback.plan.sessions[snapshot.session]
        into = snapshot.clock - snapshot.regular_open
        self._playback.jump_to(min(following.regular_open + into, following.regular_close))

    def next_session(self, _argument: str) -> None:
        """Play to the open of the next session; of the last one, to its close."""
        playback = self._playback
        if playback.viewpoint.place is not None:
            self._look_on("day")
            return
        self._check_under_way()
        snapshot = playback.system.snapshot()
        sessions = playback.plan.sessions
        at = max(snapshot.session, 1)
        if at < len(sessions):
            playback.jump_to(sessions[at].regular_open)
        else:
            playback.jump_to(sessions[-1].regular_close)
            self._app.notify("This is the last session: on to its close")

    def faster(self, _argument: str) -> None:
        """Take the next speed up the ladder."""
        self._set_speed(faster(self._playback.system.snapshot().speed))

    def slower(self, _argument: str) -> None:
        """Take the next speed down the ladder."""
        self._set_speed(slower(self._playback.system.snapshot().speed))

    def fastest(self, _argument: str) -> None:
        """Play as fast as data allow."""
        self._set_speed(0.0)

    async def speed(self, text: str) -> None:
        """Play at a speed that is written out: `60`, `x60` or `max`; asked for where none is given."""
        if text:
            self._set_speed(self._read_speed(text))
            return

        def chosen(answer: str | None) -> None:
            if answer:
                self._app.call_later(self._app.do, "speed", answer)

        def meaning(answer: str) -> str:
            return speed_text(self._read_speed(answer))

        await self._app.push_screen(PromptScreen("Speed", "60, x3600 or max", meaning), chosen)

    @staticmethod
    def _read_speed(text: str) -> float:
        try:
            return 0.0 if text.strip() == "max" else checked_speed(float(text.strip().removeprefix("x")))
        except ValueError:
            raise EngineError(f"{text!r} is no speed: give max, or times real time, such as 60") from None

    def _set_speed(self, speed: float) -> None:
        self._check_under_way()
        self._playback.set_speed(speed)
        self._app.notify(f"speed {speed_text(speed)}", timeout=2)

    def _check_under_way(self) -> None:
        if self._playback.system.state.is_over:
            raise EngineError("the run is over: , and D look back at it, q leaves")
