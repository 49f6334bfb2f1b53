"""One exported run over the real bars, shared by many tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.manifest import Manifest
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tests.support.imports import import_lean

WEEK = {
    "session_name": "October 2013",
    "exchange_group": "US_EQUITY",
    "backtest_config": {"start_date": date(2013, 10, 7), "end_date": date(2013, 10, 11)},
    "session_data_config": {
        "symbols": ["SPY", "AIG", "BAC", "IBM"],
        "streams": ["1m", "5m", "15m", "1h", "1d"],
        "historical": {
            "data": [{"trailing_days": 1, "intervals": ["1m"]}],
            "indicators": {
                "avg_volume": {"type": "trailing_average", "period": "10d", "field": "volume"},
                "avg_volume_minute": {
                    "type": "trailing_average",
                    "period": "1d",
                    "granularity": "minute",
                    "field": "volume",
                },
            },
        },
        "indicators": {
            "sma_20": {"type": "SMA", "interval": "1m", "timeperiod": 20},
            "rsi_14_5m": {"type": "RSI", "interval": "5m", "timeperiod": 14},
            "vwap": {"type": "VWAP", "interval": "1m"},
            "rel_volume": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "avg_volume_minute"},
        },
    },
}


@dataclass(frozen=True)
class PlayedWeek:
    """The export folder of a run, and its summary."""

    folder: Path
    manifest: Manifest
    summary: RunSummary
    system: SystemManager


@pytest.fixture(scope="session")
def week_store(lean_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_store(tmp_path_factory.mktemp("store") / "bars.db", create=True) as store:
        import_lean(lean_root, store)
        yield store


@pytest.fixture(scope="session")
def played_week(week_store: BarStore, tmp_path_factory: pytest.TempPathFactory) -> PlayedWeek:
    folder = tmp_path_factory.mktemp("week")
    config = parse_session_config(WEEK, source="week").config
    export = CsvExport(folder / "export", config)
    system = SystemManager(config, week_store, sinks=[export])
    system.start()
    assert system.wait(60)
    assert system.error is None
    summary = system.summary()
    manifest = export.finish(summary, system.metrics)
    return PlayedWeek(folder / "export", manifest, summary, system)
