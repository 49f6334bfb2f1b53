"""A made-up market of 5,000 symbols: gaps, missing days, listings, halts, splits, early closes, ties."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tests.golden.scans_by_pandas import Market

ZONE = "America/New_York"
# The Friday after Thanksgiving closes at 13:00.
CLOSES = {"2013-11-26": "16:00", "2013-11-27": "16:00", "2013-11-29": "13:00", "2013-12-02": "16:00"}
DAYS = tuple(CLOSES)
TODAY = DAYS[-1]
SYMBOLS = tuple(f"M{number:04}" for number in range(5000))
ONLY_DAILY = ("Z1", "Z2")
"""Symbols without minute bars."""
FIELDS = ("open", "high", "low", "close", "volume")
# Minutes after the open that have bars: before it, the first half hour, around 13:00, 14:00 and the close.
MINUTES = np.array([*range(-30, -25), *range(31), *range(206, 212), *range(266, 272), *range(387, 391)])
HOURS = {
    day: (pd.Timestamp(f"{day} 09:30", tz=ZONE), pd.Timestamp(f"{day} {close}", tz=ZONE))
    for day, close in CLOSES.items()
}
_LISTED_TODAY, _LISTED_FRIDAY, _DELISTED, _HALTED, _SPLIT = (slice(a, a + 50) for a in range(4000, 4500, 100))
_TWINS = slice(1000, 1040)
"""Symbols with the same bars, which gap up: they tie, and `top` cuts them off."""


@dataclass(frozen=True)
class MadeUp:
    """Bars by symbol, day and minute: `values` (5, S, days, minutes), `there`: which of them exist.

    `daily`: which symbols and days have a stored 1d bar, (S, days).
    """

    values: np.ndarray
    there: np.ndarray
    daily: np.ndarray

    @classmethod
    def market(cls) -> MadeUp:
        """Return the market, always the same."""
        random = np.random.default_rng(20131202)
        shape = (len(SYMBOLS), len(DAYS), len(MINUTES))
        values = _bars(random, shape)
        there = random.random(shape) >= random.choice([0.05, 0.3, 0.8], (shape[0], 1, 1))
        is_missing = random.random(shape[:2]) < 0.03
        is_missing[_LISTED_TODAY, 3] = False
        there[is_missing] = False
        there[_LISTED_TODAY, :3] = False
        there[_LISTED_FRIDAY, :2] = False
        there[_DELISTED, 2:] = False
        there[_HALTED, 3, MINUTES < 266] = False
        values[:4, _SPLIT, 2:] /= 10
        values[4, _SPLIT, 2:] *= 10
        there[_TWINS], is_missing[_TWINS] = True, False
        # The close of Friday, at minute 209, and today's open, at minute 0: between others of the top.
        factor = 1.0345 * values[3, _TWINS, 2, MINUTES == 209] / values[0, _TWINS, 3, MINUTES == 0]
        values[:4, _TWINS, 3] = np.round(values[:4, _TWINS, 3] * factor.reshape(-1, 1), 2)
        values[4, _TWINS, 3] *= 4
        for part in values:
            part[_TWINS] = part[_TWINS.start]
        return cls(values, there, is_missing & (random.random(shape[:2]) < 0.5))

    def today(self, *, quiet: bool = False, still: bool = False) -> MadeUp:
        """Return the market without volume today, or with prices that fall and then stand still."""
        values = self.values.copy()
        if quiet:
            values[4, :, -1] = 0
        if still:
            values[:4, :, -1] = np.round(self.values[3, :, 2, -1][:, None] / 2, 2)
        return replace(self, values=values)

    def frames(self) -> Market:
        """Return the market in frames."""
        row, day, minute = np.nonzero(self.there)
        times = pd.DatetimeIndex([opened for opened, _ in HOURS.values()])[day]
        columns = {name: self.values[at][self.there] for at, name in enumerate(FIELDS)}
        minutes = pd.DataFrame(
            {
                "symbol": np.array(SYMBOLS)[row],
                "time": times + pd.to_timedelta(MINUTES[minute], unit="min"),
                **columns,
            }
        )
        row, day = np.nonzero(self.daily)
        close = self._daily_closes()[row, day]
        daily = pd.DataFrame({"symbol": np.array(SYMBOLS)[row], "day": np.array(DAYS)[day], "close": close})
        return Market(minutes, HOURS, daily)

    def write(self, store: BarStore, rows: slice = slice(None)) -> None:
        """Write the bars of some symbols into a store, over others of the same times."""
        opened_at = np.array([opened.timestamp() for opened, _ in HOURS.values()], np.int64)
        labels = opened_at[:, None] + 60 * MINUTES
        for row in range(len(SYMBOLS))[rows]:
            own = self.there[row]
            if own.any():
                columns = (self.values[field, row][own] for field in range(5))
                store.write(SYMBOLS[row], MINUTE, BarColumns(labels[own], *columns), replace=True)

    def write_days(self, store: BarStore) -> None:
        """Write the stored daily bars."""
        labels = np.array([pd.Timestamp(day, tz="UTC").timestamp() for day in DAYS], np.int64)
        closes = self._daily_closes()
        for row in np.flatnonzero(self.daily.any(axis=1)).tolist():
            own = self.daily[row]
            price = closes[row, own]
            store.write(SYMBOLS[row], DAY, BarColumns(labels[own], *[price] * 4, np.ones(len(price))))
        for symbol in ONLY_DAILY:
            store.write(symbol, DAY, BarColumns(labels, *[np.full(len(labels), 10.0)] * 4, labels * 0.0))

    def _daily_closes(self) -> np.ndarray:
        return np.round(self.values[3, :, :, 0] + 0.37, 2)


def _bars(random: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Return bars in whole cents, with whole volumes, (5, S, days, minutes)."""
    symbols, days, _ = shape
    price = random.integers(500, 40_000, symbols)[:, None]
    day_open = price * np.cumprod(1 + random.normal(0, 0.01, (symbols, days)), axis=1)
    walk = 1 + np.cumsum(random.normal(0, 0.0015, shape), axis=2)
    close = np.round(day_open[:, :, None] * walk)
    opening = np.round(close * (1 + random.normal(0, 0.0008, shape)))
    high = np.maximum(opening, close) + random.integers(0, 4, shape)
    low = np.minimum(opening, close) - random.integers(0, 4, shape)
    usual = random.integers(5, 5_000, (symbols, 1, 1)) * random.choice([0.5, 1, 1, 1, 3], (symbols, days, 1))
    volume = np.floor(usual * random.random(shape) * 2)
    return np.stack([opening / 100, high / 100, low / 100, close / 100, volume])
