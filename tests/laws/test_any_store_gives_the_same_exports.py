"""Law of exports: SQLite or Parquet, in blocks or slot by slot, at any speed: the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.laws.test_any_cut_gives_the_same_tape import fill_law, law_config
from tests.support.markets import open_new_store
from tests.support.runs import LIMIT_S

SAME = ("session.csv", "bars.csv", "indicators.csv", "quality.csv", "session.json")
Drive = Callable[[SystemManager], None]


def exported(
    folder: Path, store: BarStore, drive: Drive = lambda system: system.resume(), **backtest: object
) -> tuple[dict[str, bytes], str]:
    """Play the file of the laws with an export; return the exported files and the stamp."""
    config = law_config(**backtest)
    export = CsvExport(folder, config)
    system = SystemManager(config, store, sinks=[export])
    system.start(paused=True)
    try:
        drive(system)
        assert system.wait(LIMIT_S)
    finally:
        system.stop(LIMIT_S)
    assert system.state is RunState.COMPLETED, system.error
    manifest = export.finish(system.summary(), system.metrics)
    return {name: (folder / name).read_bytes() for name in SAME}, manifest.stamp


def in_odd_steps(system: SystemManager) -> None:
    for slots in (1, 2, 29, 100, 3, 390):
        system.step(slots)
    system.resume()


@pytest.mark.parametrize("location", ["bars.db", "bars"])
def test_exports_and_stamp_are_the_same_for_any_store_and_speed(tmp_path: Path, location: str) -> None:
    with open_new_store(tmp_path / "reference.db") as store:
        fill_law(store)
        files, stamp = exported(tmp_path / "reference", store)
    with open_new_store(tmp_path / location) as store:
        fill_law(store)
        assert exported(tmp_path / "whole", store) == (files, stamp)
        assert exported(tmp_path / "steps", store, in_odd_steps, prefetch_days=1) == (files, stamp)
        assert exported(tmp_path / "clock", store, speed_multiplier=200_000.0)[1] == stamp
    assert all(len(content) > 1000 for content in files.values())
