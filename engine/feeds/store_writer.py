"""Store writer: brings the bars and quotes that recordings hold into the store."""

from __future__ import annotations

from collections.abc import Sequence

from tapedeck.engine.feeds.free_space import Retries, SpaceAlerts
from tapedeck.engine.feeds.held_bars import HeldBars
from tapedeck.engine.store.bar_store import BarStore, ManySymbolWriter
from tapedeck.engine.store.many_writes import write_many


class StoreWriter:
    """Writes held bars and quotes to a store, over other values there; a second time changes nothing.

    `writes_at_once`: whether each batch of arrivals goes to the store. A Parquet store rewrites a year's file
    for a write, and gets the bars of a session at its end.
    """

    def __init__(self, store: BarStore, alerts: SpaceAlerts) -> None:
        self._store = store
        self.writes_at_once = isinstance(store, ManySymbolWriter)
        self.retries = Retries(alerts)

    def write(self, held: Sequence[HeldBars], now: float, *, is_last: bool = False) -> bool:
        """Write the bars and quotes that are not in the store, if a try is due, or the last one.

        Returns whether the store has all of them. After an error for lack of space they stay marked; other
        errors are raised.
        """
        waiting = [one for one in held if one.unstored_bars or one.unstored_empty or one.unstored_quotes]
        if waiting and (is_last or self.retries.may_try(now)):
            with self.retries.watched(now):
                # A database commits all symbols together; files are committed whenever enough are ready.
                with self._store.batch(atomic=self.writes_at_once):
                    for one in waiting:
                        self._write(one)
                for one in waiting:
                    one.mark_stored()
                waiting = []
        return not waiting

    def _write(self, held: HeldBars) -> None:
        rows, bars = held.bars_to_store()
        if len(rows):
            write_many(self._store, held.symbols, held.interval, rows, bars)
        if held.unstored_quotes and held.quotes is not None:
            self._store.quotes.write_many(held.symbols, held.interval, *held.quotes.to_store())
        for symbol, times in held.empty_to_store():
            self._store.confirm_empty(symbol, held.interval, times)
