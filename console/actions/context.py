"""Contexts of actions: commands to a run, the same on the screen and in key scripts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from tapedeck.console.actions.symbol_changes import SymbolCommand
from tapedeck.console.actions.time_expressions import ReferenceTime
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.system import SystemManager

Work = Awaitable[None] | None
"""Result of an action function: an awaitable, or None."""


class Past(Protocol):
    """The past time shown on the screen; play and steps forward move it, up to the present."""

    @property
    def is_earlier_day(self) -> bool:
        """Whether its session is over: the next one was played, too, or is being played."""
        ...

    def play(self) -> None:
        """Play from the time shown."""
        ...

    def play_or_stop(self) -> None:
        """Play from the time shown, or stop there."""
        ...

    def show_present(self) -> None:
        """Return to the present."""
        ...

    def forward(self, slots: int) -> None:
        """Move forward by a number of slots."""
        ...

    def day_forward(self) -> None:
        """Move to the same time of the next session."""
        ...

    def next_session(self) -> None:
        """Move to the open of the next session."""
        ...


class RunContext(Protocol):
    """A run, for the functions of the action table.

    On the screen, actions are recorded as lines of a key script and reported in notices; a script's lines go
    straight to the engine. Raises TapedeckError if an action is not possible.
    """

    @property
    def system(self) -> SystemManager:
        """The engine."""
        ...

    @property
    def past(self) -> Past | None:
        """The past time shown on the screen, or None at the present and in scripts."""
        ...

    def check_not_over(self) -> None:
        """Raise EngineError if the run is over; scripts skip their moves then."""
        ...

    async def wait_for_moves(self) -> None:
        """Wait until earlier moves are finished."""
        ...

    def reference_time(self) -> ReferenceTime:
        """Return the time that relative times count from; EngineError before the first session."""
        ...

    async def pause(self) -> None:
        """Pause; on the screen, resume a paused run."""
        ...

    def resume(self) -> None:
        """Resume play."""
        ...

    async def step(self, slots: int) -> None:
        """Play a number of slots, then pause."""
        ...

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Play to a future time of a session, then pause."""
        ...

    async def go_to(self, instant: datetime) -> None:
        """Go to an instant: play to it, or on the screen show it if it was played."""
        ...

    @property
    def speed(self) -> float:
        """The requested speed; in the past, the speed at which it plays."""
        ...

    def set_speed(self, speed: float) -> None:
        """Set the speed."""
        ...

    def add_breakpoint(self, condition: str) -> None:
        """Add a breakpoint."""
        ...

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint."""
        ...

    def change_symbols(self, command: SymbolCommand) -> None:
        """Begin to have a symbol join or leave: it is loaded in another thread."""
        ...

    async def bookmark(self, text: str) -> None:
        """Add a bookmark at the current time."""
        ...

    def export(self, form: str, path: str) -> None:
        """Export the run so far as `csv` or `json`; "" is the default path of the screen."""
        ...

    def view(self, panel: str, form: str) -> None:
        """Write a panel as data; batch jobs only."""
        ...

    async def quit(self) -> None:
        """End the run cleanly, and quit."""
        ...


class Handlers(Protocol):
    """The screen's own actions, by name."""

    def handler(self, name: str) -> Callable[[str], Work]:
        """Return the method of a name such as `panels.hide`; it takes the argument."""
        ...
