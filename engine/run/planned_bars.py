"""Planned bars and quotes of a run: their checksums at its start, with which each later read is compared."""

from __future__ import annotations

from collections.abc import Sequence

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import StoreChangedError, StoreError
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.store.bar_store import BarStore, BarWatch
from tapedeck.engine.store.session_quotes import quote_intervals, quote_sources
from tapedeck.engine.streams.stream_plan import StreamPlan


class PlannedBars:
    """Watches the bars and quotes that a run reads while it plays. Not thread-safe: one worker at a time.

    Imports of other symbols or days are no change. History before the first session is read at the start.
    """

    def __init__(self, plan: StreamPlan, store: BarStore) -> None:
        self._plan = plan
        self._store = store
        self._watches: list[tuple[Interval, BarWatch]] = []

    def watch(self) -> None:
        """Begin to watch the bars, and the quotes if they are streamed, of the sessions played."""
        watched = [(self._store.watch, *item) for item in self._symbols_by_interval().items()]
        if self._plan.quotes:
            watched += [(self._store.quotes.watch, *item) for item in self._quoted_by_interval().items()]
        for watch, interval, symbols in watched:
            start, end = _bounds(self._plan.sessions, interval)
            self._watches.append((interval, watch(symbols, interval, start, end)))

    def check(self, sessions: Sequence[TradingSession]) -> None:
        """Raise StoreChangedError if what is read of these sessions has changed since `watch`."""
        for interval, watch in self._watches:
            watch.check(*_bounds(sessions, interval))

    def explained(self, error: StoreError) -> StoreError:
        """Return the error of a read; a StoreChangedError if the whole store is gone."""
        location = self._store.location
        if isinstance(error, StoreChangedError) or location.exists():
            return error
        return StoreChangedError(f"{location} was removed or moved while this run was reading it: {error}")

    def _symbols_by_interval(self) -> dict[Interval, list[str]]:
        """Return the stored intervals read while sessions play, with the symbols read at each."""
        found = {self._plan.base: list(self._plan.symbols)}
        for sources in self._plan.history.sources.values():
            for symbol, source in zip(self._plan.symbols, sources, strict=True):
                listed = found.setdefault(source, [])
                if source not in (self._plan.base, DAY) and symbol not in listed:
                    listed.append(symbol)
        return {interval: symbols for interval, symbols in found.items() if symbols}

    def _quoted_by_interval(self) -> dict[Interval, list[str]]:
        """Return the intervals of quotes with the symbols whose quotes may come from each.

        Those that are stored for a symbol, and coarser ones, which would take their place.
        """
        symbols, able = self._plan.symbols, quote_intervals(self._plan.base)
        sources = quote_sources(self._store.quotes, symbols, self._plan.base)
        found = {
            interval: [symbol for symbol in symbols if symbol not in sources or sources[symbol] <= interval]
            for interval in able
        }
        return {interval: names for interval, names in found.items() if names}


def _bounds(sessions: Sequence[TradingSession], interval: Interval) -> tuple[int, int]:
    first, last = (SessionSlots(session, interval).stored_labels for session in (sessions[0], sessions[-1]))
    return int(first[0]), int(last[-1]) + 1
