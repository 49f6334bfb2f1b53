"""Recomputation of sessions that are no longer in memory: in a thread, followed by a callback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any, Final

from textual.app import App

from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.viewpoint import EarlierDays

# A recomputation that takes longer is announced.
_NOTIFY_AFTER_S: Final = 0.3
_GROUP: Final = "days"


class SessionRecompute:
    """Recomputes sessions one at a time, in the order of requests, and runs the callback of each.

    Actions that need no recomputation do not go through here, and do not wait.
    """

    def __init__(self, app: App[Any], earlier: EarlierDays) -> None:
        self._app = app
        self._earlier = earlier
        self._one_at_a_time = asyncio.Lock()

    def fetch(self, day: date, then: Callable[[], Awaitable[None]]) -> None:
        """Play a day again in the background, then run `then`."""
        self._app.run_worker(self._fetched(day, then), group=_GROUP)

    def forget(self) -> None:
        """Cancel the callbacks of pending requests."""
        self._app.workers.cancel_group(self._app, _GROUP)

    async def _fetched(self, day: date, then: Callable[[], Awaitable[None]]) -> None:
        async with self._one_at_a_time:
            play_again = partial(self._earlier.session, day)
            again = run_in_background(f"playing {day} again", play_again, self._failed)
            load = asyncio.create_task(again)
            done, _ = await asyncio.wait([load], timeout=_NOTIFY_AFTER_S)
            if not done:
                self._app.notify(f"{day} is played again to be shown", timeout=2)
            if await load is not None:
                await then()

    def _failed(self, sentence: str) -> None:
        self._app.notify(sentence, severity="error", timeout=10)
