"""Executor: runs actions of the table for keys, mouse, palette and key scripts."""

from __future__ import annotations

from tapedeck.console.actions.context import Handlers, RunContext, Work
from tapedeck.console.actions.table import Action, OnScreen
from tapedeck.engine.errors import EngineError


class Executor:
    """Runs actions. `screen`: the screen's own handlers, None for scripts, which have no prompts."""

    def __init__(self, run: RunContext, screen: Handlers | None = None) -> None:
        self._run = run
        self._screen = screen

    async def do(self, action: Action, argument: str = "") -> bool:
        """Run an action; return False if its argument is prompted for instead.

        Raises TapedeckError if the action is not possible.
        """
        argument = argument or action.fixed
        if self._screen is not None and action.argument.prompt and not argument:
            await _finished(self._screen.handler(action.argument.prompt)(""))
            return False
        if not isinstance(action.does, OnScreen):
            await _finished(action.does(self._run, argument))
        elif self._screen is not None:
            await _finished(self._screen.handler(action.does.handler)(argument))
        else:
            raise EngineError(f"{action.id} needs the console")
        return True


async def _finished(work: Work) -> None:
    if work is not None:
        await work
