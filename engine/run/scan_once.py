"""Scan once: a file's scanners at moments of one day, over stored bars, without playing the session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from threading import Event
from typing import Literal

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import BacktestConfig, SessionConfig
from tapedeck.engine.errors import ConfigError, ConfigProblem
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.day_scans import DayScans
from tapedeck.engine.run.scan_setup import ScanSetup, scan_setup
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.bars_until import BarsUntil
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.universe.schedule import scan_frontiers
from tapedeck.engine.universe.universe_session import UniverseSession

ScanTime = time | Literal["pre_session"]
"""A moment of a session: a time of day of the exchange, or before the first slot."""
Progress = Callable[[str], None]
"""Called with what is being done, such as `loading 5,000 symbols`."""


def scan_once(
    config: SessionConfig,
    store: BarStore,
    trading_day: date,
    at: ScanTime | None = None,
    *,
    on_progress: Progress = lambda text: None,
) -> DayScans:
    """Run a file's scanners on a day; nothing joins, and no bar after the last scan is read.

    `at`: run all of them once, at that moment; None: each by its schedule. The day need not be one of the
    file's. Raises ConfigError, CalendarError for a day without a session, DataMissingError without bars,
    StoreError.
    """
    calendar = TimeManager(config.exchange, changes=config.session_data_config.sessions)
    session = calendar.get_trading_session(trading_day)
    config = _of_day(config, trading_day, at)
    plan = StreamRequirements(config, calendar, DataManager(store)).plan(may_be_empty=True)
    slots = SessionSlots(session, plan.base)
    on_progress("looking for the symbols of the universe")
    until = BarsUntil(store, slots.clock(_last_frontier(config, slots, at)), trading_day)
    ended = Event()
    setup = scan_setup(config, plan, calendar, DataManager(until), PerformanceMetrics(), ended.set)
    assert setup is not None  # as there are scanners
    universe = _loaded(setup, on_progress)

    def wait(seconds: float | None) -> None:
        ended.wait(seconds)
        ended.clear()

    try:
        records = list(setup.manager.begin_session(universe, slots, wait))
        while (frontier := setup.manager.next_frontier(0)) is not None:
            on_progress(f"scanning {len(universe.symbols):,} symbols")
            records += [record for _, record in setup.manager.scan(frontier, wait)]
        records += setup.manager.end_session(wait)
    finally:
        setup.manager.teardown(wait)
    told = {record.error for record in records}
    torn_down = (status for status in setup.manager.status() if status.error not in told)
    failures = tuple(f"{status.name}: {status.error}" for status in torn_down if status.error is not None)
    return DayScans(session, setup.universe, tuple(records), setup.warnings, failures)


def _loaded(setup: ScanSetup, on_progress: Progress) -> UniverseSession:
    """Return the universe's session of the day."""
    symbols = len(setup.universe.symbols)
    on_progress(f"reading the days before of {symbols:,} symbols")
    setup.loader.load_history()
    on_progress(f"reading {setup.plan.sessions[0].trading_day} of {symbols:,} symbols")
    [session] = setup.loader.load(setup.plan.sessions)
    return session


def _of_day(config: SessionConfig, trading_day: date, at: ScanTime | None) -> SessionConfig:
    """Return the file for a run of one day; all of its scanners run at the moment `at`, if it is given."""
    data = config.session_data_config
    if not data.scanners:
        message = 'has no scanner: add one, such as {name: up, where: change_pct > 2, at: "10:00"}.'
        raise ConfigError(config.session_name, [ConfigProblem("session_data_config.scanners", None, message)])
    # A failure is part of the result, and ends nothing.
    changes = {"required": False} if at is None else {"required": False, "at": (at,)}
    scanners = tuple(scanner.model_copy(update=changes) for scanner in data.scanners)
    data = data.model_copy(update={"scanners": scanners})
    backtest = BacktestConfig(start_date=trading_day, end_date=trading_day)
    return config.model_copy(
        update={"mode": "backtest", "backtest_config": backtest, "session_data_config": data}
    )


def _last_frontier(config: SessionConfig, slots: SessionSlots, at: ScanTime | None) -> int:
    """Return the frontier of the last scan of the day, 0 without any; ConfigError if `at` is too late."""
    found = {
        one for scanner in config.session_data_config.scanners for one in scan_frontiers(scanner.at, slots)
    }
    if not found and isinstance(at, time):
        close = slots.session.regular_close.astimezone(slots.session.zone)
        message = (
            f"{at:%H:%M} is after the close of {slots.session.trading_day} at {close:%H:%M}: "
            "use a time of the session, or pre_session."
        )
        raise ConfigError("command line", [ConfigProblem("--at", at.isoformat(), message)])
    return max(found, default=0)
