"""Start of the store: the first stored bar of each symbol, for history that reaches back to it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from tapedeck.engine.clock.slots import epoch_seconds, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.streams.base_interval import Stored, choose_source

FirstLabel = Callable[[str, Interval], int | None]


class StoreStart:
    """First stored bars of a run's symbols, in the interval that each one's history is made from.

    `first_label(symbol, interval)`: label of the first stored bar, seconds UTC; None without bars.
    """

    def __init__(self, symbols: Sequence[str], stored: Stored, first_label: FirstLabel) -> None:
        self._symbols = tuple(symbols)
        self._stored = stored
        self._first_label = first_label
        self._found: dict[Interval, list[tuple[Interval, int | None]]] = {}

    def earliest_day(self, interval: Interval) -> date | None:
        """Return a day that is not after the trading day of any first bar; None without bars."""
        labels = [label for _, label in self._firsts(interval) if label is not None]
        # A session may begin on the evening before its trading day, or end on the day after it, in UTC.
        return utc_from_epoch(min(labels)).date() - timedelta(days=1) if labels else None

    def positions(self, interval: Interval, sessions: Sequence[TradingSession]) -> list[int]:
        """Return the position of each symbol's first session with bars; `len(sessions)` without bars.

        `sessions`: ascending, without a gap. Raises DataMissingError if a symbol has no source.
        """
        return [
            len(sessions) if label is None else _position(source, label, sessions)
            for source, label in self._firsts(interval)
        ]

    def _firsts(self, interval: Interval) -> list[tuple[Interval, int | None]]:
        if interval not in self._found:
            sources = [choose_source(interval, symbol, self._stored) for symbol in self._symbols]
            self._found[interval] = [
                (source, self._first_label(symbol, source))
                for symbol, source in zip(self._symbols, sources, strict=True)
            ]
        return self._found[interval]


def _position(source: Interval, label: int, sessions: Sequence[TradingSession]) -> int:
    """Return the position of the session that holds a bar, or of the next one."""
    if source == DAY:
        day = utc_from_epoch(label).date()
        return bisect_left(sessions, day, key=lambda session: session.trading_day)
    return bisect_right(sessions, label, key=lambda session: epoch_seconds(session.regular_close))
