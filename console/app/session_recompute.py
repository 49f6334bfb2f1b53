"""Recomputation, in a thread, of sessions that are no longer in memory; their callbacks run after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any, Final, TypeVar

from textual.app import App

from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.past_hits import HitSearch
from tapedeck.console.app.playback import Playback

# A longer recompute shows a notice.
_NOTICE_AFTER_S: Final = 0.3
_GROUP: Final = "sessions"
_AHEAD: Final = "sessions ahead"
Result = TypeVar("Result")


class SessionRecompute:
    """Recomputes sessions one at a time, in the order of their requests.

    Actions that need no recompute do not wait for those that do.
    """

    def __init__(self, app: App[Any], playback: Playback) -> None:
        self._app = app
        self._playback = playback
        self._one_at_a_time = asyncio.Lock()
        self._is_working_ahead = False

    def fetch(self, day: date, then: Callable[[], Awaitable[None]]) -> None:
        """Recompute a session in the background, then call `then`."""
        self._app.run_worker(self._fetch(day, then), group=_GROUP)

    def load_ahead(self, day: date) -> None:
        """Load a session that the past that plays will reach, unless other such work is in progress."""
        load = partial(self._playback.tape_cache.load_ahead, day)
        self._work_ahead(f"recomputing {day}", load, day, lambda _nothing: None)

    def search_ahead(self, search: HitSearch) -> None:
        """Search a session for breakpoints that stop the past, unless other such work is in progress."""
        day, hits = search.session.trading_day, self._playback.past_play.hits
        self._work_ahead(f"breakpoints of {day}", search.run, day, partial(hits.put, search))

    def _work_ahead(
        self, task: str, call: Callable[[], Result], day: date, then: Callable[[Result], None]
    ) -> None:
        if not self._is_working_ahead:
            self._is_working_ahead = True
            self._app.run_worker(self._do_ahead(task, call, day, then), group=_AHEAD)

    async def _do_ahead(
        self, task: str, call: Callable[[], Result], day: date, then: Callable[[Result], None]
    ) -> None:
        past_play, failures, results = self._playback.past_play, list[str](), list[Result]()
        try:
            await run_in_background(task, lambda: results.append(call()), failures.append)
        finally:
            self._is_working_ahead = False
        for result in results:
            then(result)
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
