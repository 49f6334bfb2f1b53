"""Daily exports: each day is the export of a run of that day alone; a day that fails ends nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ExportError
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.daily_exports import DailyExports
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.engine.export.conftest import WEEK
from tests.support.runs import LIMIT_S, at_frontier

DAYS = (date(2013, 10, 8), date(2013, 10, 9))
TABLES = ("bars.csv", "indicators.csv", "quality.csv", "session.csv")


def config_of(first: date, last: date) -> SessionConfig:
    return parse_session_config(
        WEEK | {"backtest_config": {"start_date": first, "end_date": last}}, "t"
    ).config


def daily_run(store: BarStore, folder: Path) -> tuple[SystemManager, DailyExports]:
    config = config_of(*DAYS)
    exports = DailyExports(folder, config)
    system = SystemManager(config, store, sinks=[exports])
    exports.run = lambda: (system.summary(), system.metrics)
    return system, exports


def play(system: SystemManager) -> None:
    try:
        system.start()
        assert system.wait(LIMIT_S)
    finally:
        system.stop()
    assert system.error is None


def test_each_day_is_the_export_of_a_run_of_that_day_alone(week_store: BarStore, tmp_path: Path) -> None:
    system, exports = daily_run(week_store, tmp_path / "daily")
    play(system)
    assert exports.written == tuple(tmp_path / "daily" / day.isoformat() for day in DAYS)
    for day, folder in zip(DAYS, exports.written, strict=True):
        config = config_of(day, day)
        single = CsvExport(tmp_path / f"only-{day}", config)
        alone = SystemManager(config, week_store, sinks=[single])
        play(alone)
        single.finish(alone.summary(), alone.metrics)
        assert validate_export(folder).ok
        for name in TABLES:
            assert (folder / name).read_bytes() == (single.folder / name).read_bytes(), name
        here, there = (json.loads((one / "manifest.json").read_text()) for one in (folder, single.folder))
        for field in ("status", "state", "stamp", "sessions", "session_file", "first_day", "last_day"):
            assert here[field] == there[field], field


def test_a_day_that_cannot_be_written_does_not_end_the_run(week_store: BarStore, tmp_path: Path) -> None:
    (tmp_path / "daily").mkdir()
    (tmp_path / "daily" / DAYS[0].isoformat()).write_text("mine")
    system, exports = daily_run(week_store, tmp_path / "daily")
    play(system)
    assert system.state is RunState.COMPLETED
    assert exports.written == (tmp_path / "daily" / DAYS[1].isoformat(),)
    (failure,) = exports.failures
    assert DAYS[0].isoformat() in str(failure)
    assert (tmp_path / "daily" / DAYS[0].isoformat()).read_text() == "mine"


def test_an_unfinished_day_is_partial(week_store: BarStore, tmp_path: Path) -> None:
    system, exports = daily_run(week_store, tmp_path / "daily")
    try:
        system.start(paused=True)
        system.step(400)
        assert system.wait_for(at_frontier(system, 2, 10), LIMIT_S)
    finally:
        system.stop()
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in exports.written]
    assert [one["status"] for one in manifests] == ["complete", "partial"]
    assert [one["state"] for one in manifests] == ["completed", "stopped"]
    assert [one["sessions"][0]["played"] for one in manifests] == [390, 10]


def test_a_folder_that_cannot_be_created_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportError, match="cannot be created"):
        DailyExports(tmp_path / "file" / "daily", config_of(*DAYS))
