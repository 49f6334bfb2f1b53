"""What the scanners of a run found, and why they failed, as short lines of a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tapedeck.engine.tape.scan_summary import ScannerSummary
from tapedeck.engine.tape.session_record import SessionSummary


def scanners_line(sessions: Sequence[SessionSummary]) -> str:
    """Return what each scanner found: `gap_up found 12 in 22 scans, 3 joined; slow found none in 4 scans`.

    The number of symbols is that of each session, added up. Empty without scans.
    """
    return "; ".join(_text(name, own) for name, own in _by_scanner(sessions).items())


def failure_lines(sessions: Sequence[SessionSummary]) -> Iterator[str]:
    """Yield, for each scanner that failed, how often, and the first failure with its time and reason."""
    for name, own in _by_scanner(sessions).items():
        failed = sum(one.failed for one in own)
        if not failed:
            continue
        first = next(one for one in own if one.failed)
        when = (first.failed_at or "")[:19].replace("T", " ").removesuffix(":00")
        yield f"{name}: {failed:,} of {_scans(own)} failed, the first at {when}: {first.failure}"


def _by_scanner(sessions: Iterable[SessionSummary]) -> dict[str, list[ScannerSummary]]:
    found: dict[str, list[ScannerSummary]] = {}
    for session in sessions:
        for one in session.scanners:
            found.setdefault(one.scanner, []).append(one)
    return found


def _text(name: str, own: Sequence[ScannerSummary]) -> str:
    found, joined, skipped = (
        sum(getattr(one, number) for one in own) for number in ("found", "joined", "skipped")
    )
    words = [f"{name} found {f'{found:,}' if found else 'none'} in {_scans(own)}"]
    words += [f"{joined:,} joined"] if joined else []
    words += [f"{skipped:,} skipped"] if skipped else []
    return ", ".join(words)


def _scans(own: Iterable[ScannerSummary]) -> str:
    """Return the number of scans: `1 scan`, `22 scans`."""
    number = sum(one.scans for one in own)
    return f"{number:,} scan{'' if number == 1 else 's'}"
