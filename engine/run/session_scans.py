"""Scans of a run: has the scanners run at their slots, and what they find join the session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from tapedeck.engine.config import Scanner
from tapedeck.engine.errors import listed
from tapedeck.engine.read.events import EventKind, EventLog
from tapedeck.engine.run.session_feed import ProcessMessages, SessionFeed
from tapedeck.engine.run.symbol_changer import SymbolChanger
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape
from tapedeck.engine.universe.scanner_manager import ScannerManager, ScannerStatus
from tapedeck.engine.universe.universe_session import UniverseSession

log = logging.getLogger(__name__)

_LISTED = 10
"""Most symbols that an event names."""


class SessionScans(Protocol):
    """The scans of a run, for its coordinator and players."""

    @property
    def days(self) -> Mapping[date, tuple[ScanRecord, ...]]:
        """Records of the sessions so far, by day; any thread may read it."""
        ...

    def status(self) -> tuple[ScannerStatus, ...]:
        """Return the state of each scanner; any thread may call it."""
        ...

    def begin_session(self, tape: Tape) -> None:
        """Prepare the scans of a session that is set up."""
        ...

    def limit(self, limit: int) -> int:
        """Return the frontier up to which the session may be revealed: `limit`, or that of the next scan."""
        ...

    def run_due(self, wait_until_computed: Callable[[], None]) -> None:
        """Run what is due at the session's frontier, and have what is found join."""
        ...

    def end_session(self) -> None:
        """End the scans of a session that is over."""
        ...

    def wait_for_next(self) -> None:
        """Wait until the universe of the next session is loaded; commands still take effect."""
        ...

    def close(self, process_messages: ProcessMessages) -> None:
        """End the scanners, at the end of the run."""
        ...


class NoScans:
    """The scans of a run without scanners."""

    days: Mapping[date, tuple[ScanRecord, ...]] = {}

    def status(self) -> tuple[ScannerStatus, ...]:
        """Return no state."""
        return ()

    def begin_session(self, tape: Tape) -> None:
        """Do nothing."""

    def limit(self, limit: int) -> int:
        """Return the limit."""
        return limit

    def run_due(self, wait_until_computed: Callable[[], None]) -> None:
        """Do nothing."""

    def end_session(self) -> None:
        """Do nothing."""

    def wait_for_next(self) -> None:
        """Do nothing."""

    def close(self, process_messages: ProcessMessages) -> None:
        """Do nothing."""


@dataclass(slots=True)
class ScanLog:
    """Records of a run's scans by day, and how many symbols each scanner added to the current session.

    Written by the coordinator; any thread may read `days`.
    """

    days: Mapping[date, tuple[ScanRecord, ...]]
    added: dict[str, int]

    def add(self, day: date, record: ScanRecord) -> None:
        """Add a record."""
        self.days = {**self.days, day: (*self.days.get(day, ()), record)}
        if record.outcome is ScanOutcome.DONE:
            joined = sum(found.joined for found in record.found)
            self.added[record.scanner] = self.added.get(record.scanner, 0) + joined


class ScanJoins:
    """Has the symbols that scans find join the session, and notes the records and events of scans."""

    def __init__(self, data: SessionData, symbols: SymbolChanger, events: EventLog) -> None:
        self._data, self._symbols, self._events = data, symbols, events
        self.log = ScanLog({}, {})

    def begin_session(self) -> None:
        """Begin with a session to which no scanner has added a symbol."""
        day = self._data.require_tape().session.trading_day
        self.log.days = {**self.log.days, day: ()}
        self.log.added = {}

    def take(
        self, scanner: Scanner, record: ScanRecord, wait_until_computed: Callable[[], None]
    ) -> ScanRecord:
        """Have what a scan found join, up to the scanner's limit, and return its record with that noted."""
        there = self._data.require_tape().rows
        wanted = [found.symbol for found in record.found if found.symbol not in there] if scanner.add else []
        room = scanner.max_symbols - self.log.added.get(record.scanner, 0)
        joined: frozenset[str] = frozenset()
        if wanted and room > 0:
            joined = self._symbols.join_found(wanted[:room], scanner.keep, wait_until_computed)
        found = tuple(replace(one, joined=one.symbol in joined) for one in record.found)
        return self.note(replace(record, found=found))

    def note(self, record: ScanRecord) -> ScanRecord:
        """Add a record of the current session, and its event; return it."""
        tape = self._data.require_tape()
        self.log.add(tape.session.trading_day, record)
        text = text_of(record)
        if text is not None:
            played = self._data.played()
            self._events.add(EventKind.SCAN, text, frontier=record.frontier, session=played)
            log.info("%s", text)
        if record.traceback:
            log.warning("%s", record.traceback)
        return record


class BacktestScans:
    """Scans of a run that plays stored bars: the clock stands still while they run.

    `feed`: the universe's sessions, read ahead while sessions play.
    """

    def __init__(
        self,
        manager: ScannerManager,
        feed: SessionFeed[UniverseSession],
        joins: ScanJoins,
        data: SessionData,
        process_messages: ProcessMessages,
    ) -> None:
        self._manager, self._feed, self._joins = manager, feed, joins
        self._data = data
        self._process_messages = process_messages
        self._has_history = False

    @property
    def days(self) -> Mapping[date, tuple[ScanRecord, ...]]:
        """Records of the sessions so far, by day."""
        return self._joins.log.days

    def status(self) -> tuple[ScannerStatus, ...]:
        """Return the state of each scanner; any thread may call it."""
        return self._manager.status()

    def begin_session(self, tape: Tape) -> None:
        """Wait until the universe's session is loaded, and set the scanners up for it."""
        if not self._has_history:
            self._feed.history(self._process_messages)
            self._has_history = True
        universe = self._feed.next_session(self._process_messages)
        self._joins.begin_session()
        for record in self._manager.begin_session(universe, tape.slots, self._process_messages):
            self._joins.note(record)

    def limit(self, limit: int) -> int:
        """Return the frontier up to which the session may be revealed: `limit`, or that of the next scan."""
        due = self._manager.next_frontier(self._data.require_tape().frontier)
        return limit if due is None else min(limit, due)

    def run_due(self, wait_until_computed: Callable[[], None]) -> None:
        """Run the scanners that are due at the session's frontier, in the file's order."""
        frontier = self._data.require_tape().frontier
        if self._manager.next_frontier(frontier) == frontier:
            for scanner, record in self._manager.scan(frontier, self._process_messages):
                self._joins.take(scanner, record, wait_until_computed)

    def end_session(self) -> None:
        """Tell the scanners that the session is over."""
        for record in self._manager.end_session(self._process_messages):
            self._joins.note(record)

    def wait_for_next(self) -> None:
        """Wait until the universe of the next session is loaded; commands still take effect."""
        self._feed.wait_for_next(self._process_messages)

    def close(self, process_messages: ProcessMessages) -> None:
        """Tear the scanners down, and end the loading thread."""
        try:
            self._manager.teardown(process_messages)
        finally:
            self._feed.shutdown()


def text_of(record: ScanRecord) -> str | None:
    """Return a scan as one line for lists of events; None for one that found nothing."""
    if record.outcome is not ScanOutcome.DONE:
        return f"{record.scanner}: {record.outcome.value}: {record.error or 'no reason is known'}"
    if not record.found:
        return None
    joined = sum(one.joined for one in record.found)
    names = listed([one.symbol for one in record.found], _LISTED)
    return f"{record.scanner}: found {names}" + (f"; {joined} joined" if joined else "")
