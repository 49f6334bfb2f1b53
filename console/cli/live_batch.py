"""Recording without a screen: records live sessions, and tells what happens in lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.batch import Outcome
from tapedeck.console.cli.lacking_bars import LackingBars
from tapedeck.console.cli.live_export import LiveExport, live_export
from tapedeck.console.cli.live_news import LiveNews, SessionOver
from tapedeck.console.cli.live_output import LiveOutput
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.read.day_summary import day_summary
from tapedeck.engine.system import SystemManager

if TYPE_CHECKING:
    from tapedeck.console.cli.interrupts import Interrupts
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.feeds.live_options import LiveOptions
    from tapedeck.engine.store.bar_store import BarStore

# Period of the main loop, which notices ctrl+c, and tells what is new.
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class LiveOutcome:
    """Result of a recording: as of a run, and the bars that are missing at the end of its days."""

    outcome: Outcome
    missing: LackingBars


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
        interrupted = interrupts.seen and not system.summary().complete
        return LiveOutcome(exports.finish(system, interrupted=interrupted), watch.missing)


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
        self.lines.tell(news, snapshot.error)
        for one in news:
            if isinstance(one, SessionOver):
                self._end_day(one)
        self.lines.look(snapshot)

    def _end_day(self, over: SessionOver) -> None:
        session = self.system.time.get_trading_session(date.fromisoformat(over.session.trading_day))
        slots = SessionSlots(session, self.system.prepare().base)
        self.missing = self.missing.with_day(self.system.lacking(), slots, self.replayed)
        if self.on_day is not None and over.session.played:
            self.lines.close()
            self.on_day(self._day(over))

    def _day(self, over: SessionOver) -> Outcome:
        summary = day_summary(self.system.summary(), over.session, "stopped")
        folder = self.exports.of_day(over.session.trading_day)
        return Outcome(summary, {}, folder, error=None, interrupted=not summary.complete)
