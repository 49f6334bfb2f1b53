"""Exports of awkward sessions: early closes, lunch breaks, other bases, sessions cut short."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from export_kit import make_config, make_record, make_tape, two_days, write_export

from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind

SYMBOLS = ("SPY", "AIG")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def one_day(folder: Path, day: date, exchange: str = "XNYS", **options: object) -> Path:
    config = make_config(exchange=exchange, first=day, last=day)
    write_export(folder, config, [make_record(make_tape(day, exchange=exchange, **options))])  # type: ignore[arg-type]
    assert validate_export(folder).findings == ()
    return folder


def test_early_close_of_3_july_2024_ends_at_one(tmp_path):
    rows = rows_of(one_day(tmp_path, date(2024, 7, 3)) / "session.csv")
    assert len(rows) == 211
    assert {(row["trading_hours_close"], row["is_early_close"]) for row in rows} == {("13:00", "true")}
    assert rows[-1]["timestamp"] == "2024-07-03T13:00:00-04:00"


def test_tokyo_has_no_rows_in_its_lunch_break(tmp_path):
    """The Tokyo exchange closed from 11:30 to 12:30 in 2013; no 15m bar spans the break."""
    one_day(tmp_path, date(2013, 10, 7), "XTKS", derived=("15m", "1d"), missing=0.0, specs=())
    times = [row["session_time"] for row in rows_of(tmp_path / "session.csv")]
    assert times[150:152] == ["11:30:00", "12:31:00"]
    bars = [
        row for row in rows_of(tmp_path / "bars.csv") if (row["symbol"], row["interval"]) == ("SPY", "15m")
    ]
    assert "2013-10-07T12:30:00+09:00" in [row["timestamp"] for row in bars]
    assert {row["base_bars"] for row in bars} == {"15"}


def test_winter_and_summer_time_have_their_offsets(tmp_path):
    config = make_config(first=date(2013, 11, 1), last=date(2013, 11, 4))
    records = [make_record(make_tape(date(2013, 11, day))) for day in (1, 4)]
    write_export(tmp_path, config, records)
    rows = rows_of(tmp_path / "session.csv")
    assert rows[0]["timestamp"] == "2013-11-01T09:30:00-04:00"
    assert rows[-1]["timestamp"] == "2013-11-04T16:00:00-05:00"
    assert validate_export(tmp_path).ok


def test_daily_bars_as_base_are_at_the_open(tmp_path):
    one_day(tmp_path, date(2013, 10, 7), base="1d", derived=(), specs=(), missing=0.0)
    assert [row["timestamp"] for row in rows_of(tmp_path / "bars.csv")] == ["2013-10-07T09:30:00-04:00"] * 2
    assert len(rows_of(tmp_path / "session.csv")) == 2


def test_a_market_that_never_closes_is_written_in_utc(tmp_path):
    rows = rows_of(one_day(tmp_path, date(2024, 3, 10), "24/7") / "session.csv")
    assert len(rows) == 1441
    assert rows[-1]["timestamp"] == "2024-03-11T00:00:00+00:00"
    assert rows[-1]["session_date"] == "2024-03-10"


@pytest.mark.parametrize("frontier", [0, 1, 7, 389])
def test_a_session_that_was_cut_is_written_up_to_its_clock(tmp_path, frontier):
    tape = make_tape(date(2013, 10, 7), frontier=frontier, missing=0.0)
    config = make_config()
    manifest = write_export(tmp_path, config, [make_record(tape, state="stopped")], state="stopped")
    rows = rows_of(tmp_path / "session.csv")
    assert len(rows) == frontier + 1
    assert [row["system_state"] for row in rows] == ["running"] * frontier + ["stopped"]
    assert {row["session_active"] for row in rows} == {"true"}
    bars = rows_of(tmp_path / "bars.csv")
    assert len([row for row in bars if row["symbol"] == "SPY" and row["interval"] == "1m"]) == frontier
    assert len([row for row in bars if row["symbol"] == "SPY" and row["interval"] == "5m"]) == frontier // 5
    assert not [row for row in bars if row["interval"] == "1d"]
    assert {row["expected"] for row in rows_of(tmp_path / "quality.csv")} == {str(frontier)}
    assert manifest.status == "partial"
    assert manifest.reason == "the run was stopped; 0 of 2 sessions were played to their close"
    assert validate_export(tmp_path).findings == ()


def test_an_error_is_in_the_last_row_only(tmp_path):
    records = two_days()
    text = 'disk "C", full\nsecond line'
    manifest = write_export(tmp_path, make_config(), records, state="error", error=text)
    rows = rows_of(tmp_path / "session.csv")
    assert [row["error"] for row in rows if row["error"]] == ['disk "C", full second line']
    assert (rows[-1]["system_state"], rows[-1]["error"]) == ("error", 'disk "C", full second line')
    assert manifest.reason == f"{text}; 2 of 2 sessions were played to their close"
    assert validate_export(tmp_path).findings == ()


def test_quality_that_is_not_measured_is_100_with_no_counts(tmp_path):
    config = make_config(measured=False)
    write_export(tmp_path, config, two_days(measured=False))
    rows = rows_of(tmp_path / "quality.csv")
    assert {tuple(row.values())[3:] for row in rows} == {("100", "", "", "", "", "")}
    document = json.loads((tmp_path / "session.json").read_text())
    assert document["symbols"]["SPY"]["quality"] == {
        "measured": False, "percent": 100, "expected": None, "actual": None, "gaps": [],
    }  # fmt: skip
    assert validate_export(tmp_path).findings == ()


def test_bars_below_min_completeness_have_no_rows(tmp_path):
    config = make_config(min_completeness=0.9)
    write_export(tmp_path, config, two_days(min_completeness=0.9, missing=0.3))
    five = [row for row in rows_of(tmp_path / "bars.csv") if row["interval"] == "5m"]
    assert five
    assert {row["base_bars"] for row in five} == {"5"}
    assert validate_export(tmp_path).findings == ()


def test_a_symbol_without_any_bar_is_one_long_gap(tmp_path):
    values = np.full((5, 2, 390), np.nan)
    config = make_config(last=date(2013, 10, 7))
    write_export(tmp_path, config, [make_record(make_tape(date(2013, 10, 7), values))])
    assert (tmp_path / "bars.csv").read_text().count("\n") == 1
    rows = rows_of(tmp_path / "quality.csv")
    assert list(rows[0].values()) == [
        "2013-10-07", "SPY", "1m", "0", "390", "0",
        "2013-10-07T09:30:00-04:00", "2013-10-07T15:59:00-04:00", "390",
    ]  # fmt: skip
    document = json.loads((tmp_path / "session.json").read_text())
    assert set(document["symbols"]["SPY"]["totals"].values()) == {None}
    assert document["symbols"]["SPY"]["indicators"] == {"sma_3": None, "vwap": None, "vwap_5m": None}
    assert validate_export(tmp_path).findings == ()


def test_a_symbol_with_a_comma_is_quoted_and_reads_back(tmp_path):
    symbols = ("BRK,B", 'Q"T')
    config = make_config(symbols=symbols)
    write_export(tmp_path, config, two_days(symbols=symbols))
    assert (tmp_path / "bars.csv").read_text().splitlines()[1].startswith('"BRK,B",1m,')
    assert {row["symbol"] for row in rows_of(tmp_path / "bars.csv")} == set(symbols)
    assert validate_export(tmp_path).findings == ()


def test_many_symbols_are_written_in_several_pieces_in_order(tmp_path, monkeypatch):
    """The number of symbols written at once has no effect."""
    symbols = tuple(f"S{number}" for number in range(7))
    config = make_config(symbols=symbols)
    write_export(tmp_path / "whole", config, two_days(symbols=symbols))
    monkeypatch.setattr("tapedeck.engine.export.bars_table._SLOTS_AT_ONCE", 800)
    monkeypatch.setattr("tapedeck.engine.export.indicators_table._VALUES_AT_ONCE", 2400)
    write_export(tmp_path / "pieces", config, two_days(symbols=symbols))
    for name in ("bars.csv", "indicators.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "pieces" / name).read_bytes()


def test_an_error_that_names_a_path_that_is_not_utf_8_is_written_with_escapes(tmp_path):
    text = "/data/b\udcffd.db was removed"
    manifest = write_export(tmp_path, make_config(), two_days(), state="error", error=text)
    assert manifest.reason == "/data/b\\udcffd.db was removed; 2 of 2 sessions were played to their close"
    assert rows_of(tmp_path / "session.csv")[-1]["error"] == "/data/b\\udcffd.db was removed"
    assert validate_export(tmp_path).findings == ()


def test_a_run_that_never_got_to_a_session_exports_headers(tmp_path):
    manifest = write_export(tmp_path, make_config(), [], state="error", error="no history")
    assert manifest.reason == "no history; 0 of 2 sessions were played to their close"
    assert (tmp_path / "session.csv").read_text().count("\n") == 1
    document = json.loads((tmp_path / "session.json").read_text())
    assert (document["last_session"], document["symbols"]) == (None, {})
    assert validate_export(tmp_path).findings == ()


def test_a_synthetic_market_says_so_in_the_manifest(tmp_path):
    metadata = {"synthetic": True, "made_by": "demo"}
    manifest = write_export(tmp_path / "demo", make_config(metadata=metadata), two_days())
    assert manifest.synthetic
    assert manifest.metadata == metadata
    assert not write_export(tmp_path / "real", make_config(), two_days()).synthetic


def test_the_same_tape_gives_the_same_bytes_but_for_metrics(tmp_path):
    for name in ("one", "two"):
        write_export(tmp_path / name, make_config(), two_days())
    for file in ("session.csv", "bars.csv", "indicators.csv", "quality.csv", "session.json", "manifest.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_what_history_does_not_have_is_null(tmp_path):
    tape = make_tape(date(2013, 10, 7))
    tape.historical["high_52w"] = HistoricalValue(
        "high_52w", TrailingKind.MAX, False, np.array([np.nan, 12.5]), np.array([0, 3]), 250
    )
    write_export(tmp_path, make_config(last=date(2013, 10, 7)), [make_record(tape)])
    symbols = json.loads((tmp_path / "session.json").read_text())["symbols"]
    found = [symbols[symbol]["historical"]["indicators"]["high_52w"] for symbol in SYMBOLS]
    facts = {"type": "trailing_max", "granularity": "daily", "asked": 250}
    assert found == [{**facts, "value": None, "used": 0}, {**facts, "value": 12.5, "used": 3}]
