"""The run as the actions of the console drive it: recorded as a key script, told to the user."""

from __future__ import annotations

from datetime import datetime

from tapedeck.console.actions.time_expressions import Here
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.handlers.application import ApplicationHandlers
from tapedeck.console.app.handlers.data import DataHandlers
from tapedeck.console.app.handlers.navigation import NavigationHandlers
from tapedeck.console.app.handlers.transport import PastMoves, Transport
from tapedeck.engine.clock.trading_session import TradingSession


class ScreenRun:
    """A RunContext over the console's handlers."""

    def __init__(
        self,
        app: AppContext,
        transport: Transport,
        navigation: NavigationHandlers,
        data: DataHandlers,
        application: ApplicationHandlers,
    ) -> None:
        self.system = app.playback.system
        self._playback = app.playback
        self._transport = transport
        self._navigation = navigation
        self._data = data
        self._application = application

    @property
    def past(self) -> PastMoves | None:
        """The past, where the viewer looks at it."""
        return self._transport.past

    def check_under_way(self) -> None:
        """Raise EngineError where the run is over."""
        self._transport.check_under_way()

    async def settle(self) -> None:
        """Wait, but not for long, until steps and jumps have come to their end."""
        await self._playback.wait_for_moves()

    def here(self) -> Here:
        """Return the moment that is shown."""
        return self._navigation.here()

    async def pause(self) -> None:
        """Pause, or play on."""
        await self._transport.pause()

    def resume(self) -> None:
        """Play on."""
        self._transport.resume()

    async def step(self, slots: int) -> None:
        """Play so many slots."""
        await self._transport.step(slots)

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Play to a moment of a session as fast as data allow, and return to the present."""
        self._transport.run_to(session, clock)

    def go_to(self, instant: datetime) -> None:
        """Look at an instant where it was played, else play on to it."""
        self._navigation.go_to(instant)

    @property
    def speed(self) -> float:
        """The speed that is asked for."""
        return self._playback.speed

    def set_speed(self, speed: float) -> None:
        """Play at a speed from now on."""
        self._transport.set_speed(speed)

    def add_breakpoint(self, condition: str) -> None:
        """Pause where a condition becomes true."""
        self._navigation.add_breakpoint(condition)

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint."""
        self._navigation.remove_breakpoint(number)

    async def bookmark(self, text: str) -> None:
        """Mark the moment that is shown."""
        await self._navigation.bookmark(text)

    def export(self, form: str, path: str) -> None:
        """Write what was played, beside the run."""
        self._data.export(form, path)

    def view(self, _panel: str, _form: str) -> None:
        """Do nothing: panels are written in batch jobs alone."""

    async def quit(self) -> None:
        """Leave; asked first while a run is under way."""
        await self._application.quit()
