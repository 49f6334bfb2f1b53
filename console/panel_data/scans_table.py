"""Table of the scanners panel: each scanner, its scans of the session, and what they found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tapedeck.console.panel_data.panel_tables import local_time
from tapedeck.console.panel_data.tables import Row, Table
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.universe.scanner_status import ScannerStatus

SCANNERS: Final = (
    "kind", "scanner", "time", "state", "seconds", "found", "failures", "rank", "symbol", "joined", "text"
)  # fmt: skip
FAILURES: Final = frozenset({ScanOutcome.FAILED, ScanOutcome.OVERRAN})

Scans = tuple[ScanRecord, ...]


@dataclass(frozen=True, slots=True)
class ScannerTotals:
    """What a scanner has done in a session up to a time.

    `found`: number of different symbols; `last`: its latest run.
    """

    found: int
    failures: int
    skipped: int
    last: ScanRecord | None

    @classmethod
    def of(cls, scanner: str, scans: Scans) -> ScannerTotals:
        """Return the totals of a scanner over the scans of a session."""
        own = [scan for scan in scans if scan.scanner == scanner]
        ran = [scan for scan in own if scan.outcome is not ScanOutcome.SKIPPED]
        return cls(
            found=len({found.symbol for scan in own for found in scan.found}),
            failures=sum(scan.outcome in FAILURES for scan in own),
            skipped=len(own) - len(ran),
            last=ran[-1] if ran else None,
        )


def scans_known_at(system: SystemManager, view: SessionView | None) -> Scans:
    """Return the scans of a view's session up to its time, in the order in which they ran."""
    if view is None:
        return ()
    return tuple(scan for scan in system.scans(view.trading_day) if scan.frontier <= view.frontier)


def clock_of(scan: ScanRecord) -> datetime:
    """Return the session's clock at a scan, UTC."""
    return utc_from_epoch(scan.clock)


def state_then(last: ScanRecord | None) -> str:
    """Return the state of a scanner after its last run, for a time in the past."""
    return "not run yet" if last is None else last.outcome.value


def scanners(system: SystemManager, now: Snapshot) -> Table:
    """Return scanners, scans and found symbols; a session without scanners has one row that says so."""
    if not system.config.session_data_config.scanners:
        note: Row = ("note", *(None for _ in SCANNERS[2:]), "this session has no scanners")
        return Table.of(SCANNERS, [note])
    return scans_table(system.scanners(), scans_known_at(system, now.view), system.time.zone)


def scans_table(
    statuses: Sequence[ScannerStatus], scans: Scans, zone: ZoneInfo, *, now: bool = True
) -> Table:
    """Return scanners, in their order, then scans in the order of time, each before what it found.

    `now`: whether the scanners' own states are those of the time shown.
    """
    rows = [_scanner_row(status, ScannerTotals.of(status.name, scans), zone, now=now) for status in statuses]
    for scan in scans:
        rows.append(_scan_row(scan, zone))
        rows += _found_rows(scan, zone)
    return Table.of(SCANNERS, rows)


def _scanner_row(status: ScannerStatus, totals: ScannerTotals, zone: ZoneInfo, *, now: bool) -> Row:
    last = totals.last
    time, seconds = (None, None) if last is None else (local_time(clock_of(last), zone), last.seconds)
    state = status.state.value if now else state_then(last)
    error = status.error if now else None if last is None else last.error
    counts = (totals.found, totals.failures)
    return ("scanner", status.name, time, state, seconds, *counts, None, None, None, error)


def _scan_row(scan: ScanRecord, zone: ZoneInfo) -> Row:
    time, failures = local_time(clock_of(scan), zone), int(scan.outcome in FAILURES)
    counts = (len(scan.found), failures)
    outcome = scan.outcome.value
    return ("scan", scan.scanner, time, outcome, scan.seconds, *counts, None, None, None, scan.error)


def _found_rows(scan: ScanRecord, zone: ZoneInfo) -> Iterator[Row]:
    time = local_time(clock_of(scan), zone)
    for found in scan.found:
        joined = str(found.joined).lower()
        values = " ".join(f"{name}={value:g}" for name, value in found.values)
        yield ("found", scan.scanner, time, None, None, None, None, found.rank, found.symbol, joined, values)


def found_words(scan: ScanRecord) -> str:
    """Return what a scan found, such as `3 found, 2 joined`, or why it found nothing."""
    if scan.outcome is not ScanOutcome.DONE:
        return f"{scan.outcome.value}: {scan.error}" if scan.error else scan.outcome.value
    joined = sum(found.joined for found in scan.found)
    return f"{len(scan.found):,} found" + (f", {joined:,} joined" if joined else "")


def listed_scans(scans: Scans) -> list[ScanRecord]:
    """Return the scans that found something or went wrong, the latest first."""
    return [scan for scan in reversed(scans) if scan.found or scan.outcome is not ScanOutcome.DONE]
