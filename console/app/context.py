"""The application, as far as the handlers of actions need it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from textual.notifications import SeverityLevel
from textual.screen import Screen

from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.recording import Recording
from tapedeck.console.app.screens.main import MainScreen
from tapedeck.console.app.session_recompute import SessionRecompute
from tapedeck.engine.store.bar_store import BarStore

Answer = TypeVar("Answer")


class AppContext(Protocol):
    """The console, for handlers and pages. `key_changes`: action id → keys."""

    playback: Playback
    store: BarStore
    main: MainScreen
    recording: Recording
    session_recompute: SessionRecompute
    key_changes: dict[str, str]

    @property
    def theme_names(self) -> tuple[str, ...]:
        """The themes to choose from."""
        ...

    @property
    def theme_name(self) -> str:
        """The theme of the screen."""
        ...

    def take_theme(self, name: str) -> None:
        """Show another theme."""
        ...

    def view_state(self) -> ViewState:
        """Return the run as it is to be shown now."""
        ...

    async def do(self, action_id: str, argument: str = "") -> None:
        """Do an action of the table."""
        ...

    async def open(
        self,
        screen: Screen[Answer],
        then: Callable[[Answer | None], None] | Callable[[Answer | None], Awaitable[None]] | None = None,
    ) -> None:
        """Show a screen over the others; `then` gets what it was left with."""
        ...

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a sentence for a while."""
        ...

    def clear_notifications(self) -> None:
        """Take away all such sentences."""
        ...

    def copy_to_clipboard(self, text: str) -> None:
        """Put a text on the clipboard."""
        ...

    def in_background(self, work: Coroutine[Any, Any, None], group: str) -> None:
        """Do work beside the screen; it reports its errors itself."""
        ...

    @property
    def can_suspend(self) -> bool:
        """Whether the terminal can be given back for a while."""
        ...

    def leave(self) -> None:
        """End the run in order, then leave."""
        ...
