"""Exports in the middle of a run: what was played so far, as the end of the run would write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.manifest import Manifest, json_bytes
from tapedeck.engine.export.staged_files import make_folder, put_all_in_place, write_whole
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary
from tapedeck.engine.tape.stamp import run_stamp, session_digest

Records = Iterable[tuple[SessionRecord, str]]
_FINAL_STATES = ("completed", "stopped", "error")


def with_present(finished: Records, present: SessionRecord | None) -> Iterator[tuple[SessionRecord, str]]:
    """Give the sessions that are over, then the one in place if it is not among them."""
    days = set()
    for record, digest in finished:
        days.add(record.tape.session.trading_day)
        yield record, digest
    if present is not None and present.tape.session.trading_day not in days:
        yield present, session_digest(present.tape, present.frontier)


def export_played(
    folder: Path,
    config: SessionConfig,
    records: Records,
    summary: RunSummary,
    metrics: PerformanceMetrics,
) -> Manifest:
    """Write sessions into a folder as CSV, and return the manifest; ExportError where that cannot be.

    `summary` is that of the run; of its sessions those of `records` are taken.
    """
    from tapedeck.engine.export.csv_export import CsvExport  # noqa: PLC0415 - slow, and many runs export nothing

    export, sessions = CsvExport(folder, config), []
    try:
        for record, digest in records:
            export.write_session(record, digest)
            sessions.append(SessionSummary.of(record, digest))
        return export.finish(_of_sessions(summary, sessions), metrics)
    finally:
        export.abandon()


def write_state(path: Path, records: Records, summary: RunSummary) -> None:
    """Write session.json of what was played to a file; ExportError where that cannot be."""
    from tapedeck.engine.export.session_json import session_document  # noqa: PLC0415 - as above

    sessions: list[SessionSummary] = []
    last: SessionRecord | None = None
    for record, digest in records:
        sessions.append(SessionSummary.of(record, digest))
        last = record
    make_folder(path.parent)
    staged = write_whole(path, json_bytes(session_document(_of_sessions(summary, sessions), last)))
    staged.close()
    put_all_in_place([staged])


def _of_sessions(summary: RunSummary, sessions: list[SessionSummary]) -> RunSummary:
    """Return the summary of a run that has played these sessions; one that goes on counts as stopped."""
    return replace(
        summary,
        state=summary.state if summary.state in _FINAL_STATES else "stopped",
        sessions=tuple(sessions),
        bars=sum(session.bars for session in sessions),
        stamp=run_stamp(session.digest for session in sessions),
    )
