"""`tapedeck run --break` with crosses and bars back, against plain pandas and TA-Lib over the raw files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest
import talib

Stop = tuple[str, int]
DAYS: Final = ("20131007", "20131008", "20131009", "20131010", "20131011")
INDICATORS: Final = {
    "fast": {"type": "SMA", "interval": "1m", "timeperiod": 5},
    "slow": {"type": "SMA", "interval": "1m", "timeperiod": 20},
}


def raw(path: Path, names: str) -> pd.DataFrame:
    """Return the table of one LEAN file; prices are in hundredths of a cent."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0])
    return pd.read_csv(io.BytesIO(text), header=None, names=names.split())


@pytest.fixture(scope="module")
def minutes(lean_root: Path) -> pd.DataFrame:
    """The regular minutes of SPY in the week; `slot` is the number of minutes that are over."""
    folder = lean_root / "equity" / "usa" / "minute" / "spy"
    parts = []
    for day in ("20131004", *DAYS):
        frame = raw(folder / f"{day}_trade.zip", "ms open high low close volume").assign(day=day)
        parts.append(frame[(frame.ms >= 34_200_000) & (frame.ms < 57_600_000)])
    bars = pd.concat(parts, ignore_index=True)
    bars["slot"] = (bars.ms - 34_200_000) // 60_000 + 1
    return bars


@pytest.fixture
def stop(tapedeck: Any, session_file: Callable[..., Path], lean_store: Path) -> Callable[..., Stop]:
    """Runs the week, or a later part of it, to the first hit; returns its day and slot."""

    def run(condition: str, start: str = "2013-10-07") -> Stop:
        path = session_file(
            backtest_config={"start_date": start},
            session_data_config={
                "symbols": ["SPY", "AIG"],
                "streams": ["1m", "5m", "1d"],
                "indicators": INDICATORS,
            },
        )
        done = tapedeck("run", path, "--store", lean_store, "--json", "--break", condition)
        assert done.exit_code == 0, done.stderr
        stopped = done.document["stopped_at"]
        assert stopped["condition"] == condition
        return datetime.fromisoformat(stopped["trading_day"]).strftime("%Y%m%d"), stopped["slots_over"]

    return run


def first(bars: pd.DataFrame, holds: np.ndarray, start: str) -> Stop:
    """Return the first day and slot from a day on at which a condition on all bars holds."""
    found = bars[holds & (bars.day >= start)].iloc[0]
    return found.day, int(found.slot)


@pytest.mark.parametrize("start", ["2013-10-07", "2013-10-10"])
def test_averages_that_cross_at_the_first_bar_of_a_day_are_compared_with_the_day_before(
    minutes: pd.DataFrame, stop: Callable[..., Stop], start: str
) -> None:
    close = minutes.close.to_numpy(np.float64) / 10_000
    fast, slow = talib.SMA(close, 5), talib.SMA(close, 20)
    crosses = np.append(False, (fast[1:] > slow[1:]) & (fast[:-1] <= slow[:-1]))
    expected = first(minutes, crosses & (minutes.slot == 1), start.replace("-", ""))
    assert expected == ("20131010", 1)
    assert stop("SPY.fast crosses above SPY.slow and time <= 09:31", start) == expected


def test_a_price_that_crosses_the_high_of_the_day_before(
    minutes: pd.DataFrame, stop: Callable[..., Stop]
) -> None:
    highs = minutes.groupby("day").high.max().shift()
    close, level = minutes.close, minutes.day.map(highs)
    before = close.shift()
    # At the first bar of a day, the level one slot before was that of the open: the same.
    expected = first(minutes, (close > level) & (before <= level), "20131008")
    assert stop("SPY.close crosses above SPY.1d.high[1]", "2013-10-08") == expected


def test_days_of_which_the_store_has_no_minutes_count_by_their_stored_bar(
    lean_root: Path, minutes: pd.DataFrame, stop: Callable[..., Stop]
) -> None:
    daily = raw(lean_root / "equity" / "usa" / "daily" / "spy.zip", "day open high low close volume")
    closes = pd.Series(daily.close.to_numpy(), index=daily.day.str[:8])
    closes = closes[closes.index < "20131004"]
    closes = pd.concat([closes, minutes.groupby("day").close.last()])
    level = minutes.day.map(closes.shift(12))
    expected = first(minutes, (minutes.close < 0.995 * level), DAYS[0])
    assert stop("SPY.close < 0.995 * SPY.1d.close[12]") == expected


def test_a_close_five_bars_of_5m_back_is_that_of_the_day_before_at_the_open(
    minutes: pd.DataFrame, stop: Callable[..., Stop]
) -> None:
    fives = minutes.assign(bar=(minutes.slot - 1) // 5).groupby(["day", "bar"]).close.last()
    changes = (fives - fives.shift(4)).loc["20131008":]
    day, bar = changes[changes < -6000].index[0]
    assert stop("SPY.5m.close < SPY.5m.close[4] - 0.6", "2013-10-08") == (day, 5 * bar + 5)
