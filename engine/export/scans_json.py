"""Scans in session.json: numbers of each session's scanners, and the scans of the last session."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tapedeck.engine.export.text_columns import time_text
from tapedeck.engine.printable import printable_line
from tapedeck.engine.tape.scan_summary import by_time
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary

# Fields of a JSON object.
Fields = dict[str, list[dict[str, Any]]]


def scanner_numbers(session: SessionSummary) -> Fields:
    """Return what each scanner did in a session, as `scanners`; nothing if none had a scan."""
    if not session.scanners:
        return {}
    numbers = [asdict(one) for one in session.scanners]
    return {
        "scanners": [{name: value for name, value in one.items() if value is not None} for one in numbers]
    }


def scans_of(record: SessionRecord) -> Fields:
    """Return the scans of a session, in order of time, as `scans`; nothing if there are none."""
    if not record.scans:
        return {}
    zone = record.tape.session.zone
    return {
        "scans": [
            {
                "scanner": scan.scanner,
                "slot": scan.frontier,
                "time": time_text(scan.clock, zone),
                "outcome": scan.outcome.value,
                "error": None if scan.error is None else printable_line(scan.error),
                "found": [one.symbol for one in scan.found],
                "joined": [one.symbol for one in scan.found if one.joined],
            }
            for scan in by_time(record.scans)
        ]
    }
