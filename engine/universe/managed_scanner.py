"""Managed scanner: one scanner of a run, with its rule or its class, and what became of its calls."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.config import Scanner as ScannerConfig
from tapedeck.engine.tape.scan_records import FoundSymbol, ScanOutcome, ScanRecord
from tapedeck.engine.universe.rule_scanner import RuleScanner
from tapedeck.engine.universe.scan_results import ranked
from tapedeck.engine.universe.scanner import Scanner
from tapedeck.engine.universe.scanner_status import ScannerState, ScannerStatus
from tapedeck.engine.universe.view import UniverseView
from tapedeck.engine.user_code.user_classes import UserClass


@dataclass(slots=True, eq=False)
class ManagedScanner:
    """One scanner: a `rule`, parsed before the first session, or a class, whose `instance` its setup makes.

    `upcoming`: frontiers at which it has yet to run. Written by the manager; any thread may call `status`.
    """

    config: ScannerConfig
    scanner_class: UserClass[Scanner] | None = None
    parameters: BaseModel | None = None
    rule: RuleScanner | None = None
    instance: Scanner | None = None
    state: ScannerState = ScannerState.NEW
    is_left: bool = False
    """Whether a call of it was left, so that it is off to the end of the run."""
    upcoming: tuple[int, ...] = ()
    last: ScanRecord | None = None
    runs: int = 0
    failures: int = 0
    skipped: int = 0
    error: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether it is set up for the session."""
        return self.state not in (ScannerState.NEW, ScannerState.OFF, ScannerState.ENDED)

    def setup(self, view: UniverseView) -> None:
        """Set a class up for a session; to be called in the scanners' thread."""
        if self.instance is None:
            assert self.scanner_class is not None
            assert self.parameters is not None
            self.instance = self.scanner_class.loaded(self.parameters)
        self.instance.setup(view)

    def scan(self, view: UniverseView) -> tuple[FoundSymbol, ...]:
        """Return what it finds; a class is to be called in the scanners' thread."""
        if self.rule is not None:
            return self.rule.scan(view)
        assert self.instance is not None
        return ranked(self.instance.scan(view), view.rows, self.config.top)

    def note(self, record: ScanRecord) -> None:
        """Take note of a run, or of a failure of another call."""
        if record.outcome is ScanOutcome.SKIPPED:
            self.skipped += 1
        elif record.outcome is not ScanOutcome.DONE:
            self.failures += 1
            self.error = record.error

    def note_run(self, record: ScanRecord) -> None:
        """Take note of a scan that has ended."""
        self.note(record)
        self.runs += 1
        self.last = record
        self.pass_by(record.frontier)

    def pass_by(self, frontier: int) -> None:
        """Wait for the next run after a frontier."""
        self.upcoming = self.upcoming[bisect_right(self.upcoming, frontier) :]
        self.state = ScannerState.WAITING if self.upcoming else ScannerState.DONE

    def turn_off(self) -> None:
        """Run no more in this session."""
        self.upcoming = ()
        self.state = ScannerState.OFF

    def status(self, slots: SessionSlots | None) -> ScannerStatus:
        """Return its status; `slots`: of the played session, None before the first."""
        last, upcoming = self.last, self.upcoming
        return ScannerStatus(
            name=self.config.name,
            state=self.state,
            last_run=None if last is None or slots is None else _local(last.clock, slots),
            last_frontier=None if last is None else last.frontier,
            seconds=None if last is None else last.seconds,
            found=0 if last is None else len(last.found),
            runs=self.runs,
            failures=self.failures,
            skipped=self.skipped,
            next_run=_local(slots.clock(upcoming[0]), slots) if upcoming and slots is not None else None,
            error=self.error,
        )


def _local(clock: int, slots: SessionSlots) -> datetime:
    return utc_from_epoch(clock).astimezone(slots.session.zone)
