"""A run with days that its file changes: sessions, history, stamp, export."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, play

INDICATORS = {"sma": {"type": "SMA", "interval": "1d", "timeperiod": 3}}


def file_with(sessions: Mapping[str, object] | None) -> SessionConfig:
    return session_file(
        ["AAA"],
        ["1m", "1h", "1d"],
        "2024-06-10",
        "2024-06-14",
        indicators=INDICATORS,
        session_data={} if sessions is None else {"sessions": sessions},
    )


@pytest.fixture
def store(tmp_path: Path) -> BarStore:
    made = open_new_store(tmp_path / "bars.db")
    fill_store(made, ["AAA"], "2024-05-20", "2024-06-14")
    return made


def stamp(sessions: Mapping[str, object] | None, store: BarStore) -> str:
    return play(file_with(sessions), store).summary().stamp


def test_without_changes_the_stamp_stays_and_with_them_it_is_another(store: BarStore) -> None:
    plain = stamp(None, store)
    assert stamp({}, store) == plain
    early = {"2024-06-12": {"close": "13:00"}}
    assert stamp(early, store) == stamp(early, store) != plain
    # Also where no bar changes: the calendar has these hours, or the day is in no session of the run.
    others = [{"2024-06-12": {"close": "16:00"}}, {"2030-06-12": {"close": "13:00"}}]
    assert len({plain, stamp(early, store), *(stamp(other, store) for other in others)}) == 4


def test_changed_days_are_played_and_bars_behind_the_close_are_told(store: BarStore) -> None:
    system = play(file_with({"2024-06-12": {"close": "13:00"}, "2024-06-13": {"holiday": True}}), store)
    summary = system.summary()
    assert [(one.trading_day[-2:], one.slots) for one in summary.sessions] == [
        ("10", 390), ("11", 390), ("12", 210), ("14", 390),
    ]  # fmt: skip
    assert summary.changed_sessions == ("2024-06-12 calendar to 13:00:00", "2024-06-13 holiday")
    assert (
        "sessions changed by the file: 2024-06-12 calendar to 13:00:00, 2024-06-13 holiday" in summary.notes
    )
    assert summary.warnings == (
        "570 1m bars of AAA lie outside all sessions, first on 2024-06-12: 390 on days without a session, "
        "179 after an early close, 1 at the close itself",
    )


def test_a_holiday_in_the_history_is_left_out_of_it(store: BarStore) -> None:
    def closes(sessions: Mapping[str, object] | None) -> np.ndarray:
        system = SystemManager(file_with(sessions), store)
        system.start(paused=True)
        assert system.wait_for(lambda: system.session_data.view() is not None, LIMIT_S)
        daily = system.session_data.history.daily
        assert daily is not None
        days = [session.trading_day.isoformat() for session in daily.days]
        system.stop(LIMIT_S)
        return np.array(days)

    plain, changed = closes(None), closes({"2024-06-06": {"holiday": True}})
    assert "2024-06-06" in plain
    assert "2024-06-06" not in changed


def test_an_export_with_changed_days_is_valid_and_checks_against_them(
    store: BarStore, tmp_path: Path
) -> None:
    config = file_with({"2024-06-12": {"open": "10:30", "close": "13:00"}, "2024-06-13": {"holiday": True}})
    folder = tmp_path / "out"
    sink = CsvExport(folder, config)
    system = SystemManager(config, store, sinks=[sink])
    system.start()
    assert system.wait(LIMIT_S)
    manifest = sink.finish(system.summary(), system.metrics)
    assert validate_export(folder).findings == ()
    assert manifest.stamp == system.summary().stamp
    with (folder / "session.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["session_date"] == "2024-06-12"]
    hours = {(row["trading_hours_open"], row["trading_hours_close"], row["is_early_close"]) for row in rows}
    assert (hours, len(rows)) == ({("10:30", "13:00", "true")}, 151)
    # The same export without the changes in its manifest contradicts the calendar.
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"close": "13:00:00"', '"close": "13:30:00"'))
    assert not validate_export(folder).ok
