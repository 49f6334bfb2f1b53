"""Application context: the part of the application that handlers and pages use."""

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
    """The application, for handlers and pages. `key_changes`: action id → keys."""

    playback: Playback
    store: BarStore
    main: MainScreen
    recording: Recording
    session_recompute: SessionRecompute
    key_changes: dict[str, str]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the session shown, before the first one those of the file."""
        ...

    @property
    def theme_names(self) -> tuple[str, ...]:
        """Names of all themes."""
        ...

    @property
    def theme_name(self) -> str:
        """The theme of the screen."""
        ...

    def set_theme(self, name: str) -> None:
        """Set the theme."""
        ...

    @property
    def run_files(self) -> tuple[tuple[str, str], ...]:
        """Names and paths of the run's files: exports that are written, the log."""
        ...

    @property
    def screen(self) -> Screen[Any]:
        """The screen on top."""
        ...

    def view_state(self) -> ViewState:
        """Return the state of the run to show."""
        ...

    def offers(self, action_id: str) -> bool:
        """Whether the run offers an action in its state."""
        ...

    async def do(self, action_id: str, argument: str = "") -> None:
        """Run an action of the table."""
        ...

    async def open(
        self,
        screen: Screen[Answer],
        then: Callable[[Answer | None], None] | Callable[[Answer | None], Awaitable[None]] | None = None,
    ) -> None:
        """Show a screen over the others; `then` gets its result."""
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
        """Show a notification."""
        ...

    def clear_notifications(self) -> None:
        """Remove all notifications."""
        ...

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text to the clipboard."""
        ...

    def start_work(self, work: Coroutine[Any, Any, None], group: str) -> None:
        """Start background work, which reports its own errors."""
        ...

    @property
    def can_suspend(self) -> bool:
        """Whether the program can be suspended."""
        ...

    def restart(self) -> None:
        """Start the run again, from its first open."""
        ...

    def leave(self) -> None:
        """End the run cleanly, then quit."""
        ...

    def interrupt(self) -> None:
        """End as `leave`, with the exit code of an interrupt."""
        ...
