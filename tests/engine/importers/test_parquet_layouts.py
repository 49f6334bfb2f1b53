"""Parquet files as pandas, Arrow and others write them: types, indexes, names of two levels, damage."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tapedeck.engine.importers import parquet_table
from tapedeck.engine.importers.file_rows import UnclearFileError, UnreadableFileError
from tapedeck.engine.importers.registry import IMPORTERS
from tapedeck.engine.intervals import DAY, MINUTE
from tests.support.tables import read_columns

VALUES = {
    "open": [10.0, 11.0],
    "high": [12.0, 13.0],
    "low": [9.0, 10.0],
    "close": [11.0, 12.0],
    "volume": [100, 90],
}
EPOCHS = [1381152600, 1381152660]
MOMENTS = pd.to_datetime(EPOCHS, unit="s", utc=True)


def naive(seconds: int) -> datetime:
    return datetime(1970, 1, 1) + pd.Timedelta(seconds=seconds)  # noqa: DTZ001 - a type without a zone


def rows_of(file: Path, **options: object) -> list:
    return list(IMPORTERS["parquet"].find(file, **({"interval": MINUTE} | options)).read(file))


def bars_of(file: Path, **options: object) -> tuple[list[int], dict[str, list[float]]]:
    [rows] = rows_of(file, **options)
    [series] = rows.series
    return series.bars.opened_at.tolist(), {name: getattr(series.bars, name).tolist() for name in VALUES}


INDEXES = {
    "named": pd.Index(EPOCHS, name="ts_event"),
    "unnamed times": MOMENTS.rename(None),
    "unnamed epochs": pd.Index(EPOCHS),
    "local": MOMENTS.tz_convert("America/New_York").rename("Datetime"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_the_index_of_a_frame_is_the_time(tmp_path, name):
    pd.DataFrame(VALUES, index=INDEXES[name]).to_parquet(tmp_path / "A.parquet")
    assert bars_of(tmp_path / "A.parquet") == (EPOCHS, VALUES)


TYPES = {
    "decimal128": lambda values: pa.array([Decimal(str(value)) for value in values], pa.decimal128(9, 2)),
    "decimal256": lambda values: pa.array([Decimal(str(value)) for value in values], pa.decimal256(50, 2)),
    "float32": lambda values: pa.array(values, pa.float32()),
    "float16": lambda values: pa.array(np.array(values, np.float16)),
    "int32": lambda values: pa.array([int(value) for value in values], pa.int32()),
    "uint64": lambda values: pa.array([int(value) for value in values], pa.uint64()),
    "text": lambda values: pa.array([str(value) for value in values]),
    "large text": lambda values: pa.array([str(value) for value in values], pa.large_string()),
    "text in a dictionary": lambda values: pa.array([str(value) for value in values]).dictionary_encode(),
    "floats in a dictionary": lambda values: pa.array(values, pa.float64()).dictionary_encode(),
}


@pytest.mark.parametrize("kind", TYPES)
def test_values_may_have_any_type_of_numbers(tmp_path, kind):
    columns = {name: TYPES[kind](values) for name, values in VALUES.items()}
    pq.write_table(pa.table({"ts": EPOCHS} | columns), tmp_path / "A.parquet")
    assert bars_of(tmp_path / "A.parquet") == (EPOCHS, VALUES)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_times_may_have_any_unit(tmp_path, unit, zone):
    times = pa.array(EPOCHS).cast(pa.timestamp("s", "UTC")).cast(pa.timestamp(unit, "UTC"))
    times = times.cast(pa.int64()).cast(pa.timestamp(unit, zone))
    pq.write_table(pa.table({"time": times} | VALUES), tmp_path / "A.parquet")
    assert bars_of(tmp_path / "A.parquet", zone="UTC") == (EPOCHS, VALUES)


def test_int96_times_are_read(tmp_path):
    table = pa.table({"time": pa.array([naive(second) for second in EPOCHS], pa.timestamp("ns"))} | VALUES)
    pq.write_table(table, tmp_path / "A.parquet", use_deprecated_int96_timestamps=True)
    assert bars_of(tmp_path / "A.parquet", zone="UTC") == (EPOCHS, VALUES)


def test_a_date_and_a_time_of_day_are_joined(tmp_path):
    columns = {
        "date": pa.array([date(2013, 10, 7)] * 2, pa.date32()),
        "time": pa.array([time(13, 30), time(13, 31)], pa.time64("us")),
    }
    pq.write_table(pa.table(columns | VALUES), tmp_path / "A.parquet")
    assert bars_of(tmp_path / "A.parquet", zone="UTC") == (EPOCHS, VALUES)


def test_a_symbol_in_a_dictionary_sends_rows_to_their_symbols(tmp_path):
    columns = {"ts": EPOCHS, "symbol": pd.Categorical(["B", "A"])}
    pd.DataFrame(columns | VALUES).to_parquet(tmp_path / "all.parquet")
    [rows] = rows_of(tmp_path / "all.parquet")
    assert {series.symbol: series.bars.open.tolist() for series in rows.series} == {"A": [11.0], "B": [10.0]}


def frame_of(*symbols: str, names: tuple[str | None, str | None] = ("Price", "Ticker")) -> pd.DataFrame:
    days = pd.to_datetime(["2013-10-07", "2013-10-08"]).rename("Date")
    columns = {
        (name.title(), symbol): [value + len(symbol) for value in values]
        for symbol in symbols
        for name, values in VALUES.items()
    }
    found = pd.DataFrame(columns, index=days)
    found.columns = found.columns.set_names(names)
    return found


@pytest.mark.parametrize("names", [("Price", "Ticker"), (None, None)])
def test_names_of_two_levels_are_split_by_symbol(tmp_path, names):
    frame_of("A", "BRK.B", names=names).to_parquet(tmp_path / "x.parquet")
    [rows] = rows_of(tmp_path / "x.parquet", interval=DAY)
    assert {series.symbol: series.bars.open.tolist() for series in rows.series} == {
        "A": [11.0, 12.0],
        "BRK.B": [15.0, 16.0],
    }
    assert len(rows) == 4
    frame_of("A", "BRK.B", names=names).swaplevel(axis=1).to_parquet(tmp_path / "y.parquet")
    [other] = rows_of(tmp_path / "y.parquet", interval=DAY)
    assert {series.symbol for series in other.series} == {"A", "BRK.B"}


def test_names_of_two_levels_with_one_symbol_may_be_given_another(tmp_path):
    frame_of("A").to_parquet(tmp_path / "x.parquet")
    [rows] = rows_of(tmp_path / "x.parquet", interval=DAY)
    assert [series.symbol for series in rows.series] == ["A"]
    [rows] = rows_of(tmp_path / "x.parquet", interval=DAY, symbol="B")
    assert [series.symbol for series in rows.series] == ["B"]


def test_dates_in_a_column_of_two_levels_are_found(tmp_path):
    frame_of("A").reset_index().to_parquet(tmp_path / "x.parquet")
    [rows] = rows_of(tmp_path / "x.parquet", interval=DAY)
    assert len(rows.series[0].rows) == 2


def test_a_missing_time_is_asked_for_by_the_column_that_holds_times(tmp_path):
    pq.write_table(pa.table(VALUES | {"moment": EPOCHS}), tmp_path / "A.parquet")
    with pytest.raises(UnclearFileError, match="no column found for time") as caught:
        read_columns(tmp_path / "A.parquet")
    assert caught.value.ways == ({"--column": "time=moment"},)


def test_rows_come_in_parts_whatever_the_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_table, "_PART_ROWS", 300)
    times = [1381152600 + 60 * i for i in range(1000)]
    columns = {name: [values[0]] * 1000 for name, values in VALUES.items()} | {
        "high": [8.0 if i == 777 else 12.0 for i in range(1000)]
    }
    times[500] = None
    pq.write_table(pa.table({"ts": times} | columns), tmp_path / "A.parquet", row_group_size=450)
    parts = rows_of(tmp_path / "A.parquet")
    assert len(parts) > 3
    assert [int(row) for part in parts for series in part.series for row in series.rows] == [
        i for i in range(1000) if i != 500
    ]
    assert [part.texts([row])[row][0] for part in parts for row in part.faults] == [501]
    assert all(part.reading == parts[0].reading for part in parts)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
def test_pages_may_be_compressed_by_any_codec(tmp_path, codec):
    pq.write_table(pa.table({"ts": EPOCHS} | VALUES), tmp_path / "A.parquet", compression=codec)
    assert bars_of(tmp_path / "A.parquet") == (EPOCHS, VALUES)


# Damage and measures


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:200],
        lambda data: b"",
        lambda data: b"PAR1",
        lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1",
        lambda data: data[:4] + bytes(40) + data[44:],
        lambda data: data.replace(b"close", b"cl\xa0se"),
    ],
)
def test_a_damaged_file_is_told_in_words(tmp_path, damage):
    pq.write_table(pa.table({"ts": EPOCHS} | VALUES), tmp_path / "A.parquet", write_page_checksum=True)
    data = damage((tmp_path / "A.parquet").read_bytes())
    (tmp_path / "A.parquet").write_bytes(data)
    with pytest.raises(UnreadableFileError, match="not a Parquet file, or damaged"):
        rows_of(tmp_path / "A.parquet")


def test_absurd_measures_are_refused_before_the_rows_are_read(tmp_path, monkeypatch):
    pq.write_table(pa.table({"ts": EPOCHS} | VALUES), tmp_path / "A.parquet")
    monkeypatch.setattr(parquet_table, "_LARGEST_FOOTER", 100)
    with pytest.raises(UnreadableFileError, match="its description of columns and row groups"):
        rows_of(tmp_path / "A.parquet")
    monkeypatch.undo()
    monkeypatch.setattr(parquet_table, "MOST_COLUMNS", 3)
    with pytest.raises(UnreadableFileError, match="6 columns: a table of bars has at most 3"):
        rows_of(tmp_path / "A.parquet")


def test_a_file_that_expands_without_measure_is_refused(tmp_path):
    count = 40_000_000
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), ["x"])
    pq.write_table(pa.table({"open": column}), tmp_path / "A.parquet")
    with pytest.raises(
        UnreadableFileError, match=r"40,000,000 rows in .* bytes: this is not a table of bars"
    ):
        rows_of(tmp_path / "A.parquet")
