"""Fill handlers: go to the fills of the focused symbol, in all that was played."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from tapedeck.console.app.context import AppContext
from tapedeck.console.app.handlers.navigation import NavigationHandlers
from tapedeck.engine.errors import EngineError


class FillHandlers:
    """Goes to fills."""

    def __init__(self, app: AppContext, navigation: NavigationHandlers) -> None:
        self._app = app
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
                return
        side = "earlier" if is_back else "later"
        raise EngineError(f"no {side} fill of {symbol}{'' if is_back else ' yet'}")

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
