"""`tapedeck store`: list, verify, remove and repair from the command line."""

from __future__ import annotations

import csv
import json
import shlex
import struct

import numpy as np
import pytest
from typer.testing import CliRunner

from tapedeck.console.cli.main import app
from tapedeck.engine.intervals import DAY, MINUTE, SECOND
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.quote_store import QuoteColumns

MONDAY = 1381152600  # 2013-10-07T13:30:00Z


def bars(count, start=MONDAY, step=60):
    times = start + step * np.arange(count)
    return BarColumns(times, *[100.25 + np.arange(count)] * 5)


@pytest.fixture(params=["bars.db", "bars"])
def location(request, tmp_path, monkeypatch):
    monkeypatch.setenv("TAPEDECK_HOME", str(tmp_path / "home"))
    with open_store(tmp_path / request.param, create=True) as store:
        store.write("SPY", MINUTE, bars(390))
        store.write("SPY", MINUTE, bars(390, MONDAY + 86400))
        store.write("AIG", DAY, bars(30, 1381104000, 86400))
    return tmp_path / request.param


def run(*words, code=0):
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == code, result.output
    return result.stdout


def test_list_shows_each_series_with_its_first_and_last_bar_bars_and_days(location):
    assert list(csv.reader(run("store", "list", "--format", "csv", "--store", location).splitlines())) == [
        ["symbol", "interval", "first", "last", "bars", "days"],
        ["AIG", "1d", "2013-10-07T00:00:00Z", "2013-11-05T00:00:00Z", "30", "30"],
        ["SPY", "1m", "2013-10-07T13:30:00Z", "2013-10-08T19:59:00Z", "780", "2"],
    ]
    document = json.loads(run("store", "list", "--format", "json", "--store", location))
    assert [series["bars"] for series in document["series"]] == [30, 780]
    text = run("store", "list", "--store", location)
    assert "2 symbols, 810 bars" in text
    assert [line.split()[:6] for line in text.splitlines() if line.startswith(("AIG", "SPY"))] == [
        ["AIG", "1d", "2013-10-07", "2013-11-05", "30", "30"],
        ["SPY", "1m", "2013-10-07", "13:30", "2013-10-08", "19:59"],
    ]


def test_verify_tells_of_damage_with_exit_code_1(location):
    assert "no damage found; 810 whole bars in 2 series" in run("store", "verify", "--store", location)
    damage(location)
    text = run("store", "verify", "--store", location, code=1)
    assert "SPY 1m 2013-10-0" in text
    assert f"tapedeck store repair --from FILES --store {location}" in text
    document = json.loads(run("store", "verify", "--json", "--store", location, code=1))
    assert (document["ok"], document["damage"][0]["symbol"]) == (False, "SPY")


def test_repair_takes_the_damaged_days_from_a_file(location, tmp_path):
    damage(location)
    lines = ["time,open,high,low,close,volume"]
    with open_store(location.parent / "source", create=True) as store:
        for day in (0, 1):
            store.write("SPY", MINUTE, bars(390, MONDAY + 86400 * day))
        found = store.read("SPY", MINUTE, 0, 10**10)
    lines += [
        f"{time},{value},{value},{value},{value},{value}"
        for time, value in zip(found.opened_at, found.open, strict=True)
    ]
    (tmp_path / "spy.csv").write_text("\n".join(lines))
    words = ["--from", tmp_path / "spy.csv", "--interval", "1m", "--symbol", "SPY", "--time-format", "s"]
    assert "restored, as it was written" in run("store", "repair", *words, "--store", location)
    run("store", "verify", "--store", location)
    assert "no damage" in run("store", "repair", *words, "--store", location)


def test_repair_asks_for_what_it_needs_with_exit_code_2(location, tmp_path):
    run("store", "repair", "--from", tmp_path, "--store", location, code=2)
    run("store", "repair", "--from", tmp_path / "a.csv", "--store", location, code=2)
    run(
        "store",
        "repair",
        "--from",
        tmp_path,
        "--importer",
        "lean",
        "--zone",
        "UTC",
        "--store",
        location,
        code=2,
    )


