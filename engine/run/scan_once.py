"""Scan once: a file's scanners at moments of one day, over stored bars, without playing the session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.config.scanners import ScanMoment
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.day_scans import DayScans
from tapedeck.engine.store.bar_store import BarStore

Progress = Callable[[str], None]
"""Called with what is being done, such as `loading 5,000 symbols`."""


def scan_once(
    config: SessionConfig,
    store: BarStore,
    trading_day: date,
    at: ScanMoment | None = None,
    *,
    on_progress: Progress = lambda text: None,
) -> DayScans:
    """Run a file's scanners on a day; nothing joins, and no bar after the last scan is read.

    `at`: run all of them once, at that moment; None: each by its schedule. The day need not be one of the
    file's. Raises ConfigError, CalendarError for a day without a session, DataMissingError without bars,
    StoreError.
    """
    raise EngineError("scans at one moment are not available yet")
