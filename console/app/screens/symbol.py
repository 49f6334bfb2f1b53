"""Symbol dialog: the name of a symbol that joins or leaves, completed as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester, SuggestionReady
from textual.widgets import Input, Label, Static

from tapedeck.console.actions.symbol_changes import SymbolCommand, completed, matching, named
from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.panels.key_line import dialog_keys
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.engine.tape.symbol_changes import ChangeKind

_OFFERED: Final = 8
"""Most symbols listed below the line."""
_HINTS: Final = {
    ChangeKind.JOINED: "a symbol; add keep if the following sessions begin with it, too",
    ChangeKind.LEFT: "a symbol of this session",
}
_VERBS: Final = {ChangeKind.JOINED: "add", ChangeKind.LEFT: "remove"}


class SymbolScreen(PromptScreen):
    """Prompts for a symbol that joins or leaves; the result is the action's argument.

    `names`: returns the symbols to choose from, sorted; it reads the store, and is called in a thread. While
    it runs, and with `takes_any`, other names are accepted, too. `value`: the line at first, selected.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", "complete", show=False)]

    def __init__(
        self,
        title: str,
        kind: ChangeKind,
        names: Callable[[], tuple[str, ...]],
        *,
        value: str = "",
        takes_any: bool = False,
    ) -> None:
        super().__init__(title, _HINTS[kind], self._meaning, value=value)
        self._kind = kind
        self._read_names = names
        self._takes_any = takes_any
        self.names: tuple[str, ...] | None = None
        """The symbols to choose from, None while they are read."""

    def compose(self) -> ComposeResult:
        """Compose title, line, meaning and keys."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title", markup=False)
            yield Input(self._value, id="prompt", suggester=_Completion(self._completed))
            yield Static(Content(self._hint), id="meaning")
            keys = dialog_keys(("tab", "complete"), ("enter", _VERBS[self._kind]), ("escape", "back"))
            yield Label(keys, classes="dialog-foot")

    def on_mount(self) -> None:
        """Read the symbols."""
        self.run_worker(self._load())

    async def _load(self) -> None:
        found = await run_in_background("listing the symbols", self._read_names, self._notify_error)
        self.names = found or ()
        line = self.query_one(Input)
        self._show_meaning(line.value)
        if (suggestion := self._completed(line.value)) != line.value:
            line.post_message(SuggestionReady(line.value, suggestion))  # asked for only as the text changes

    def _notify_error(self, text: str) -> None:
        self.app.notify(text, severity="warning", timeout=6)

    def action_complete(self) -> None:
        """Complete the line."""
        line = self.query_one(Input)
        line.value = self._completed(line.value)
        line.cursor_position = len(line.value)

    # Within

    def _answer(self, text: str) -> str:
        command, symbol = self._read(text)
        return command.argument(symbol)

    def _completed(self, text: str) -> str:
        return completed(text, self.names or (), keeps=self._kind is ChangeKind.JOINED)

    def _show_meaning(self, text: str) -> bool:
        """Show the symbols that begin with the text, until it names one."""
        word = text.strip()
        several = matching(word, self.names or (), _OFFERED) if word and " " not in word else ()
        if len(several) > 1 and several[0].casefold() != word.casefold():
            more = " …" if len(several) == _OFFERED else ""
            self.query_one("#meaning", Static).update(Content("  ".join(several) + more))
            return False
        return super()._show_meaning(text)

    def _read(self, text: str) -> tuple[SymbolCommand, str]:
        """Return the command of a line, and the symbol that it means. Raises EngineError."""
        command = SymbolCommand.read(self._kind, text)
        symbol, names = command.symbol, self.names or ()
        begun = matching(symbol, names, 2)
        if len(begun) == 1 and not self._takes_any:
            return command, begun[0]
        if symbol in names or self.names is None or self._takes_any:
            return command, symbol
        return command, named(symbol, names)

    def _meaning(self, text: str) -> str:
        command, symbol = self._read(text)
        if self._kind is ChangeKind.LEFT:
            return f"{symbol} leaves this session"
        return f"{symbol} joins {'this session and the following' if command.keep else 'this session'}"


class _Completion(Suggester):
    """Suggests the completed line."""

    def __init__(self, complete: Callable[[str], str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Return the completed line, None if there is nothing to add."""
        found = self._complete(value)
        return None if found == value else found
