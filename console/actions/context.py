"""Contexts of actions: the run as an action drives it, on the screen and in a key script alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from tapedeck.console.actions.time_expressions import Here
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.system import SystemManager

Work = Awaitable[None] | None
"""What an action function returns: something to wait for, or nothing."""


class Past(Protocol):
    """The earlier moment that the viewer looks at: steps forward move it, up to the present."""

    def forward(self, slots: int) -> None:
        """Look so many slots later."""
        ...

    def day_forward(self) -> None:
        """Look at the same time of the next session; EngineError after the last one."""
        ...

    def next_session(self) -> None:
        """Look at the open of the next session; EngineError after the last one."""
        ...


class RunContext(Protocol):
    """A run, for the functions of the action table.

    The screen records what is done as lines of a key script and tells of it; a script's lines go straight to
    the engine. What cannot be done raises a TapedeckError.
    """

    @property
    def system(self) -> SystemManager:
        """The engine."""
        ...

    @property
    def past(self) -> Past | None:
        """The past, where the viewer looks at it; scripts have no viewer."""
        ...

    def check_under_way(self) -> None:
        """Raise EngineError where the run is over; scripts leave moves out then."""
        ...

    async def settle(self) -> None:
        """Wait until earlier moves have come to their end."""
        ...

    def here(self) -> Here:
        """Return the moment that times are read from; EngineError before the first session."""
        ...

    async def pause(self) -> None:
        """Pause; on the screen a paused run plays on."""
        ...

    def resume(self) -> None:
        """Play on."""
        ...

    async def step(self, slots: int) -> None:
        """Play so many slots, then pause."""
        ...

    def run_to(self, session: TradingSession, clock: datetime) -> None:
        """Play to a moment of a session that is still to come, then pause."""
        ...

    def go_to(self, instant: datetime) -> None:
        """Go to an instant: play to it; on the screen look back at it where it was played."""
        ...

    @property
    def speed(self) -> float:
        """The speed that is asked for."""
        ...

    def set_speed(self, speed: float) -> None:
        """Play at a speed from now on."""
        ...

    def add_breakpoint(self, condition: str) -> None:
        """Pause where a condition becomes true."""
        ...

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint."""
        ...

    async def bookmark(self, text: str) -> None:
        """Mark the moment."""
        ...

    def export(self, form: str, path: str) -> None:
        """Write what was played, as `csv` or `json`; "" is the default path of the screen."""
        ...

    def view(self, panel: str, form: str) -> None:
        """Write a panel as data; batch jobs only."""
        ...

    async def quit(self) -> None:
        """End the run in order, and leave."""
        ...


class Handlers(Protocol):
    """The screen's own actions, by name."""

    def handler(self, name: str) -> Callable[[str], Work]:
        """Return the method that a name such as `panels.hide` stands for; it takes the argument."""
        ...
