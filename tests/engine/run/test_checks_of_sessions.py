"""Warnings about stored data that a session uses in two meanings, or not at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.quality.day_differences import find_difference
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.coverage import CalendarPart, Coverage, measure_coverage
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.runs import play

FIRST, LAST = "2024-06-10", "2024-06-14"


def coverage_of(config: SessionConfig, store: BarStore) -> Coverage:
    time, wanted, backtest = TimeManager(config.exchange), config.session_data_config, config.backtest_config
    assert backtest is not None
    time.set_backtest_window(backtest.start_date, backtest.end_date)
    return measure_coverage(
        wanted.symbols,
        wanted.streams,
        time.trading_sessions(time.backtest_start, time.backtest_end),
        store,
        calendar=CalendarPart(time, backtest.start_date, backtest.end_date),
        uses_daily_bars=wanted.uses_daily_bars,
    )


def write_days(store: BarStore, symbol: str, start: str, end: str, factors: dict[str, float]) -> None:
    """Store the daily bars of a symbol's minutes by plain pandas, the close times a factor on some days."""
    span = (int(pd.Timestamp(start).timestamp()), int(pd.Timestamp(end).timestamp()) + 86400)
    bars = store.read(symbol, MINUTE, *span)
    index = pd.to_datetime(bars.opened_at, unit="s", utc=True).tz_convert("America/New_York").date
    frame = pd.DataFrame({name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")})
    days = frame.groupby(index).agg(
        {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    )
    for day, factor in factors.items():
        days.loc[date.fromisoformat(day), "close"] *= factor
    labels = np.array([day_label(day.toordinal()) for day in days.index], dtype=np.int64)
    store.write(symbol, DAY, BarColumns(labels, *(days[name].to_numpy(np.float64) for name in days.columns)))


def market(tmp_path: Path, factors: dict[str, float], kind: str = "bars.db") -> BarStore:
    """Return minutes and daily bars of AAA and BBB; factors change stored closes of BBB."""
    store = open_new_store(tmp_path / kind)
    fill_store(store, ["AAA", "BBB"], "2024-06-06", LAST)
    write_days(store, "AAA", "2024-06-06", LAST, {})
    write_days(store, "BBB", "2024-06-06", LAST, factors)
    return store


DAILY_HIGH = {"indicators": {"high_2d": {"type": "trailing_max", "period": "2d", "field": "high"}}}


@pytest.mark.parametrize(
    ("streams", "historical"), [(["1m", "1d"], {}), (["1m"], DAILY_HIGH)], ids=["streamed", "history"]
)
def test_the_first_day_on_which_daily_bars_differ_is_named(
    tmp_path: Path, streams: list[str], historical: dict[str, object]
) -> None:
    with market(tmp_path, {"2024-06-12": 1.002, "2024-06-13": 1.1, "2024-06-11": 1.00009}) as store:
        config = session_file(["AAA", "BBB"], streams, FIRST, LAST, historical=historical, prefetch_days=2)
        system = play(config, store)
        stored = store.read("BBB", DAY, day_label(date(2024, 6, 12).toordinal()), 2**40).close[0]
        [warning] = system.summary().warnings
        assert warning == (
            f"1d bars of BBB differ, first on 2024-06-12: close {stored:.10g} stored, {stored / 1.002:.10g} "
            "derived from 1m bars (0.20%); history has the stored bars, today's bar is derived"
        )
        [event] = [event for event in system.events() if event.kind is EventKind.ERROR]
        assert (event.text, event.trading_day) == (warning, date(2024, 6, 12))
        assert coverage_of(config, store).warnings == (warning,)


@pytest.mark.parametrize("streams", [["1m", "5m"], ["1d"]])
def test_a_run_that_uses_one_meaning_of_1d_does_not_compare(tmp_path: Path, streams: list[str]) -> None:
    with market(tmp_path, {"2024-06-12": 1.002}) as store:
        config = session_file(["AAA", "BBB"], streams, FIRST, LAST)
        assert play(config, store).summary().warnings == ()
        assert coverage_of(config, store).warnings == ()


def test_an_explanation_says_which_days_are_stored(tmp_path: Path) -> None:
    with market(tmp_path, {}) as store:
        indicators = {"sma": {"type": "SMA", "interval": "1d", "timeperiod": 2}}
        system = play(session_file(["AAA"], ["1m", "1d"], FIRST, LAST, indicators=indicators), store)
        rule = "1d bars: today's made from stored 1m bars, those of earlier days from the store"
        assert system.explain("AAA", "sma").source.endswith(f"on {rule}")
        assert system.explain("AAA", "close", interval=DAY).source == rule
        assert system.explain("AAA", "close").source == "stored 1m bars"


@pytest.mark.parametrize(
    ("stored", "derived", "field"),
    [
        ([100, 101, 99, 100, 5], [100, 101, 99, 100, 9], None),  # volume is not compared
        ([100, 101, 99, 100, 5], [100, 101, 99.009, 100, 5], None),
        ([100, 101, 99, 100, 5], [100, 101, 99.02, 100, 5], "low"),
        ([-100, 101, 99, 100, 5], [-101, 101, 98.9, 100, 5], "open"),
        ([100, 101, 99, 100, 5], [np.nan] * 5, None),
    ],
)
def test_prices_are_equal_within_a_hundredth_of_a_percent(
    stored: list[float], derived: list[float], field: str | None
) -> None:
    bars = [np.array(values, dtype=np.float64)[:, None] for values in (stored, derived)]
    found = find_difference(["AAA"], date(2024, 6, 12), *bars)
    assert (None if found is None else found.field) == field


def extra(store: BarStore, symbol: str, start: str, count: int) -> None:
    """Store minutes from a time in New York on."""
    begin = int(pd.Timestamp(start, tz="America/New_York").timestamp())
    labels = np.arange(begin, begin + 60 * count, 60, dtype=np.int64)
    store.write(symbol, MINUTE, random_bars(labels, seed=7))


@pytest.mark.parametrize("kind", ["bars.db", "bars-folder"])
@pytest.mark.parametrize("prefetch_days", [1, 3, 20])
def test_bars_outside_all_sessions_are_counted_once(tmp_path: Path, kind: str, prefetch_days: int) -> None:
    """A weekend, a holiday, an early close and the close itself, in and at the ends of the file's dates."""
    with open_new_store(tmp_path / kind) as store:
        fill_store(store, ["AAA", "BBB", "CCC"], "2024-06-24", "2024-07-09")
        extra(store, "AAA", "2024-06-29 12:00", 30)  # Saturday, before the file's first session
        extra(store, "AAA", "2024-07-03 13:01", 20)  # after the early close
        extra(store, "BBB", "2024-07-04 09:30", 100)  # a holiday
        extra(store, "BBB", "2024-07-07 23:00", 60)  # the file's last date, a Sunday
        extra(store, "BBB", "2024-07-08 00:00", 60)  # beyond it
        extra(store, "CCC", "2024-07-02 16:00", 240)  # post-market is ordinary
        config = session_file(
            ["AAA", "BBB", "CCC"], ["1m"], "2024-06-29", "2024-07-07", prefetch_days=prefetch_days
        )
        system = play(config, store)
        [warning] = system.summary().warnings
        assert warning == (
            "210 1m bars of AAA, BBB lie outside all sessions, first on 2024-06-29: "
            "190 on days without a session, 20 after an early close"
        )
        assert len([event for event in system.events() if event.kind is EventKind.ERROR]) == 1
        assert coverage_of(config, store).warnings == (warning,)


def test_a_run_that_stops_counts_the_sessions_that_have_ended(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2024-07-01", "2024-07-05")
        for day in ("2024-07-01", "2024-07-02", "2024-07-05"):
            extra(store, "AAA", f"{day} 16:00", 1)
        config = session_file(["AAA"], ["1m"], "2024-07-01", "2024-07-05", prefetch_days=5)
        system = SystemManager(config, store)
        system.add_breakpoint("AAA.close > 0 and time >= 12:00")
        system.start(paused=True)
        system.resume()
        for ended in range(3):
            assert system.wait_for(lambda: system.snapshot().stopped_at is not None, 60)
            texts = system.snapshot().warnings
            assert len(texts) == (ended > 0)
            assert all(text.startswith(f"{ended} 1m bar") for text in texts)
            position = system.snapshot().session
            system.resume()
            assert system.wait_for(lambda at=position: system.snapshot().session > at, 60)
        system.stop()


def test_daily_bars_on_a_weekend_are_counted(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2024-06-10", "2024-06-21", interval=DAY)
        sunday = np.array([day_label(date(2024, 6, 16).toordinal())], dtype=np.int64)
        store.write("AAA", DAY, random_bars(sunday, seed=1))
        config = session_file(["AAA"], ["1d"], "2024-06-10", "2024-06-21", prefetch_days=2)
        [warning] = play(config, store).summary().warnings
        assert warning.startswith("1 1d bar of AAA lies outside all sessions, first on 2024-06-16")
        assert coverage_of(config, store).warnings == (warning,)


def test_seconds_after_the_first_one_behind_the_close_are_post_market(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2024-07-02", "2024-07-02", interval=Interval(1))
        close = int(pd.Timestamp("2024-07-02 16:00", tz="America/New_York").timestamp())
        config = session_file(["AAA"], ["1s"], "2024-07-02", "2024-07-02")
        store.write("AAA", Interval(1), random_bars(np.array([close], dtype=np.int64), seed=1))
        assert len(coverage_of(config, store).warnings) == 1
        store.write("AAA", Interval(1), random_bars(np.array([close + 1], dtype=np.int64), seed=1))
        assert coverage_of(config, store).warnings == ()
