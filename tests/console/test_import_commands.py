"""`tapedeck import`: reports, rejected rows, and repeated imports."""

from __future__ import annotations

import csv
import io
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from tapedeck.console.cli.import_job import run_import
from tapedeck.console.cli.invocation import Invocation
from tapedeck.engine.importers.registry import IMPORTERS
from tapedeck.engine.importers.report import ImportOptions
from tapedeck.engine.intervals import MINUTE

GOOD = "2024-07-03 09:30,10,11,9,10.5,100"
BAD = "2024-07-03 09:31,10,9,11,10.5,100"  # the high is below the low


def write_csv(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows, ""]), encoding="utf-8")
    return path


def stored(store: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(store)
    try:
        return connection.execute(
            "SELECT symbol, interval, opened_at, close FROM bars ORDER BY opened_at"
        ).fetchall()
    finally:
        connection.close()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "bars.db"


def minutes(*words: object) -> tuple[object, ...]:
    return ("import", "csv", *words, "--interval", "1m", "--zone", "America/New_York")


def test_lean_files_are_imported_and_a_second_import_changes_nothing(
    tapedeck: Any, lean_root: Path, store: Path
) -> None:
    daily = lean_root / "equity" / "usa" / "daily" / "spy.zip"
    first = tapedeck("import", "lean", daily, "--store", store, "--json")
    assert first.exit_code == 0, first.stderr
    rows = len(pd.read_csv(daily, header=None))
    assert first.document["written"] == first.document["rows_read"] == rows
    again = tapedeck("import", "lean", daily, "--store", store)
    assert f"0 written, {rows:,} unchanged" in again.stdout
    assert f"store: {store}" in again.stdout


def test_without_a_store_bars_go_to_the_data_folder(tapedeck: Any, tmp_path: Path, home: Path) -> None:
    done = tapedeck(*minutes(write_csv(tmp_path / "ABC.csv", GOOD)))
    assert done.exit_code == 0, done.stderr
    # 09:30 in New York in July is 13:30 UTC.
    assert stored(home / "data" / "bars.db") == [("ABC", "1m", "2024-07-03T13:30:00Z", 10.5)]


def test_bad_rows_are_listed_and_written_to_a_file(tapedeck: Any, tmp_path: Path, store: Path) -> None:
    file = write_csv(tmp_path / "ABC.csv", GOOD, BAD)
    done = tapedeck(*minutes(file), "--store", store, "--rejects", tmp_path / "rejects.csv")
    assert done.exit_code == 0
    assert "1 written" in done.stdout
    assert f"{file}:3: " in done.stdout
    rejected = list(csv.DictReader(io.StringIO((tmp_path / "rejects.csv").read_text())))
    assert [(row["file"], row["line"], row["text"]) for row in rejected] == [(str(file), "3", BAD)]
    assert rejected[0]["reason"]


def test_twenty_bad_rows_are_shown(tapedeck: Any, tmp_path: Path, store: Path) -> None:
    bad = [BAD.replace("09:31", f"10:{minute:02}") for minute in range(30)]
    done = tapedeck(*minutes(write_csv(tmp_path / "ABC.csv", GOOD, *bad)), "--store", store)
    assert sum("ABC.csv:" in line for line in done.stdout.splitlines()) == 20
    assert "10 more" in done.stdout
    document = tapedeck(*minutes(tmp_path / "ABC.csv"), "--store", store, "--json").document
    assert len(document["rejected"]) == 30
    assert document["rejected"][0]["line"] == 3


def test_a_strict_import_refuses_the_file_and_still_lists_its_rows(
    tapedeck: Any, tmp_path: Path, store: Path
) -> None:
    file = write_csv(tmp_path / "ABC.csv", GOOD, BAD)
    done = tapedeck(*minutes(file), "--store", store, "--strict", "--rejects", tmp_path / "rejects.csv")
    assert done.exit_code == 2
    assert "nothing was stored" in done.stderr
    assert (tmp_path / "rejects.csv").read_text().count("\n") == 2
    assert stored(store) == []
    assert tapedeck(*minutes(file), "--store", store, "--strict").exit_code == 2


def test_corrected_bars_overwrite_only_with_replace(tapedeck: Any, tmp_path: Path, store: Path) -> None:
    file = write_csv(tmp_path / "ABC.csv", GOOD)
    tapedeck(*minutes(file), "--store", store)
    write_csv(file, GOOD.replace("10.5", "10.25"))
    kept = tapedeck(*minutes(file), "--store", store)
    assert "--replace overwrites" in kept.stdout
    assert stored(store)[0][3] == 10.5
    tapedeck(*minutes(file), "--store", store, "--replace")
    assert stored(store)[0][3] == 10.25


def test_columns_are_named_by_the_user(tapedeck: Any, tmp_path: Path, store: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text("When;Ticker;O;H;L;C;Vol\n03.07.2024;XYZ;10;11;9;10,5;100\n".replace("10,5", "10.5"))
    columns = ("--column", "time=When", "--column", "symbol=Ticker")
    done = tapedeck(
        "import", "csv", file, "--interval", "1d", *columns, "--time-format", "%d.%m.%Y", "--store", store
    )
    assert done.exit_code == 0, done.stderr
    assert stored(store) == [("XYZ", "1d", "2024-07-03T00:00:00Z", 10.5)]


def test_parquet_files_are_imported(tapedeck: Any, tmp_path: Path, store: Path) -> None:
    frame = pd.DataFrame(
        {"open": [10.0], "high": [11.0], "low": [9.0], "close": [10.5], "volume": [100.0]},
        index=pd.DatetimeIndex(["2024-07-03 13:30"], tz="UTC", name="time"),
    )
    frame.to_parquet(tmp_path / "bars.parquet")
    done = tapedeck(
        "import",
        "parquet",
        tmp_path / "bars.parquet",
        "--interval",
        "1m",
        "--symbol",
        "ABC",
        "--store",
        store,
    )
    assert done.exit_code == 0, done.stderr
    assert stored(store) == [("ABC", "1m", "2024-07-03T13:30:00Z", 10.5)]


def test_rejects_that_cannot_be_written_are_an_error(tapedeck: Any, tmp_path: Path, store: Path) -> None:
    file = write_csv(tmp_path / "ABC.csv", GOOD, BAD)
    done = tapedeck(*minutes(file), "--store", store, "--rejects", tmp_path / "nowhere" / "rejects.csv")
    assert done.exit_code == 1
    assert "cannot write the rejected rows" in done.stderr
    assert len(stored(store)) == 1


def test_an_interrupted_import_is_reported(tmp_path: Path, store: Path, home: Path) -> None:
    for name in ("A", "B"):
        write_csv(tmp_path / f"{name}.csv", GOOD)
    invocation = Invocation({"store": store})
    invocation.interrupts.seen = True
    importer_options = {"interval": MINUTE, "zone": "America/New_York"}
    report = run_import(
        invocation,
        tmp_path,
        IMPORTERS["csv"],
        options=ImportOptions(),
        rejects=None,
        importer_options=importer_options,
    )
    assert report.interrupted
    assert report.written == 0


def test_on_a_terminal_files_and_rows_are_counted(
    tapedeck: Any, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr("tapedeck.console.cli.terminal.Terminal.progress_console", lambda _: console)
    assert tapedeck(*minutes(write_csv(tmp_path / "ABC.csv", GOOD)), "--store", store).exit_code == 0
    assert "1/1 files" in screen.getvalue()
    assert "1 rows" in screen.getvalue()


def test_quotes_are_reported_by_symbol_and_a_second_import_changes_nothing(
    tapedeck: Any, tmp_path: Path, store: Path
) -> None:
    file = tmp_path / "quotes.csv"
    lines = ["2013-10-07 09:30:05.1,SPY,167.1,167.2,3,", "2013-10-07 09:30:59.9,SPY,,167.25,,4"]
    bad = ["2013-10-07 09:31:00,SPY,-1,167.2,3,4", "2013-10-07 09:32:00,AIG,50,50.5,,"]
    file.write_text("\n".join(["time,symbol,bid,ask,bid_size,ask_size", *lines, *bad, ""]))
    tried = tapedeck(*minutes(file), "--dry-run")
    assert [line.split() for line in tried.stdout.splitlines() if "09:30" in line][-2:] == [
        ["SPY", "2013-10-07", "09:30", "167.10", "167.25", "3", "4"],
        ["SPY", "1", "2013-10-07", "09:30", "2013-10-07", "09:30", "09:30-09:31"],
    ]
    done = tapedeck(*minutes(file), "--store", store, "--json")
    assert (done.exit_code, done.document["written"], done.document["rejected_count"]) == (0, 2, 1)
    assert [(found["symbol"], found["quotes"]) for found in done.document["quotes"]] == [
        ("AIG", 1),
        ("SPY", 1),
    ]
    assert (done.document["series"], done.document["earlier"]) == ([], 1)
    assert [quote["ask_size"] for quote in done.document["first_quotes"]] == [4, None]
    again = tapedeck(*minutes(file), "--store", store)
    assert "0 written, 2 unchanged, 0 replaced, 1 rejected" in again.stdout
    assert tapedeck(*minutes(file), "--store", store, "--strict").exit_code == 2
    file.write_text("time,symbol,bid,ask\n2013-10-07 09:31:00,SPY,-1,167.2\n")
    assert tapedeck(*minutes(file), "--store", store).exit_code == 3
