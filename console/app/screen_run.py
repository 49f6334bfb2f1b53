"""RunContext of the console: commands are recorded as a key script and reported in notices."""

from __future__ import annotations

from datetime import datetime

from tapedeck.console.actions.symbol_changes import SymbolCommand
from tapedeck.console.actions.time_expressions import ReferenceTime
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.handlers.application import ApplicationHandlers
from tapedeck.console.app.handlers.breakpoints import BreakpointHandlers
from tapedeck.console.app.handlers.data import DataHandlers
from tapedeck.console.app.handlers.navigation import NavigationHandlers
from tapedeck.console.app.handlers.symbols import SymbolHandlers
from tapedeck.console.app.handlers.transport import PastMoves, Transport
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.system import SystemManager


class ScreenRun:
    """RunContext over the console's handlers."""

    def __init__(
        self,
        app: AppContext,
        transport: Transport,
        navigation: NavigationHandlers,
        breakpoints: BreakpointHandlers,
        data: DataHandlers,
        symbols: SymbolHandlers,
        application: ApplicationHandlers,
    ) -> None:
        self._playback = app.playback
        self._transport = transport
        self._navigation = navigation
        self._breakpoints = breakpoints
        self._data = data
        self._symbols = symbols
        self._application = application

    @property
    def system(self) -> SystemManager:
        """The engine."""
        return self._playback.system

    @property
    def past(self) -> PastMoves | None:
        """The past time shown, or None at the present."""
        return self._transport.past

    def check_not_over(self) -> None:
        """Raise EngineError if the run is over."""
        self._transport.check_not_over()

    async def wait_for_moves(self) -> None:
        """Wait, with a limit, until steps and jumps are finished."""
        await self._playback.wait_for_moves()

    def reference_time(self) -> ReferenceTime:
        """Return the time shown."""
        return self._navigation.reference_time()

    async def pause(self) -> None:
        """Pause or resume."""
        await self._transport.pause()

    def resume(self) -> None:
        """Resume play."""
        self._transport.resume()

    async def step(self, slots: int) -> None:
        """Play a number of slots."""
        await self._transport.step(slots)

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Play to a time of a session at maximum speed, and show the present."""
        self._transport.run_to(session, clock)

    async def go_to(self, instant: datetime) -> None:
        """Show an instant if it was played, else play to it."""
        await self._navigation.go_to(instant)

    @property
    def speed(self) -> float:
        """The requested speed; in the past, the speed at which it plays."""
        return self._playback.speed if self.past is None else self._playback.past_speed

    def set_speed(self, speed: float) -> None:
        """Set the speed."""
        self._transport.set_speed(speed)

    def add_breakpoint(self, condition: str) -> None:
        """Add a breakpoint."""
        self._breakpoints.add(condition)

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint."""
        self._breakpoints.remove(number)

    def change_symbols(self, command: SymbolCommand) -> None:
        """Have a symbol join or leave the present session, in the background."""
        self._transport.check_not_over()
        self._symbols.change(command)

    async def bookmark(self, text: str) -> None:
        """Add a bookmark at the time shown."""
        await self._navigation.bookmark(text)

    def export(self, form: str, path: str) -> None:
        """Export the run so far, in the background."""
        self._data.export(form, path)

    def view(self, _panel: str, _form: str) -> None:
        """Do nothing: only batch jobs write panels."""

    async def quit(self) -> None:
        """Quit, after a confirmation if the run is not over."""
        await self._application.quit()
