"""Summaries of scans: what each scanner did in a session, in numbers, with its first failure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from tapedeck.engine.printable import printable_line
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord

_FAILURES = (ScanOutcome.FAILED, ScanOutcome.OVERRAN)


@dataclass(frozen=True, slots=True)
class ScannerSummary:
    """The scans of one scanner in a session.

    `scans`: those that ran; `failed`: those of them that raised or overran; `skipped`: those that were due
    but did not run. `found`, `joined`: numbers of symbols, each counted once. `failure`: why the first one
    failed, one line; `failed_at`: its time, ISO 8601 with the exchange's offset; None without failures.
    """

    scanner: str
    scans: int
    found: int
    joined: int
    failed: int
    skipped: int = 0
    failed_at: str | None = None
    failure: str | None = None

    @classmethod
    def of(cls, scanner: str, scans: Sequence[ScanRecord], zone: ZoneInfo) -> Self:
        """Return the summary of a scanner's scans, in order of time."""
        skipped = sum(scan.outcome is ScanOutcome.SKIPPED for scan in scans)
        failures = [scan for scan in scans if scan.outcome in _FAILURES]
        first = failures[0] if failures else None
        return cls(
            scanner=scanner,
            scans=len(scans) - skipped,
            found=len({one.symbol for scan in scans for one in scan.found}),
            joined=len({one.symbol for scan in scans for one in scan.found if one.joined}),
            failed=len(failures),
            skipped=skipped,
            failed_at=None if first is None else datetime.fromtimestamp(first.clock, zone).isoformat(),
            failure=None if first is None else printable_line(first.error or first.outcome.value),
        )


def scanner_summaries(scans: Iterable[ScanRecord], zone: ZoneInfo) -> tuple[ScannerSummary, ...]:
    """Return the summary of each scanner that has scans in a session, in the order of their first ones."""
    by_scanner: dict[str, list[ScanRecord]] = {}
    for scan in by_time(scans):
        by_scanner.setdefault(scan.scanner, []).append(scan)
    return tuple(ScannerSummary.of(name, own, zone) for name, own in by_scanner.items())


def by_time(scans: Iterable[ScanRecord]) -> list[ScanRecord]:
    """Return the scans of a session in order of time; those of one frontier in the order of their records.

    A live scan is recorded when it ends, after those that were skipped meanwhile.
    """
    return sorted(scans, key=lambda scan: scan.frontier)