def test_remove_shows_what_would_go_and_the_command_that_removes_it(location):
    text = run("store", "remove", "SPY", "--from", "2013-10-08", "--store", location, code=2)
    assert "would remove SPY 1m, 2013-10-08 to 2013-10-08 (of 780 bars in all)" in text
    command = text.partition("to remove this: ")[2].strip()
    assert "780" in run("store", "list", "--store", location)
    assert "removed 390 bars of SPY 1m" in run(*shlex.split(command)[1:])
    run("store", "verify", "--store", location)
    run("store", "remove", "SPX", "--yes", "--store", location, code=3)
    assert "2013-10-08" not in run("store", "list", "--store", location)


def damage(location):
    """Change a bit of a price."""
    path = location if location.is_file() else location / "interval=1m/symbol=SPY/2013.parquet"
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack(">d", 300.25)) if location.is_file() else len(content) // 3
    content[at + 1] ^= 1
    path.write_bytes(content)


def test_list_tells_how_many_slots_are_confirmed_empty(location):
    with open_store(location) as store:
        store.confirm_empty("SPY", MINUTE, MONDAY + 60 * np.array([0, 400, 401]))
    assert list(csv.reader(run("store", "list", "--format", "csv", "--store", location).splitlines())) == [
        ["symbol", "interval", "first", "last", "bars", "days", "empty"],
        ["AIG", "1d", "2013-10-07T00:00:00Z", "2013-11-05T00:00:00Z", "30", "30", "0"],
        ["SPY", "1m", "2013-10-07T13:30:00Z", "2013-10-08T19:59:00Z", "780", "2", "2"],
    ]
    document = json.loads(run("store", "list", "--format", "json", "--store", location))
    assert [series["empty"] for series in document["series"]] == [0, 2]
    assert "empty" in run("store", "list", "--store", location).splitlines()[0]
    run("store", "remove", "SPY", "--store", location, "--yes")
    with open_store(location) as store:
        assert len(store.empty_slots(["SPY"], MINUTE, -(10**11), 10**12)) == 0


@pytest.fixture
def quoted(location):
    """The store, with quotes of SPY in both intervals, and of IBM, which has no bars."""
    with open_store(location) as store:
        for symbol, interval, start in (("SPY", MINUTE, MONDAY), ("IBM", SECOND, MONDAY + 86400)):
            times = start + interval.seconds * np.arange(5)
            store.quotes.write(symbol, interval, QuoteColumns(times, *[1.0 + np.arange(5)] * 4))
    return location


def test_list_shows_quotes_with_their_number_and_first_and_last(quoted):
    rows = list(csv.reader(run("store", "list", "--format", "csv", "--store", quoted).splitlines()))
    assert rows[0] == [
        *["symbol", "interval", "first", "last", "bars", "days"],
        *["quotes", "first_quote", "last_quote"],
    ]
    assert rows[2:] == [
        ["IBM", "1s", "", "", "0", "0", "5", "2013-10-08T13:30:00Z", "2013-10-08T13:30:04Z"],
        [
            *["SPY", "1m", "2013-10-07T13:30:00Z", "2013-10-08T19:59:00Z", "780", "2"],
            *["5", "2013-10-07T13:30:00Z", "2013-10-07T13:34:00Z"],
        ],
    ]
    document = json.loads(run("store", "list", "--format", "json", "--store", quoted))
    assert [series["quotes"] for series in document["series"]] == [0, 5, 5]
    text = run("store", "list", "--store", quoted)
    assert "3 symbols, 810 bars, 10 quotes" in text
    assert [line.split() for line in text.splitlines() if line.startswith("IBM")] == [
        ["IBM", "1s", "2013-10-08", "13:30:00", "2013-10-08", "13:30:04", "5"]
    ]


def test_quotes_go_with_their_symbol(quoted):
    text = run("store", "remove", "SPY", "IBM", "--store", quoted, code=2)
    assert "IBM 1s, 2013-10-08 to 2013-10-08 (of 5 quotes in all)" in text
    assert "SPY 1m, 2013-10-07 to 2013-10-08 (of 780 bars and 5 quotes in all)" in text
    run("store", "remove", "SPY", "--from", "2013-10-08", "--store", quoted, "--yes")
    removed = json.loads(run("store", "remove", "SPY", "IBM", "--store", quoted, "--yes", "--json"))
    assert [(one["symbol"], one["bars"], one["quotes"]) for one in removed["removed"]] == [
        ("IBM", 0, 5),
        ("SPY", 390, 5),
    ]
    assert "1 symbol, 30 bars in" in run("store", "list", "--store", quoted)
    assert "no damage found" in run("store", "verify", "--store", quoted)
