"""The command palette: every action of the table, and every symbol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tapedeck.console.actions.table import ACTIONS, Action, Mode, shown_keys
from tapedeck.console.app.screens.console_screen import ConsoleScreen

if TYPE_CHECKING:
    from tapedeck.console.app.console_app import ConsoleApp

# Who chooses these has given no number or name: where they are asked for.
_ASKED_FOR_BY: Final = {"unbreak": "breakpoint"}


class ConsoleCommands(Provider):
    """Actions that work on the screen that is shown, and symbols to go to."""

    @property
    def _console(self) -> ConsoleApp:
        return cast("ConsoleApp", self.app)

    def _actions(self) -> Iterator[Action]:
        screen = self.screen
        if isinstance(screen, ConsoleScreen):
            yield from (action for action in ACTIONS if screen.MODE in action.modes)

    def _done(self, action: Action) -> Callable[[], Awaitable[None]]:
        return partial(self._console.do, _ASKED_FOR_BY.get(action.id, action.id))

    async def discover(self) -> Hits:
        """Give all actions."""
        for action in self._actions():
            yield DiscoveryHit(_title(action, self._console.key_changes), self._done(action))

    async def search(self, query: str) -> Hits:
        """Give the actions and symbols that match."""
        matcher = self.matcher(query)
        for action in self._actions():
            title = _title(action, self._console.key_changes)
            score = matcher.match(f"{title} {action.label} {action.id}")
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._done(action), text=title)
        # On a screen that lies over the main one, nobody would see that another symbol is in focus.
        is_main = isinstance(self.screen, ConsoleScreen) and self.screen.MODE is Mode.MAIN
        for symbol in self._console.playback.plan.symbols if is_main else ():
            score = matcher.match(symbol)
            if score > 0:
                run = partial(self._console.do, "symbol", symbol)
                yield Hit(score, matcher.highlight(symbol), run, text=symbol, help="Go to this symbol")


def _title(action: Action, changes: dict[str, str]) -> str:
    keys = shown_keys(action, changes)
    return f"{action.help}  ({keys})" if keys else action.help
