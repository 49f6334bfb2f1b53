"""Golden tables of OBV, AD, ADOSC and SAR, by plain loops over random bars.

Write them again with `python -m tests.golden.cumulative_values`; `cumulative_1d.csv` and `cumulative_15m.csv`
stand beside this file. Sources: Granville's on-balance volume; Chaikin's accumulation/distribution and its
oscillator; Wilder, New Concepts in Technical Trading Systems (1978), for the parabolic SAR. Starting values
as in TA-Lib.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent
DAYS = pd.bdate_range("2013-05-01", "2013-10-18").difference(
    pd.to_datetime(["2013-05-27", "2013-07-04", "2013-09-02"])
)
SESSIONS = ("2013-10-14", "2013-10-15", "2013-10-16", "2013-10-17", "2013-10-18")
OPEN_MINUTE = 13 * 60 + 30  # 09:30 in New York, in summer time
FAST, SLOW = 3, 10


def random_bars(times: Sequence[datetime], seed: int) -> pd.DataFrame:
    """Return bars of a random walk in cents, by the time of their open, some without range or volume."""
    number = random.Random(seed)
    rows, close = [], 5_000
    for _ in times:
        opening = close + number.randint(-3, 3)
        close = opening + number.randint(-20, 20)
        high = max(opening, close) + number.randint(0, 9)
        low = min(opening, close) - number.randint(0, 9)
        if number.random() < 0.05:
            opening = high = low = close
        volume = 0 if number.random() < 0.05 else number.randint(1, 9_999)
        rows.append((opening / 100, high / 100, low / 100, close / 100, float(volume)))
    index = pd.DatetimeIndex(times, name="time")
    return pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume"], index=index)


def daily_bars() -> pd.DataFrame:
    """Return the daily bars, by trading day."""
    return random_bars(list(DAYS), seed=1)


def minute_bars() -> pd.DataFrame:
    """Return the minutes of five regular sessions in New York, by UTC time."""
    opens = [
        datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=OPEN_MINUTE) for day in SESSIONS
    ]
    return random_bars([at + timedelta(minutes=m) for at in opens for m in range(390)], seed=2)


def quarter_hours(minutes: pd.DataFrame) -> pd.DataFrame:
    """Return bars of fifteen minutes."""
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return minutes.resample("15min").agg(rules).dropna()


def obv(bars: pd.DataFrame) -> list[float]:
    """Return on-balance volume; it starts with the first bar's volume."""
    total, values, before = 0.0, [], None
    for close, volume in zip(bars.close, bars.volume, strict=True):
        total += volume if before is None or close > before else -volume if close < before else 0.0
        values.append(total)
        before = close
    return values


def ad(bars: pd.DataFrame) -> list[float]:
    """Return accumulation/distribution; a bar without range adds nothing."""
    total, values = 0.0, []
    for high, low, close, volume in zip(bars.high, bars.low, bars.close, bars.volume, strict=True):
        if high > low:
            total += ((close - low) - (high - close)) / (high - low) * volume
        values.append(total)
    return values


def adosc(bars: pd.DataFrame) -> list[float]:
    """Return the difference of two exponential averages of AD; both start with AD's first value."""
    lines = ad(bars)
    fast = slow = lines[0]
    values = []
    for at, value in enumerate(lines):
        fast += 2 / (FAST + 1) * (value - fast)
        slow += 2 / (SLOW + 1) * (value - slow)
        values.append(fast - slow if at >= SLOW - 1 else float("nan"))
    return values


def sar(bars: pd.DataFrame, step: float = 0.02, most: float = 0.2) -> list[float]:
    """Return the parabolic SAR; the first trend is up unless the second bar's low falls by more.

    It starts at the first bar's low, or high, with the second bar's extreme.
    """
    highs, lows = bars.high.tolist(), bars.low.tolist()
    fall = lows[0] - lows[1]
    up = not (fall > 0 and fall > highs[1] - highs[0])
    stop, extreme, speed = (lows[0], highs[1], step) if up else (highs[0], lows[1], step)
    values = [float("nan")]
    for at in range(1, len(highs)):
        before = max(at - 1, 1)
        highest, lowest = max(highs[before], highs[at]), min(lows[before], lows[at])
        if (lows[at] <= stop) if up else (highs[at] >= stop):
            up = not up
            stop = min(extreme, lowest) if up else max(extreme, highest)
            values.append(stop)
            extreme, speed = (highs[at] if up else lows[at]), step
        else:
            values.append(stop)
            further = highs[at] if up else lows[at]
            if further > extreme if up else further < extreme:
                extreme, speed = further, min(speed + step, most)
        stop += speed * (extreme - stop)
        stop = min(stop, lowest) if up else max(stop, highest)
    return values


def daily_table() -> pd.DataFrame:
    """Return the daily bars with all values from the first bar on."""
    bars = daily_bars()
    return bars.assign(obv=obv(bars), ad=ad(bars), adosc=adosc(bars), sar=sar(bars))


def quarter_hour_table() -> pd.DataFrame:
    """Return bars of fifteen minutes, with volumes counted from each session's open; SAR runs on."""
    bars = quarter_hours(minute_bars())
    parts = [
        day.assign(obv=obv(day), ad=ad(day), adosc=adosc(day)) for _, day in bars.groupby(bars.index.date)
    ]
    return pd.concat(parts).assign(sar=sar(bars))


def table_texts() -> dict[str, str]:
    """Return the tables as CSV text, by file name."""
    tables = {"cumulative_1d.csv": daily_table(), "cumulative_15m.csv": quarter_hour_table()}
    return {name: table.to_csv(float_format="%.10g", lineterminator="\n") for name, table in tables.items()}


if __name__ == "__main__":
    for name, text in table_texts().items():
        (FOLDER / name).write_text(text)
