"""history.csv: the days and weeks that a session file keeps, each bar once, against pandas over the store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.errors import ExportError
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import FIELDS
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S
from tests.support.tapes import exchange_time, sessions_of

SYMBOLS: Final = ("DAYS", "MINUTES")
START, END = "2013-11-27", "2013-12-03"
KEPT: Final = {
    "data": [
        {"trailing_days": 30, "intervals": ["1w"]},
        {"trailing_days": 2, "intervals": ["1m"]},
        {"trailing_days": 8, "intervals": ["1d"], "apply_to": ["MINUTES"]},
        {"trailing_days": 12, "intervals": ["1d"], "apply_to": ["DAYS"]},
    ]
}
WEEKLY: Final = {"sma_2w": {"type": "SMA", "interval": "1w", "timeperiod": 2}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("store") / "bars.db") as made:
        fill_store(made, ["DAYS"], "2013-09-16", END, interval=DAY, seed=1, missing=0.1)
        fill_store(made, ["DAYS"], START, END, seed=2)
        fill_store(made, ["MINUTES"], "2013-10-02", END, seed=3, missing=0.2)
        yield made


def export(store: BarStore, folder: Path, *, slots: int | None = None, **fields: Any) -> Path:
    """Play, stop after a number of slots if one is given, and export."""
    config = session_file(SYMBOLS, ["1m", "1d"], START, END, **fields)
    sink = CsvExport(folder, config)
    system = SystemManager(config, store, sinks=[sink])
    system.start(paused=slots is not None)
    if slots is not None:
        system.step(slots)
        assert system.wait_for(lambda: system.snapshot().frontier == slots, LIMIT_S)
        system.stop(LIMIT_S)
    assert system.wait(LIMIT_S)
    assert system.error is None
    sink.finish(system.summary(), system.metrics)
    return folder


@pytest.fixture(scope="module")
def folder(store: BarStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(store, tmp_path_factory.mktemp("export"), historical=KEPT, indicators=WEEKLY)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def days_of(store: BarStore, symbol: str) -> pd.DataFrame:
    """Return daily bars by trading day, by pandas alone."""
    interval = DAY if symbol == "DAYS" else MINUTE
    bars = store.read(symbol, interval, 0, 2**40)
    times = pd.to_datetime(bars.opened_at, unit="s", utc=True)
    index = times.tz_localize(None) if interval == DAY else times.tz_convert("America/New_York")
    frame = pd.DataFrame({name: getattr(bars, name) for name in FIELDS}, index=index)
    frame.index = pd.DatetimeIndex(frame.index.date)
    return folded(frame, frame.index)


def folded(bars: pd.DataFrame, by: Any) -> pd.DataFrame:
    groups = bars.groupby(by)
    in_order = groups["volume"].apply(lambda volumes: volumes.cumsum().iloc[-1])
    how = {"open": "first", "high": "max", "low": "min", "close": "last"}
    return groups.agg(how).assign(volume=in_order)


def table(folder: Path, name: str = "history.csv") -> pd.DataFrame:
    return pd.read_csv(folder / name, float_precision="round_trip")


def opens(days: list[str]) -> list[str]:
    times = exchange_time("XNYS")
    return [
        times.get_trading_session(pd.Timestamp(day).date()).regular_open.astimezone(times.zone).isoformat()
        for day in days
    ]


@pytest.mark.parametrize(("symbol", "depth"), [("DAYS", 12), ("MINUTES", 8)])
def test_days_are_those_of_the_store(store: BarStore, folder: Path, symbol: str, depth: int) -> None:
    sessions = [f"{one.trading_day}" for one in sessions_of("2013-10-01", "2013-12-02")]
    first = sessions[sessions.index("2013-11-26") - depth + 1]
    right = days_of(store, symbol).loc[first:"2013-12-02"]
    rows = table(folder).query("symbol == @symbol and interval == '1d'")
    assert rows.timestamp.tolist() == opens([f"{day:%Y-%m-%d}" for day in right.index])
    np.testing.assert_array_equal(rows[list(FIELDS)], right[list(FIELDS)])


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_weeks_are_those_of_the_calendar(store: BarStore, folder: Path, symbol: str) -> None:
    """Thirty trading days before the 27th of November reach back to Tuesday the 15th of October."""
    days = days_of(store, symbol).loc["2013-10-21":"2013-11-29"]
    right = folded(days, days.index.to_period("W-SUN"))
    rows = table(folder).query("symbol == @symbol and interval == '1w'")
    mondays = ["2013-10-21", "2013-10-28", "2013-11-04", "2013-11-11", "2013-11-18", "2013-11-25"]
    assert rows.timestamp.tolist() == opens(mondays)
    np.testing.assert_array_equal(rows[list(FIELDS)], right[list(FIELDS)])


def test_minutes_are_not_in_it(folder: Path) -> None:
    rows = table(folder)
    assert set(rows.interval) == {"1d", "1w"}
    assert not rows.duplicated(["symbol", "interval", "timestamp"]).any()


def test_a_weekly_indicator_has_one_row_per_session_at_its_open(folder: Path) -> None:
    rows = table(folder, "indicators.csv").query("symbol == 'DAYS'")
    assert set(rows.interval) == {"1w"}
    assert rows.timestamp.tolist() == opens(["2013-11-27", "2013-11-29", "2013-12-02", "2013-12-03"])
    weeks = table(folder).query("symbol == 'DAYS' and interval == '1w'").close.to_numpy()
    right = [weeks[-3:-1].mean()] * 2 + [weeks[-2:].mean()] * 2
    np.testing.assert_allclose(rows.value, right, rtol=1e-12)


def test_the_export_validates_and_lists_the_file(folder: Path) -> None:
    report = validate_export(folder)
    assert report.findings == ()
    names = ("session.csv", "bars.csv", "indicators.csv", "quality.csv", "history.csv")
    assert report.rows == sum(len((folder / name).read_text().splitlines()) - 1 for name in names)
    files = [entry["name"] for entry in json.loads((folder / "manifest.json").read_text())["files"]]
    assert "history.csv" in files


def test_a_run_stopped_in_its_first_session_has_the_history_before_it(
    store: BarStore, folder: Path, tmp_path: Path
) -> None:
    cut = export(store, tmp_path / "cut", historical=KEPT, indicators=WEEKLY, slots=20)
    assert validate_export(cut).findings == ()
    whole = (folder / "history.csv").read_text()
    text = (cut / "history.csv").read_text()
    assert "2013-11-27" not in text
    assert whole.startswith(text.rstrip("\n"))
    rows = table(cut, "indicators.csv")
    assert rows.timestamp.tolist() == opens(["2013-11-27"] * 2)


def test_without_days_and_weeks_there_is_no_such_file_and_that_of_an_earlier_export_goes(
    store: BarStore, copy: Path
) -> None:
    minutes = {"data": [{"trailing_days": 2, "intervals": ["1m"]}]}
    export(store, copy, historical=minutes)
    assert sorted(path.name for path in copy.iterdir() if path.suffix) == [
        "bars.csv", "indicators.csv", "manifest.json", "metrics.json", "quality.csv", "session.csv",
        "session.json",
    ]  # fmt: skip
    assert validate_export(copy).findings == ()


@pytest.mark.parametrize("text", ["day,price\n1,2\n", ""])
def test_a_users_own_history_is_not_touched(store: BarStore, tmp_path: Path, text: str) -> None:
    own = tmp_path / "history.csv"
    own.write_text(text)
    export(store, tmp_path)
    assert own.read_text() == text
    if text:
        with pytest.raises(ExportError, match=r"history\.csv is not of an export"):
            CsvExport(tmp_path, session_file(SYMBOLS, ["1m"], START, END, historical=KEPT))


def row(folder: Path, start: str) -> int:
    lines = (folder / "history.csv").read_text().splitlines()
    return next(at for at, line in enumerate(lines) if line.startswith(start))


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        (0, "DAYZ", "unknown symbol 'DAYZ'. Did you mean 'DAYS'?"),
        (1, "1h", "'1h' of DAYS is not in historical.data of the session file"),
        (2, "2013-11-12", "timestamp '2013-11-12' has no offset from UTC"),
        (2, "2013-11-12T14:30:00+00:00", "is not in exchange time, which is 2013-11-12T09:30:00-05:00"),
        (2, "2013-11-16T09:30:00-05:00", "no session opens at 2013-11-16T09:30:00-05:00"),
        (2, "2013-12-03T09:30:00-05:00", "the bar of 2013-12-03 is not before the last session, 2013-12-03"),
        (3, "x", "invalid number 'x' of open"),
        (4, "0.5", "high 0.5 is below low"),
        (7, "-1", "volume -1 is negative"),
    ],
)
def test_a_fault_in_a_day_is_found(copy: Path, field: int, text: str, message: str) -> None:
    assert_found(copy, "DAYS,1d,2013-11-1", field, text, message)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        (2, "2013-11-19T09:30:00-05:00", "no bar of 1w opens on 2013-11-19: its week has 2013-11-18"),
        (2, "2013-12-02T09:30:00-05:00", "is not of a week before that of the last session, 2013-12-03"),
        (2, "2013-11-11T09:30:00-05:00", "duplicate DAYS 1w 2013-11-11, after 2013-11-11 in line"),
        (2, "2013-10-28T09:30:00-04:00", "is out of order: DAYS 1w 2013-10-28, after 2013-11-11 in line"),
        (7, "5", "volume is 5, but"),
    ],
)
def test_a_fault_in_a_week_is_found(copy: Path, field: int, text: str, message: str) -> None:
    assert_found(copy, "DAYS,1w,2013-11-18", field, text, message)


def assert_found(folder: Path, start: str, field: int, text: str, message: str) -> None:
    path, at = folder / "history.csv", row(folder, start)
    lines = path.read_text().splitlines()
    fields = lines[at].split(",")
    fields[field] = text
    lines[at] = ",".join(fields)
    path.write_text("\n".join(lines) + "\n")
    found = [f for f in validate_export(folder).findings if f.line == at + 1 and message in f.message]
    assert found, validate_export(folder).findings


def test_a_weekly_value_at_another_time_is_found(copy: Path) -> None:
    path = copy / "indicators.csv"
    path.write_text(path.read_text().replace("1w,2013-11-29T09:30", "1w,2013-11-29T09:31", 1))
    found = [finding.message for finding in validate_export(copy).findings]
    assert any("no bar of 1w opens at 2013-11-29T09:31:00-05:00 in this session" in text for text in found)
