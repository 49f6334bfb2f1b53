"""Market of the exchange: what its candles hold at any moment, from the bars that they end as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple, Protocol

MINUTE_S: Final = 60
FORMING_AT: Final = (0.4, 0.7, 0.95)
"""Moments of a candle's forming updates, in minutes after its open."""
LAST_S: Final = 0.05
"""Seconds after a candle's end at which its last update is sent."""


class Candle(NamedTuple):
    """A candle, final or forming. Without a trade it is flat at the last price, with volume 0."""

    opened_at: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int

    @property
    def is_flat(self) -> bool:
        """Whether it had no trade."""
        return self.trades == 0


class Candles(Protocol):
    """Source of final candles."""

    @property
    def symbols(self) -> Sequence[str]:
        """Symbols as the library writes them, such as BTC/USDT."""
        ...

    def final(self, symbol: str, opened_at: int) -> Candle | None:
        """Return the candle of a minute once it is over; None before the symbol was listed."""
        ...


@dataclass(frozen=True)
class GivenCandles:
    """Candles of given bars; a minute without one is flat at the close of the bar before."""

    bars: Mapping[str, Mapping[int, tuple[float, float, float, float, float]]]
    """By symbol and open, seconds UTC: open, high, low, close, volume."""

    @property
    def symbols(self) -> Sequence[str]:
        """Symbols that have bars."""
        return tuple(self.bars)

    def final(self, symbol: str, opened_at: int) -> Candle | None:
        """Return the candle of a minute; None before the first bar."""
        bars = self.bars[symbol]
        if (bar := bars.get(opened_at)) is not None:
            return Candle(opened_at, *bar, trades=3)
        earlier = [at for at in bars if at < opened_at]
        if not earlier:
            return None
        last = bars[max(earlier)][3]
        return Candle(opened_at, last, last, last, last, 0.0, trades=0)


@dataclass(frozen=True)
class DrawnCandles:
    """A random market without a beginning and an end: each candle is drawn from its minute."""

    symbols: Sequence[str]
    prices: Sequence[float]
    empty: float = 0.05
    """Share of minutes without a trade."""

    def final(self, symbol: str, opened_at: int) -> Candle | None:
        """Return the candle of a minute."""
        opening, close = self._price(symbol, opened_at), self._price(symbol, opened_at + MINUTE_S)
        random = Random(f"{symbol} {opened_at}")
        if random.random() < self.empty:
            last = self._price(symbol, opened_at)
            return Candle(opened_at, last, last, last, last, 0.0, trades=0)
        high = round(max(opening, close) * (1 + random.random() / 4000), 2)
        low = round(min(opening, close) * (1 - random.random() / 4000), 2)
        return Candle(opened_at, opening, high, low, close, round(random.uniform(0.01, 20), 5), trades=9)

    def _price(self, symbol: str, at: int) -> float:
        """Return the price at a moment: the same for the end of a minute and the open of the next one."""
        base = self.prices[list(self.symbols).index(symbol)]
        hour, within = divmod(at // MINUTE_S, 60)
        here, there = (Random(f"{symbol} {n}").gauss(0, 0.004) for n in (hour, hour + 1))
        ripple = Random(f"{symbol} at {at}").gauss(0, 0.0003)
        return round(base * (1 + here + (there - here) * within / 60 + ripple), 2)


def bars_by_minute(
    bars: Iterable[tuple[int, float, float, float, float, float]],
) -> dict[int, tuple[float, ...]]:
    """Return rows of open time and values as a mapping by the open."""
    return {int(at): tuple(values) for at, *values in bars}


def forming(candle: Candle, part: float) -> Candle:
    """Return how a candle looks when a part of its minute is over: the same at each call."""
    if candle.is_flat:
        return candle
    swing = (candle.high, candle.low)[int(part * 20) % 2]
    close = round(candle.open + (swing - candle.open) * part, 8)
    high, low = max(candle.open, close), min(candle.open, close)
    volume = round(candle.volume * part * 0.9, 8)
    return Candle(candle.opened_at, candle.open, high, low, close, volume, trades=1)


def state_at(candle: Candle, now: float, last_s: float) -> Candle | None:
    """Return a candle as known at a market time; None before its first update."""
    age = now - candle.opened_at
    if age >= MINUTE_S + last_s:
        return candle
    parts = [part for part in FORMING_AT if part * MINUTE_S <= age]
    return forming(candle, parts[-1]) if parts else None
