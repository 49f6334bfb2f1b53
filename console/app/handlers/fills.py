"""Fill handlers: go to fills of the focused symbol, and to entries by rule, in all that was played."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from functools import partial

from tapedeck.console.app.context import AppContext
from tapedeck.console.app.handlers.moments import MomentHandlers, Place
from tapedeck.console.app.handlers.navigation import NavigationHandlers
from tapedeck.console.app.screens.search import SearchProgress
from tapedeck.engine.config.readers import ALL
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.account_events import fill_text
from tapedeck.engine.read.moments import Moment


class FillHandlers:
    """Goes to fills, and to the moments at which rules to enter become true."""

    def __init__(self, app: AppContext, navigation: NavigationHandlers, moments: MomentHandlers) -> None:
        self._app = app
        self._moments = moments
        self._playback = app.playback
        self._navigation = navigation

    async def fill(self, direction: str) -> None:
        """Go to the nearest fill of the focused symbol before or after the time shown: `back` or `on`."""
        self._app.recording.omit_action()
        await self._playback.wait_for_moves()
        shown, present = self._navigation.shown_place(), self._navigation.present_place()
        symbol, is_back = self._app.main.symbol, direction == "back"
        days = sorted({*self._playback.tape_cache.days(), present[0]})
        at = days.index(shown[0])
        for day in reversed(days[: at + 1]) if is_back else days[at:]:
            frontiers = self._frontiers(day, symbol)
            if day == present[0]:
                frontiers = frontiers[: bisect_right(frontiers, present[1])]
            found = _nearest(frontiers, shown[1] if day == shown[0] else None, is_back=is_back)
            if found is not None:
                await self._navigation.show_moment(day, found)
                self._tell(day, found, symbol)
                return
        side = "earlier" if is_back else "later"
        raise EngineError(f"no {side} fill of {symbol}{'' if is_back else ' yet'}")

    def _tell(self, day: date, frontier: int, symbol: str) -> None:
        """Tell which fills of a symbol became known at a frontier."""
        account = self._playback.system.account(day)
        if account is None:
            return
        self._app.clear_notifications()
        for fill in account.fills:
            if (fill.symbol, fill.slot + 1) == (symbol, frontier):
                self._app.notify(f"{symbol}: {fill_text(fill, account.scale)}", timeout=4)

    def entry(self, direction: str) -> None:
        """Show the nearest moment, `back` or `on`, at which a rule to enter becomes true.

        EngineError if no rule trades the focused symbol.
        """
        self._app.recording.omit_action()
        symbol, is_back = self._app.main.symbol, direction == "back"
        strategies = [
            strategy.name
            for strategy in self._playback.system.config.strategies
            if strategy.enter is not None and (strategy.symbols == ALL or symbol in strategy.symbols)
        ]
        if not strategies:
            raise EngineError(f"no strategy has a rule to enter in {symbol}")
        side = "before the time shown" if is_back else "after the time shown, up to now"
        self._moments.start_search(
            f"entries in {symbol}",
            partial(self._nearest_entry, symbol, strategies, is_back=is_back),
            f"a rule to enter in {symbol} becomes true",
            f"no rule to enter in {symbol} becomes true {side}",
        )

    def _nearest_entry(
        self, symbol: str, strategies: Sequence[str], place: Place, progress: SearchProgress, *, is_back: bool
    ) -> Moment | None:
        found = [
            self._playback.system.find_entry(
                strategy,
                symbol,
                place,
                backwards=is_back,
                on_progress=progress.report,
                cancelled=progress.cancelled.is_set,
            )
            for strategy in strategies
        ]
        known = (moment for moment in found if moment is not None)
        nearest = max if is_back else min
        return nearest(known, key=lambda moment: (moment.trading_day, moment.frontier), default=None)

    def _frontiers(self, day: date, symbol: str) -> Sequence[int]:
        """Return the frontiers at which fills of a symbol became known, in order."""
        account = self._playback.system.account(day)
        fills = () if account is None else account.fills
        return [fill.slot + 1 for fill in fills if fill.symbol == symbol]


def _nearest(frontiers: Sequence[int], shown: int | None, *, is_back: bool) -> int | None:
    """Return the last frontier before the one shown, or the first after it; None: there is none.

    `shown`: None on another day, all of which is before or after.
    """
    if is_back:
        before = frontiers if shown is None else frontiers[: bisect_left(frontiers, shown)]
        return before[-1] if before else None
    after = frontiers if shown is None else frontiers[bisect_right(frontiers, shown) :]
    return after[0] if after else None
