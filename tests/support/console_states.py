"""Consoles with reproducible screens: real engine and bars, fixed measurements."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.ui_state import UiState
from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.metrics.performance import PerformanceMetrics, Scope, Step, TimerSummary
from tapedeck.engine.read.snapshot import RunSummary, Snapshot
from tapedeck.engine.read.status import WorkerState, WorkerStatus
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarBatch, BarStore
from tapedeck.engine.store.sqlite_store import SqliteStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.scan_records import ScanRecord
from tests.support.console_runs import LIMIT_S, SYMBOLS, ConsoleRun
from tests.support.markets import random_bars

# Fixed values of counts that vary with threads and frames.
_FIXED_COUNTS: Final = {"back_pressure": 3, "overruns": 0, "calendar_hits": 12, "calendar_misses": 4}
_STEPS: Final = (Step.DATA_PROCESSOR, Step.QUALITY, Step.PREFETCH, Step.FIRST_HISTORICAL_LOAD, Step.RECORDING)
_SCAN_S: Final = 0.0042
_MISSING: Final = {SYMBOLS[0]: slice(40, 130), SYMBOLS[-1]: slice(90)}
MANY_SYMBOLS: Final = tuple(f"S{number:03d}" for number in range(500))
_LOGGED_AT: Final = datetime(2026, 1, 5, 18, 30, tzinfo=UTC).timestamp()
_LOG: Final = (
    ("tapedeck.engine.system", logging.INFO, "streaming 1m, generating 5m, 1d"),
    ("tapedeck.engine.run.session_feed", logging.INFO, "prefetch done: 2013-11-26 to 2013-11-27 in 0.021 s"),
    ("tapedeck.engine.run.session_coordinator", logging.INFO, "session 2013-11-26 activated"),
    ("tapedeck.engine.run.worker", logging.WARNING, "data processor is 12 blocks behind"),
    (
        "tapedeck.console.app.theming",
        logging.ERROR,
        "mine.yaml holds no theme: 'primary' is missing; name a colour",
    ),
)


class FixedTimes(PerformanceMetrics):
    """Metrics with fixed steps and durations."""

    def timers(self, scope: Scope = "backtest") -> dict[str, TimerSummary]:
        """Return a few steps once a session is loaded."""
        begun = Step.ACTIVATION.value in super().timers(scope)
        return {step.value: _fixed_times(number) for number, step in enumerate(_STEPS, 1)} if begun else {}


class SteadySystem(SystemManager):
    """A run of the real engine with fixed figures of threads and time."""

    def __init__(self, config: SessionConfig, store: BarStore) -> None:
        super().__init__(config, store, tape_cache_bytes=0)
        self.store = store
        self.metrics = FixedTimes()

    def stop(self, timeout: float = 60.0) -> None:
        """End the run cleanly; release a blocked store first."""
        if isinstance(self.store, BlockedStore):
            self.store.released.set()
        super().stop(timeout)

    def snapshot(self) -> Snapshot:
        """Return the run as it is now."""
        now = super().snapshot()
        threads = tuple(_steady_status(number, status) for number, status in enumerate(now.threads, 1))
        return replace(now, threads=threads, counts={**now.counts, **_FIXED_COUNTS})

    def scans(self, trading_day: date) -> tuple[ScanRecord, ...]:
        """Return the scans of a day, each with the same duration."""
        return tuple(replace(scan, seconds=_SCAN_S) for scan in super().scans(trading_day))

    def summary(self) -> RunSummary:
        """Return the summary, with a duration of 1.25 seconds."""
        found = super().summary()
        return replace(found, seconds=1.25, counts={**found.counts, **_FIXED_COUNTS})


class BlockedStore(SqliteStore):
    """A store whose reads block until `released` is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.released = threading.Event()

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars after `released` is set."""
        if not self.released.wait(LIMIT_S):
            raise StoreError("the test did not release the store")
        return super().scan(symbols, interval, start, end)


class FaultyStore(SqliteStore):
    """A store with disk errors from a trading day of XNYS on."""

    def __init__(self, path: Path, faulty_from: str) -> None:
        super().__init__(path)
        session = TimeManager("XNYS").get_trading_session(date.fromisoformat(faulty_from))
        self._faulty_from = epoch_seconds(session.regular_open)

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of earlier times, else fail."""
        if end > self._faulty_from:
            raise StoreError("bars.db cannot be read: disk I/O error. Check the disk, or name another store")
        return super().scan(symbols, interval, start, end)


class StoppedClock:
    """Replaces `time`: measured durations are zero, deadlines pass as usual."""

    def perf_counter(self) -> float:
        """Return seconds."""
        return 0.0

    def monotonic(self) -> float:
        """Return seconds of the real clock."""
        return time.monotonic()


@contextmanager
def steady_console(
    store: BarStore,
    folder: Path,
    config: Mapping[str, Any],
    ui_state: UiState,
    *,
    has_log: bool = True,
) -> Iterator[ConsoleRun]:
    """Yield a console before its start, over a run paused at the first open."""
    system = SteadySystem(parse_session_config(dict(config), "console test").config, store)
    setup = Setup(
        exports=folder / "exports",
        ui_state=ui_state,
        start_paused=True,
    )
    try:
        yield ConsoleRun(ConsoleApp(Playback(system), store, log_lines() if has_log else LogLines(), setup))
    finally:
        system.stop()


def fill_with_holes(store: BarStore, start: str, end: str) -> None:
    """Write half of the bars of XNYS; one symbol has a gap of an hour and a half, one starts late."""
    sessions = TimeManager("XNYS").trading_sessions(date.fromisoformat(start), date.fromisoformat(end))
    labels = [SessionSlots(session, MINUTE).stored_labels for session in sessions]
    for seed, symbol in enumerate(SYMBOLS):
        silent = _MISSING.get(symbol, slice(0))
        kept = np.concatenate([np.delete(day, silent) for day in labels])
        store.write(symbol, MINUTE, random_bars(kept, seed=seed, missing=0.5))


def log_lines() -> LogLines:
    """Return a log of a few fixed lines."""
    lines = LogLines()
    for second, (name, level, text) in enumerate(_LOG):
        record = logging.LogRecord(name, level, "", 0, text, None, None)
        record.created = _LOGGED_AT + second
        lines.emit(record)
    return lines


def _steady_status(number: int, status: WorkerStatus) -> WorkerStatus:
    state = WorkerState.IDLE if status.state is WorkerState.BUSY else status.state
    return replace(status, state=state, blocks=128 * number, waiting=0, overruns=0)


def _fixed_times(number: int) -> TimerSummary:
    mean = number**3 / 1_000
    return TimerSummary(number, mean / 2, mean, 1.5 * mean, 2 * mean, number * mean)
