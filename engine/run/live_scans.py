"""Live scans: scanners of sessions that are recorded, in a thread of their own, one scan at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event
from typing import Final, TypeVar

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import Scanner
from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.feeds.universe_history import HistoryStoppedError
from tapedeck.engine.read.events import EventKind, EventLog
from tapedeck.engine.run.joining import LoadedSymbols
from tapedeck.engine.run.live_joins import LiveJoins
from tapedeck.engine.run.live_run import LiveRun
from tapedeck.engine.run.live_universe import LiveUniverse, LiveUniverses
from tapedeck.engine.run.recorded_bars import RecordedBars
from tapedeck.engine.run.session_feed import ProcessMessages
from tapedeck.engine.run.session_scans import ScanJoins, text_of
from tapedeck.engine.run.symbol_changer import SymbolChanger
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape
from tapedeck.engine.universe.scanner_manager import ScannerError, ScannerManager, ScannerStatus

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Scans = Sequence[tuple[Scanner | None, ScanRecord]]
_BUSY: Final = "another scan was running"
_OUTDATED: Final = "a later one was due, too"


class LiveScans:
    """The scans of a live run, for the coordinator's thread; any thread may call `status`, and read `days`.

    The session goes on while a scan runs. What it found joins where the session stands once it is over. Of
    several moments that are over when no scan runs (after a start in mid-session) `pre_session` and the
    last one are run; the others, and those that come while a scan runs, are skipped. `load`: loads symbols
    that join. `calls` has an entry for each call of a scanner that ended. `wake` wakes the coordinator.
    """

    def __init__(
        self,
        manager: ScannerManager,
        calls: SimpleQueue[None],
        universes: LiveUniverses,
        *,
        live: LiveRun,
        joins: ScanJoins,
        symbols: SymbolChanger,
        load: Callable[[Sequence[str], date], LoadedSymbols],
        data: SessionData,
        events: EventLog,
        process_messages: ProcessMessages,
        wake: Callable[[], None],
    ) -> None:
        self._universes = universes
        self._live, self._joins, self._data, self._events = live, joins, data, events
        self._process_messages, self._wake = process_messages, wake
        self._manager, self._calls = manager, calls
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tapedeck-scans")
        self._stopping = Event()
        self._joining = LiveJoins(
            joins,
            symbols,
            data,
            load=lambda symbols, day: self._pool.submit(load, symbols, day),
            journal=live.note_scans,
            tell=self._tell,
            wake=wake,
        )
        self._job: Future[Scans] | None = None
        self._is_scan = False  # the job
        # Written in the pool's thread while its first job of a session runs, then by the coordinator.
        self._universe: LiveUniverse | None = None
        self._due: list[int] = []  # frontiers, ascending
        self._late: dict[int, str] = {}  # those that are to be skipped, and why

    @property
    def days(self) -> Mapping[date, tuple[ScanRecord, ...]]:
        """Records of the sessions so far, by day."""
        return self._joins.log.days

    def status(self) -> tuple[ScannerStatus, ...]:
        """Return the state of each scanner; any thread may call it."""
        return self._manager.status()

    def begin_session(self, tape: Tape) -> None:
        """Begin to load the universe, and to set the scanners up; scans of an earlier recording stay."""
        self._joins.begin_session()
        for record in self._live.scans:
            self._joins.log.add(tape.session.trading_day, record)
        self._universe, self._due, self._late = None, [], {}
        if not self._live.plays_scans:
            self._start(partial(self._begin, tape.slots, self._live.scans), is_scan=False)

    def limit(self, limit: int) -> int:
        """Return the limit: a live session does not wait for its scans."""
        return limit

    @property
    def is_running(self) -> bool:
        """Whether a scan of this session is due, or runs, or what it found is about to join."""
        frontier = self._data.require_tape().frontier
        is_due = any(at <= frontier for at in self._due)
        return is_due or bool(self._late) or self._job is not None or self._joining.is_busy

    def run_due(self, wait_until_computed: Callable[[], None]) -> None:
        """Take what a scan has found, go on with its joins, and start or skip what is due."""
        self._take_results()
        self._joining.advance()
        if self._live.symbols.restores:
            return  # joins of an earlier recording come first
        frontier = self._data.require_tape().frontier
        due = [at for at in self._due if at <= frontier]
        if self._joining.is_busy or (self._job is not None and self._is_scan):
            self._due = self._due[len(due) :]
            self._late |= dict.fromkeys(due, _BUSY)
        elif self._job is None and self._universe is not None and (due or self._late):
            self._due = self._due[len(due) :]
            self._scan(self._universe, due)

    def end_session(self) -> None:
        """Tell the scanners that the session is over."""
        if self._universe is None:
            return
        for record in self._wait_for(lambda: self._manager.end_session(self._wait), self._process_messages):
            self._joins.note(record)
        self._universe, self._due = None, []

    def wait_for_next(self) -> None:
        """Do nothing: the universe of a session is loaded when it begins."""

    def close(self, process_messages: ProcessMessages) -> None:
        """End what is running, tear the scanners down, and end the thread."""
        self._stopping.set()
        self._universes.cancel()
        self._live.universe.stop()
        self._calls.put(None)
        try:
            self._wait_for(lambda: self._manager.teardown(self._wait_calmly), process_messages)
        finally:
            self._pool.shutdown()

    # Scans, in the pool's thread

    def _begin(self, slots: SessionSlots, over: Sequence[ScanRecord]) -> Scans:
        universe = self._universes.opened(slots.session, self._live.universe, self._tell)
        failed = self._manager.begin_session(universe.session, slots, self._wait)
        self._manager.restore(over)
        frontier = self._manager.next_frontier(0)
        while frontier is not None:
            self._due.append(frontier)
            frontier = self._manager.next_frontier(frontier + 1)
        self._universe = universe
        return [(None, record) for record in failed]

    def _run(
        self,
        universe: LiveUniverse,
        frontiers: Sequence[int],
        late: Mapping[int, str],
        clock: int,
        bars: RecordedBars,
    ) -> Scans:
        """Run the scanners of some frontiers, after those of others were skipped."""
        skipped = [
            (scanner, replace(record, error=reason))
            for at, reason in late.items()
            for scanner, record in self._manager.skip(at)
        ]
        if frontiers:
            universe.grow(universe.session.tape.slots.slots_over_at(clock), bars)
        found = [one for at in frontiers for one in self._manager.scan(at, self._wait)]
        return [*skipped, *found]

    def _wait(self, timeout: float | None) -> None:
        """Wait for a scanner's call, as `ProcessMessages`; HistoryStoppedError once the run ends."""
        self._wait_calmly(timeout)
        if self._stopping.is_set():
            raise HistoryStoppedError

    def _wait_calmly(self, timeout: float | None) -> None:
        with suppress(Empty):
            self._calls.get(timeout != 0, timeout)

    def _tell(self, text: str) -> None:
        self._live.alert(text)
        self._events.add(EventKind.ERROR, text)
        log.warning("%s", text)

    # Scans, in the coordinator's thread

    def _start(self, work: Callable[[], Scans], *, is_scan: bool) -> None:
        self._job, self._is_scan = self._pool.submit(work), is_scan
        self._job.add_done_callback(lambda _: self._wake())

    def _scan(self, universe: LiveUniverse, due: Sequence[int]) -> None:
        """Start the scans of the last moment that is due, and those before the session; skip the others."""
        tape = self._data.require_tape()
        chosen = sorted({*due[-1:], *(at for at in due if at == 0)})
        late = self._late | {at: _OUTDATED for at in due if at not in chosen}
        self._late = {}
        clock = tape.slots.clock(max(chosen, default=0))
        bars = RecordedBars.of(tape, universe.session.tape.rows)
        self._start(partial(self._run, universe, chosen, late, clock, bars), is_scan=bool(chosen))

    def _take_results(self) -> None:
        """Handle the result of a job. Without a universe the recording goes on, but no scan runs."""
        job = self._job
        if job is None or not job.done():
            return
        self._job = None
        try:
            results = job.result()
        except ScannerError:
            raise
        except TapedeckError as error:
            self._universe, self._due, self._late = None, [], {}
            self._tell(f"scanners are off for this session: {error}")
            return
        for scanner, record in results:
            if _is_alert(scanner, record):
                self._live.alert(text_of(record) or record.scanner)
            if scanner is None:
                self._joins.note(record)
            else:
                self._joining.add(scanner, record)

    def _wait_for(self, work: Callable[[], Result], process_messages: ProcessMessages) -> Result:
        """Do work in the pool's thread, after what runs there; commands still take effect."""
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._wake())
        while not future.done():
            process_messages(None)
        return future.result()


def _is_alert(scanner: Scanner | None, record: ScanRecord) -> bool:
    """Whether a scan is an alert: it failed, or found symbols that do not join."""
    if record.outcome is ScanOutcome.DONE:
        return scanner is not None and not scanner.add and bool(record.found)
    return record.outcome is not ScanOutcome.SKIPPED
