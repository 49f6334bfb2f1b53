"""Moment handlers: find where a condition, or a rule, becomes true, in the past or by playing on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from functools import partial
from threading import Event
from typing import Final

from tapedeck.console.actions.keys import first_key
from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.handlers.navigation import NavigationHandlers
from tapedeck.console.app.handlers.transport import Transport, present_of
from tapedeck.console.app.screens.confirm import ConfirmScreen
from tapedeck.console.app.screens.find import FindScreen
from tapedeck.console.app.screens.search import SearchProgress, SearchScreen
from tapedeck.console.app.viewpoint import SessionNotCachedError
from tapedeck.engine.conditions import Condition
from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.read.moments import Moment, MomentCount

_OFFERED: Final = 8
# A longer search shows its progress.
_PROGRESS_AFTER_S: Final = 0.3
MOMENT_SEARCHES: Final = "find"
"""Group of the background work that searches."""

Place = tuple[date, int]
"""A trading day and a frontier of its session."""
Search = Callable[[Place, SearchProgress], Moment | None]
"""Searches from a place on, and reports its progress."""


class MomentHandlers:
    """Searches in the background; the run continues. The last conditions are offered again."""

    def __init__(self, app: AppContext, navigation: NavigationHandlers, transport: Transport) -> None:
        self._app = app
        self._playback = app.playback
        self._navigation = navigation
        self._transport = transport
        self._conditions: tuple[str, ...] = ()
        self._one_search = asyncio.Lock()
        self._question: ConfirmScreen | None = None

    def remember(self, condition: str) -> None:
        """Offer a condition first."""
        others = (known for known in self._conditions if known != condition)
        self._conditions = (condition, *others)[:_OFFERED]

    # Actions

    async def ask_next(self, _argument: str) -> None:
        """Prompt for a condition, and find its next moment."""
        await self._ask("find", "Find next", "finds where {} becomes true next")

    async def ask_previous(self, _argument: str) -> None:
        """Prompt for a condition, and find its previous moment."""
        await self._ask("find_back", "Find previous", "finds where {} became true before")

    async def next(self, condition: str) -> None:
        """Show the next moment of a condition; if it was not played yet, offer to play to it."""
        await self._start(condition, backwards=False)

    async def previous(self, condition: str) -> None:
        """Show the previous moment of a condition."""
        await self._start(condition, backwards=True)

    async def again(self, direction: str) -> None:
        """Repeat the last search in a direction, or prompt for the first condition."""
        self._app.recording.omit_action()
        if self._conditions:
            await self._start(self._conditions[0], backwards=direction == "back")
        elif direction == "back":
            await self.ask_previous("")
        else:
            await self.ask_next("")

    def start_search(self, what: str, search: Search, told: str, not_found: str) -> None:
        """Search for a moment in the background, and show it.

        `search`: gets the place shown, and returns the moment. `told`: of it; `not_found`: if there is none.
        """
        present_of(self._app)  # refuse before the first session
        self._app.start_work(self._find_by(what, search, told, not_found), MOMENT_SEARCHES)

    def tell_count(self, condition: str) -> None:
        """Tell how often and where a condition was true in all that was played, from the background."""
        self._app.start_work(self._tell_count(condition), MOMENT_SEARCHES)

    # Within

    async def _ask(self, action: str, title: str, meaning: str) -> None:
        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do(action, answer)

        known = [breakpoint.text for breakpoint in self._playback.system.breakpoints()]
        offered = list(dict.fromkeys([*self._conditions, *reversed(known)]))[:_OFFERED]
        symbol = self._app.symbols[0]
        quoted = symbol if symbol.isidentifier() else f'"{symbol}"'
        hint = f"{quoted}.change_pct < -1    any.quality < 95    time >= 10:30"
        prompt = FindScreen(title, hint, lambda text: meaning.format(self._parsed(text).text), offered)
        await self._app.open(prompt, chosen)

    def _parsed(self, text: str) -> Condition:
        return Condition.parse(text, self._playback.system.vocabulary())

    async def _start(self, text: str, *, backwards: bool) -> None:
        self._app.recording.omit_action()  # scripts show no past
        condition = self._parsed(text).text
        present_of(self._app)  # refuse before the first session
        self.remember(condition)
        self._app.start_work(self._find(condition, backwards=backwards), MOMENT_SEARCHES)

    async def _find(self, condition: str, *, backwards: bool) -> None:
        async with self._one_search:  # so that each search counts from the result of the one before
            if self._question is not None and self._question.is_attached:
                return
            await self._playback.wait_for_moves()
            place, present = self._navigation.shown_place(), self._navigation.present_place()
            found, is_complete = await self._search(condition, place, backwards=backwards)
            if found is not None:
                await self._show(found, condition)
            elif is_complete and (backwards or self._playback.system.state.is_over):
                side = "before" if backwards else "after"
                self._app.notify(f"{condition}: not found {side} the time shown", timeout=5)
            elif is_complete and self._playback.is_live:
                key = first_key("breakpoint", self._app.key_changes)
                self._app.notify(f"{condition}: not found up to now; {key} sets an alert for it", timeout=5)
            elif is_complete:
                await self._ask_to_play(condition, present)

    async def _find_by(self, what: str, search: Search, told: str, not_found: str) -> None:
        async with self._one_search:
            await self._playback.wait_for_moves()
            found, is_complete = await self._run(what, partial(search, self._navigation.shown_place()))
            if found is not None:
                await self._show(found, told)
            elif is_complete:
                self._app.notify(not_found, timeout=5)

    async def _search(
        self, condition: str, place: Place, *, backwards: bool = False
    ) -> tuple[Moment | None, bool]:
        """Search for a condition; see `_run`."""

        def search(progress: SearchProgress) -> Moment | None:
            return self._playback.system.find_moment(
                condition,
                place,
                backwards=backwards,
                on_progress=progress.report,
                cancelled=progress.cancelled.is_set,
            )

        return await self._run(condition, search)

    async def _run(
        self, what: str, find: Callable[[SearchProgress], Moment | None]
    ) -> tuple[Moment | None, bool]:
        """Search in a thread; return the moment, with its session in memory, and whether it was completed."""
        tape_cache, progress = self._playback.tape_cache, SearchProgress()

        def search() -> Moment | None:
            found = find(progress)
            if found is not None and found.trading_day in tape_cache.days():
                tape_cache.session(found.trading_day)
            return found

        failures: list[str] = []
        task = asyncio.create_task(run_in_background("the search", search, failures.append))
        try:
            done, _ = await asyncio.wait([task], timeout=_PROGRESS_AFTER_S)
            if not done:
                await self._app.open(SearchScreen(f"Find {what}", progress, task.done))
            found, is_cancelled = await task, progress.cancelled.is_set()
        finally:
            progress.cancelled.set()  # the console may be ending
        for failure in failures:
            self._app.notify(failure, severity="error", timeout=10)
        return found, not (failures or is_cancelled)

    async def _show(self, found: Moment, condition: str) -> None:
        async def show() -> None:
            await self._navigation.show_moment(found.trading_day, found.frontier)
            self._app.clear_notifications()  # of the search before
            self._app.notify(f"{_clock(found)}: {condition}", timeout=4)

        try:
            await show()
        except SessionNotCachedError as missing:
            self._app.session_recompute.fetch(missing.day, show)

    async def _ask_to_play(self, condition: str, searched_to: Place) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._app.start_work(self._run_until(condition, searched_to), MOMENT_SEARCHES)

        text = f"{condition}\nNot found up to now. Run until it holds, or to the end of the run?"
        self._question = ConfirmScreen(text, yes="Run", no="Stay")
        await self._app.open(self._question, answered)

    async def _run_until(self, condition: str, searched_to: Place) -> None:
        """Play to the next moment, which may have been passed since the search."""
        try:
            await self._app.recording.pause_engine()
            found, is_complete = await self._search(condition, searched_to)
            if found is not None:
                await self._show(found, condition)
            elif is_complete and not self._playback.system.state.is_over:
                self._navigation.present("")
                self._transport.run_until(condition)
        except TapedeckError as error:
            self._app.notify(str(error), severity="error", timeout=6)

    async def _tell_count(self, condition: str) -> None:
        cancelled = Event()
        count = partial(self._playback.system.count_moments, condition, cancelled=cancelled.is_set)
        try:
            counted = await run_in_background("the count", count, self._notify_error)
        finally:
            cancelled.set()  # the console may be ending
        if counted is not None:
            keys = first_key("find_back", self._app.key_changes)
            self._app.notify(f"{condition}: {_told(counted, keys)}", timeout=10)

    def _notify_error(self, text: str) -> None:
        self._app.notify(text, severity="error", timeout=10)


def _told(counted: MomentCount, key: str) -> str:
    """Return how often and where a condition was true, and the key that finds the moments."""
    if counted.last is None:
        return "never true up to now"
    if counted.count == 1:
        return f"true once up to now: {_clock(counted.last)}; {key} finds it"
    first = ", ".join(map(_clock, counted.first))
    last = f", … last {_clock(counted.last)}" if counted.count > len(counted.first) else ""
    return f"true {counted.count:,} times up to now: {first}{last}; {key} finds them"


def _clock(moment: Moment) -> str:
    return f"{moment.local_clock:%a %Y-%m-%d %H:%M:%S}".removesuffix(":00")
