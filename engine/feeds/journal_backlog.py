"""Backlog of the arrival journal: what is to be written, kept in memory while the disk is full."""

from __future__ import annotations

from collections.abc import Callable

from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.free_space import Retries, SpaceAlerts


class JournalBacklog:
    """Writes to a journal, in order, one transaction for all that wait.

    After a write that failed for lack of space all is kept, and tried again later. Other errors are raised.
    """

    def __init__(self, journal: ArrivalJournal, alerts: SpaceAlerts) -> None:
        self._journal = journal
        self._writes: list[Callable[[], None]] = []
        self.retries = Retries(alerts)
        self.bars = 0
        """Number of bars that wait."""
        self.quotes = 0
        """Number of quotes that wait."""

    def add(self, write: Callable[[], None], *, bars: int = 0, quotes: int = 0) -> None:
        """Add a write of the journal, with the number of its bars, or quotes."""
        self._writes.append(write)
        self.bars += bars
        self.quotes += quotes

    @property
    def has_arrivals(self) -> bool:
        """Whether bars or quotes wait."""
        return bool(self.bars or self.quotes)

    def write(self, now: float, *, is_last: bool = False) -> bool:
        """Write all that waits, if a try is due, or the last one; return whether nothing waits any more."""
        if self._writes and (is_last or self.retries.may_try(now)):
            with self.retries.watched(now):
                with self._journal.transaction():
                    for write in self._writes:
                        write()
                self._writes, self.bars, self.quotes = [], 0, 0
        return not self._writes
