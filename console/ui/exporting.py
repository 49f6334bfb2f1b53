"""Exports at the press of a key: what was played so far, days that are over and the one under way."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from console.ui.playback import Playback
from engine.errors import ExportError
from engine.export.csv_export import CsvExport
from engine.export.manifest import SESSION_JSON, json_bytes
from engine.export.session_json import session_document
from engine.export.staged_files import make_folder, put_all_in_place, write_whole
from engine.monitoring.snapshot import RunSummary
from engine.monitoring.status import RunState
from engine.tape.session_record import SessionRecord, SessionSummary
from engine.tape.stamp import run_stamp, session_digest


def export_folder(playback: Playback, exports: Path) -> Path:
    """Return the folder for an export at the engine's moment: named after run, day and clock."""
    snapshot = playback.system.snapshot()
    name = re.sub(r"[^a-z0-9]+", "-", snapshot.session_name.lower()).strip("-") or "session"
    if snapshot.clock is None or snapshot.view is None:
        return exports / name
    local = snapshot.clock.astimezone(snapshot.view.session.zone)
    return exports / f"{name}-{snapshot.trading_day}-{local:%H%M%S}"


def export_csv(playback: Playback, folder: Path) -> Path:
    """Write the four CSV files and their documents; return the folder. Raises ExportError."""
    system = playback.system
    partial = _under_way(playback)
    export = CsvExport(folder, system.config)
    try:
        for record, digest in playback.days.records():
            export.write_session(record, digest)
        if partial is not None:
            export.write_session(*partial)
        export.finish(_summary(playback, partial), system.metrics)
    except BaseException:
        export.abandon()
        raise
    return folder


def export_json(playback: Playback, folder: Path) -> Path:
    """Write session.json; return its folder. Raises ExportError."""
    partial = _under_way(playback)
    summary = _summary(playback, partial)
    last = partial[0] if partial is not None else None
    if last is None:
        for record, _ in playback.days.records():
            last = record
    make_folder(folder)
    staged = write_whole(folder / SESSION_JSON, json_bytes(session_document(summary, last)))
    staged.close()
    put_all_in_place([staged])
    return folder


def _under_way(playback: Playback) -> tuple[SessionRecord, str] | None:
    """Return the session in place as far as it is settled, with its digest; None where it is kept already."""
    if playback.days.trouble is not None:
        raise ExportError(f"{playback.days.trouble} So the days that are over cannot be exported.")
    system = playback.system
    tape = system.tape
    if tape is None or tape.session.trading_day in playback.days.days():
        return None
    frontier = tape.settled()
    quality = dict(system.session_data.historical_quality)
    record = SessionRecord(tape, frontier, _state(system.state), None, quality)
    return record, session_digest(tape, frontier)


def _state(state: RunState) -> str:
    """Return the state that an export tells: one that is cut short by the export has been stopped there."""
    return state.value if state.is_over else RunState.STOPPED.value


def _summary(playback: Playback, partial: tuple[SessionRecord, str] | None) -> RunSummary:
    """Return the run's summary with the session under way as its last."""
    summary = playback.system.summary()
    summary = replace(summary, state=_state(playback.system.state))
    if partial is None:
        return summary
    record, digest = partial
    sessions = (*summary.sessions, _session_summary(record, digest))
    return replace(
        summary,
        sessions=sessions,
        bars=sum(session.bars for session in sessions),
        stamp=run_stamp(session.digest for session in sessions),
    )


def _session_summary(record: SessionRecord, digest: str) -> SessionSummary:
    tape, frontier = record.tape, record.frontier
    return SessionSummary(
        trading_day=tape.session.trading_day.isoformat(),
        slots=len(tape),
        played=frontier,
        bars=int(tape.base.present[:, :frontier].sum()),
        quality_pct=None if tape.scores is None else float(np.mean(tape.scores[:, frontier])),
        digest=digest,
    )
