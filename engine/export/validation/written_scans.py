"""Checks what session.json says of scans, against scans.csv and the symbols that joined."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tapedeck.engine.errors import listed
from tapedeck.engine.export.manifest import SCANS_CSV, SESSION_JSON, ManifestSession
from tapedeck.engine.export.validation.expectation import ExpectedSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.scan_rows import FoundByScan

# A JSON object.
_Object = Mapping[str, Any]

_OUTCOMES: Final = ("done", "failed", "overran", "skipped")
_NUMBERS: Final = ("scans", "found", "joined", "failed", "skipped")


class WrittenScans:
    """Compares `scanners` of each session, and `scans` of the last one, with what scans.csv has."""

    def __init__(self, folder: Path, log: FindingLog) -> None:
        self._log = log
        document = _read(folder / SESSION_JSON)
        sessions = _objects(document.get("sessions"))
        self._scanners = {str(one.get("trading_day")): _objects(one.get("scanners")) for one in sessions}
        last = document.get("last_session")
        self._scans = _objects(last.get("scans")) if isinstance(last, Mapping) else []

    def check(
        self, found: FoundByScan, session: ManifestSession, expected: ExpectedSession, *, is_last: bool
    ) -> None:
        """Check one session. `found`: what its scans found by scans.csv."""
        day = session.trading_day.isoformat()
        scanners = {str(one.get("scanner")): one for one in self._scanners.get(day, [])}
        faults = [*_number_faults(scanners, found, session)]
        if is_last:
            scans = [scan for scan in self._scans if _has_slot(scan, expected.frontier)]
            if len(scans) < len(self._scans):
                faults.append(f"scans: slot must be a number from 0 to {expected.frontier}")
            faults += _scan_faults(scans, session, expected)
            faults += _found_faults(scans, found)
            faults += _sum_faults(scanners, scans)
        for fault in faults:
            self._log.add(SESSION_JSON, None, f"sessions: {day}: {fault}")


def _number_faults(
    scanners: Mapping[str, _Object], found: FoundByScan, session: ManifestSession
) -> Iterator[str]:
    """Yield the numbers of a session's scanners that contradict scans.csv or the symbols that joined."""
    for name in sorted({scanner for _, scanner in found} - scanners.keys()):
        yield f"scanners: {name} is missing, but {SCANS_CSV} has what it found"
    for name, one in scanners.items():
        if not all(isinstance(one.get(number), int) and one[number] >= 0 for number in _NUMBERS):
            yield f"scanners: {name}: {', '.join(_NUMBERS)} must be whole numbers from 0"
            continue
        own = [(slot, symbols) for (slot, scanner), symbols in found.items() if scanner == name]
        symbols = {symbol for _, symbols in own for symbol in symbols}
        joined = {one for slot, symbols in own for one in symbols if _joined(session, one, slot)}
        if one["found"] != len(symbols):
            yield f"scanners: {name}: found is {one['found']}, but {len(symbols)} by {SCANS_CSV}"
        if one["joined"] > len(joined):
            yield f"scanners: {name}: joined is {one['joined']}, but at most {len(joined)} by changes"
        if one["failed"] + len(own) > one["scans"]:
            yield f"scanners: {name}: scans is {one['scans']}, fewer than those that failed or found symbols"


def _scan_faults(
    scans: Sequence[_Object], session: ManifestSession, expected: ExpectedSession
) -> Iterator[str]:
    """Yield the scans of the last session that contradict the calendar or the changes."""
    before = 0
    for scan in scans:
        slot, outcome, text = scan["slot"], scan.get("outcome"), _text(scan)
        if slot < before:
            yield f"{text}, after one at slot {before}"
        before = max(before, slot)
        right = expected.time_text(int(expected.clock_times[slot]))
        if scan.get("time") != right:
            yield f"{text}: time is {scan.get('time')!r}, but should be {right!r}"
        if outcome not in _OUTCOMES:
            yield f"{text}: outcome is {outcome!r}: use one of {', '.join(_OUTCOMES)}"
        for symbol in _texts(scan.get("joined")):
            if symbol not in _texts(scan.get("found")):
                yield f"{text}: {symbol} joined, but was not found"
            if not _joined(session, symbol, slot):
                yield f"{text}: {symbol} joined, but changes have no join of it from then on"


def _found_faults(scans: Sequence[_Object], found: FoundByScan) -> Iterator[str]:
    """Yield the scans of the last session that found other symbols by scans.csv."""
    written = {
        (scan["slot"], str(scan.get("scanner"))): symbols
        for scan in scans
        if (symbols := _texts(scan.get("found")))
    }
    for slot, scanner in sorted(written.keys() | found.keys()):
        here, right = (tuple(by_scan.get((slot, scanner), ())) for by_scan in (written, found))
        if here != right:
            text = f"scans: {scanner} at slot {slot}: found is {listed(here)}"
            yield f"{text}, but {listed(right)} by {SCANS_CSV}"


def _sum_faults(scanners: Mapping[str, _Object], scans: Sequence[_Object]) -> Iterator[str]:
    """Yield the numbers of the last session's scanners that contradict its scans."""
    for name in sorted({str(scan.get("scanner")) for scan in scans} | scanners.keys()):
        own = [scan for scan in scans if str(scan.get("scanner")) == name]
        outcomes = [scan.get("outcome") for scan in own]
        skipped = outcomes.count("skipped")
        sums = {
            "scans": len(own) - skipped,
            "joined": len({symbol for scan in own for symbol in _texts(scan.get("joined"))}),
            "failed": outcomes.count("failed") + outcomes.count("overran"),
            "skipped": skipped,
        }
        written = scanners.get(name, {})
        for number, right in sums.items():
            if written.get(number) != right:
                yield f"scanners: {name}: {number} is {written.get(number)!r}, but {right} by scans"


def _joined(session: ManifestSession, symbol: str, slot: int) -> bool:
    """Whether a symbol joined a session at a slot or later: a live scan takes a while."""
    return any(
        change.change == "joined" and change.symbol == symbol and change.slot >= slot
        for change in session.changes
    )


def _has_slot(scan: _Object, last: int) -> bool:
    slot = scan.get("slot")
    return isinstance(slot, int) and 0 <= slot <= last


def _text(scan: _Object) -> str:
    """Return a scan for a finding: `scans: gap_up at slot 5`."""
    return f"scans: {scan.get('scanner')} at slot {scan['slot']}"


def _read(path: Path) -> _Object:
    """Return the document; an empty one where it cannot be read, which is reported elsewhere."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, Mapping) else {}


def _objects(value: object) -> list[_Object]:
    """Return the objects of a list; none if it is none."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    """Return the items of a list as texts; none if it is none."""
    return tuple(map(str, value)) if isinstance(value, list) else ()
