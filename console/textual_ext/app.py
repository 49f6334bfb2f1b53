"""Application base class: a terminal that may stall, short reports of failures, and the direct drawing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from rich.console import RenderableType
from rich.segment import Segments
from rich.traceback import Traceback
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.events import Resize
from textual.geometry import Size
from textual.notifications import Notifications
from textual.screen import Screen

from tapedeck.console.textual_ext.screen_diff import DiffUpdate, ScreenDiff
from tapedeck.console.textual_ext.terminal_driver import TerminalLink, resilient
from tapedeck.engine.errors import EngineError

_LAID_OUT_S: Final = 0.05
"""Time after which Textual has passed a resize on to the screen: on idle or after 1/120 s, by version."""


class TerminalApp(App[None]):
    """An application with a resilient driver.

    `direct_drawing`: screens draw uncovered widgets past Textual's compositor, and only differences are
    written; without it, all drawing is Textual's. `on_key` is called by the thread that reads the terminal.
    """

    def __init__(
        self, notifications: Notifications, on_key: Callable[[], None], *, direct_drawing: bool
    ) -> None:
        super().__init__()
        self._notifications = notifications
        self.direct_drawing = direct_drawing
        self.link = TerminalLink(on_key=on_key)
        self.driver_class = resilient(self.driver_class, self.link)
        self._screen_diff = ScreenDiff()
        self._repaints_seen = 0

    @property
    def can_suspend(self) -> bool:
        """Whether the application can be suspended to the shell."""
        return self._driver is not None and self._driver.can_suspend

    @property
    def has_input(self) -> bool:
        """Whether a key or a mouse event waits to be handled."""
        return self.link.has_input

    def render_priority(self) -> AbstractContextManager[None]:
        """Return a context in which other threads yield to the drawing; here it has no effect."""
        return nullcontext()

    # Failures

    @property
    def failure(self) -> Exception | None:
        """The exception that ended the application, or None; Textual has printed it."""
        return self._exception

    def panic(self, *renderables: RenderableType) -> None:
        """Exit with an error that Textual reports without raising, such as one in reading keys."""
        fault = "the console ended by a fault; its traceback is above"
        self._exception = self._exception or EngineError(fault)
        super().panic(*renderables)

    def _fatal_error(self) -> None:
        """Exit with the traceback only; Textual adds pages of local variables."""
        self._exit_renderables.append(Segments(self.console.render(Traceback(), self.console.options)))
        self._close_messages_no_wait()

    # Drawing

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Write a screen's update; with direct drawing, only what differs from the terminal's contents."""
        if self._repaints_seen != self.link.repaints:
            self._repaints_seen = self.link.repaints
            self._screen_diff.forget()
        self._screen_diff.by_cell = self.link.is_slow
        if self.direct_drawing and isinstance(renderable, CompositorUpdate) and not self.link.has_dropped:
            renderable = DiffUpdate(renderable, self._screen_diff)
        super()._display(screen, renderable)

    def on_resize(self) -> None:
        """Paint the whole screen again, once it is laid out for the new size.

        A terminal that shrinks and grows back loses its contents, and may report its final size only, from
        which Textual's layout finds nothing to paint.
        """
        self._screen_diff.forget()
        self.set_timer(_LAID_OUT_S, self._repaint)

    def follow_terminal_size(self) -> None:
        """Resize to the terminal's size if no signal has told of it; call this from time to time."""
        size = self.link.terminal_size()
        if size is not None and size != self.size and self._resize_event is None:
            self.post_message(Resize(Size(*size), Size(*size)))

    def _repaint(self) -> None:
        if self.screen_stack:  # empty on exit
            self.screen.call_later(self._repaint_screen, self.screen)

    def _repaint_screen(self, screen: Screen[object]) -> None:
        self._screen_diff.forget()
        screen.refresh()
