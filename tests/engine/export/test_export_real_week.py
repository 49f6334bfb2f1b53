"""The export of a week of real bars, against the raw files read with zipfile and pandas alone."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.manifest import Manifest
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tests.support.imports import import_lean

DAYS = ("2013-10-07", "2013-10-08", "2013-10-09", "2013-10-10", "2013-10-11")
SYMBOLS = ("SPY", "AIG", "BAC", "IBM")
PRICES = ["open", "high", "low", "close"]


def raw_minutes(lean_root: Path, symbol: str, day: str) -> pd.DataFrame:
    """The vendor's minutes from 09:30 to 16:00 New York time, indexed by time of day."""
    path = lean_root / "equity/usa/minute" / symbol.lower() / f"{day.replace('-', '')}_trade.zip"
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
        frame = pd.read_csv(file, header=None, names=["ms", *PRICES, "volume"])
    frame = frame[(frame["ms"] >= 34_200_000) & (frame["ms"] < 57_600_000)]
    frame[PRICES] = frame[PRICES] / 10_000
    times = pd.Timestamp(day) + pd.to_timedelta(frame["ms"], unit="ms")
    return frame.set_index(times).drop(columns="ms")


@pytest.fixture(scope="module")
def bars(played_week):
    return pd.read_csv(played_week.folder / "bars.csv")


def of(bars: pd.DataFrame, symbol: str, interval: str, day: str) -> pd.DataFrame:
    own = bars[(bars["symbol"] == symbol) & (bars["interval"] == interval)]
    return own[own["timestamp"].str.startswith(day)]


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_minutes_are_those_of_the_raw_file(bars, lean_root, symbol, day):
    raw, own = raw_minutes(lean_root, symbol, day), of(bars, symbol, "1m", day)
    assert own["timestamp"].tolist() == [f"{time.isoformat()}-04:00" for time in raw.index]
    for field in (*PRICES, "volume"):
        np.testing.assert_array_equal(own[field].to_numpy(dtype=float), raw[field].to_numpy(dtype=float))


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("interval", ["5m", "15m", "1h"])
def test_derived_bars_are_those_pandas_resamples(bars, lean_root, symbol, day, interval):
    raw = raw_minutes(lean_root, symbol, day)
    buckets = raw.resample(interval.replace("m", "min"), origin=pd.Timestamp(f"{day} 09:30"))
    wanted = buckets.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    own = of(bars, symbol, interval, day)
    np.testing.assert_allclose(own[[*PRICES, "volume"]].to_numpy(dtype=float), wanted.to_numpy(), rtol=1e-12)
    assert own["base_bars"].tolist() == buckets.size().tolist()


def test_spy_of_7_october_2013(bars):
    """390 regular minutes; high 168.45, low 167.25, close 167.42, volume 81,489,219."""
    minutes, day = of(bars, "SPY", "1m", DAYS[0]), of(bars, "SPY", "1d", DAYS[0])
    assert len(minutes) == 390
    facts = day[["high", "low", "close", "volume", "base_bars", "quality"]].to_numpy().tolist()
    assert facts == [[168.45, 167.25, 167.42, 81489219, 390, 100]]
    last = of(bars, "SPY", "5m", DAYS[0]).iloc[-1]
    assert last["timestamp"] == "2013-10-07T15:55:00-04:00"
    assert last[["open", "high", "low", "close", "volume"]].tolist() == [
        167.64,
        167.70,
        167.41,
        167.42,
        6490278,
    ]


def test_the_last_hour_bar_of_the_day_is_a_half_hour(bars):
    own = of(bars, "SPY", "1h", DAYS[0])
    assert own["base_bars"].tolist() == [60] * 6 + [30]
    assert own["quality"].tolist() == [100] * 7


def test_spy_vwap_ends_7_october_2013_at_167_920886(played_week):
    values = pd.read_csv(played_week.folder / "indicators.csv")
    own = values[(values["symbol"] == "SPY") & (values["name"] == "vwap")]
    last = own[own["timestamp"] == "2013-10-07T15:59:00-04:00"]["value"].item()
    assert last == pytest.approx(167.920886, abs=5e-7)


