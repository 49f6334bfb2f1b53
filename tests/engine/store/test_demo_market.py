"""The demo market: deterministic, complete or absent, and never replacing other bars."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from datetime import date
from functools import cache
from pathlib import Path

import exchange_calendars
import numpy as np
import pytest

from tapedeck.engine.errors import StoreError
from tapedeck.engine.importers.validation import validate_bars
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.demo import (
    demo_session_document,
    ensure_demo_market,
    is_demo_market,
    make_demo_market,
)
from tapedeck.engine.store.demo_market import DEMO_SYMBOLS, demo_bars
from tapedeck.engine.store.locations import open_store

PLACES = ["demo.db", "demo"]


@cache
def market() -> dict[str, dict[Interval, BarColumns]]:
    return {name: dict(series) for name, series in demo_bars()}


@cache
def calendar() -> exchange_calendars.ExchangeCalendar:
    return exchange_calendars.get_calendar("XNYS")


def minutes_of(symbol: str, day: str) -> BarColumns:
    bars = market()[symbol][MINUTE]
    first, last = (
        int(bound.timestamp()) for bound in (calendar().session_open(day), calendar().session_close(day))
    )
    here = (bars.opened_at >= first) & (bars.opened_at < last)
    return BarColumns(*(getattr(bars, name)[here] for name in BarColumns.__dataclass_fields__))


def count(symbol: str, day: str) -> int:
    return len(minutes_of(symbol, day))


# The bars


def test_the_bars_are_the_same_bits_everywhere_and_always():
    digest = hashlib.sha256()
    for symbol, series in market().items():
        for interval, bars in series.items():
            digest.update(f"{symbol} {interval}".encode())
            for name in BarColumns.__dataclass_fields__:
                digest.update(
                    np.ascontiguousarray(getattr(bars, name))
                    .astype(f"<{getattr(bars, name).dtype.str[1:]}")
                    .tobytes()
                )
    assert digest.hexdigest() == "7dce6edeb01a9fa68ff2132ac0e9dfba86887e2f1e0c1bef3889f8f8e63e98da"


@pytest.mark.parametrize("symbol", DEMO_SYMBOLS)
def test_every_bar_is_plausible_and_in_order(symbol):
    for interval, bars in market()[symbol].items():
        assert validate_bars(bars, interval).good.all()
        assert (np.diff(bars.opened_at) > 0).all()
        assert (bars.low > 0).all()
        np.testing.assert_array_equal(np.round(bars.close, 2), bars.close)


def test_names_cannot_be_mistaken_for_tickers_and_are_identifiers():
    assert all(name.startswith("DEMO_") and name.isidentifier() for name in DEMO_SYMBOLS)
    assert len(DEMO_SYMBOLS) == 6


def test_the_calm_symbol_has_every_minute_of_every_session():
    days = [f"{day:%Y-%m-%d}" for day in calendar().sessions_in_range("2024-11-01", "2024-12-06")]
    assert len(days) == 25
    assert {day: count("DEMO_CALM", day) for day in days} == {
        day: 210 if day == "2024-11-29" else 390 for day in days
    }
    assert len(market()["DEMO_CALM"][MINUTE]) == 24 * 390 + 210


def test_thanksgiving_has_no_bars():
    noon = int(calendar().session_open("2024-11-27").timestamp()) + 86400
    bars = market()["DEMO_WILD"][MINUTE]
    assert not ((bars.opened_at > noon - 6 * 3600) & (bars.opened_at < noon + 10 * 3600)).any()


def test_there_are_short_gaps_and_long_ones():
    gaps = np.diff(minutes_of("DEMO_SLIDE", "2024-11-26").opened_at) // 60 - 1
    assert gaps.max() >= 47
    short = [
        np.diff(minutes_of("DEMO_CLIMB", f"2024-11-{day}").opened_at) // 60 - 1 for day in ("04", "05", "06")
    ]
    assert 1 <= np.concatenate(short).max() <= 6


def test_the_illiquid_symbol_trades_in_about_a_third_of_the_minutes():
    assert 0.30 < len(market()["DEMO_THIN"][MINUTE]) / (24 * 390 + 210) < 0.37


def test_one_symbol_begins_later():
    first = int(calendar().session_open("2024-11-26").timestamp())
    assert first <= market()["DEMO_NEW"][MINUTE].opened_at[0] < first + 600
    assert len(market()["DEMO_NEW"][DAY]) == 8


def test_one_symbol_trades_before_and_after_regular_hours():
    bars = market()["DEMO_WILD"][MINUTE].opened_at
    opened, closed = (
        int(bound.timestamp())
        for bound in (calendar().session_open("2024-11-29"), calendar().session_close("2024-11-29"))
    )
    assert 10 <= ((bars >= opened - 7200) & (bars < opened)).sum() <= 60
    assert 10 <= ((bars >= closed) & (bars < closed + 7200)).sum() <= 60


def test_volume_is_high_at_both_ends_of_the_day():
    days = [f"{day:%Y-%m-%d}" for day in calendar().sessions_in_range("2024-11-01", "2024-11-27")]
    mean = np.mean([minutes_of("DEMO_CALM", day).volume for day in days], axis=0)
    assert mean[:30].mean() > 2 * mean[180:210].mean() < mean[-30:].mean()


@pytest.mark.parametrize("symbol", DEMO_SYMBOLS)
def test_a_day_with_minutes_is_the_sum_of_its_regular_minutes(symbol):
    days = market()[symbol][DAY]
    minutes = minutes_of(symbol, "2024-12-02")
    [at] = np.flatnonzero(days.opened_at == (date(2024, 12, 2) - date(1970, 1, 1)).days * 86400)
    assert (days.open[at], days.close[at]) == (minutes.open[0], minutes.close[-1])
    assert (days.high[at], days.low[at]) == (minutes.high.max(), minutes.low.min())
    assert days.volume[at] == minutes.volume.sum()


def test_daily_bars_reach_back_more_than_52_weeks_before_the_session_and_skip_holidays():
    expected = [int(day.timestamp()) for day in calendar().sessions_in_range("2023-09-01", "2024-12-06")]
    assert market()["DEMO_CALM"][DAY].opened_at.tolist() == expected


def test_a_day_opens_near_the_close_before_it():
    for symbol in DEMO_SYMBOLS:
        bars = market()[symbol][DAY]
        assert (np.abs(bars.open[1:] / bars.close[:-1] - 1) < 0.15).all()


# The store


@pytest.mark.parametrize("name", PLACES)
def test_it_is_made_on_first_use_and_only_then(tmp_path, name):
    seen: list[tuple[int, int]] = []
    place = tmp_path / "new" / name
    assert not is_demo_market(place)
    assert ensure_demo_market(place, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(7)]
    assert sorted(entry.name for entry in place.parent.iterdir()) == [name, f"{name}.demo.json"]
    assert not ensure_demo_market(place)
    with open_store(place) as store:
        assert {symbol: set(intervals) for symbol, intervals in store.series().items()} == {
            symbol: {MINUTE, DAY} for symbol in DEMO_SYMBOLS
        }
        stored = store.read("DEMO_WILD", MINUTE, 0, 1 << 40)
    np.testing.assert_array_equal(stored.close, market()["DEMO_WILD"][MINUTE].close)


@pytest.mark.parametrize("name", PLACES)
def test_another_version_or_a_damaged_store_is_made_again(tmp_path, name):
    place, stamp = tmp_path / name, tmp_path / f"{name}.demo.json"
    make_demo_market(place)
    stamp.write_text(stamp.read_text().replace('"version": 1', '"version": 0'))
    assert ensure_demo_market(place)
    if place.is_file():
        place.write_bytes(b"no database at all" * 100)
        assert ensure_demo_market(place)
        place.unlink()
        assert ensure_demo_market(place)
    make_demo_market(place)
    assert is_demo_market(place)


def test_another_store_is_not_changed(tmp_path):
    place = tmp_path / "mine.db"
    open_store(place, create=True).close()
    with pytest.raises(StoreError, match=r"mine\.db exists, and is not a demo market; it was not changed"):
        ensure_demo_market(place)
    (tmp_path / "mine.db.demo.json").write_text("[]")
    with pytest.raises(StoreError, match="is not a demo market"):
        make_demo_market(place)


def test_bars_added_to_an_old_demo_market_are_left_alone(tmp_path):
    place, stamp = tmp_path / "demo.db", tmp_path / "demo.db.demo.json"
    make_demo_market(place)
    with open_store(place) as store:
        store.write("SPY", DAY, market()["DEMO_NEW"][DAY])
    assert not ensure_demo_market(place)
    stamp.write_text(stamp.read_text().replace('"version": 1', '"version": 0'))
    with pytest.raises(StoreError, match="older demo market, but also holds SPY; it was not changed"):
        ensure_demo_market(place)


def test_where_it_cannot_be_made_the_place_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"file/demo\.db: the demo market cannot be made here"):
        ensure_demo_market(tmp_path / "file" / "demo.db")


MAKE = """
import sys
from pathlib import Path
from tapedeck.engine.store.demo import make_demo_market

