"""`bars`, `coverage`, `calendar`, `config`, `validate` over real bars and the calendar library."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import exchange_calendars
import pandas as pd
import pytest

Writer = Callable[..., Path]


@pytest.fixture(scope="session")
def raw_minutes(lean_root: Path) -> pd.DataFrame:
    """SPY's minutes of 7 October 2013 as the file has them: New York time, dollars."""
    path = lean_root / "equity" / "usa" / "minute" / "spy" / "20131007_trade.zip"
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    frame = pd.read_csv(io.StringIO(text), names=["ms", "open", "high", "low", "close", "volume"])
    frame[["open", "high", "low", "close"]] /= 10000
    frame.index = pd.Timestamp("2013-10-07", tz="America/New_York") + pd.to_timedelta(
        frame.pop("ms"), unit="ms"
    )
    return frame


def day_bars(tapedeck: Any, store: Path, *arguments: str) -> list[dict[str, str]]:
    done = tapedeck("bars", "SPY", "--date", "2013-10-07", "--store", store, "--format", "csv", *arguments)
    assert done.exit_code == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_minutes_are_those_of_the_file_in_regular_hours(
    tapedeck: Any, lean_store: Path, raw_minutes: pd.DataFrame
) -> None:
    rows = day_bars(tapedeck, lean_store, "--interval", "1m")
    expected = raw_minutes.between_time("09:30", "15:59")
    assert [row["timestamp"] for row in rows] == [at.isoformat() for at in expected.index]
    assert [float(row["close"]) for row in rows] == expected["close"].tolist()


@pytest.mark.parametrize(("interval", "rule"), [("5m", "5min"), ("15m", "15min")])
def test_derived_bars_are_those_that_pandas_makes(
    tapedeck: Any, lean_store: Path, raw_minutes: pd.DataFrame, interval: str, rule: str
) -> None:
    rows = day_bars(tapedeck, lean_store, "--interval", interval)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = raw_minutes.between_time("09:30", "15:59").resample(rule).agg(how)
    for name in how:
        assert [float(row[name]) for row in rows] == expected[name].tolist()


def test_extended_hours_show_every_stored_minute(
    tapedeck: Any, lean_store: Path, raw_minutes: pd.DataFrame
) -> None:
    rows = day_bars(tapedeck, lean_store, "--interval", "1m", "--extended")
    assert len(rows) == len(raw_minutes)
    assert sum(row["hours"] == "regular" for row in rows) == 390
    text = tapedeck(
        "bars", "SPY", "--date", "2013-10-07", "--interval", "1m", "--extended", "--store", lean_store
    ).stdout
    assert f"390 of 390 bars of regular hours, {len(raw_minutes) - 390} bars outside them" in text


def test_a_stored_day_comes_from_the_store(tapedeck: Any, lean_store: Path) -> None:
    command = ("bars", "SPY", "--date", "2013-10-07", "--interval", "1d", "--store", lean_store)
    document = tapedeck(*command, "--format", "json").document
    assert document["source"] == "1d"
    assert len(document["bars"]) == 1
    assert "SPY 1d of 2013-10-07" in tapedeck(*command).stdout


def test_a_day_that_is_not_stored_is_made_of_its_minutes(tapedeck: Any, lean_store: Path) -> None:
    command = ("bars", "AIG", "--date", "2013-10-07", "--interval", "1d", "--store", lean_store)
    document = tapedeck(*command, "--format", "json").document
    assert document["source"] == "1m"
    assert document["bars"][0]["base_bars"] == 389  # AIG lacks a minute that day


