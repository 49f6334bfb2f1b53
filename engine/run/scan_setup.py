"""Scan setup: the scanners and the universe of a session file, checked before the run starts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.conditions.row_rules import RowRule, RowValue
from tapedeck.engine.conditions.syntax import references
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import Scanner, SessionConfig, SessionDataConfig, Universe
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.metrics.performance import PerformanceMetrics, Step
from tapedeck.engine.read.events import EventLog
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
from tapedeck.engine.universe.schedule import scan_frontiers
from tapedeck.engine.universe.universe_symbols import UniverseSymbols, universe_symbols


@dataclass(frozen=True, slots=True)
class ScanSetup:
    """The scanners of a run, the universe that they look at, and what loads it."""

    manager: ScannerManager
    universe: UniverseSymbols
    plan: StreamPlan
    loader: UniverseLoader

    @property
    def warnings(self) -> tuple[str, ...]:
        """Lines for the user: what the universe lacks."""
        warning = self.universe.warning()
        return () if warning is None else (warning,)

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


def scan_setup(
    config: SessionConfig,
    plan: StreamPlan,
    time: TimeManager,
    data: DataManager,
    metrics: PerformanceMetrics,
    wake: Callable[[], None],
) -> ScanSetup | None:
    """Return the setup of a file's scanners for the plan of its run; None without scanners.

    `wake` ends a wait of the coordinator's thread. Classes are loaded, and rules parsed. Raises ConfigError
    with all faults, DataMissingError if the universe has no symbol, StoreError.
    """
    wanted = config.session_data_config
    if not wanted.scanners:
        return None
    universe = wanted.universe or Universe()
    found = universe_symbols(universe, data.store.series(), config.folder)
    manager = ScannerManager(wanted.scanners, metrics, wake, folder=config.folder)
    has_classes = any(scanner.scanner is not None for scanner in wanted.scanners)
    read = _values_read(wanted)
    own = universe_plan(config, plan, found.symbols, time, data, historical=read, daily=has_classes)
    manager.check(_vocabulary(own))
    loader = UniverseLoader(
        own,
        data,
        time,
        universe,
        figures=tuple(UNIVERSE_FIGURES) if has_classes else read,
        moments=_moments(plan, wanted.scanners),
    )
    return ScanSetup(manager, found, own, loader)


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
