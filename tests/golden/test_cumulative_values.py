"""OBV, AD, ADOSC and SAR as played, against tables from plain loops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.tape.session_record import SessionRecord
from tests.golden import cumulative_values, raw_bars
from tests.golden.cumulative_values import FOLDER, SESSIONS
from tests.golden.raw_bars import DAYS
from tests.support.files import session_file
from tests.support.imports import import_lean
from tests.support.markets import open_new_store
from tests.support.runs import play_recorded

NAMES = ("obv", "ad", "adosc", "sar")
FORMULAS = {name: getattr(cumulative_values, name) for name in NAMES}


def indicators(*intervals: str) -> Mapping[str, Mapping[str, str]]:
    """Return the four indicators on some intervals, `obv_1d` and so on."""
    return {f"{name}_{at}": {"type": name.upper(), "interval": at} for name in NAMES for at in intervals}


def columns_of(frame: pd.DataFrame) -> BarColumns:
    """Return bars of a frame by their UTC times as the store's."""
    seconds = frame.index.to_numpy().astype("datetime64[s]").astype(np.int64)
    return BarColumns(
        seconds, *(frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    )


def values_of(records: list[SessionRecord], name: str, row: int = 0) -> np.ndarray:
    """Return an indicator's values of all sessions, one after the other, where there are bars."""
    parts = []
    for record in records:
        column = record.tape.indicators[name]
        parts.append(column.values[row][record.tape.grid(column.interval).present[row]])
    return np.concatenate(parts)


@pytest.mark.parametrize("name", ["cumulative_1d.csv", "cumulative_15m.csv"])
def test_the_tables_are_those_of_the_loops(name: str) -> None:
    assert (FOLDER / name).read_text() == cumulative_values.table_texts()[name]


@pytest.mark.parametrize("first_played", ["2013-05-01", "2013-07-15", "2013-10-18"])
def test_days_count_from_the_stores_first_bar_whatever_day_the_run_starts(
    tmp_path: Path, first_played: str
) -> None:
    golden = pd.read_csv(FOLDER / "cumulative_1d.csv", index_col="time", parse_dates=True)
    with open_new_store(tmp_path / "bars.db") as store:
        store.write("AAA", DAY, columns_of(cumulative_values.daily_bars()))
        config = session_file(["AAA"], ["1d"], first_played, "2013-10-18", indicators=indicators("1d"))
        records = play_recorded(config, store).records
    expected = golden.loc[first_played:]
    for name in NAMES:
        np.testing.assert_allclose(values_of(records, f"{name}_1d"), expected[name], rtol=1e-9, err_msg=name)
    found = values_of(records, "obv_1d")
    closes, volumes = expected.close.to_numpy(), expected.volume.to_numpy()
    np.testing.assert_array_equal(np.diff(found), np.sign(np.diff(closes)) * volumes[1:])


@pytest.mark.parametrize("first_played", [SESSIONS[0], SESSIONS[3]])
def test_volumes_below_a_day_count_from_each_sessions_open_and_sar_runs_on(
    tmp_path: Path, first_played: str
) -> None:
    golden = pd.read_csv(FOLDER / "cumulative_15m.csv", index_col="time", parse_dates=True)
    with open_new_store(tmp_path / "bars.db") as store:
        store.write("AAA", MINUTE, columns_of(cumulative_values.minute_bars().tz_localize(None)))
        config = session_file(["AAA"], ["1m"], first_played, SESSIONS[-1], indicators=indicators("15m"))
        records = play_recorded(config, store).records
    expected = golden.loc[first_played:]
    for name in NAMES:
        np.testing.assert_allclose(values_of(records, f"{name}_15m"), expected[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("symbol", ["SPY", "AIG"])
def test_real_bars_have_the_values_of_the_loops(lean_root: Path, tmp_path: Path, symbol: str) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        for part in (f"minute/{symbol.lower()}", f"daily/{symbol.lower()}.zip"):
            import_lean(lean_root / "equity" / "usa" / part, store)
        config = session_file([symbol], ["1m"], DAYS[0], DAYS[-1], indicators=indicators("5m", "1d"))
        records = play_recorded(config, store).records
    for record in records:
        day = record.tape.session.trading_day.isoformat()
        bars = raw_bars.coarser(raw_bars.regular(lean_root, symbol, day), "5min")
        for name in ("obv", "ad", "adosc"):
            found = values_of([record], f"{name}_5m")
            np.testing.assert_allclose(found, FORMULAS[name](bars), rtol=1e-9, atol=1e-6, err_msg=name)
        before = raw_bars.daily(lean_root, symbol).loc[: pd.Timestamp(day) - pd.Timedelta("1D")]
        today = raw_bars.coarser(raw_bars.regular(lean_root, symbol, day), "1440min").tz_localize(None)
        days = pd.concat([before, today])
        for name in NAMES:
            found = values_of([record], f"{name}_1d")
            np.testing.assert_allclose(found[-1], FORMULAS[name](days)[-1], rtol=1e-9, err_msg=name)
    minutes = [raw_bars.regular(lean_root, symbol, day) for day in ("2013-10-04", *DAYS)]
    fives = pd.concat([raw_bars.coarser(frame, "5min") for frame in minutes])
    found = values_of(records, "sar_5m")
    np.testing.assert_allclose(found, FORMULAS["sar"](fives)[-len(found) :], rtol=1e-9)
