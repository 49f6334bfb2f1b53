"""What screens with actions share: bindings from the action table, and who carries the actions out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Final, Protocol, runtime_checkable

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets._toast import ToastRack

from tapedeck.console.actions.table import screen_actions
from tapedeck.console.textual_ext.compositor import DirectCompositor

APPLICATION_WIDE: Final = ("quit_now", "suspend")
"""The actions that work whatever is open: their bindings are the application's."""


@runtime_checkable
class ActionRunner(Protocol):
    """The application, as far as screens need it. `key_changes`: action id → keys."""

    key_changes: dict[str, str]

    def can_do(self, action_id: str) -> bool | None:
        """Whether an action can be done now; None where its key is shown, but does nothing."""
        ...

    async def do(self, action_id: str, argument: str = "") -> None:
        """Do it."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the run."""
        ...

    @property
    def has_input(self) -> bool:
        """Whether a key or the mouse waits to be taken."""
        ...

    def render_priority(self) -> AbstractContextManager[None]:
        """Have the engine stand still for some milliseconds."""
        ...


def bindings_of(mode: str) -> list[BindingType]:
    """Return the bindings of all actions of a mode; a table's own keys must not hide `end`."""
    return [
        Binding(
            action.keys,
            f"do('{action.id}')",
            action.label,
            show=action.footer > 0,
            tooltip=action.help,
            id=action.id,
            priority=action.id == "present",
        )
        for action in screen_actions(mode)
        if action.keys and action.id not in APPLICATION_WIDE
    ]


class ConsoleScreen(Screen[None]):
    """A screen whose keys are those of the action table."""

    MODE: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._compositor = self._direct = DirectCompositor()

    @property
    def key_changes(self) -> dict[str, str]:
        """The keys that the user has changed."""
        app = self.app
        return app.key_changes if isinstance(app, ActionRunner) else {}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say whether an action of the table can be done now."""
        app = self.app
        if action == "do" and isinstance(app, ActionRunner):
            return app.can_do(str(parameters[0]))
        return super().check_action(action, parameters)

    def on_screen_suspend(self) -> None:
        """Leave toasts to the screen that comes on top: each screen draws its own."""
        self._show_toasts(is_shown=False)

    def on_screen_resume(self) -> None:
        """Show toasts again."""
        self._show_toasts(is_shown=True)

    def _show_toasts(self, *, is_shown: bool) -> None:
        for widget in self.children:  # queries leave out what is Textual's own
            if isinstance(widget, ToastRack):
                widget.display = is_shown

    def draw_now(self) -> None:
        """Draw what has changed, now: left to Textual, each widget tells it by messages, and a timer follows.

        Beside a busy engine every hop of those waits for a turn of the interpreter. Where the screen is
        covered it goes the usual way.
        """
        if not self.is_active:
            return
        for widget in list(self._compositor.visible_widgets):
            if widget._repaint_required:
                widget._repaint_required = False
                self._dirty_widgets.add(widget)
            if widget._layout_required:
                widget._layout_required = False
                self._layout_required = True
                _forget_arrangement(widget)
        self._direct.draws_directly = True
        try:
            super()._on_timer_update()
        finally:
            self._direct.draws_directly = False

    def _on_timer_update(self) -> None:
        """Draw what Textual has gathered, once no key waits that will have its own picture."""
        app = self.app
        if not (isinstance(app, ActionRunner) and app.has_input):
            super()._on_timer_update()  # else the timer goes on, and asks again

    def _compositor_refresh(self) -> None:
        """Draw, while the engine stands aside: Textual draws some time after it was asked to."""
        app = self.app
        with app.render_priority() if isinstance(app, ActionRunner) else nullcontext():
            super()._compositor_refresh()

    async def action_do(self, action_id: str) -> None:
        """Do an action of the table."""
        app = self.app
        assert isinstance(app, ActionRunner)
        await app.do(action_id)


def _forget_arrangement(widget: Widget) -> None:
    """Have those around a widget place what is in them anew, as far up as its size has a say."""
    for ancestor in widget.ancestors:
        if not isinstance(ancestor, Widget):
            return
        ancestor._clear_arrangement_cache()
        ancestor._layout_updates += 1
        if not ancestor.styles.auto_dimensions:
            return
