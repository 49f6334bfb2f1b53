"""CSV export of a run: its CSV files, written session by session, and their JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ExportError
from tapedeck.engine.export.account_export import AccountExport
from tapedeck.engine.export.bars_table import bar_rows
from tapedeck.engine.export.export_folder import ExportFolder
from tapedeck.engine.export.history_table import history_rows
from tapedeck.engine.export.indicators_table import indicator_rows
from tapedeck.engine.export.manifest import (
    BARS_CSV,
    HISTORY_CSV,
    INDICATORS_CSV,
    MANIFEST,
    METRICS_JSON,
    QUALITY_CSV,
    QUOTES_CSV,
    SCANS_CSV,
    SESSION_CSV,
    SESSION_JSON,
    Manifest,
    build_manifest,
    json_bytes,
)
from tapedeck.engine.export.metrics_json import metrics_document
from tapedeck.engine.export.own_files import ACCOUNT_TABLES, HISTORY_TABLE, QUOTES_TABLE, SCANS_TABLE, TABLES
from tapedeck.engine.export.quality_table import quality_rows
from tapedeck.engine.export.quotes_table import quote_rows
from tapedeck.engine.export.scans_table import scan_rows
from tapedeck.engine.export.session_json import session_document, writable
from tapedeck.engine.export.session_table import end_row, session_rows
from tapedeck.engine.export.staged_files import StagedFile, write_whole
from tapedeck.engine.intervals import Interval
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.tape import Tape


class CsvExport:
    """Writes a run into a folder; a `SessionSink`.

    Files get their final names in `finish`; until then an earlier export in the folder stays unchanged. Other
    files in the folder are never changed. After a failure what was written is removed, and every later call
    raises the same failure. From the start to `finish` or `abandon` no other export can use the folder.
    """

    def __init__(self, folder: Path, config: SessionConfig) -> None:
        """Claim the folder, which is created if necessary, and begin the files.

        ExportError if another export is writing there (its text says which process), if the folder has files
        of the same names that are not of an export, or if it cannot be written.
        """
        self.folder = folder
        self._config = config
        self._tables: dict[str, StagedFile] = {}
        self._documents: list[StagedFile] = []
        self._last: SessionRecord | None = None
        # The last row is held back, as it depends on how the run ends.
        self._held_row: str | None = None
        self._failure: ExportError | None = None
        self._has_ended = False
        data = config.session_data_config
        tables = TABLES | (QUOTES_TABLE if data.wants_quotes else {})
        tables |= HISTORY_TABLE if data.historical.keeps_days else {}
        tables |= SCANS_TABLE if data.scanners else {}
        tables |= ACCOUNT_TABLES if config.strategies else {}
        self._account = AccountExport(config) if config.strategies else None
        self._quotes_by_day: dict[str, int] = {}
        self._history_until: dict[Interval, dict[str, int]] = {}
        self._target = ExportFolder(folder, (*tables, SESSION_JSON, METRICS_JSON, MANIFEST))
        try:
            for name, header in tables.items():
                self._tables[name] = StagedFile(self._target, name)
                self._tables[name].append(",".join(header).encode())
        except BaseException:
            self.abandon()
            raise

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Append one session; its digest in the manifest comes from the run's summary."""
        self._check()
        whole = record.whole()
        tape, frontier = whole.tape, whole.frontier
        try:
            self._append(SESSION_CSV, self._clock_rows(whole))
            self._append(BARS_CSV, bar_rows(tape, frontier))
            self._append(INDICATORS_CSV, indicator_rows(tape, frontier))
            self._tables[QUALITY_CSV].append(quality_rows(tape, frontier))
            self._append_quotes(tape, frontier)
            self._append_history(tape)
            if SCANS_CSV in self._tables:
                self._tables[SCANS_CSV].append(scan_rows(whole.tape.session, whole.scans))
            if self._account is not None and whole.account is not None:
                self._append_all(self._account.rows(whole.account, tape.slots))
        except ExportError as error:
            self._fail(error)
            raise
        self._last = whole

    def finish(self, summary: RunSummary, metrics: PerformanceMetrics) -> Manifest | None:
        """Complete the files, give them their names, and return the manifest.

        Call it after the run. A run that played no slot does not replace an earlier export: the folder is
        then as before, and the result None. Raises ExportError if a file cannot be written.
        """
        self._check()
        if not any(session.played for session in summary.sessions) and self._target.has_export():
            self.abandon()
            return None
        try:
            manifest = self._finish(writable(summary), metrics)
        except ExportError as error:
            self._fail(error)
            raise
        self._has_ended = True
        self._target.release()
        return manifest

    def abandon(self) -> None:
        """Remove what was written, leaving all else unchanged; after `finish` it does nothing."""
        if self._has_ended:
            return
        self._has_ended = True
        for staged in (*self._tables.values(), *self._documents):
            staged.discard()
        self._target.release()

    def _clock_rows(self, record: SessionRecord) -> Iterator[bytes]:
        """Yield the rows of session.csv, except for the last one, which is held back."""
        rows = session_rows(record.tape, record.frontier, self._config.mode)
        if self._held_row is not None:
            yield self._held_row.encode()
        self._held_row = rows[-1]
        yield "".join(rows[:-1]).encode()

    def _append_quotes(self, tape: Tape, frontier: int) -> None:
        if QUOTES_CSV not in self._tables or tape.quotes is None:
            return
        count = 0
        for piece, rows in quote_rows(tape, tape.quotes, frontier):
            self._tables[QUOTES_CSV].append(piece)
            count += rows
        self._quotes_by_day[tape.session.trading_day.isoformat()] = count

    def _append_history(self, tape: Tape) -> None:
        """Append the days and weeks before a session that are not written yet."""
        history, until = tape.kept_history, self._history_until
        if not history:
            return
        self._append(HISTORY_CSV, history_rows(history, tape.symbols, tape.session.zone, until))
        for kept in history:
            last = int(kept.opened_at[-1])
            until.setdefault(kept.interval, {}).update(dict.fromkeys(tape.symbols, last))

    def _append(self, name: str, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._tables[name].append(piece)

    def _append_all(self, rows: Mapping[str, bytes]) -> None:
        for name, data in rows.items():
            self._tables[name].append(data)

    def _finish(self, summary: RunSummary, metrics: PerformanceMetrics) -> Manifest:
        if self._held_row is not None:
            self._tables[SESSION_CSV].append(end_row(self._held_row, summary.state, summary.error).encode())
        if self._account is not None:
            self._append_all(self._account.rest())
        for staged in self._tables.values():
            staged.append(b"\n")
        self._add_document(
            SESSION_JSON,
            json_bytes(session_document(summary, self._last, self._config)),
        )
        self._add_document(METRICS_JSON, json_bytes(metrics_document(summary, metrics)))
        data = [*self._tables.values(), *self._documents]
        files = tuple(staged.close() for staged in data)
        manifest = build_manifest(self._config, summary, self._last, files, self._quotes_by_day)
        self._add_document(MANIFEST, manifest.to_json())
        self._documents[-1].close()
        self._target.install([*self._tables, *(staged.path.name for staged in self._documents)])
        return manifest

    def _add_document(self, name: str, data: bytes) -> None:
        self._documents.append(write_whole(self._target, name, data))

    def _check(self) -> None:
        if self._failure is not None:
            raise ExportError(str(self._failure)) from self._failure
        if self._has_ended:
            raise ExportError(f"the export to {self.folder} has ended: create a new one for another run")

    def _fail(self, error: ExportError) -> None:
        self._failure = error
        self.abandon()
