"""Recording without a screen: records live sessions, and tells what happens in lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.batch import Outcome, exporting, finish_export
from tapedeck.console.cli.lacking_bars import LackingBars
from tapedeck.console.cli.live_news import LiveNews, SessionOver
from tapedeck.console.cli.live_output import LiveOutput
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.export.daily_exports import DailyExports
from tapedeck.engine.read.day_summary import day_summary
from tapedeck.engine.system import SystemManager

if TYPE_CHECKING:
    from tapedeck.console.cli.interrupts import Interrupts
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.errors import ExportError
    from tapedeck.engine.export.csv_export import CsvExport
    from tapedeck.engine.feeds.live_options import LiveOptions
    from tapedeck.engine.store.bar_store import BarStore

# Period of the main loop, which notices ctrl+c, and tells what is new.
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class LiveOutcome:
    """Result of a recording.

    `outcome`: as of a run; `missing`: bars that are missing at the end of each day; `exports`: the folders of
    days that were exported, one each; `failures`: days that could not be.
    """

    outcome: Outcome
    missing: LackingBars
    exports: tuple[Path, ...] = ()
    failures: tuple[ExportError, ...] = ()


@dataclass(slots=True)
class LiveExport:
    """Export of a recording: a folder for its only day, or one with a folder for each day, or none."""

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

    def of_day(self, session_day: str) -> Path | None:
        """Return the folder of a day that was exported, or None."""
        folder = None if self.daily is None else self.daily.folder_of(session_day)
        return folder if self.daily is not None and folder in self.daily.written else None


@contextmanager
def live_export(config: SessionConfig, folder: Path | None, days: int | None) -> Iterator[LiveExport]:
    """Yield the export of a recording of some days; remove that of a single day if it cannot start."""
    if folder is not None and days != 1:
        yield LiveExport(daily=DailyExports(folder, config))
        return
    with exporting(config, folder) as single:
        yield LiveExport(single=single)


def record(
    config: SessionConfig,
    store: BarStore,
    live: LiveOptions,
    *,
    lines: LiveOutput,
    export: Path | None,
    interrupts: Interrupts,
    breaks: Sequence[str] = (),
    replayed: BarStore | None = None,
    on_day: Callable[[Outcome], None] = lambda outcome: None,
) -> LiveOutcome:
    """Record live sessions to the end of their days, or until a signal, and export what was recorded.

    `replayed`: the store whose bars the feed plays. `on_day` takes the outcome of each day that is over, if
    there is more than one. Only for the main thread.
    Raises ConfigError, ConditionError, CalendarError, StoreError, DataMissingError or ExportError before the
    start; later errors are in the outcome.
    """
    with ExitStack() as stack:
        exports = stack.enter_context(live_export(config, export, live.days))
        system = SystemManager(config, store, sinks=exports.sinks, live=live)
        for condition in breaks:
            system.add_breakpoint(condition)
        system.prepare()
        exports.follow(system)
        interrupts.hold()
        stack.callback(lines.close)
        system.start()
        watch = _Watch(system, lines, exports, replayed, on_day if live.days != 1 else None)
        while not interrupts.seen and not system.wait(_POLL_S):
            watch.look()
        if interrupts.seen:
            system.stop()
        watch.look()
        return _outcome(system, exports, interrupts, watch.missing)


@dataclass(slots=True)
class _Watch:
    """Tells what is new in a run at each look, and notes what is missing at the end of each day.

    `on_day`: None for a run of one day.
    """

    system: SystemManager
    lines: LiveOutput
    exports: LiveExport
    replayed: BarStore | None
    on_day: Callable[[Outcome], None] | None
    news: LiveNews = field(default_factory=LiveNews)
    missing: LackingBars = field(default_factory=LackingBars)

    def look(self) -> None:
        """Tell what became known since the last look."""
        snapshot = self.system.snapshot()
        news = self.news.of(snapshot, self.system.events())
        self.lines.tell(news)
        for one in news:
            if isinstance(one, SessionOver):
                self._end_day(one)
        self.lines.look(snapshot)

    def _end_day(self, over: SessionOver) -> None:
        session = self.system.time.get_trading_session(date.fromisoformat(over.session.trading_day))
        slots = SessionSlots(session, self.system.prepare().base)
        self.missing = self.missing.with_day(self.system.lacking(), slots, self.replayed)
        if self.on_day is not None:
            self.lines.close()
            self.on_day(self._day(over))

    def _day(self, over: SessionOver) -> Outcome:
        summary = day_summary(self.system.summary(), over.session, "stopped")
        folder = self.exports.of_day(over.session.trading_day)
        return Outcome(summary, {}, folder, error=None, interrupted=not summary.complete)


def _outcome(
    system: SystemManager, exports: LiveExport, interrupts: Interrupts, missing: LackingBars
) -> LiveOutcome:
    """Finish the export of a recording that is over, and return its result."""
    summary = system.summary()
    finished = finish_export(exports.single, summary, system.metrics)
    outcome = Outcome(
        summary=summary,
        timers=system.metrics.timers(),
        export=finished.folder,
        error=system.error or finished.failure,
        interrupted=interrupts.seen and not summary.complete,
        unchanged=finished.unchanged,
    )
    daily = exports.daily
    if daily is None:
        return LiveOutcome(outcome, missing)
    return LiveOutcome(outcome, missing, daily.written, daily.failures)
