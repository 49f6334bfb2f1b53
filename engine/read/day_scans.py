"""Day scans: what the scanners of a session file find on a day that is not played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord
from tapedeck.engine.universe.universe_symbols import UniverseSymbols


@dataclass(frozen=True, slots=True)
class DayScans:
    """What the scanners of a session file found on a day.

    `universe`: the symbols that they looked at, and those left out; `records`: each run of a scanner, in
    order, failed calls included; `warnings`: for the user; `teardown_failures`: a line for each scanner whose
    teardown failed.
    """

    session: TradingSession
    universe: UniverseSymbols
    records: tuple[ScanRecord, ...]
    warnings: tuple[str, ...] = ()
    teardown_failures: tuple[str, ...] = ()

    @property
    def has_failed(self) -> bool:
        """Whether a call of a scanner failed, or overran its time."""
        failed = (ScanOutcome.FAILED, ScanOutcome.OVERRAN)
        return bool(self.teardown_failures) or any(record.outcome in failed for record in self.records)

    def time_of(self, record: ScanRecord) -> datetime:
        """Return the time of a record, in exchange time."""
        return utc_from_epoch(record.clock).astimezone(self.session.zone)
