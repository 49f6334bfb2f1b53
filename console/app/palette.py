"""Command palette: all actions of the table, and all symbols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tapedeck.console.actions.keys import shown_keys
from tapedeck.console.actions.table import MAIN, Action, screen_actions
from tapedeck.console.app.screens.console_screen import ActionRunner, ConsoleScreen


class ConsoleCommands(Provider):
    """Actions of the current screen, and symbols."""

    @property
    def _console(self) -> ActionRunner:
        assert isinstance(self.app, ActionRunner)
        return self.app

    def _actions(self) -> Iterator[Action]:
        screen = self.screen
        if isinstance(screen, ConsoleScreen):
            offers = self._console.offers
            yield from (action for action in screen_actions(screen.MODE) if offers(action.id))

    def _done(self, action: Action) -> Callable[[], Awaitable[None]]:
        return partial(self._console.do, action.id)

    async def discover(self) -> Hits:
        """Yield all actions."""
        for action in self._actions():
            yield DiscoveryHit(_title(action, self._console.key_changes), self._done(action))

    async def search(self, query: str) -> Hits:
        """Yield the actions and symbols that match."""
        matcher = self.matcher(query)
        for action in self._actions():
            title = _title(action, self._console.key_changes)
            score = matcher.match(f"{title} {action.label} {action.id}")
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._done(action), text=title)
        # A page shows no focused symbol.
        is_main = isinstance(self.screen, ConsoleScreen) and self.screen.MODE == MAIN
        for symbol in self._console.symbols if is_main else ():
            score = matcher.match(symbol)
            if score > 0:
                run = partial(self._console.do, "symbol", symbol)
                yield Hit(score, matcher.highlight(symbol), run, text=symbol, help="Go to this symbol")


def _title(action: Action, changes: dict[str, str]) -> str:
    keys = shown_keys(action, changes)
    return f"{action.help}  ({keys})" if keys else action.help
