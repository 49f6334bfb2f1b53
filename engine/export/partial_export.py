"""Partial export: writes the sessions played so far, as the export at the end of a run does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ExportError
from tapedeck.engine.export.manifest import Manifest, json_bytes
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary, symbols_played
from tapedeck.engine.tape.stamp import run_stamp, session_digest

Records = Iterable[tuple[SessionRecord, str]]
_FINAL_STATES = ("completed", "stopped", "error")


def with_current(finished: Records, current: SessionRecord | None) -> Iterator[tuple[SessionRecord, str]]:
    """Yield the ended sessions, then the current one if it is not among them."""
    days = set()
    for record, digest in finished:
        days.add(record.tape.session.trading_day)
        yield record, digest
    if current is not None and current.tape.session.trading_day not in days:
        yield current, session_digest(current.tape, current.frontier)


def export_played(
    folder: Path,
    config: SessionConfig,
    records: Records,
    summary: RunSummary,
    metrics: PerformanceMetrics,
) -> Manifest:
    """Write sessions into a folder as CSV, and return the manifest; ExportError if that fails.

    `summary`: the run's; its sessions are replaced by those in `records`.
    """
    from tapedeck.engine.export.csv_export import CsvExport  # noqa: PLC0415 - slow, and many runs export nothing

    export, sessions = CsvExport(folder, config), []
    try:
        for part, digest in records:
            record = part.whole()
            export.write_session(record, digest)
            sessions.append(SessionSummary.of(record, digest))
        manifest = export.finish(_of_sessions(summary, sessions), metrics)
    finally:
        export.abandon()
    if manifest is None:
        raise ExportError(
            f"nothing to export: no slot has been played yet. The export in {folder} is unchanged"
        )
    return manifest


def write_state(path: Path, config: SessionConfig, records: Records, summary: RunSummary) -> None:
    """Write the session.json of the played sessions to a file; ExportError if that fails.

    A link keeps pointing to its file. The session.json of an export is not replaced by another.
    """
    from tapedeck.engine.export.session_json import session_document, writable  # noqa: PLC0415 - as above
    from tapedeck.engine.export.state_file import write_state_file  # noqa: PLC0415 - as above

    sessions: list[SessionSummary] = []
    last: SessionRecord | None = None
    for record, digest in records:
        last = record.whole()
        sessions.append(SessionSummary.of(last, digest))
    played = writable(_of_sessions(summary, sessions))
    document = session_document(played, last, config)
    write_state_file(path, json_bytes(document))


def _of_sessions(summary: RunSummary, sessions: list[SessionSummary]) -> RunSummary:
    """Return the run's summary with only these sessions; a run still playing counts as stopped."""
    return replace(
        summary,
        state=summary.state if summary.state in _FINAL_STATES else "stopped",
        symbols=symbols_played(sessions, summary.symbols),
        sessions=tuple(sessions),
        bars=sum(session.bars for session in sessions),
        stamp=run_stamp((session.digest for session in sessions), summary.changed_sessions),
    )