def test_rows_of_bars_are_ordered_by_session_symbol_interval_and_time(bars):
    intervals = ["1m", "5m", "15m", "1h", "1d"]
    keys = list(
        zip(
            bars["timestamp"].str[:10],
            bars["symbol"].map(SYMBOLS.index),
            bars["interval"].map(intervals.index),
            bars["timestamp"],
            strict=True,
        )
    )
    assert keys == sorted(set(keys))


def test_a_bar_with_a_missing_minute_is_less_than_whole(bars):
    # AIG has no trade in the minute from 13:47 on 7 October 2013.
    own = of(bars, "AIG", "5m", DAYS[0])
    row = own[own["timestamp"] == "2013-10-07T13:45:00-04:00"]
    assert row[["base_bars", "quality"]].to_numpy().tolist() == [[4, 80]]


def test_gaps_are_those_that_pandas_finds(played_week, lean_root):
    quality = pd.read_csv(played_week.folder / "quality.csv", dtype=str, keep_default_na=False)
    for day in DAYS:
        every = pd.date_range(f"{day} 09:30", f"{day} 15:59", freq="min")
        for symbol in SYMBOLS:
            raw = raw_minutes(lean_root, symbol, day)
            missing = every.difference(raw.index)
            starts = [time for time in missing if time - pd.Timedelta("1min") not in missing]
            own = quality[(quality["session_date"] == day) & (quality["symbol"] == symbol)]
            for interval in ("1m", "5m", "15m", "1h", "1d"):
                rows = own[own["interval"] == interval]
                assert [text for text in rows["gap_start"] if text] == [
                    f"{t.isoformat()}-04:00" for t in starts
                ]
                assert sum(int(text) for text in rows["missing"] if text) == len(missing)
                assert set(rows["expected"]) == {"390"}
                assert set(rows["actual"]) == {str(len(raw))}
                assert float(rows["quality"].iloc[0]) == pytest.approx(100 * len(raw) / 390)


def test_session_csv_has_a_row_for_each_clock_time(played_week):
    rows = pd.read_csv(played_week.folder / "session.csv", dtype=str, keep_default_na=False)
    assert len(rows) == 5 * 391
    assert rows["system_state"].tolist() == ["running"] * (5 * 391 - 1) + ["completed"]
    first, last = rows.iloc[0], rows.iloc[390]
    assert first.tolist() == [
        "2013-10-07T09:30:00-04:00", "running", "backtest", "2013-10-07", "09:30:00", "true",
        "09:30", "16:00", "false", "4", "",
    ]  # fmt: skip
    assert (last["timestamp"], last["session_active"]) == ("2013-10-07T16:00:00-04:00", "false")


def test_indicator_values_are_the_numbers_of_the_tape(played_week):
    values = pd.read_csv(played_week.folder / "indicators.csv", converters={"value": float})
    tape = played_week.system.session_data.tape
    for name, interval in (("sma_20", "1m"), ("rsi_14_5m", "5m"), ("vwap", "1m"), ("rel_volume", "1m")):
        own = values[(values["name"] == name) & values["timestamp"].str.startswith("2013-10-11")]
        assert set(own["interval"]) == {interval}
        for row, symbol in enumerate(SYMBOLS):
            column = tape.indicators[name].values[row]
            mine = own[own["symbol"] == symbol]["value"].to_numpy()
            np.testing.assert_array_equal(mine, column[~np.isnan(column)])


def test_every_number_reads_back_bit_for_bit(played_week):
    bars = pd.read_csv(played_week.folder / "bars.csv", converters=dict.fromkeys([*PRICES, "volume"], float))
    tape = played_week.system.session_data.tape
    own = of(bars, "IBM", "1m", "2013-10-11")
    values = tape.base.values[:, 3][:, tape.base.present[3]]
    np.testing.assert_array_equal(own[[*PRICES, "volume"]].to_numpy(dtype=float).T, values)


