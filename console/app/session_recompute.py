"""Recomputation, in a thread, of sessions that are no longer in memory; their callbacks run after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any, Final

from textual.app import App

from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.playback import Playback

# A longer recompute shows a notice.
_NOTICE_AFTER_S: Final = 0.3
_GROUP: Final = "sessions"
_AHEAD: Final = "sessions ahead"


class SessionRecompute:
    """Recomputes sessions one at a time, in the order of their requests.

    Actions that need no recompute do not wait for those that do.
    """

    def __init__(self, app: App[Any], playback: Playback) -> None:
        self._app = app
        self._playback = playback
        self._one_at_a_time = asyncio.Lock()
        self._is_loading_ahead = False

    def fetch(self, day: date, then: Callable[[], Awaitable[None]]) -> None:
        """Recompute a session in the background, then call `then`."""
        self._app.run_worker(self._fetch(day, then), group=_GROUP)

    def load_ahead(self, day: date) -> None:
        """Load a session that the past that plays will reach, unless one is being loaded."""
        if not self._is_loading_ahead:
            self._is_loading_ahead = True
            self._app.run_worker(self._load_ahead(day), group=_AHEAD)

    async def _load_ahead(self, day: date) -> None:
        past_play, load = self._playback.past_play, partial(self._playback.tape_cache.load_ahead, day)
        failures: list[str] = []
        try:
            await run_in_background(f"recomputing {day}", load, failures.append)
        finally:
            self._is_loading_ahead = False
        for text in failures:
            self._notify_error(text)
            past_play.give_up(day)

    def cancel(self) -> None:
        """Cancel the callbacks of unfinished recomputes."""
        self._app.workers.cancel_group(self._app, _GROUP)

    async def _fetch(self, day: date, then: Callable[[], Awaitable[None]]) -> None:
        async with self._one_at_a_time:
            recompute = partial(self._playback.tape_cache.session, day)
            work = run_in_background(f"recomputing {day}", recompute, self._notify_error)
            load = asyncio.create_task(work)
            done, _ = await asyncio.wait([load], timeout=_NOTICE_AFTER_S)
            if not done:
                self._app.notify(f"recomputing {day}", timeout=2)
            if await load is not None:
                await then()

    def _notify_error(self, text: str) -> None:
        self._app.notify(text, severity="error", timeout=10)
