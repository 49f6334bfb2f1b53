"""Command palette: all actions of the table, all symbols and all layouts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tapedeck.console.actions.keys import shown_keys
from tapedeck.console.actions.table import MAIN, Action, screen_actions
from tapedeck.console.app.screens.console_screen import ActionRunner, ConsoleScreen


class ConsoleCommands(Provider):
    """Actions of the current screen, symbols and layouts."""

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
        """Yield the actions, symbols and layouts that match."""
        matcher = self.matcher(query)
        for action in self._actions():
            title = _title(action, self._console.key_changes)
            score = matcher.match(f"{title} {action.label} {action.id}")
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._done(action), text=title)
        for text, action_id, argument, note in self._choices():
            score = matcher.match(text)
            if score > 0:
                run = partial(self._console.do, action_id, argument)
                yield Hit(score, matcher.highlight(text), run, text=text, help=note)

    def _choices(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield what the main screen can go to: text, action, its argument, and help."""
        if isinstance(self.screen, ConsoleScreen) and self.screen.MODE == MAIN:
            for symbol in self._console.symbols:
                yield symbol, "symbol", symbol, "Go to this symbol"
            for name in self._console.layout_names:
                yield f"Layout: {name}", "layout", name, "Show this layout"


def _title(action: Action, changes: dict[str, str]) -> str:
    keys = shown_keys(action, changes)
    return f"{action.help}  ({keys})" if keys else action.help
