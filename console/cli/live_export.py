"""Export of a recording: one folder for its only day, or a folder with one for each day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tapedeck.console.cli.batch import Outcome, exporting, finish_export
from tapedeck.engine.export.daily_exports import DailyExports

if TYPE_CHECKING:
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.export.csv_export import CsvExport
    from tapedeck.engine.system import SystemManager


@dataclass(frozen=True, slots=True)
class LiveExport:
    """Where a recording is exported to: at most one of the two is set."""

    single: CsvExport | None = None
    daily: DailyExports | None = None

    @property
    def sinks(self) -> Sequence[CsvExport | DailyExports]:
        """What takes the sessions as they end."""
        return [sink for sink in (self.single, self.daily) if sink is not None]

    def follow(self, system: SystemManager) -> None:
        """Take the summaries of the days from a run that was not started yet."""
        if self.daily is not None:
            self.daily.run = lambda: (system.summary(), system.metrics)

    def of_day(self, trading_day: str) -> Path | None:
        """Return the folder of a day that was exported, or None."""
        folder = None if self.daily is None else self.daily.folder_of(trading_day)
        return folder if self.daily is not None and folder in self.daily.written else None

    def finish(
        self, system: SystemManager, *, interrupted: bool, failure: Exception | None = None
    ) -> Outcome:
        """Finish the export of a recording that is over, and return its result.

        `failure`: of its screen.
        """
        summary, daily = system.summary(), self.daily
        finished = finish_export(self.single, summary, system.metrics)
        return Outcome(
            summary=summary,
            timers=system.metrics.timers(),
            export=finished.folder,
            error=system.error or finished.failure or failure,
            interrupted=interrupted,
            unchanged=finished.unchanged,
            exports=() if daily is None else daily.written,
            export_failures=() if daily is None else daily.failures,
        )


@contextmanager
def live_export(config: SessionConfig, folder: Path | None, days: int | None) -> Iterator[LiveExport]:
    """Yield the export of a recording of some days; remove that of a single day if it cannot start."""
    if folder is not None and days != 1:
        yield LiveExport(daily=DailyExports(folder, config))
        return
    with exporting(config, folder) as single:
        yield LiveExport(single=single)
