"""Scanner manager: the scanners of a run, and their calls at the moments of a session."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import Scanner
from tapedeck.engine.errors import EngineError
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.tape.scan_records import FoundSymbol, ScanOutcome, ScanRecord
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES
from tapedeck.engine.universe.managed_scanner import ManagedScanner
from tapedeck.engine.universe.scanner import Scanner as ScannerInstance
from tapedeck.engine.universe.scanner_loading import load_scanners, parse_rules
from tapedeck.engine.universe.scanner_status import ScannerState, ScannerStatus
from tapedeck.engine.universe.scanner_thread import CallResult, ProcessMessages, ScannerThread
from tapedeck.engine.universe.schedule import scan_frontiers
from tapedeck.engine.universe.universe_session import UniverseSession
from tapedeck.engine.universe.view import UniverseView
from tapedeck.engine.user_code.call_failure import CallFailure, failure_of

__all__ = ["ScannerError", "ScannerManager", "ScannerState", "ScannerStatus"]

log = logging.getLogger(__name__)

Value = TypeVar("Value")


class ScannerError(EngineError):
    """A scanner that is `required` failed. `record`: of that call."""

    def __init__(self, record: ScanRecord) -> None:
        super().__init__(
            f"the scanner {record.scanner} failed, and is required: {record.error}. To play on without it, "
            "set required: false"
        )
        self.record = record


class ScannerManager:
    """Runs the scanners of a session file. One thread calls it; any thread may call `status`.

    Rules are evaluated in the calling thread. Classes are called in a thread of their own, each call for at
    most `timeout_seconds`; the calling thread handles messages meanwhile, and `wake` has to end its wait. A
    scanner whose call took longer is off to the end of the run, as its thread may still be in it. `folder`:
    that of the session file. Raises ConfigError for classes that cannot be loaded, and their parameters.
    """

    def __init__(
        self,
        scanners: Sequence[Scanner],
        metrics: PerformanceMetrics,
        wake: Callable[[], None],
        *,
        folder: Path = Path(),
    ) -> None:
        self._metrics = metrics
        self._scanners = load_scanners(scanners, folder)
        self._thread = ScannerThread(wake)
        self._vocabulary: Vocabulary | None = None
        self._session: UniverseSession | None = None
        self._slots: SessionSlots | None = None
        self._due: dict[int, tuple[ManagedScanner, ...]] = {}
        self._frontiers: tuple[int, ...] = ()

    @property
    def code_hashes(self) -> Mapping[str, str]:
        """SHA-256 of the code of each scanner that is a class, hexadecimal, by the scanner's name."""
        return {
            one.config.name: one.scanner_class.code_hash
            for one in self._scanners
            if one.scanner_class is not None
        }

    def check(self, vocabulary: Vocabulary) -> None:
        """Parse the rules for a universe. Raises ConfigError with all faults."""
        if vocabulary != self._vocabulary:
            parse_rules(self._scanners, vocabulary)
            self._vocabulary = vocabulary

    def status(self) -> tuple[ScannerStatus, ...]:
        """Return the status of each scanner, in the order of the file; any thread may call it."""
        slots = self._slots
        return tuple(one.status(slots) for one in self._scanners)

    def begin_session(
        self, session: UniverseSession, slots: SessionSlots, process_messages: ProcessMessages
    ) -> tuple[ScanRecord, ...]:
        """Set the scanners up for a session; return the records of those that failed, which are off for it.

        `slots`: of the played tape. Raises ScannerError if one of them is required, and as `check`.
        """
        words = replace(Vocabulary.of(session.tape), figures=tuple(UNIVERSE_FIGURES), of_universe=True)
        self.check(words)
        for one in self._scanners:
            one.last, one.upcoming = None, ()
        self._session, self._slots = session, slots
        failed = [self._set_up(one, process_messages) for one in self._scanners if not one.is_left]
        self._plan()
        return tuple(record for record in failed if record is not None)

    def restore(self, records: Sequence[ScanRecord]) -> None:
        """Take note of runs in an earlier recording of this session: they are not due any more."""
        over = {(record.scanner, record.frontier) for record in records}
        for one in self._scanners:
            one.upcoming = tuple(at for at in one.upcoming if (one.config.name, at) not in over)
            if one.is_on:
                one.pass_by(-1)
        self._plan()

    def next_frontier(self, frontier: int) -> int | None:
        """Return the first frontier from this one on at which a scanner has yet to run, None without one."""
        position = bisect_left(self._frontiers, frontier)
        return next((one for one in self._frontiers[position:] if one in self._due), None)

    def scan(self, frontier: int, process_messages: ProcessMessages) -> Iterator[tuple[Scanner, ScanRecord]]:
        """Run the scanners that are due at a frontier, in the order of the file; yield each with its record.

        Raises ScannerError after the record of one that failed and is required.
        """
        for one in self._due.pop(frontier, ()):
            record = self._scan(one, frontier, process_messages)
            one.note_run(record)
            if one.is_left:
                one.turn_off()
                self._drop(one)
            yield one.config, record
            _require(one, record)

    def skip(self, frontier: int) -> tuple[tuple[Scanner, ScanRecord], ...]:
        """Leave out the scanners that are due at a frontier; return their records, and count them."""
        due = self._due.pop(frontier, ())
        records = [(one, self._record(one, frontier, ScanOutcome.SKIPPED)) for one in due]
        for one, record in records:
            one.note(record)
            one.pass_by(frontier)
        return tuple((one.config, record) for one, record in records)

    def end_session(self, process_messages: ProcessMessages) -> tuple[ScanRecord, ...]:
        """Tell the classes that the session is over; return the records of failures.

        Raises ScannerError if a required one failed.
        """
        if self._slots is None or self._session is None:
            return ()
        failed: list[tuple[ManagedScanner, ScanRecord]] = []
        for one in self._scanners:
            if one.is_on and one.instance is not None:
                result = self._call(one, one.instance.on_session_end, process_messages)
                if result.failure is not None:
                    failed.append((one, self._failed(one, len(self._slots), "on_session_end", result)))
            if one.is_left:
                one.turn_off()
            elif one.is_on:
                one.pass_by(len(self._slots))
        self._session, self._due, self._frontiers = None, {}, ()
        for one, record in failed:
            _require(one, record)
        return tuple(record for _, record in failed)

    def teardown(self, process_messages: ProcessMessages) -> None:
        """Tear the classes down, except those that were left in a call, and end their thread.

        Failures are logged.
        """
        try:
            for one in self._scanners:
                if one.instance is not None and not one.is_left and one.state is not ScannerState.ENDED:
                    self._tear_down(one, one.instance, process_messages)
                one.state = ScannerState.OFF if one.is_left else ScannerState.ENDED
        finally:
            self._session, self._due, self._frontiers = None, {}, ()
            self._thread.end()

    def _plan(self) -> None:
        """Gather what has yet to run, by frontier, in the order of the file."""
        due: dict[int, tuple[ManagedScanner, ...]] = {}
        for one in self._scanners:
            for frontier in one.upcoming:
                due[frontier] = (*due.get(frontier, ()), one)
        self._due, self._frontiers = due, tuple(sorted(due))

    def _drop(self, scanner: ManagedScanner) -> None:
        """Leave out a scanner at all later frontiers."""
        due = {at: tuple(one for one in ones if one is not scanner) for at, ones in list(self._due.items())}
        self._due = {at: ones for at, ones in due.items() if ones}

    def _set_up(self, one: ManagedScanner, process_messages: ProcessMessages) -> ScanRecord | None:
        """Set one scanner up; return the record if it failed."""
        if one.scanner_class is not None:
            one.state = ScannerState.SETUP
            result = self._call(one, partial(one.setup, self._view(0)), process_messages)
            if result.failure is not None:
                record = self._failed(one, 0, "setup", result)
                one.turn_off()
                _require(one, record)
                return record
        assert self._slots is not None
        one.upcoming = scan_frontiers(one.config.at, self._slots)
        one.pass_by(-1)
        return None

    def _tear_down(
        self, one: ManagedScanner, instance: ScannerInstance, process_messages: ProcessMessages
    ) -> None:
        failure = self._call(one, instance.teardown, process_messages).failure
        if failure is not None:
            one.failures += 1
            one.error = f"teardown: {failure.error}"
            log.warning("scanner %s: %s\n%s", one.config.name, one.error, failure.traceback)

    def _scan(self, one: ManagedScanner, frontier: int, process_messages: ProcessMessages) -> ScanRecord:
        one.state = ScannerState.RUNNING
        work = partial(one.scan, self._view(frontier))
        result = self._call(one, work, process_messages) if one.rule is None else _called(work)
        self._metrics.record_scan(one.config.name, result.seconds)
        if result.failure is not None:
            return self._record(one, frontier, _outcome(result.failure), result)
        return self._record(one, frontier, ScanOutcome.DONE, result, found=result.value or ())

    def _call(
        self, one: ManagedScanner, work: Callable[[], Value], process_messages: ProcessMessages
    ) -> CallResult[Value]:
        """Call a class in the thread; a scanner whose call is left takes no further one."""
        try:
            result = self._thread.call(work, one.config.timeout_seconds, process_messages)
        except BaseException:  # a stop of the run
            one.is_left = True
            one.turn_off()
            raise
        one.is_left = result.failure is not None and result.failure.overran
        return result

    def _view(self, frontier: int) -> UniverseView:
        """Return the universe at the clock of the played tape."""
        assert self._session is not None
        assert self._slots is not None
        return UniverseView.at(self._session, self._slots.clock(frontier))

    def _failed(
        self, one: ManagedScanner, frontier: int, method: str, result: CallResult[None]
    ) -> ScanRecord:
        """Return the record of a call other than `scan` that failed, and take note of it."""
        assert result.failure is not None
        failure = replace(result.failure, error=f"{method}: {result.failure.error}")
        record = self._record(one, frontier, _outcome(failure), replace(result, failure=failure))
        one.note(record)
        return record

    def _record(
        self,
        one: ManagedScanner,
        frontier: int,
        outcome: ScanOutcome,
        result: CallResult[Value] | None = None,
        found: tuple[FoundSymbol, ...] = (),
    ) -> ScanRecord:
        assert self._slots is not None
        failure = None if result is None else result.failure
        return ScanRecord(
            scanner=one.config.name,
            frontier=frontier,
            clock=self._slots.clock(frontier),
            found=found,
            outcome=outcome,
            error=None if failure is None else failure.error,
            traceback="" if failure is None else failure.traceback,
            seconds=0.0 if result is None else result.seconds,
        )


def _called(work: Callable[[], Value]) -> CallResult[Value]:
    """Do the work of a rule in the calling thread."""
    started = time.perf_counter()
    try:
        value, failure = work(), None
    except Exception as error:  # the session goes on without this run
        log.exception("a rule failed")
        value, failure = None, failure_of(error)
    return CallResult(value, failure, time.perf_counter() - started)


def _outcome(failure: CallFailure) -> ScanOutcome:
    return ScanOutcome.OVERRAN if failure.overran else ScanOutcome.FAILED


def _require(one: ManagedScanner, record: ScanRecord) -> None:
    """Raise ScannerError if a scanner that failed is required."""
    if one.config.required and record.outcome in (ScanOutcome.FAILED, ScanOutcome.OVERRAN):
        raise ScannerError(record)
