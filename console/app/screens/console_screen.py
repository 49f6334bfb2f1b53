"""Base of screens with actions: bindings from the action table."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final, Protocol, runtime_checkable

from textual.binding import Binding, BindingType

from tapedeck.console.actions.table import BY_ID, screen_actions
from tapedeck.console.app.panels.key_line import KeyLine, LabelOf
from tapedeck.console.textual_ext.screen import DirectScreen

APPLICATION_WIDE: Final = ("quit_now", "suspend")
"""Actions that work on all screens and dialogs: their bindings are the application's."""


@runtime_checkable
class ActionRunner(Protocol):
    """The part of the application that screens use. `key_changes`: action id → keys."""

    key_changes: dict[str, str]

    def can_do(self, action_id: str) -> bool | None:
        """Whether an action is available; None: its key is shown, but disabled."""
        ...

    def offers(self, action_id: str) -> bool:
        """Whether the run offers an action in its state."""
        ...

    def footer_labels(self) -> LabelOf:
        """Return the words of actions in the footer now."""
        ...

    async def do(self, action_id: str, argument: str = "") -> None:
        """Run an action."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the run."""
        ...

    @property
    def layout_names(self) -> tuple[str, ...]:
        """The names of all layouts."""
        ...


def bindings_of(mode: str) -> list[BindingType]:
    """Return the bindings of all actions of a mode; `end` has priority over the keys of tables."""
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


class ConsoleScreen(DirectScreen):
    """Screen with the keys of the action table."""

    MODE: ClassVar[str]
    _footer: KeyLine | None = None

    @property
    def key_changes(self) -> dict[str, str]:
        """Key changes of the settings."""
        app = self.app
        return app.key_changes if isinstance(app, ActionRunner) else {}

    def footer(self) -> KeyLine:
        """Return a new footer for this screen."""
        app = self.app
        label_of = app.footer_labels() if isinstance(app, ActionRunner) else _label
        self._footer = KeyLine(self.MODE, self.key_changes, partial(self.footer_word, label_of))
        return self._footer

    def footer_word(self, label_of: LabelOf, action_id: str) -> str | None:
        """Return the word of an action in the footer, or None if it would do nothing.

        `label_of`: the word by the state of the run.
        """
        return label_of(action_id)

    def show_keys(self, label_of: LabelOf) -> None:
        """Show the keys that do something now."""
        if self._footer is not None:
            self._footer.show_state(partial(self.footer_word, label_of))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action of the table is available."""
        app = self.app
        if action == "do" and isinstance(app, ActionRunner):
            return app.can_do(str(parameters[0]))
        return super().check_action(action, parameters)

    async def action_do(self, action_id: str, argument: str = "") -> None:
        """Run an action of the table."""
        app = self.app
        assert isinstance(app, ActionRunner)
        await app.do(action_id, argument)


def _label(action_id: str) -> str:
    """Return the word of an action in the table."""
    return BY_ID[action_id].label
