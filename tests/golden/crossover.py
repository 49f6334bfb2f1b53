"""The crossover of two averages in October 2013, and its fills by plain pandas over the raw files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.tape.tape import Tape
from tests.golden import raw_bars
from tests.golden.raw_bars import DAYS, SYMBOLS

CASH: Final = 10_000
"""Of each entry."""
FAST: Final = 10
SLOW: Final = 30
LEAST: Final = 0.000001
"""Least difference that counts: more than the last bit of an average, less than 0.0001 / 30."""
STORED: Final = ("2013-10-04", *DAYS)
INDICATORS: Final = {
    f"sma_{name}": {"type": "SMA", "interval": "1m", "timeperiod": period}
    for name, period in (("fast", FAST), ("slow", SLOW))
}


class PlainFill(NamedTuple):
    """A fill; `time`: of the open of the bar that filled."""

    time: pd.Timestamp
    symbol: str
    side: Side
    shares: int
    price: float


def bars_of(root: Path, symbol: str) -> pd.DataFrame:
    """Return all regular bars stored of a symbol."""
    return pd.concat([raw_bars.regular(root, symbol, day) for day in STORED])


def crossed(above: pd.Series, before: pd.Series) -> pd.Series:
    """Return 1 where a difference rises above 0, -1 where it falls below; `before`: one bar before."""
    return ((above > 0) & (before <= 0)).astype(int) - ((above < 0) & (before >= 0)).astype(int)


def by_pandas(root: Path, symbol: str) -> pd.Series:
    """Return the crosses of averages by pandas."""
    prices = bars_of(root, symbol)["close"]
    above = prices.rolling(FAST).mean() - prices.rolling(SLOW).mean()
    return crossed(above, above.shift())


def exactly(root: Path, symbol: str) -> pd.Series:
    """Return the crosses of exact averages: of sums of whole hundredths of cents."""
    prices = (bars_of(root, symbol)["close"] * 10_000).round().astype(np.int64)
    above = (SLOW // FAST) * prices.rolling(FAST).sum() - prices.rolling(SLOW).sum()
    return crossed(above, above.shift())


def added_up(root: Path, symbol: str) -> pd.Series:
    """Return the crosses of averages that are added up anew each day, from two days before it on."""
    of_days = {day: raw_bars.regular(root, symbol, day)["close"] for day in STORED}
    found, end = [], np.nan
    for number, day in enumerate(STORED):
        prices = pd.concat([of_days[one] for one in STORED[max(0, number - 2) : number + 1]])
        differences = [a - b for a, b in zip(averages(prices, FAST), averages(prices, SLOW), strict=True)]
        above = pd.Series(differences, index=prices.index).loc[day]
        found.append(crossed(above, above.shift(fill_value=end)))
        end = above.iloc[-1]
    return pd.concat(found)


def averages(prices: pd.Series, period: int) -> list[float]:
    """Return averages of the last `period` prices, from one sum that goes along; NaN before the first."""
    values, total, found = prices.tolist(), 0.0, list[float]()
    for at, price in enumerate(values):
        total += price
        found.append(total / period if at >= period - 1 else np.nan)
        if at >= period - 1:
            total -= values[at - period + 1]
    return found


def plain_fills(root: Path, crosses: Callable[[Path, str], pd.Series]) -> list[PlainFill]:
    """Return what the crossover fills: decided at a close, filled at the open of the symbol's next bar."""
    fills = []
    for symbol in SYMBOLS:
        bars = pd.concat([raw_bars.regular(root, symbol, day) for day in DAYS])
        decided, shares = crosses(root, symbol)[bars.index].tolist(), 0
        rows = list(zip(bars.index, bars["open"].tolist(), bars["close"].tolist(), decided, strict=True))
        for (_, _, close, cross), (time, price, _, _) in pairwise(rows):
            if cross > 0 and not shares:
                shares = int(CASH // close)
                fills.append(PlainFill(time, symbol, Side.BUY, shares, price))
            elif cross < 0 and shares:
                fills.append(PlainFill(time, symbol, Side.SELL, shares, price))
                shares = 0
    return in_order(fills)


def in_order(fills: Iterable[PlainFill]) -> list[PlainFill]:
    """Return fills by time, then as the symbols come."""
    return sorted(fills, key=lambda fill: (fill.time, SYMBOLS.index(fill.symbol)))


def times_of(tape: Tape) -> pd.DatetimeIndex:
    """Return the times at which the slots of a tape open, in New York."""
    return pd.to_datetime(tape.slots.opened_at, unit="s", utc=True).tz_convert("America/New_York")


def as_plain(tape: Tape, fills: Iterable[Fill]) -> list[PlainFill]:
    """Return the fills of a tape's session as plain ones, of lots of one share."""
    times = times_of(tape)
    return [PlainFill(times[fill.slot], fill.symbol, fill.side, fill.lots, fill.price) for fill in fills]
