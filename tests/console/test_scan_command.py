"""`tapedeck scan`: the scanners of a session file at a moment, from the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore

DAY = "2013-11-27"
EARLY = "2013-11-29"
"""A day that closes at 13:00."""
CLASS = """
from tapedeck import Found, Scanner


class Volumes(Scanner):
    def scan(self, view):
        {body}
"""
Writer = Callable[..., Path]


@pytest.fixture
def scanned_file(tmp_path: Path) -> Writer:
    """Writes a session file of AAA with the given scanners over all symbols of the store."""

    def write(*scanners: str, universe: str = "all", data: str = "") -> Path:
        path = tmp_path / "scanned.yaml"
        lines = [
            "session_name: Scanned",
            "exchange_group: US_EQUITY",
            "backtest_config: {start_date: 2013-11-26, end_date: 2013-11-26}",
            "session_data_config:",
            "  symbols: [AAA]",
            "  streams: [5m]",
            f"  universe: {universe}",
            "  scanners:",
            *(f"    - {scanner}" for scanner in scanners),
            data,
        ]
        path.write_text("\n".join(lines))
        return path

    return write


VOLUME = '{name: volume, where: "day_volume > 0", by: day_volume, at: ["09:35", "10:02"]}'
NOTHING = '{name: nothing, where: "close < 0", at: pre_session}'


def volumes_of(store: BarStore, until: str) -> list[tuple[str, float]]:
    """Return the symbols by their volume of the day up to a time, largest first."""
    found = []
    for symbol in store.series():
        bars = store.read(symbol, MINUTE, 0, 2**40)
        times = [f"{utc_from_epoch(opened):%Y-%m-%d %H:%M}" for opened in bars.opened_at.tolist()]
        total = 0.0
        for at, volume in zip(times, bars.volume.tolist(), strict=True):  # New York is at UTC-5
            if f"{DAY} 14:30" <= at < f"{DAY} {until}":
                total += volume
        found.append((symbol, total))
    return sorted(found, key=lambda one: -one[1])


def test_each_scanner_runs_by_its_schedule_in_order_of_time(
    tapedeck: Any, console_store: BarStore, scanned_file: Writer
) -> None:
    file = scanned_file(VOLUME, NOTHING)
    done = tapedeck("scan", file, "--date", DAY, "--store", console_store.location, "--format", "json")
    assert done.exit_code == 0, done
    scans = done.document["scans"]
    assert [(scan["time"], scan["scanner"], scan["outcome"]) for scan in scans] == [
        (f"{DAY}T09:30:00-05:00", "nothing", "done"),
        (f"{DAY}T09:35:00-05:00", "volume", "done"),
        (f"{DAY}T10:02:00-05:00", "volume", "done"),
    ]
    assert scans[0]["found"] == []
    for scan, until in ((scans[1], "14:35"), (scans[2], "15:02")):
        found = [(one["rank"], one["symbol"], one["values"]["day_volume"]) for one in scan["found"]]
        expected = enumerate(volumes_of(console_store, until), 1)
        assert found == [(rank, symbol, volume) for rank, (symbol, volume) in expected]
    assert done.document["symbols"] == 3


def test_at_runs_all_scanners_at_that_moment(
    tapedeck: Any, console_store: BarStore, scanned_file: Writer
) -> None:
    file = scanned_file(VOLUME, NOTHING)
    done = tapedeck("scan", file, "--date", DAY, "--at", "12:00", "--store", console_store.location)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("12:00")] == [
        "12:00 volume: 3 found",
        "12:00 nothing: nothing found",
    ]
    (symbol, volume), *_ = volumes_of(console_store, "17:00")
    (first,) = [line.split() for line in lines if line.split()[:1] == ["1"]]
    assert first[:2] == ["1", symbol]
    assert float(first[2].replace(",", "")) == pytest.approx(volume, rel=1e-6)


def test_csv_has_one_row_for_each_value(tapedeck: Any, console_store: BarStore, scanned_file: Writer) -> None:
    words = ["scan", scanned_file(VOLUME), "--date", DAY, "--store", console_store.location]
    done = tapedeck(*words, "--at", "pre_session", "--format", "csv")
    header = "session_date,time,scanner,rank,symbol,name,value"
    assert (done.exit_code, done.stdout) == (0, f"{header}\n")
    done = tapedeck(*words, "--at", "09:35", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["rank"], row["symbol"], float(row["value"])) for row in rows] == [
        (str(rank), symbol, volume)
        for rank, (symbol, volume) in enumerate(volumes_of(console_store, "14:35"), 1)
    ]
    assert {(row["session_date"], row["time"], row["scanner"], row["name"]) for row in rows} == {
        (DAY, f"{DAY}T09:35:00-05:00", "volume", "day_volume")
    }


def test_a_class_that_raises_is_shown_with_its_traceback_and_exit_code_1(
    tapedeck: Any, console_store: BarStore, scanned_file: Writer, tmp_path: Path
) -> None:
    (tmp_path / "volumes.py").write_text(CLASS.format(body='raise ValueError("no volumes today")'))
    file = scanned_file('{name: own, scanner: "volumes.py:Volumes", at: "10:00"}', VOLUME)
    words = ["scan", file, "--date", DAY, "--at", "10:00", "--store", console_store.location]
    done = tapedeck(*words)
    assert done.exit_code == 1
    assert "10:00 own: failed: ValueError: no volumes today" in done.stdout
    assert "10:00 volume: 3 found" in done.stdout
    assert 'raise ValueError("no volumes today")' in done.stderr
    done = tapedeck(*words, "--format", "json")
    own, volume = done.document["scans"]
    assert (done.exit_code, own["outcome"], volume["outcome"]) == (1, "failed", "done")
    assert own["traceback"].endswith("ValueError: no volumes today\n")


def test_a_class_that_overruns_is_left_and_each_other_call_that_fails_is_told(
    tapedeck: Any, console_store: BarStore, scanned_file: Writer, tmp_path: Path
) -> None:
    body = "while True: pass"
    hooks = "def on_session_end(self): 1 / 0\n    def teardown(self): self.nothing"
    (tmp_path / "volumes.py").write_text(CLASS.format(body=body))
    (tmp_path / "hooks.py").write_text(f"{CLASS.format(body='return []')}\n    {hooks}\n")
    slow = '{name: slow, scanner: "volumes.py:Volumes", at: "10:00", timeout_seconds: 0.2}'
    file = scanned_file(slow, '{name: own, scanner: "hooks.py:Volumes", at: "10:00", required: true}')
    done = tapedeck("scan", file, "--date", DAY, "--store", console_store.location)
    assert done.exit_code == 1
    assert [line for line in done.stdout.splitlines() if line] == [
        "10:00 slow: overran its time: took longer than timeout_seconds: 0.2 (volumes.py, line 7)",
        "10:00 own: nothing found",
        "16:00 own: failed: on_session_end: ZeroDivisionError: division by zero (hooks.py, line 9)",
    ]
    assert "own: teardown: AttributeError: 'Volumes' object has no attribute 'nothing'" in done.stderr


def test_a_time_after_an_early_close_is_a_warning(
    tapedeck: Any, console_store: BarStore, scanned_file: Writer
) -> None:
    file = scanned_file('{name: late, where: "last > 0", at: "14:00"}', NOTHING)
    done = tapedeck("scan", file, "--date", EARLY, "--store", console_store.location)
    assert (done.exit_code, done.stdout) == (0, "09:30 nothing: nothing found\n")
    assert "(late) never runs" in done.stderr


def test_a_class_returns_symbols_with_values_of_its_own(
    tapedeck: Any, console_store: BarStore, scanned_file: Writer, tmp_path: Path
) -> None:
    body = 'return [Found("CCC", {"half": 0.5}), "AAA", Found("BBB", {"none": float("nan")})]'
    (tmp_path / "volumes.py").write_text(CLASS.format(body=body))
    file = scanned_file('{scanner: "volumes.py:Volumes", at: "10:00"}')
    done = tapedeck("scan", file, "--date", DAY, "--store", console_store.location, "--format", "json")
    assert done.document["scans"][0]["found"] == [
        {"rank": 1, "symbol": "CCC", "values": {"half": 0.5}},
        {"rank": 2, "symbol": "AAA", "values": {}},
        {"rank": 3, "symbol": "BBB", "values": {"none": None}},
    ]
    done = tapedeck("scan", file, "--date", DAY, "--store", console_store.location)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert ["1", "CCC", "0.5"] in rows
    assert ["2", "AAA"] in rows


def test_symbols_of_the_universe_without_bars_are_told(
    tapedeck: Any, console_store: BarStore, scanned_file: Writer
) -> None:
    file = scanned_file(VOLUME, universe="[AAA, AAB, CCC]")
    words = ["scan", file, "--date", DAY, "--store", console_store.location]
    done = tapedeck(*words)
    assert done.exit_code == 0
    assert "left out: AAB is not stored" in done.stderr
    done = tapedeck(*words, "--format", "json")
    assert (done.document["symbols"], [one["symbol"] for one in done.document["left_out"]]) == (2, ["AAB"])


@pytest.mark.parametrize(
    ("words", "code", "texts"),
    [
        (["--date", "2013-11-28"], 2, ["Thursday 2013-11-28 is not a trading day of XNYS"]),
        (["--date", "soon"], 2, ["--date", "invalid date 'soon'"]),
        (["--date", DAY, "--at", "25:00"], 2, ["--at", "invalid time '25:00'", "pre_session"]),
        (["--date", DAY, "--at", "10"], 2, ["--at", "invalid time '10'", "such as 10:00"]),
        (["--date", EARLY, "--at", "13:01"], 2, ["13:01 is after the close of 2013-11-29 at 13:00"]),
        (["--date", DAY, "--format", "jsn"], 2, ["invalid value 'jsn'", "Did you mean 'json'?"]),
        ([], 2, ["missing option", "--date"]),
    ],
)
def test_wrong_options_are_told(
    tapedeck: Any,
    console_store: BarStore,
    scanned_file: Writer,
    words: list[str],
    code: int,
    texts: list[str],
) -> None:
    done = tapedeck("scan", scanned_file(VOLUME), "--store", console_store.location, *words)
    assert done.exit_code == code
    assert [text for text in texts if text not in " ".join(done.stderr.split())] == [], done.stderr


def test_a_file_without_scanners_and_a_universe_without_bars_are_told(
    tapedeck: Any, console_store: BarStore, session_file: Writer, scanned_file: Writer
) -> None:
    done = tapedeck("scan", session_file(), "--date", DAY, "--store", console_store.location)
    assert done.exit_code == 2
    assert "session_data_config.scanners" in done.stderr
    file = scanned_file(VOLUME, universe="[XXX, YYY]")
    done = tapedeck("scan", file, "--date", DAY, "--store", console_store.location)
    assert done.exit_code == 3
    assert "no symbol with stored 1m bars" in done.stderr
