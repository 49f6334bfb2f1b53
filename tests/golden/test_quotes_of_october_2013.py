"""SPY's quotes of 7 and 8 October 2013 as exported, against the raw files read by pandas alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.system import SystemManager
from tests.golden import raw_bars, raw_quotes
from tests.support.files import session_file
from tests.support.markets import open_new_store
from tests.support.runs import LIMIT_S

DAYS = ("2013-10-07", "2013-10-08")
MADE = ("AIG", "BAC", "IBM")
"""Symbols without quote files."""
FIELDS = ("bid", "ask", "bid_size", "ask_size")


@pytest.fixture(scope="module")
def played(
    store_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SystemManager, Path]]:
    """A run over both days, with its export."""
    config = session_file(("SPY", *MADE), ["1m", "quotes"], DAYS[0], DAYS[1])
    folder = tmp_path_factory.mktemp("quotes") / "out"
    export = CsvExport(folder, config)
    with open_new_store(store_path) as store:
        system = SystemManager(config, store, sinks=[export])
        system.start()
        assert system.wait(LIMIT_S)
        assert system.error is None
        export.finish(system.summary(), system.metrics)
        yield system, folder


@pytest.fixture(scope="module")
def written(played: tuple[SystemManager, Path]) -> pd.DataFrame:
    frame = pd.read_csv(played[1] / "quotes.csv", dtype={"made": str}, float_precision="round_trip")
    frame.index = pd.to_datetime(frame.pop("timestamp"), utc=True).dt.tz_convert("America/New_York")
    return frame


def rows_of(written: pd.DataFrame, symbol: str, day: str) -> pd.DataFrame:
    return written[(written["symbol"] == symbol) & (written.index.strftime("%Y-%m-%d") == day)]


@pytest.mark.parametrize("day", DAYS)
def test_quotes_of_spy_are_those_of_the_raw_file_to_the_last_bit(
    lean_root: Path, written: pd.DataFrame, day: str
) -> None:
    found, expected = rows_of(written, "SPY", day), raw_quotes.held(lean_root, "SPY", day)
    assert [str(time) for time in found.index] == [str(time) for time in expected.index]
    for name in FIELDS:
        np.testing.assert_array_equal(found[name].to_numpy(dtype=float), expected[name].to_numpy(), name)
    assert set(found["made"]) == {"false"}


def test_facts_of_spy_that_anyone_can_look_up(written: pd.DataFrame) -> None:
    """Each minute of both days has a quote; the first and last ones, as they stand in the files."""
    monday, tuesday = (rows_of(written, "SPY", day) for day in DAYS)
    assert (len(monday), len(tuesday)) == (390, 390)
    for rows, opening, closing in (
        (monday, [167.44, 167.45, 4400, 1400], [167.44, 167.45, 5800, 12900]),
        (tuesday, [167.49, 167.50, 8200, 4500], [165.47, 165.48, 4400, 7000]),
    ):
        assert rows[list(FIELDS)].iloc[0].tolist() == opening
        assert rows[list(FIELDS)].iloc[-1].tolist() == closing
    assert str(monday.index[0]) == "2013-10-07 09:30:00-04:00"


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("symbol", MADE)
def test_quotes_of_symbols_without_files_are_the_last_close_and_say_so(
    lean_root: Path, written: pd.DataFrame, symbol: str, day: str
) -> None:
    found = rows_of(written, symbol, day)
    closes = raw_bars.regular(lean_root, symbol, day)["close"]
    minutes = pd.date_range(closes.index[0], pd.Timestamp(f"{day} 15:59", tz=closes.index.tz), freq="min")
    expected = closes.reindex(minutes).ffill()
    assert found["bid"].tolist() == found["ask"].tolist() == expected.tolist()
    assert found[["bid_size", "ask_size"]].isna().all(axis=None)
    assert set(found["made"]) == {"true"}


def test_the_export_is_sound_and_session_json_has_the_last_quotes(
    played: tuple[SystemManager, Path], written: pd.DataFrame
) -> None:
    system, folder = played
    report = validate_export(folder)
    assert (report.findings, report.status) == ((), "complete")
    view = system.snapshot().view
    assert view is not None
    quotes = view.last_quotes()
    assert quotes is not None
    assert quotes[:, view.row("SPY")].tolist() == [165.47, 165.48, 4400, 7000]
    last = json.loads((folder / "session.json").read_text())["symbols"]["SPY"]["quotes"]
    assert last == {"bid": 165.47, "ask": 165.48, "bid_size": 4400, "ask_size": 7000, "made": False}
