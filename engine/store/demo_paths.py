"""Price and volume paths of the demo market, in whole numbers: minutes, and the days before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.store.bar_store import BarColumns, Ints

UNITS_PER_CENT: Final = 1000
DAY_SECONDS: Final = 86400
_MILLION: Final = 1_000_000
_TICKS: Final = 4  # moves of the price within a bar
_BLOCK: Final = 30  # minutes with the same level of activity
_NOISE_SPREAD: Final = 37837  # of the sum of four 16-bit numbers
_MINUTES_OF_A_DAY: Final = 390  # of trading; scales a minute's volume to a day's


class Bits:
    """Whole numbers from the raw stream of PCG64, which numpy guarantees to keep unchanged."""

    def __init__(self, seed: int) -> None:
        self._source = np.random.PCG64(seed)

    def whole(self, count: int, below: int) -> Ints:
        """Return `count` whole numbers from 0 to `below` - 1."""
        return (self._raw(count) >> np.uint64(33)).astype(np.int64) % below

    def noise(self, count: int) -> Ints:
        """Return `count` whole numbers around 0, nearly normally distributed, with a fixed spread."""
        raw, low = self._raw(count), np.uint64(0xFFFF)
        parts = [((raw >> np.uint64(shift)) & low).astype(np.int64) for shift in (0, 16, 32, 48)]
        return parts[0] + parts[1] + parts[2] + parts[3] - 2 * 0xFFFF

    def _raw(self, count: int) -> NDArray[np.uint64]:
        return np.asarray(self._source.random_raw(count), np.uint64)


@dataclass(frozen=True, slots=True)
class Run:
    """Bars in time order, shape (n,) each; prices in thousandths of a cent."""

    opened_at: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def only(self, kept: NDArray[np.bool_]) -> Run:
        """Return the bars selected by a mask."""
        columns = (self.opened_at, self.open, self.high, self.low, self.close, self.volume)
        return Run(*(column[kept] for column in columns))

    def as_day(self, trading_day: date) -> Run:
        """Return the daily bar made from these bars."""
        opened_at = (trading_day - date(1970, 1, 1)).days * DAY_SECONDS
        values = (self.open[0], self.high.max(), self.low.min(), self.close[-1], self.volume.sum())
        return Run(*(np.array([value], np.int64) for value in (opened_at, *values)))


@dataclass(frozen=True, slots=True)
class PriceModel:
    """Parameters of a price path: `volatility` and `drift` per minute in millionths; mean minute `volume`."""

    volatility: int
    drift: int
    volume: int


def walk_minutes(opened_at: Ints, start: int, model: PriceModel, bits: Bits) -> Run:
    """Return minute bars from the price `start` on, with more activity at both ends of the day."""
    n = len(opened_at)
    # 0 in the middle of the day, 100 at its ends.
    edge = (2 * np.arange(n, dtype=np.int64) - n) ** 2 * 100 // n**2
    activity = np.repeat(60 + bits.whole(n // _BLOCK + 1, 120), _BLOCK)[:n]
    volatility = model.volatility * (70 + edge) * activity // 10_000
    trend = model.drift + scaled(model.volatility, bits.noise(1), 40_000)[0]
    steps = scaled(start, bits.noise(n * _TICKS), np.repeat(volatility // 2, _TICKS)) + start * trend // (
        _TICKS * _MILLION
    )
    path = np.maximum(start + np.cumsum(steps), 100 * UNITS_PER_CENT).reshape(n, _TICKS)
    opens = np.concatenate([np.array([start], np.int64), path[:-1, -1]])
    volume = 1 + model.volume * (40 + 2 * edge) * activity * (40 + bits.whole(n, 120)) // 1_000_000
    return Run(
        opened_at,
        opens,
        np.maximum(opens, path.max(axis=1)),
        np.minimum(opens, path.min(axis=1)),
        path[:, -1],
        volume,
    )


def walk_days_before(trading_days: Sequence[date], end: int, model: PriceModel, bits: Bits) -> Run:
    """Return the daily bars of `trading_days`; the last one closes at the price `end`."""
    n = len(trading_days)
    spread = model.volatility * 20
    closes = end - np.cumsum(scaled(end, bits.noise(n), spread) + end * model.drift * 60 // _MILLION)
    # Shifted by one: the last day closes at `end`, the earliest one opens at the walk's last price.
    path = np.maximum(np.concatenate([closes[::-1], np.array([end], np.int64)]), end // 4)
    opens = path[:-1] + scaled(end, bits.noise(n), spread // 4)
    high = np.maximum(opens, path[1:]) + np.abs(scaled(end, bits.noise(n), spread // 2))
    low = np.minimum(opens, path[1:]) - np.abs(scaled(end, bits.noise(n), spread // 2))
    volume = 1 + model.volume * _MINUTES_OF_A_DAY * (60 + bits.whole(n, 100)) // 100
    times = np.array([(day - date(1970, 1, 1)).days * DAY_SECONDS for day in trading_days], np.int64)
    return Run(times, opens, high, low, path[1:], volume)


def scaled(price: int, noise: Ints, millionths: int | Ints) -> Ints:
    """Return moves of a price: noise whose spread is `millionths` of the price."""
    moves: Ints = price * millionths // _MILLION * noise // _NOISE_SPREAD
    return moves


def to_bars(runs: Sequence[Run]) -> BarColumns:
    """Return runs, in time order, as bars with prices in whole cents."""
    return BarColumns(
        np.concatenate([run.opened_at for run in runs]),
        _dollars([run.open for run in runs]),
        _dollars([run.high for run in runs]),
        _dollars([run.low for run in runs]),
        _dollars([run.close for run in runs]),
        np.concatenate([run.volume for run in runs]).astype(np.float64),
    )


def _dollars(columns: Sequence[Ints]) -> NDArray[np.float64]:
    cents = (np.concatenate(columns) + UNITS_PER_CENT // 2) // UNITS_PER_CENT
    return cents / 100.0