def tell(done, total):
    sys.stdout.write(f"{done}\\n")
    sys.stdout.flush()

make_demo_market(Path(sys.argv[1]), progress=tell)
"""


@pytest.mark.parametrize(("name", "symbols"), [("demo.db", 0), ("demo.db", 6), ("demo", 3)])
def test_a_killed_first_run_leaves_nothing_half(tmp_path, name, symbols):
    place = tmp_path / name
    command = [sys.executable, "-c", MAKE, str(place)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
    assert process.stdout is not None
    with process:
        next(line for line in process.stdout if int(line) >= symbols)
        process.send_signal(signal.SIGKILL)
    assert is_demo_market(place) == place.exists()
    ensure_demo_market(place)
    make_demo_market(place)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [name, f"{name}.demo.json"]
    with open_store(place) as store:
        assert len(store.read("DEMO_THIN", MINUTE, 0, 1 << 40)) == len(market()["DEMO_THIN"][MINUTE])


def test_of_two_that_make_it_at_once_the_slower_one_is_content(tmp_path):
    place = tmp_path / "demo.db"

    def overtake(done: int, _: int) -> None:
        if done == 3:
            make_demo_market(place)

    make_demo_market(place, progress=overtake)
    assert is_demo_market(place)


# The session


def test_the_session_is_valid_has_ten_days_and_says_that_it_is_synthetic():
    document = demo_session_document()
    parse_session_config(document, source="demo")
    assert document["metadata"] == {"synthetic": True}
    period = document["backtest_config"]
    days = calendar().sessions_in_range(period["start_date"], period["end_date"])
    assert len(days) == 10
    assert calendar().session_close("2024-11-29").hour == 18
    assert document["session_data_config"]["symbols"] == list(DEMO_SYMBOLS)
