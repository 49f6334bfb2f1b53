"""The shipped scanners against plain pandas: October 2013, and a made-up market of 5,000 symbols."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from tapedeck.console.cli.main import app
from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.read.day_scans import DayScans
from tapedeck.engine.session_file import load_session_config, parse_session_config
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord
from tests.golden import made_up_market, raw_bars
from tests.golden.made_up_market import MadeUp
from tests.golden.raw_bars import DAYS, SYMBOLS
from tests.golden.scans_by_pandas import RULES, Market
from tests.support.memory_store import MemoryStore
from tests.support.runs import play

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "scanners.yaml"
BUSY = "2013-10-10"
"""The day of October on which each example finds something."""
AVERAGE_DAYS = 2
"""Of the made-up market, which has three days before the one that is scanned."""

Row = tuple[str, str, int, str]
"""Time, scanner, rank and symbol."""
Rows = list[tuple[Row, Mapping[str, float]]]


def by_pandas(market: Market, day: str, at: str | None = None, average_days: int = 10) -> Rows:
    """Return all that the examples find on a day, at their times or at one, with the values looked at."""
    times = sorted({at} if at else {time for rule in RULES.values() for time in rule.times})
    close = f"{market.hours[day][1]:%H:%M}"
    return [
        ((time, name, rank, hit.symbol), hit.values)
        for time in times
        if time <= close
        for name, rule in RULES.items()
        if at or time in rule.times
        for rank, hit in enumerate(market.found(rule, day, time, average_days), 1)
    ]


def by_engine(records: Sequence[ScanRecord]) -> Rows:
    assert {record.outcome for record in records} == {ScanOutcome.DONE}, records
    return [
        ((f"{local_time(record):%H:%M}", record.scanner, found.rank, found.symbol), dict(found.values))
        for record in records
        for found in record.found
    ]


def local_time(record: ScanRecord) -> datetime:
    return datetime.fromtimestamp(record.clock, ZoneInfo("America/New_York"))


def check(found: Rows, expected: Rows) -> None:
    """Check rows and values; all are exact but VWAP, a ratio of long sums of fractions."""
    assert [row for row, _ in found] == [row for row, _ in expected]
    for (row, values), (_, wanted) in zip(found, expected, strict=True):
        assert list(values) == list(wanted), row
        exact = {name: value for name, value in wanted.items() if name != "vwap"}
        assert {name: values[name] for name in exact} == exact, row
        if "vwap" in wanted:
            assert values["vwap"] == pytest.approx(wanted["vwap"], rel=1e-12), row


def scanners_in(rows: Rows) -> set[str]:
    return {name for (_, name, _, _), _ in rows}


# October 2013


@pytest.fixture(scope="module")
def october(lean_root: Path) -> Market:
    days = ("2013-10-04", *DAYS)
    frames = [
        raw_bars.minutes(lean_root, symbol, day).assign(symbol=symbol).rename_axis("time").reset_index()
        for symbol in SYMBOLS
        for day in days
    ]
    zone = "America/New_York"
    hours = {
        day: (pd.Timestamp(f"{day} 09:30", tz=zone), pd.Timestamp(f"{day} 16:00", tz=zone)) for day in days
    }
    minutes = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
    return Market(minutes.sort_values(["symbol", "time"]), hours)


def scan_command(store_path: Path, *words: str) -> Any:
    line = ["scan", str(EXAMPLE), "--store", str(store_path), "--format", "json", *words]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def of_document(document: Any) -> Rows:
    return [
        ((one["time"][11:16], one["scanner"], found["rank"], found["symbol"]), found["values"])
        for one in document["scans"]
        for found in one["found"]
    ]


@pytest.mark.parametrize("day", DAYS)
def test_the_examples_find_what_pandas_finds_on_each_day_of_october_2013(
    october: Market, store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    monkeypatch.setenv("TAPEDECK_HOME", str(tmp_path))
    document = scan_command(store_path, "--date", day)
    expected = by_pandas(october, day)
    check(of_document(document), expected)
    assert (document["symbols"], document["left_out"]) == (len(SYMBOLS), [])
    assert day != BUSY or scanners_in(expected) == set(RULES)


def test_a_run_of_the_examples_finds_what_pandas_finds_and_has_it_join(
    october: Market, store_path: Path
) -> None:
    with open_store(store_path) as store:
        system = play(load_session_config(EXAMPLE).config, store)
    for day in DAYS:
        records = system.scans(date.fromisoformat(day))
        expected = by_pandas(october, day)
        check(by_engine(records), expected)
        joined = [found.symbol for record in records for found in record.found if found.joined]
        adding = [symbol for (_, name, _, symbol), _ in expected if not name.startswith("unusual")]
        assert joined == [symbol for symbol in dict.fromkeys(adding) if symbol != "SPY"]


def test_aig_and_bac_gapped_up_on_10_october_2013_with_unusual_volume(
    october: Market, store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAPEDECK_HOME", str(tmp_path))
    found = of_document(scan_command(store_path, "--date", BUSY, "--at", "09:35"))
    assert [row[1:] for row, _ in found if row[1] in ("gap_up", "unusual_volume")] == [
        ("gap_up", 1, "BAC"),
        ("gap_up", 2, "AIG"),
        ("unusual_volume", 1, "AIG"),
    ]
    check(found, by_pandas(october, BUSY, "09:35"))


def with_less_volume(bars: BarColumns, today: np.ndarray) -> BarColumns:
    return replace(bars, volume=np.where(today, np.floor(bars.volume / 10), bars.volume))


def with_prices_that_stand_still(bars: BarColumns, today: np.ndarray) -> BarColumns:
    still = bars.close[~today][-1]
    prices = (np.where(today, still, getattr(bars, name)) for name in ("open", "high", "low", "close"))
    return BarColumns(bars.opened_at, *prices, bars.volume)


@pytest.mark.parametrize(
    ("alter", "left"),
    [
        (with_less_volume, {"momentum"}),
        (with_prices_that_stand_still, {"unusual_volume", "unusual_volume_class"}),
    ],
)
def test_an_example_finds_nothing_on_10_october_2013_if_what_it_looks_for_is_taken_out(
    store_path: Path, alter: Callable[[BarColumns, np.ndarray], BarColumns], left: set[str]
) -> None:
    altered, begin = MemoryStore(Path("altered")), day_label(date.fromisoformat(BUSY).toordinal())
    with open_store(store_path) as store:
        for symbol in SYMBOLS:
            bars = store.read(symbol, MINUTE, 0, 2**40)
            altered.write(symbol, MINUTE, alter(bars, bars.opened_at >= begin))
    scans = SystemManager(example(EXAMPLE), altered).scan_once(date.fromisoformat(BUSY))
    assert scanners_in(by_engine(scans.records)) == left


def test_a_scan_within_a_minute_of_a_session_in_seconds_reads_the_minutes_that_are_over(
    october: Market, store_path: Path
) -> None:
    config = example(EXAMPLE, {}, "2013-10-07", symbol="BAC", streams=["1s"])
    with open_store(store_path) as store:
        scans = SystemManager(config, store).scan_once(date(2013, 10, 7), time(10, 0, 30))
    assert {f"{local_time(record):%H:%M:%S}" for record in scans.records} == {"10:00:30"}
    expected = by_pandas(october, "2013-10-07", "10:00")
    assert expected
    check(by_engine(scans.records), expected)


# The made-up market


@cache
def _example_document() -> str:
    return EXAMPLE.read_text()


def example(
    source: Path,
    universe: Any = None,
    day: str | None = None,
    *,
    symbol: str = "M0000",
    streams: Sequence[str] = ("1m",),
) -> SessionConfig:
    """Return the example file, optionally over another universe, day, symbol and streams."""
    document = yaml.safe_load(_example_document())
    data = document["session_data_config"]
    if universe is not None:
        data["symbols"], data["streams"] = [symbol], list(streams)
        data["universe"] |= universe
        document["backtest_config"] |= {"start_date": day, "end_date": day}
    for scanner in data["scanners"]:
        if "scanner" in scanner:  # its path begins at the file's folder
            scanner["scanner"] = str(EXAMPLE.parent / scanner["scanner"])
    return parse_session_config(document, str(source)).config


@pytest.fixture(scope="module")
def made_up() -> MadeUp:
    return MadeUp.market()


@pytest.fixture(scope="module")
def frames(made_up: MadeUp) -> Market:
    return made_up.frames()


class UntilStore(MemoryStore):
    """A store whose bars from `end` on must not be read."""

    end = 2**62

    def scan(self, symbols: Any, interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        assert not len(symbols) or end <= (self.end if interval < DAY else self.end // 86400 * 86400)
        return super().scan(symbols, interval, start, end)


@pytest.fixture(scope="module")
def market_store(made_up: MadeUp) -> UntilStore:
    store = UntilStore(Path("made-up"))
    made_up.write(store)
    made_up.write_days(store)
    return store


def scan_market(store: BarStore, at: time | None = None) -> DayScans:
    universe = {"symbols": "all", "average_days": AVERAGE_DAYS}
    config = example(EXAMPLE, universe, made_up_market.TODAY)
    return SystemManager(config, store).scan_once(date.fromisoformat(made_up_market.TODAY), at)


def test_the_examples_find_what_pandas_finds_among_5000_made_up_symbols(
    frames: Market, market_store: UntilStore
) -> None:
    scans = scan_market(market_store)
    assert scans.universe.symbols == made_up_market.SYMBOLS
    expected = by_pandas(frames, made_up_market.TODAY, average_days=AVERAGE_DAYS)
    assert scanners_in(expected) == set(RULES)
    check(by_engine(scans.records), expected)


def test_a_scan_at_14_00_counts_the_early_close_before_up_to_13_00_and_reads_nothing_later(
    frames: Market, market_store: UntilStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = pd.Timestamp(f"{made_up_market.TODAY} 14:00", tz=made_up_market.ZONE)
    monkeypatch.setattr(market_store, "end", int(moment.timestamp()))
    expected = by_pandas(frames, made_up_market.TODAY, "14:00", AVERAGE_DAYS)
    assert scanners_in(expected) == set(RULES)
    check(by_engine(scan_market(market_store, time(14)).records), expected)


@pytest.mark.parametrize(
    ("alteration", "left"),
    [
        ({}, set(RULES)),
        ({"quiet": True}, set()),  # without volume there is no VWAP
        ({"still": True}, {"unusual_volume", "unusual_volume_class"}),
    ],
    ids=["as it is", "without volume", "prices that stand still"],
)
def test_an_example_finds_nothing_in_the_made_up_market_if_what_it_looks_for_is_taken_out(
    made_up: MadeUp, alteration: Mapping[str, Any], left: set[str]
) -> None:
    store = MemoryStore(Path("altered"))
    made_up.today(**alteration).write(store, slice(0, 500))
    assert scanners_in(by_engine(scan_market(store, time(10)).records)) == left
