"""Daily exports: each session of a recording in a folder of its own, written when the session is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

from tapedeck.engine.config import BacktestConfig, SessionConfig
from tapedeck.engine.errors import ExportError, cause_of
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.output_file import make_folders
from tapedeck.engine.read.day_summary import day_summary
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary

log = logging.getLogger(__name__)


class DailyExports:
    """Writes each session into `folder`/YYYY-MM-DD, whole or not at all; a `SessionSink`.

    A day that cannot be written does not end the recording: it is in `failures`. `run`, set before the first
    session, returns the run's summary and metrics.
    """

    def __init__(self, folder: Path, config: SessionConfig) -> None:
        """Create the folder if necessary; ExportError if that fails."""
        self.folder = folder
        self._config = config
        self.run: Callable[[], tuple[RunSummary, PerformanceMetrics]] | None = None
        self._written: tuple[Path, ...] = ()
        self._failures: tuple[ExportError, ...] = ()
        try:
            make_folders(folder)
        except OSError as error:
            raise ExportError(f"{folder} cannot be created: {cause_of(error)}") from error

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders written so far; any thread may ask."""
        return self._written

    @property
    def failures(self) -> tuple[ExportError, ...]:
        """The days that could not be written; any thread may ask."""
        return self._failures

    def folder_of(self, trading_day: str) -> Path:
        """Return the folder of a day."""
        return self.folder / trading_day

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Write one session; an unfinished one is marked as partial."""
        whole = record.whole()
        session = SessionSummary.of(whole, digest)
        try:
            self._write(whole, session)
        except ExportError as error:
            log.exception("%s was not exported", session.trading_day)
            self._failures = (*self._failures, error)

    def _write(self, record: SessionRecord, session: SessionSummary) -> None:
        assert self.run is not None  # set before the start
        summary, metrics = self.run()
        folder = self.folder_of(session.trading_day)
        day = date.fromisoformat(session.trading_day)
        days = BacktestConfig(start_date=day, end_date=day)
        export = CsvExport(folder, self._config.model_copy(update={"backtest_config": days}))
        try:
            export.write_session(record, session.digest)
            written = export.finish(day_summary(summary, session, record.state), metrics)
        except BaseException:
            export.abandon()
            raise
        if written is not None:
            self._written = (*self._written, folder)
