"""Recorded scans: a scan of a recorded session as text in its journal."""

from __future__ import annotations

import json
from dataclasses import asdict

from tapedeck.engine.tape.scan_records import FoundSymbol, ScanOutcome, ScanRecord


def scan_text(record: ScanRecord) -> str:
    """Return a scan as JSON; a missing value is NaN, which Python's reader of JSON takes."""
    return json.dumps({**asdict(record), "outcome": record.outcome.value})


def scan_of(text: str) -> ScanRecord:
    """Return the scan of a text of `scan_text`."""
    document = json.loads(text)
    found = tuple(
        FoundSymbol(
            one["rank"],
            one["symbol"],
            tuple((name, float(value)) for name, value in one["values"]),
            one["joined"],
        )
        for one in document.pop("found")
    )
    return ScanRecord(**{**document, "found": found, "outcome": ScanOutcome(document["outcome"])})
