"""Real quotes read from LEAN's zip files by zipfile and pandas alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

COLUMNS = [
    "time",
    *(f"bid_{name}" for name in ("open", "high", "low", "close")), "bid_size",
    *(f"ask_{name}" for name in ("open", "high", "low", "close")), "ask_size",
]  # fmt: skip
SIDES = ("bid", "ask")


def quotes(root: Path, symbol: str, day: str) -> pd.DataFrame:
    """Return a day's closing bids and asks, of minutes with a quote, by New York time, in dollars."""
    path = root / "equity" / "usa" / "minute" / symbol.lower() / f"{day.replace('-', '')}_quote.zip"
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
        frame = pd.read_csv(file, header=None, names=COLUMNS)
    frame.index = pd.Timestamp(day) + pd.to_timedelta(frame["time"].astype(int), unit="ms")
    frame = frame.tz_localize("America/New_York")
    found = pd.DataFrame(index=frame.index)
    for side in SIDES:
        price = frame[f"{side}_close"]
        found[side] = (price / 10_000).where(price > 0)
        found[f"{side}_size"] = frame[f"{side}_size"].astype(float).where(price > 0)
    return found[["bid", "ask", "bid_size", "ask_size"]]


def held(root: Path, symbol: str, day: str) -> pd.DataFrame:
    """Return the quote held at the end of each minute from 09:30 to 16:00, each side its own last one."""
    open_, close = (pd.Timestamp(f"{day} {time}", tz="America/New_York") for time in ("09:30", "15:59"))
    minutes = pd.date_range(open_, close, freq="min")
    frame = quotes(root, symbol, day).reindex(minutes)
    for side in SIDES:
        there = frame[side].notna()
        run = there.cumsum()
        for name in (side, f"{side}_size"):
            frame[name] = frame[name].where(there).groupby(run).transform("first").where(run > 0)
    return frame[frame["bid"].notna() | frame["ask"].notna()]