def test_session_json_holds_the_last_state(played_week, lean_root):
    document = json.loads((played_week.folder / "session.json").read_text())
    spy = document["symbols"]["SPY"]
    raw = raw_minutes(lean_root, "SPY", "2013-10-11")
    first, last = raw["open"].iloc[0], raw["close"].iloc[-1]
    prior = raw_minutes(lean_root, "SPY", "2013-10-10")["close"].iloc[-1]
    assert spy["totals"] == {
        "last": last,
        "prev_close": prior,
        "change": last - prior,
        "change_pct": (last / prior - 1) * 100,
        "gap_pct": (first / prior - 1) * 100,
        "day_open": first,
        "day_high": raw["high"].max(),
        "day_low": raw["low"].min(),
        "day_volume": int(raw["volume"].sum()),
        "change_open_pct": (last / first - 1) * 100,
    }
    assert document["last_session"]["clock"] == "2013-10-11T16:00:00-04:00"
    assert document["last_session"]["frontier"] == 390
    assert spy["intervals"]["1h"]["last_bar"]["slots"] == 30
    assert spy["indicators"]["vwap"] == played_week.system.session_data.get_indicator("SPY", "vwap")
    assert document["parameters"]["sma_20"] == {"type": "SMA", "interval": "1m", "timeperiod": 20}
    minute = spy["historical"]["indicators"]["avg_volume_minute"]
    yesterday = raw_minutes(lean_root, "SPY", "2013-10-10")["volume"].tolist()
    assert (minute["value"], minute["used"], minute["asked"]) == (yesterday, [1] * 390, 1)
    assert spy["historical"]["indicators"]["avg_volume"]["used"] == 10
    assert spy["historical"]["quality"]["1m"] == {
        "measured": True,
        "percent": 100,
        "expected": 390,
        "actual": 390,
    }


def test_the_manifest_has_stamp_sessions_and_files(played_week):
    document = json.loads((played_week.folder / "manifest.json").read_text())
    assert (document["status"], document["reason"]) == ("complete", None)
    assert document["stamp"] == played_week.summary.stamp
    assert [session["trading_day"] for session in document["sessions"]] == list(DAYS)
    names = {file["name"]: file["bytes"] for file in document["files"]}
    assert all((played_week.folder / name).stat().st_size == size for name, size in names.items())
    assert {path.name for path in played_week.folder.iterdir()} == {*names, "manifest.json"}


def test_metrics_json_holds_what_differs_from_run_to_run(played_week):
    document = json.loads((played_week.folder / "metrics.json").read_text())
    assert document["bars"] == 7798
    assert document["bars_per_second"] == pytest.approx(7798 / document["seconds"])
    assert document["timers"]["recording"]["count"] == 5
    assert document["queues"]["data-processor"] == 0


def hashes(manifest: Manifest) -> dict[str, str]:
    """Hashes of the files that must not differ from run to run."""
    return {file.name: file.xxh3 for file in manifest.files if file.name != "metrics.json"}


def test_a_run_in_steps_exports_the_same_bytes(played_week, week_store, tmp_path):
    config = played_week.system.config
    export = CsvExport(tmp_path, config)
    system = SystemManager(config, week_store, sinks=[export])
    system.start(paused=True)
    for slots in (1, 7, 200):
        target = system.snapshot().frontier + slots
        system.step(slots)
        assert system.wait_for(lambda target=target: system.snapshot().frontier == target, 20)
    system.resume()
    assert system.wait(60)
    manifest = export.finish(system.summary(), system.metrics)
    assert hashes(manifest) == hashes(played_week.manifest)


def test_a_run_from_parquet_exports_the_same_bytes(played_week, lean_root, tmp_path):
    config = played_week.system.config
    export = CsvExport(tmp_path / "export", config)
    with open_store(tmp_path / "bars", create=True) as store:
        import_lean(lean_root, store)
        system = SystemManager(config, store, sinks=[export])
        system.start()
        assert system.wait(60)
        manifest = export.finish(system.summary(), system.metrics)
    assert hashes(manifest) == hashes(played_week.manifest)
