"""Screen base class: draws all changes at once, without Textual's messages and timer in between."""

from __future__ import annotations

from textual.screen import Screen
from textual.widget import Widget
from textual.widgets._toast import ToastRack

from tapedeck.console.textual_ext.app import TerminalApp
from tapedeck.console.textual_ext.compositor import DirectCompositor


class DirectScreen(Screen[None]):
    """A screen with direct drawing, if its application has it switched on."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = self._direct = DirectCompositor()

    def on_screen_suspend(self) -> None:
        """Hide toasts: each screen draws its own, and the one on top shows them."""
        self._show_toasts(is_shown=False)

    def on_screen_resume(self) -> None:
        """Show toasts again."""
        self._show_toasts(is_shown=True)

    def _show_toasts(self, *, is_shown: bool) -> None:
        for widget in self.children:  # queries leave out Textual's own widgets
            if isinstance(widget, ToastRack):
                widget.display = is_shown

    def draw_now(self) -> None:
        """Draw all changes now, without Textual's messages of each widget and its timer.

        With a busy engine, each of those steps waits for the interpreter's lock. Textual draws covered
        screens, and all screens while direct drawing is off.
        """
        if not self.is_active or self._direct_app is None:
            return
        for widget in list(self._compositor.visible_widgets):
            if widget._repaint_required:
                widget._repaint_required = False
                self._dirty_widgets.add(widget)
            if widget._layout_required:
                widget._layout_required = False
                self._layout_required = True
                _clear_arrangements(widget)
        self._direct.draws_directly = True
        try:
            super()._on_timer_update()
        finally:
            self._direct.draws_directly = False

    @property
    def _direct_app(self) -> TerminalApp | None:
        """The application, if it draws directly."""
        app = self.app
        return app if isinstance(app, TerminalApp) and app.direct_drawing else None

    def _on_timer_update(self) -> None:
        """Draw Textual's pending changes, unless a key waits: it brings its own frame."""
        app = self._direct_app
        if app is None or not app.has_input:
            super()._on_timer_update()  # otherwise the timer keeps running, and calls again

    def _compositor_refresh(self) -> None:
        """Draw while the engine yields; Textual calls this some time after a change."""
        app = self._direct_app
        if app is None:
            super()._compositor_refresh()
            return
        with app.render_priority():
            super()._compositor_refresh()


def _clear_arrangements(widget: Widget) -> None:
    """Have the ancestors of a widget arrange their children again, up to the first of a fixed size."""
    for ancestor in widget.ancestors:
        if not isinstance(ancestor, Widget):
            return
        ancestor._clear_arrangement_cache()
        ancestor._layout_updates += 1
        if not ancestor.styles.auto_dimensions:
            return