def test_the_table_has_the_exchanges_time_of_day(tapedeck: Any, lean_store: Path) -> None:
    text = tapedeck("bars", "SPY", "--date", "2013-10-07", "--interval", "1h", "--store", lean_store).stdout
    assert [line.split()[0] for line in text.splitlines() if line[:2].isdigit() and ":30" in line] == [
        "09:30",
        "10:30",
        "11:30",
        "12:30",
        "13:30",
        "14:30",
        "15:30",
    ]
    assert "7 of 7 bars of regular hours, derived from 1m" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["SPYY", "--date", "2013-10-07", "--interval", "1m"],
            ["no bars stored for SPYY", "Did you mean 'SPY'?"],
        ),
        (
            ["SPY", "--date", "2013-10-07", "--interval", "5s"],
            ["no stored bars that can make 5s; stored: 1m, 1d"],
        ),
        (
            ["SPY", "--date", "2013-11-04", "--interval", "1m"],
            [
                "no 1m bars stored for SPY on 2013-11-04 in regular hours, 09:30 to 16:00. "
                "The nearest day with bars is 2013-10-11."
            ],
        ),
        (["SPY", "--date", "2013-10-03", "--interval", "1m"], ["no 1m bars", "2013-10-04"]),
    ],
)
def test_missing_bars_are_an_error(
    tapedeck: Any, lean_store: Path, arguments: list[str], words: list[str]
) -> None:
    done = tapedeck("bars", *arguments, "--store", lean_store)
    assert done.exit_code == 3
    assert all(word in done.stderr for word in [*words, "tapedeck import"]), done.stderr


@pytest.mark.parametrize("interval", ["5m", "1d"])
def test_extended_hours_are_not_derived(tapedeck: Any, lean_store: Path, interval: str) -> None:
    done = tapedeck(
        "bars", "SPY", "--date", "2013-10-07", "--interval", interval, "--extended", "--store", lean_store
    )
    assert done.exit_code == 2
    assert "use 1m" in done.stderr


# Coverage


def test_coverage_counts_what_pandas_counts(
    tapedeck: Any, session_file: Writer, lean_store: Path, raw_minutes: pd.DataFrame
) -> None:
    done = tapedeck("coverage", session_file(), "--store", lean_store, "--json")
    assert done.exit_code == 0
    spy = done.document["symbols"][0]
    assert spy["days"][0]["bars"] == len(raw_minutes.between_time("09:30", "15:59")) == 390
    aig = done.document["symbols"][1]
    assert aig["days"][0] == {
        "date": "2013-10-07",
        "status": "partial",
        "bars": 389,
        "expected": 390,
        "quality": pytest.approx(100 * 389 / 390),
    }


