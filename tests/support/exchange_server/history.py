"""History of the exchange: pages of candles, as REST gives them at a market time."""

from __future__ import annotations

from typing import Final

from tests.support.exchange_server.candles import LAST_S, MINUTE_S, Candle, Candles, state_at
from tests.support.exchange_server.faults import ExchangeFaults, FaultKind

USUAL_PAGE: Final = 500
LONGEST_PAGE: Final = 1000


class History:
    """Candles as history has them: the newest one is forming, minutes without a trade are flat."""

    def __init__(self, candles: Candles, faults: ExchangeFaults) -> None:
        self._candles, self._faults = candles, faults

    def page(self, symbol: str, start: int | None, end: int | None, limit: int, now: float) -> list[Candle]:
        """Return the candles that open in `start <= opened_at <= end`, seconds UTC, oldest first.

        With `start` the first `limit` of them, else the last ones; none opens after `now`.
        """
        newest = int(min(now, now if end is None else end)) // MINUTE_S * MINUTE_S
        if start is None:
            minutes = range(newest - (limit - 1) * MINUTE_S, newest + 1, MINUTE_S)
        else:
            minutes = range(-(-start // MINUTE_S) * MINUTE_S, newest + 1, MINUTE_S)
        found: list[Candle] = []
        for opened_at in minutes:
            if len(found) == limit:
                break
            if (candle := self.known(symbol, opened_at, now)) is not None:
                found.append(candle)
        return found

    def known(self, symbol: str, opened_at: int, now: float) -> Candle | None:
        """Return a candle as history has it at a market time."""
        final = self._candles.final(symbol, opened_at)
        if final is None or self._faults.of_candle(FaultKind.LOST, symbol, opened_at) is not None:
            return None
        late = self._faults.at(FaultKind.HISTORY_LATE, now)
        if late is not None and now < opened_at + MINUTE_S + late.by:
            return None
        behind = self._faults.at(FaultKind.HISTORY_BEHIND, now)
        if behind is not None:
            now -= behind.by
        state = state_at(final, now, LAST_S)
        if state is not final:
            return state
        return self._as_corrected(symbol, final)

    def at_the_end(self, symbol: str, start: int, end: int) -> dict[int, Candle]:
        """Return all that the exchange can give of `start <= opened_at < end`: minutes with trades."""
        found = {at: self.known(symbol, at, float("inf")) for at in range(start, end, MINUTE_S)}
        return {at: candle for at, candle in found.items() if candle is not None and not candle.is_flat}

    def _as_corrected(self, symbol: str, candle: Candle) -> Candle:
        differs = self._faults.of_candle(FaultKind.HISTORY_DIFFERS, symbol, candle.opened_at)
        if differs is None or candle.is_flat:
            return candle
        high, volume = round(candle.high + 0.05, 8), round(candle.volume * 1.25, 8)
        return candle._replace(high=high, volume=volume)
