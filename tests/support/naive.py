"""Reference computations in plain pandas and loops: slow and simple."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from tapedeck.engine.clock.trading_session import TradingSession


def resampled(frame: pd.DataFrame, session: TradingSession, seconds: int) -> pd.DataFrame:
    """Return bars of `seconds` anchored at the open, and again after a break, by pandas' own resample.

    `frame`: bars by UTC open, without the missing ones. Index: the bucket's open; `base_bars`: rows in it.
    """
    parts = []
    for start, stop in session.segments:
        own = frame[(frame.index >= start) & (frame.index < stop)]
        if own.empty:
            continue
        grouped = own.resample(f"{seconds}s", origin=pd.Timestamp(start))
        parts.append(_bars(grouped))
    if not parts:
        return pd.DataFrame(columns=["open", "high", "low", "close", "volume", "base_bars"], dtype=float)
    return pd.concat(parts)


def whole_day(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the day's bar, or an empty frame without bars."""
    return _bars(frame.groupby(np.zeros(len(frame))))


def _bars(grouped: Any) -> pd.DataFrame:  # pandas' groups and resamplers share no type
    bars: pd.DataFrame = grouped.agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    # pandas compensates its sums; this one adds one volume after the other.
    bars["volume"] = grouped["volume"].agg(in_order)
    bars["base_bars"] = grouped["volume"].count()
    return bars[bars["base_bars"] > 0]


def in_order(values: Iterable[float]) -> float:
    """Return the sum from the first to the last, rounded at every step."""
    return reduce(lambda total, value: total + float(value), values, 0.0)


def gaps_by_walking(present: Sequence[bool]) -> list[tuple[int, int, int]]:
    """Return first slot, last slot and count of each run of missing slots."""
    runs: list[list[int]] = []
    for slot, there in enumerate(present):
        if there:
            continue
        if runs and runs[-1][1] == slot - 1:
            runs[-1][1] = slot
        else:
            runs.append([slot, slot])
    return [(first, last, last - first + 1) for first, last in runs]
