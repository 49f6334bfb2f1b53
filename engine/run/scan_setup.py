"""Scan setup: the scanners and the universe of a session file, checked before the run starts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from queue import SimpleQueue

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.conditions.row_rules import RowRule, RowValue
from tapedeck.engine.conditions.syntax import references
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import Scanner, SessionConfig, SessionDataConfig, Universe
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.metrics.performance import PerformanceMetrics, Step
from tapedeck.engine.read.events import EventLog
from tapedeck.engine.run.joining import LoadedSymbols
from tapedeck.engine.run.live_run import LiveRun
from tapedeck.engine.run.live_scans import LiveScans
from tapedeck.engine.run.live_universe import LiveUniverses
from tapedeck.engine.run.messages import Message
from tapedeck.engine.run.session_feed import ProcessMessages, SessionFeed
from tapedeck.engine.run.session_scans import BacktestScans, ScanJoins
from tapedeck.engine.run.symbol_changer import SymbolChanger
from tapedeck.engine.run.universe_loader import MOST_SESSIONS, UniverseLoader, universe_plan
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES
from tapedeck.engine.universe.rule_checks import rule_vocabulary
from tapedeck.engine.universe.scanner_manager import ScannerManager
from tapedeck.engine.universe.schedule import scan_frontiers, schedule_warnings
from tapedeck.engine.universe.universe_symbols import UniverseSymbols, universe_symbols


@dataclass(frozen=True, slots=True)
class ScanSetup:
    """The scanners of a run, the universe that they look at, and what loads it. `warnings`: for the user.

    `universes`: loads it for sessions that are recorded; `calls`: has an entry for each call of a class that
    ended in such a run.
    """

    manager: ScannerManager
    universe: UniverseSymbols
    plan: StreamPlan
    loader: UniverseLoader
    universes: LiveUniverses
    calls: SimpleQueue[None]
    warnings: tuple[str, ...]

    def scans_of(
        self,
        data: SessionData,
        symbols: SymbolChanger,
        events: EventLog,
        metrics: PerformanceMetrics,
        send: Callable[[Message], None],
        process_messages: ProcessMessages,
    ) -> BacktestScans:
        """Return the scans of a run that plays stored bars."""
        feed = SessionFeed(
            self.plan,
            self.loader,
            metrics,
            send,
            prefetch_days=MOST_SESSIONS,
            watches=False,
            step=Step.UNIVERSE_LOAD,
        )
        return BacktestScans(self.manager, feed, ScanJoins(data, symbols, events), data, process_messages)

    def live_scans_of(
        self,
        live: LiveRun,
        data: SessionData,
        symbols: SymbolChanger,
        events: EventLog,
        load: Callable[[Sequence[str], date], LoadedSymbols],
        process_messages: ProcessMessages,
        wake: Callable[[], None],
    ) -> LiveScans:
        """Return the scans of a run that records sessions; `load` loads symbols that join."""
        return LiveScans(
            self.manager,
            self.calls,
            self.universes,
            live=live,
            joins=ScanJoins(data, symbols, events),
            symbols=symbols,
            load=load,
            data=data,
            events=events,
            process_messages=process_messages,
            wake=wake,
        )


def scan_setup(
    config: SessionConfig,
    plan: StreamPlan,
    time: TimeManager,
    data: DataManager,
    metrics: PerformanceMetrics,
    wake: Callable[[], None],
    arriving: Collection[Interval] | None = None,
) -> ScanSetup | None:
    """Return the setup of a file's scanners for the plan of its run; None without scanners.

    `wake` ends a wait of the coordinator's thread. `arriving`: intervals that the feed of a live run
    delivers, which count as stored. Classes are loaded, and rules parsed. Raises ConfigError with all
    faults, DataMissingError if the universe has no symbol, StoreError.
    """
    wanted = config.session_data_config
    if not wanted.scanners:
        return None
    universe = wanted.universe or Universe()
    stored = data.store.series()
    if MINUTE in (arriving or ()):
        stored = {symbol: intervals | {MINUTE} for symbol, intervals in stored.items()}
    found = universe_symbols(universe, stored, config.folder)
    calls: SimpleQueue[None] = SimpleQueue()
    if arriving is not None:  # scans have a thread of their own
        wake = partial(calls.put, None)
    manager = ScannerManager(wanted.scanners, metrics, wake, folder=config.folder)
    has_classes = any(scanner.scanner is not None for scanner in wanted.scanners)
    read = _values_read(wanted)
    figures = tuple(UNIVERSE_FIGURES) if has_classes else read

    def planned(played: StreamPlan) -> StreamPlan:
        return universe_plan(config, played, found.symbols, time, data, historical=read, daily=has_classes)

    def made_loader(played: StreamPlan, own: StreamPlan) -> UniverseLoader:
        moments = _moments(played, wanted.scanners)
        return UniverseLoader(own, data, time, universe, figures=figures, moments=moments)

    def loader_of_session(session: TradingSession) -> UniverseLoader:
        played = replace(plan, sessions=(session,))
        return made_loader(played, planned(played))

    own, warning = planned(plan), found.warning()
    manager.check(_vocabulary(own))
    return ScanSetup(
        manager,
        found,
        own,
        made_loader(plan, own),
        LiveUniverses(loader_of_session),
        calls,
        (*([] if warning is None else [warning]), *schedule_warnings(wanted.scanners, plan.sessions)),
    )


def _values_read(data: SessionDataConfig) -> frozenset[str]:
    """Return the names of the values that rules read; faults are found later, with all names known."""
    vocabulary, names = rule_vocabulary(data), set[str]()
    for scanner in data.scanners:
        if scanner.where is not None:
            names.update(one.name for one in references(RowRule.parse(scanner.where, vocabulary).root))
        if scanner.by is not None:
            names.update(one.name for one in references(RowValue.parse(scanner.by, vocabulary).root))
    return frozenset(names)


def _vocabulary(plan: StreamPlan) -> Vocabulary:
    return Vocabulary(
        plan.symbols,
        (MINUTE, *plan.derived),
        tuple(output for spec in plan.specs for output in spec.outputs),
        tuple(trailing.name for trailing in plan.history.trailing),
        figures=tuple(UNIVERSE_FIGURES),
        of_universe=True,
    )


def _moments(plan: StreamPlan, scanners: Collection[Scanner]) -> Ints:
    """Return the minutes at which scanners run in any session: seconds after the open, int64, ascending.

    A scan within a minute reads the universe as at the end of the minute before.
    """
    found = {0}
    for session in plan.sessions:
        slots, minutes = SessionSlots(session, plan.base), SessionSlots(session, MINUTE)
        for scanner in scanners:
            for frontier in scan_frontiers(scanner.at, slots):
                over = minutes.slots_over_at(slots.clock(frontier))
                found.add(minutes.clock(over) - minutes.clock(0))
    return np.array(sorted(found), dtype=np.int64)
