"""Errors of the command line and of session files: texts and exit codes."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Writer = Callable[..., Path]


def assert_error(done: Any, code: int, *words: str) -> None:
    assert done.exit_code == code, done
    text = " ".join(done.stderr.split())
    assert "Traceback" not in text
    missing = [word for word in words if word not in text]
    assert not missing, text


# Without a store and a session file


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "runn october.yaml",
            ["error: no such command 'runn'. Did you mean 'run'?", "`tapedeck --help`"],
        ),
        ("run", ["nothing to play", "session file", "--symbols"]),
        ("run october.yaml --sped 3", ["error: no such option: --sped", "--speed"]),
        ("run october.yaml --speed fast", ["--speed: invalid speed 'fast': use max"]),
        ("run nowhere.yaml", ["error: nowhere.yaml does not exist."]),
        ("run .", ["is a folder, not a session file"]),
        ("config check missing/october.yaml", ["does not exist, nor does the folder 'missing'"]),
        ("config chek october.yaml", ["error: no such command 'chek'", "'check'"]),
        ("coverage nowhere.yaml", ["nowhere.yaml", "does not exist"]),
        ("calendar NYES", ["unknown exchange 'NYES'. Did you mean 'XNYS'? `tapedeck calendar --list`"]),
        (
            "calendar --from 2024-07-08 --to 2024-07-01",
            ["--to", "invalid range", "earlier date must"],
        ),
        ("calendar --from 2024-13-01", ["--from", "invalid date '2024-13-01'", "2024-07-03"]),
        ("calendar --year 2024 --from 2024-07-01", ["--year", "cannot be combined with --from or --to"]),
        ("calendar --year 20244", ["invalid year 20244"]),
        ("calendar --year 1820", ["1820 is outside the calendar of XNYS"]),
        ("bars SPY --date 2024-07-03 --interval 7x", ["--interval", "invalid interval '7x'"]),
        ("bars SPY --date 2024-07-03 --interval 1w", ["weekly bars exist in history only", "'1d'"]),
        ("bars SPY --date July --interval 1m", ["--date", "invalid date 'July'"]),
        ("bars SPY --date 2024-07-04 --interval 1m", ["Thursday 2024-07-04 is not a trading day of XNYS"]),
        ("bars SPY --date 2024-07-06 --interval 1m", ["Saturday 2024-07-06", "Friday 2024-07-05"]),
        ("bars SPY --date 2024-07-03 --interval 1m --format tabel", ["'tabel'", "Did you mean 'table'?"]),
        ("bars SPY --date 2024-07-03 --interval 1m --exchange US_EQUTY", ["Did you mean 'US_EQUITY'?"]),
        ("import zip data", ["error: no such command 'zip'"]),
        ("import lean nowhere --store bars.db", ["nowhere"]),
        ("import csv a.csv --interval 5m --store bars.db", ["5m"]),
        ("import csv a.csv --interval 1m --column Date", ["--column", "invalid pair 'Date'", "ROLE=NAME"]),
        ("import csv a.csv --interval 1m --column open=A --column open=B", ["duplicate 'open'"]),
        ("import csv a.csv --interval 1m --column opne=A --store b.db", ["'opne'", "Did you mean 'open'?"]),
        ("import csv a.csv --interval 1m --zone Amerika/New_York --store b.db", ["America/New_York"]),
        ("import csv a.csv --interval 1m --label clsoe", ["--label", "'clsoe'", "'close'"]),
        ("import csv a.csv --interval 1m --store bars.txt", ["bars.txt", "invalid store name"]),
        ("validate nowhere", ["nowhere"]),
        ("settings --store bars.db --colour never", ["error: no such option: --colour"]),
        ("--log-level laud settings", ["--log-level", "'laud'", "debug, info, warning or error"]),
        ("--color sometimes settings", ["--color", "must be auto, always or never, not 'sometimes'"]),
    ],
)
def test_invalid_arguments_are_errors_with_the_value(
    tapedeck: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = tapedeck(*line.split())
    assert_error(done, 2, *words)
    assert done.stdout == ""


# Stores


def test_without_a_store_the_import_command_is_named(tapedeck: Any, session_file: Writer, home: Path) -> None:
    done = tapedeck("run", session_file())
    assert_error(done, 2, str(home / "data" / "bars.db"), "does not exist", "tapedeck import")


def test_an_error_for_a_misspelt_store_has_the_nearest_name(
    tapedeck: Any, session_file: Writer, tmp_path: Path
) -> None:
    (tmp_path / "market.db").touch()
    done = tapedeck("run", session_file(), "--store", tmp_path / "markt.db")
    assert_error(done, 2, "markt.db does not exist", "market.db")


def test_the_database_of_another_program_is_left_alone(
    tapedeck: Any, session_file: Writer, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    before = other.read_bytes()
    done = tapedeck("run", session_file(), "--store", other)
    assert_error(done, 2, "database of another program", "songs")
    assert other.read_bytes() == before


def test_a_folder_with_the_name_of_a_database_is_an_error(
    tapedeck: Any, session_file: Writer, tmp_path: Path
) -> None:
    folder = tmp_path / "bars.db"
    folder.mkdir()
    assert_error(tapedeck("coverage", session_file(), "--store", folder), 2, "is a folder")


def test_a_text_file_is_not_a_store(tapedeck: Any, session_file: Writer, tmp_path: Path) -> None:
    text = tmp_path / "bars.csv"
    text.write_text("time,open")
    assert_error(tapedeck("run", session_file(), "--store", text), 2, "is not a store", "import")


def test_a_corrupt_zip_is_an_error_with_its_name(tapedeck: Any, tmp_path: Path) -> None:
    folder = tmp_path / "equity" / "usa" / "minute" / "spy"
    folder.mkdir(parents=True)
    (folder / "20131007_trade.zip").write_bytes(b"PK\x03\x04 cut short")
    done = tapedeck("import", "lean", tmp_path / "equity", "--store", tmp_path / "bars.db")
    assert_error(done, 2, "20131007_trade.zip")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_store_in_a_read_only_folder_is_an_error(tapedeck: Any, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    done = tapedeck("import", "lean", tmp_path, "--store", folder / "bars.db")
    assert_error(done, 2, "cannot be made", "may write")


def test_a_store_below_a_file_is_an_error(tapedeck: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = tapedeck("import", "lean", tmp_path, "--store", tmp_path / "file" / "bars.db")
    assert_error(done, 2, str(tmp_path / "file" / "bars.db"))


# Session files over real bars


def test_an_error_for_a_misspelt_symbol_has_the_stored_one(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(session_data_config={"symbols": ["SPYY"]})
    done = tapedeck("run", file, "--store", lean_store)
    assert_error(done, 3, "SPYY", "did you mean SPY?")


def test_an_error_for_dates_without_bars_has_the_stored_dates(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(backtest_config={"start_date": "2014-01-06", "end_date": "2014-01-10"})
    done = tapedeck("run", file, "--store", lean_store)
    assert_error(done, 3, "no 1m bars stored from 2014-01-06", "2013-10-04 to 2013-10-11")


def test_a_weekend_alone_is_an_error(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    file = session_file(backtest_config={"start_date": "2013-10-12", "end_date": "2013-10-13"})
    for command in (["run", file, "--store", lean_store], ["config", "check", file]):
        assert_error(tapedeck(*command), 2, "XNYS has no trading day from", "Monday 2013-10-14")


def test_dates_the_wrong_way_round_are_an_error(tapedeck: Any, session_file: Writer) -> None:
    file = session_file(backtest_config={"start_date": "2013-10-11", "end_date": "2013-10-07"})
    assert_error(tapedeck("config", "check", file), 2, "october.json", "2013-10-11", "2013-10-07")


def test_a_start_before_the_open_is_an_error(tapedeck: Any, session_file: Writer) -> None:
    file = session_file(backtest_config={"start_time": "08:00"})
    assert_error(tapedeck("config", "check", file), 2, "08:00", "09:30 to before 16:00")


def test_all_faults_of_a_session_file_are_reported_at_once(tapedeck: Any, session_file: Writer) -> None:
    file = session_file(mood="backtest", session_data_config={"streams": ["7x"]})
    assert_error(tapedeck("config", "check", file), 2, "'mood'", "'mode'", "7x")


@pytest.mark.parametrize("speed", ["-1", "nan", "inf"])
def test_an_invalid_speed_is_an_error(tapedeck: Any, session_file: Writer, speed: str) -> None:
    done = tapedeck("run", session_file(), "--speed", speed)
    assert_error(done, 2, "--speed", f"invalid speed {speed!r}")


@pytest.mark.parametrize("quality", ["-1", "100.5", "nan"])
def test_an_invalid_percentage_is_an_error(tapedeck: Any, session_file: Writer, quality: str) -> None:
    done = tapedeck("coverage", session_file(), "--min-quality", quality)
    assert_error(done, 2, "--min-quality", "0 to 100")


def test_an_export_folder_that_is_a_file_is_an_error(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("mine")
    done = tapedeck("run", session_file(), "--store", lean_store, "--export", tmp_path / "out")
    assert_error(done, 1, str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "mine"


def test_a_run_of_a_live_file_names_the_command_that_records_it(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(mode="live", api_config={"data_api": "alpaca"})
    done = tapedeck(
        "run", file, "--store", lean_store, "--no-ui", "--break", "SPY.close > 1", "--speed", "60"
    )
    command = f"tapedeck live {file} --store {lean_store} --break 'SPY.close > 1' --no-ui"
    assert_error(done, 2, "mode: live: the session is recorded, not played from a store", f"`{command}`")


def test_coverage_needs_days(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    file = session_file(mode="live", backtest_config={})
    text = file.read_text().replace(
        '"backtest_config": {"start_date": "2013-10-07", "end_date": "2013-10-11"}, ', ""
    )
    file.write_text(text)
    done = tapedeck("coverage", file, "--store", lean_store)
    assert_error(done, 2, "backtest_config", "the days to check")


# Errors as JSON


def test_with_json_an_error_is_a_document_too(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    file = session_file(session_data_config={"symbols": ["SPYY"]})
    done = tapedeck("run", file, "--store", lean_store, "--json")
    assert done.exit_code == 3
    assert done.stderr == ""
    error = done.document["error"]
    assert error["kind"] == "DataMissingError"
    assert error["symbols"] == ["SPYY"]
    assert error["exit_code"] == 3


def test_with_json_the_problems_of_a_file_are_separate(tapedeck: Any, session_file: Writer) -> None:
    done = tapedeck("config", "check", session_file(mood="x", session_name=""), "--json")
    assert done.exit_code == 2
    assert {problem["path"] for problem in done.document["error"]["problems"]} >= {"mood", "session_name"}


@pytest.mark.parametrize("line", ["run --json --sped 1", "run --json", "calendar --json --year soon"])
def test_with_json_a_usage_error_is_a_document(tapedeck: Any, line: str) -> None:
    done = tapedeck(*line.split())
    assert done.exit_code == 2
    assert done.document["error"]["exit_code"] == 2
    assert done.document["error"]["message"]


def test_an_unexpected_error_is_one_line_and_the_place_of_the_log(
    tapedeck: Any, session_file: Writer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("of a sort\nthat was not expected")

    monkeypatch.setattr("tapedeck.engine.session_file.load_session_config", break_down)
    done = tapedeck("run", session_file())
    log = home / "state" / "tapedeck.log"
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        f"error: unexpected ZeroDivisionError: of a sort. The traceback is in {log}. Please report it."
    ]
    assert "Traceback (most recent call last)" in log.read_text()


def test_a_zip_without_bars_leaves_no_partial_store(tapedeck: Any, tmp_path: Path) -> None:
    folder = tmp_path / "equity" / "usa" / "minute" / "spy"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "20131007_trade.zip", "w") as archive:
        archive.writestr("readme.txt", "no bars here")
    done = tapedeck("import", "lean", tmp_path / "equity", "--store", tmp_path / "bars.db")
    assert_error(done, 2, "20131007_trade.zip")
