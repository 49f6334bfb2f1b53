"""Day scans: what the scanners of a session file find on a day that is not played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord


@dataclass(frozen=True, slots=True)
class DayScans:
    """What the scanners of a session file found on a day.

    `symbols`: number of symbols that they looked at; `left_out`: reason by symbol, for those of the file's
    universe that they did not; `records`: each run of a scanner, in order, failed calls included.
    """

    session: TradingSession
    symbols: int
    left_out: Mapping[str, str]
    records: tuple[ScanRecord, ...]

    @property
    def has_failed(self) -> bool:
        """Whether a call of a scanner failed, or overran its time."""
        return any(record.outcome in (ScanOutcome.FAILED, ScanOutcome.OVERRAN) for record in self.records)

    def time_of(self, record: ScanRecord) -> datetime:
        """Return the time of a record, in exchange time."""
        return utc_from_epoch(record.clock).astimezone(self.session.zone)
