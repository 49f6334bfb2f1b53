"""Real bars read from LEAN's zip files by zipfile and pandas alone."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

import pandas as pd

SYMBOLS = ("SPY", "AIG", "BAC", "IBM")
DAYS = ("2013-10-07", "2013-10-08", "2013-10-09", "2013-10-10", "2013-10-11")
PRICES = ["open", "high", "low", "close"]
COLUMNS = ["time", *PRICES, "volume"]


@cache
def minutes(root: Path, symbol: str, day: str, resolution: str = "minute") -> pd.DataFrame:
    """Return all trade bars of a day, extended hours included, by New York time of the open, in dollars."""
    name = f"{day.replace('-', '')}_trade.zip"
    path = root / "equity" / "usa" / resolution / symbol.lower() / name
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS[1:], dtype=float)
    frame = _read(path)
    frame.index = pd.Timestamp(day) + pd.to_timedelta(frame.pop("time").astype(int), unit="ms")
    return _in_dollars(frame.tz_localize("America/New_York"))


def regular(root: Path, symbol: str, day: str, resolution: str = "minute") -> pd.DataFrame:
    """Return the bars from 09:30 until just before 16:00."""
    frame = minutes(root, symbol, day, resolution)
    return frame if frame.empty else frame.between_time("09:30", "16:00", inclusive="left")


@cache
def daily(root: Path, symbol: str) -> pd.DataFrame:
    """Return the daily file, by trading day."""
    frame = _read(root / "equity" / "usa" / "daily" / f"{symbol.lower()}.zip")
    frame.index = pd.to_datetime(frame.pop("time"), format="%Y%m%d %H:%M")
    return _in_dollars(frame)


def coarser(frame: pd.DataFrame, width: str) -> pd.DataFrame:
    """Return bars of `width`, such as 5min, made from regular-hours bars, anchored at 09:30."""
    bins = frame.resample(width, origin=frame.index[0].normalize() + pd.Timedelta("9h30min"))
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return bins.agg(rules).dropna()


def _read(path: Path) -> pd.DataFrame:
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
        return pd.read_csv(file, header=None, names=COLUMNS)


def _in_dollars(frame: pd.DataFrame) -> pd.DataFrame:
    frame[PRICES] = frame[PRICES] / 10_000
    return frame.astype(float)
