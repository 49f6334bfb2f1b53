"""Earlier bars for charts: those read from the store, and how they join those in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.earlier_bars import EarlierBars
from tapedeck.engine.tape.session_view import Bars, SessionView

_KEPT: Final = 32


class HistoryKey(NamedTuple):
    """Bars of a symbol and interval before a trading day."""

    trading_day: date
    symbol: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class ChartHistory:
    """A symbol's earlier bars for a chart, oldest first.

    `before`: the session before at its close, if it is in memory, for the values of indicators.
    """

    parts: tuple[EarlierBars, ...] = ()
    before: SessionView | None = None

    @property
    def bars(self) -> tuple[Bars, ...]:
        """The bars of all parts."""
        return tuple(part.bars for part in self.parts)

    @property
    def starts(self) -> tuple[tuple[int, TradingSession], ...]:
        """Index of the first candle of each session that is known, and the session."""
        found, at = [], 0
        for part in self.parts:
            if part.session is not None:
                found.append((at, part.session))
            at += len(part.bars)
        return tuple(found)


class ChartHistories:
    """Earlier bars that were read for charts, of the last few requests.

    `revision` increases with each change. The app's thread reads and writes it.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[HistoryKey, tuple[int, tuple[EarlierBars, ...]]] = OrderedDict()
        self.revision = 0

    def get(self, key: HistoryKey) -> tuple[EarlierBars, ...]:
        """Return the bars read; none until then."""
        return self._known[key][1] if key in self._known else ()

    def lacks(self, key: HistoryKey, candles: int) -> bool:
        """Whether fewer candles were asked for so far."""
        return key not in self._known or self._known[key][0] < candles

    def put(self, key: HistoryKey, candles: int, parts: tuple[EarlierBars, ...] | None) -> None:
        """Keep bars for which `candles` were asked; None where they cannot be read."""
        self._known[key] = candles, self.get(key) if parts is None else parts
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        self.revision += 1


def joined_history(
    read: Sequence[EarlierBars],
    held: Sequence[EarlierBars],
    before: SessionView | None,
    symbol: str,
    interval: Interval,
) -> ChartHistory:
    """Return the earlier bars: those read from the store, else those held for the run, from the first bar on.

    The session before is that in memory, if there is one, so that its bars and values are of one tape.
    """
    parts = tuple(read or held)
    if before is None or symbol not in before.symbols or interval not in before.intervals:
        return ChartHistory(_from_first_bar(parts))
    if not interval.is_intraday:
        own = EarlierBars(before.bars(symbol, interval))
        return ChartHistory(_from_first_bar(parts or (own,)), before)
    session = before.session
    earlier = tuple(
        part for part in parts if part.session is not None and part.session.trading_day < session.trading_day
    )
    last = EarlierBars(before.bars(symbol, interval), session)
    return ChartHistory(_from_first_bar((*earlier, last)), before)


def _from_first_bar(parts: tuple[EarlierBars, ...]) -> tuple[EarlierBars, ...]:
    """Return the parts from the first with a bar on: unknown days before it are not gaps."""
    first = next((at for at, part in enumerate(parts) if np.isfinite(part.bars.close).any()), len(parts))
    return parts[first:]