def test_below_the_minimum_quality_is_exit_code_3(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    strict = tapedeck("coverage", session_file(), "--store", lean_store, "--min-quality", "100")
    assert strict.exit_code == 3
    assert "1 of 10 days are missing or below 100%, of 1 symbol; AIG 2013-10-07 first" in strict.stdout
    lenient = tapedeck("coverage", session_file(), "--store", lean_store, "--min-quality", "99.7")
    assert lenient.exit_code == 0
    assert "no day is missing or below 99.7%" in lenient.stdout


def test_missing_days_and_symbols_are_exit_code_3(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(
        backtest_config={"end_date": "2013-10-15"}, session_data_config={"symbols": ["SPY", "NOPE"]}
    )
    done = tapedeck("coverage", file, "--store", lean_store)
    assert done.exit_code == 3
    assert "no 1m bars stored for NOPE" in done.stdout
    assert "missing" in done.stdout
    document = tapedeck("coverage", file, "--store", lean_store, "--json").document
    assert [(row["full"], row["partial"], row["missing"]) for row in document["symbols"]] == [
        (5, 0, 2),
        (0, 0, 7),
    ]


def test_wide_coverage_folds_at_80_columns(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    file = session_file(backtest_config={"start_date": "2013-09-20", "end_date": "2014-01-15"})
    done = tapedeck("coverage", file, "--store", lean_store)
    lines = done.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert any("2014" in line and "01-15" in line for line in lines)  # a separate block for the new year
    assert "full days not shown" in done.stdout
    shown = tapedeck("coverage", file, "--store", lean_store, "--all-days").stdout
    assert "full days not shown" not in shown


def test_long_coverage_without_a_gap_shows_no_days(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(
        backtest_config={"start_date": "2013-01-02", "end_date": "2013-06-28"},
        session_data_config={"symbols": ["SPY"], "streams": ["1d"]},
    )
    done = tapedeck("coverage", file, "--store", lean_store)
    assert done.exit_code == 0
    assert "124 full days not shown" in done.stdout


def test_a_store_without_any_of_the_symbols_is_an_error(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(session_data_config={"symbols": ["NOPE"]})
    done = tapedeck("coverage", file, "--store", lean_store)
    assert done.exit_code == 3
    assert "no 1m or 1s bars stored in" in done.stderr


# The calendar


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "CMES", "24/7"])
def test_the_calendar_is_the_librarys(tapedeck: Any, exchange: str) -> None:
    done = tapedeck("calendar", exchange, "--from", "2024-06-20", "--to", "2024-07-20", "--json")
    library = exchange_calendars.get_calendar(exchange, start="2024-06-01", end="2024-08-01")
    expected = library.schedule["2024-06-20":"2024-07-20"]
    sessions = [day for day in done.document["days"] if day["session"]]
    assert [day["date"] for day in sessions] == [f"{at:%Y-%m-%d}" for at in expected.index]
    assert [pd.Timestamp(day["open"]) for day in sessions] == list(expected["open"])
    assert [pd.Timestamp(day["close"]) for day in sessions] == list(expected["close"])


def test_early_closes_and_holidays_are_marked(tapedeck: Any) -> None:
    lines = tapedeck("calendar", "--from", "2024-07-03", "--to", "2024-07-06").stdout.splitlines()
    words = [line.split() for line in lines]
    assert ["2024-07-03", "Wed", "09:30", "13:00", "early", "close"] in words
    assert ["2024-07-04", "Thu", "holiday"] in words
    assert not any("2024-07-06" in word for word in words[2:])  # a Saturday


def test_the_calendar_of_a_session_file_has_its_dates_and_changes(
    tapedeck: Any, session_file: Writer
) -> None:
    data = {"symbols": ["SPY"], "streams": ["1m"], "sessions": {"2013-10-08": {"close": "13:00"}}}
    file = session_file(session_data_config=data)
    words = [line.split() for line in tapedeck("calendar", "--session", file).stdout.splitlines()]
    assert ["2013-10-08", "Tue", "09:30", "13:00", "early", "close,", "changed", "by", "the", "file"] in words
    days = tapedeck("calendar", "--session", file, "--json").document["days"]
    assert [day["date"] for day in days if day.get("changed")] == ["2013-10-08"]
    refused = tapedeck("calendar", "XNYS", "--session", file)
    assert (refused.exit_code, "cannot be combined with --session" in refused.stderr) == (2, True)


def test_coverage_goes_by_the_changed_sessions_of_the_file(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    data = {"symbols": ["SPY"], "streams": ["1m"], "sessions": {"2013-10-07": {"holiday": True}}}
    done = tapedeck("coverage", session_file(session_data_config=data), "--store", lean_store, "--json")
    assert done.document["symbols"][0]["days"][0]["date"] == "2013-10-08"
    [warning] = done.document["warnings"]
    assert "on days without a session" in warning
    text = tapedeck("coverage", session_file(session_data_config=data), "--store", lean_store).stdout
    assert f"warning: {warning}" in " ".join(text.split())


def test_the_budget_saturday_of_2025_is_a_session_in_bombay(tapedeck: Any) -> None:
    # BSE and NSE traded in the regular hours on this Saturday, for the budget of the Union of India.
    text = tapedeck("calendar", "XBOM", "--from", "2025-01-31", "--to", "2025-02-03").stdout
    words = [line.split() for line in text.splitlines()]
    assert ["2025-02-01", "Sat", "09:15", "15:30"] in words
    assert "3 sessions" in text


def test_breaks_and_opens_of_the_evening_before_are_shown(tapedeck: Any) -> None:
    tokyo = tapedeck("calendar", "JP_EQUITY", "--from", "2024-07-01", "--to", "2024-07-01").stdout
    assert "break 11:30-12:30" in tokyo
    chicago = tapedeck("calendar", "CMES", "--from", "2024-07-01", "--to", "2024-07-01").stdout
    assert "17:00 (-1 d)" in chicago


def test_a_year_ends_with_the_calendar(tapedeck: Any) -> None:
    assert "252 sessions" in tapedeck("calendar", "--year", "2024").stdout
    assert tapedeck("calendar", "XKRX", "--year", "1986", "--json").exit_code in (0, 2)


def test_without_dates_the_calendar_begins_today(tapedeck: Any) -> None:
    document = tapedeck("calendar", "24/7", "--json").document
    first, last = date.fromisoformat(document["from"]), date.fromisoformat(document["to"])
    assert (last - first).days == 30
    assert len(document["days"]) == 31
    until = tapedeck("calendar", "24/7", "--to", "2020-03-01", "--json").document
    assert (until["from"], until["to"]) == ("2020-01-31", "2020-03-01")


def test_a_span_of_days_off_has_no_table(tapedeck: Any) -> None:
    done = tapedeck("calendar", "--from", "2024-07-06", "--to", "2024-07-07")
    assert done.exit_code == 0
    assert "0 sessions" in done.stdout


def test_every_exchange_is_listed_with_its_names_and_years(tapedeck: Any) -> None:
    listed = tapedeck("calendar", "--list", "--json").document
    codes = {entry["code"]: entry for entry in listed}
    assert list(codes) == sorted(exchange_calendars.get_calendar_names(include_aliases=False))
    assert "NYSE" in codes["XNYS"]["aliases"]
    assert (codes["XSAU"]["first"], codes["XSAU"]["last"]) == ("2021-01-01", "2029-12-31")
    text = tapedeck("calendar", "--list").stdout
    assert "XNYS" in text
    assert all(len(line) <= 80 for line in text.splitlines())


# Session files, exports


def test_a_valid_session_file_is_reported_as_valid(tapedeck: Any, session_file: Writer) -> None:
    file = session_file(backtest_config={"start_time": "10:30"})
    done = tapedeck("config", "check", file)
    assert done.exit_code == 0
    assert "valid (" in done.stdout
    assert "5 sessions, 2013-10-07 to 2013-10-11" in done.stdout.replace("\n", " ")
    document = tapedeck("config", "check", file, "--json").document
    assert document["ok"] is True
    assert len(document["sessions"]) == 5


def test_oddities_of_a_session_file_are_warnings(tapedeck: Any, session_file: Writer) -> None:
    file = session_file(session_data_config={"data_upkeep": {"enabled": True}})
    done = tapedeck("config", "check", file)
    assert done.exit_code == 0
    assert "data_upkeep" in done.stderr


def test_a_live_session_file_has_no_days_to_check(tapedeck: Any, session_file: Writer) -> None:
    file = session_file(mode="live", api_config={"data_api": "alpine"})
    text = json.loads(file.read_text())
    del text["backtest_config"]
    file.write_text(json.dumps(text))
    done = tapedeck("config", "check", file)
    assert "valid (" in done.stdout
    unknown = "api_config.data_api: unknown feed 'alpine': the feeds here are alpaca, ccxt, replay."
    assert unknown in done.stderr
    assert tapedeck("config", "check", file, "--json").document["warnings"] == [unknown]
    again = tapedeck("config", "check", file, "--store", file.with_name("none.db"))
    assert again.exit_code == 0


@pytest.mark.parametrize("name", ["replay", "Replay"])
def test_a_live_session_file_with_a_feed_of_this_machine_has_no_warnings(
    tapedeck: Any, session_file: Writer, name: str
) -> None:
    done = tapedeck("config", "check", session_file(mode="live", api_config={"data_api": name}))
    assert (done.exit_code, done.stderr) == (0, "")


def test_a_live_session_file_without_a_feed_is_a_warning(tapedeck: Any, session_file: Writer) -> None:
    done = tapedeck("config", "check", session_file(mode="live"))
    assert done.exit_code == 0
    assert "api_config.data_api is not set: name one of alpaca, ccxt, replay, or give --feed." in done.stderr


def test_the_schema_knows_the_fields_of_a_session_file(tapedeck: Any, session_file: Writer) -> None:
    schema = tapedeck("config", "schema").document
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"session_name", "session_data_config"} <= schema["properties"].keys()
    assert set(json.loads(session_file().read_text())) <= schema["properties"].keys()


def test_an_export_is_valid_until_it_is_changed(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert tapedeck("run", session_file(), "--store", lean_store, "--export", out).exit_code == 0
    good = tapedeck("validate", out)
    assert good.exit_code == 0
    assert "valid (" in good.stdout
    path = out / "bars.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:5], *lines[6:]]))
    bad = tapedeck("validate", out)
    assert bad.exit_code == 1
    assert "bars.csv" in bad.stdout
    document = tapedeck("validate", out, "--json").document
    assert document["ok"] is False
    assert document["findings"]


def test_config_check_names_a_scanner_that_never_runs(tapedeck: Any, session_file: Writer) -> None:
    scanner = {"name": "late", "where": "gap_pct > 0", "at": "16:30"}
    file = session_file(session_data_config={"universe": "all", "scanners": [scanner]})
    result = tapedeck("config", "check", file)
    assert (result.exit_code, result.stderr.count("(late) never runs")) == (0, 1)
