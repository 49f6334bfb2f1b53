"""Recompute of sessions that are no longer in memory: in a thread, then what needed them is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any, Final

from textual.app import App

from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.viewpoint import EarlierDays

# What takes longer than this is told while it goes on.
_TOLD_AFTER_S: Final = 0.3
_GROUP: Final = "days"


class SessionRecompute:
    """Fetches days for what cannot be done without them, one after the other, as they were asked for.

    What needs no day is done at once, before what was asked for earlier and waits for one.
    """

    def __init__(self, app: App[Any], earlier: EarlierDays) -> None:
        self._app = app
        self._earlier = earlier
        self._one_at_a_time = asyncio.Lock()

    def fetch(self, day: date, then: Callable[[], Awaitable[None]]) -> None:
        """Have a day played again while the screen lives on, then do what it is needed for."""
        self._app.run_worker(self._fetched(day, then), group=_GROUP)

    def forget(self) -> None:
        """Do nothing any more for which days are still being played again."""
        self._app.workers.cancel_group(self._app, _GROUP)

    async def _fetched(self, day: date, then: Callable[[], Awaitable[None]]) -> None:
        async with self._one_at_a_time:
            play_again = partial(self._earlier.session, day)
            again = run_in_background(f"playing {day} again", play_again, self._failed)
            load = asyncio.create_task(again)
            done, _ = await asyncio.wait([load], timeout=_TOLD_AFTER_S)
            if not done:
                self._app.notify(f"{day} is played again, to be looked at", timeout=2)
            if await load is not None:
                await then()

    def _failed(self, sentence: str) -> None:
        self._app.notify(sentence, severity="error", timeout=10)
