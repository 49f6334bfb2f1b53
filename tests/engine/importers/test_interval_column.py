"""Tables of several intervals: only the rows of the interval that is asked for become bars."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tapedeck.engine.importers.csv_files import CsvImporter
from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.interval_column import interval_column, other_intervals
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.locations import open_store

OPEN = 1381152600  # 2013-10-07 13:30 UTC


@pytest.mark.parametrize("name", ["interval", "Timeframe", "bar_size"])
def test_longer_bars_are_not_stored_as_minutes_where_a_minute_is_missing(tmp_path: Path, name: str) -> None:
    lines = [f"symbol,{name},timestamp,open,high,low,close,volume"]
    # The minute of the open is missing, and an hour begins there.
    lines += [f"SPY,1m,{OPEN + 60 * i},10,11,9,10.5,100" for i in range(1, 120)]
    lines += [f"SPY,1h,{OPEN + 3600 * i},10,12,8,10.5,6000" for i in range(2)]
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    with open_store(tmp_path / "bars.db", create=True) as store:
        report = import_bars(CsvImporter(), file, store, interval=MINUTE)
        stored = store.read("SPY", MINUTE, 0, 1 << 40)
    assert (report.written, report.rejected_count) == (119, 2)
    assert {row.reason for row in report.rejected} == {"bar of 1h, not of 1m"}
    assert stored.opened_at.tolist() == [OPEN + 60 * i for i in range(1, 120)]


@pytest.mark.parametrize(
    ("text", "is_minute"),
    [
        *((word, True) for word in ("1m", "1 min", "M1", "60s", "minute", "1Min", "1M", "", "1", "OK", "5")),
        *((word, False) for word in ("5m", "5 mins", "M5", "1h", "H1", "1d", "D1", "daily", "1s", "1w")),
    ],
)
def test_texts_of_another_length_are_faults(text: str, is_minute: bool) -> None:
    assert (other_intervals(pa.array([text, None, "1m"]), MINUTE) == {}) == is_minute


def test_the_column_is_found_by_its_name() -> None:
    assert interval_column(["time", "<Timeframe>", "open"]) == "<Timeframe>"
    assert interval_column(["time", "open"]) is None
    assert set(other_intervals(pa.array(["1d", "24h", "1h"]), DAY)) == {2}
