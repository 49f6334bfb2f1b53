"""Memory of TA-Lib's recursive functions: the number of earlier bars that still change a value.

A recursive function never quite forgets where it began. The history given to it is as long as the rule of its
family here says, so that one more day changes its values by less than 1e-9 of the column's largest absolute
value. Exponential averages forget by an exact rule; the other families were measured on random walks and on
real minutes, and their rules are about one and a half times the longest memory found. The tests measure
every function of TA-Lib.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

Parameters = Mapping[str, float | int]

# Weight of the bars that are left out: a tenth of the promise, as a column such as MACD's histogram is
# smaller than the difference of the averages that it is made from.
_FADED: Final = 1e-10

# Measured: the period of the Hilbert transform's cycle fades in 420 bars, MAMA's in 260.
_CYCLE_BARS: Final = 600
_MAMA_BARS: Final = 300
# Measured: two runs of the parabolic SAR meet, at the latest, in 105 bars with a maximum acceleration of 0.2,
# in 170 with 0.1, in 323 with 0.05: some 20 / maximum. Real prices have longer trends than random ones.
_SAR_BARS: Final = 100.0
_SLOWEST_SAR: Final = 0.01
# The acceleration grows to its maximum in a trend of ten new extremes; a slower one seldom gets there.
_SAR_EXTREMES: Final = 10
# Measured: runs of SUPERTREND meet in some 200 bars with a multiplier of 3, in 280 with 6.
_SUPERTREND_BARS: Final = 25
# KAMA's speed on random prices, whose efficiency ratio over n bars is 1 / √n on average; of this, 0.7.
_EFFICIENCY: Final = 0.7
_KAMA_FAST: Final = 2 / 3
_KAMA_SLOW: Final = 2 / 31


class Memory(NamedTuple):
    """What a function remembers: averages applied one to the other, by their weights, and a count of bars.

    `weights`: the weight of the newest value in each exponential average, such as 2 / (n + 1).
    """

    weights: tuple[float, ...] = ()
    bars: int = 0

    def then(self, other: Memory) -> Memory:
        """Return the memory of a function of this function's values."""
        return Memory(self.weights + other.weights, self.bars + other.bars)

    def length(self) -> int:
        """Return the number of bars until what is older has faded."""
        faded = _faded_after(min(self.weights), len(self.weights)) if self.weights else 0
        return self.bars + faded


def memory_bars(name: str, parameters: Parameters) -> int | None:
    """Return the number of bars that a function remembers; None for one that only reads a window.

    `parameters`: all of the function's.
    """
    rule = _RULES.get(name)
    length = 0 if rule is None else rule(parameters).length()
    return length or None


@lru_cache(maxsize=256)
def _faded_after(weight: float, fold: int) -> int:
    """Return the number of bars after which a `fold`-fold exponential average has forgotten older ones.

    The bars older than n have the weight Σ C(n, j) · w^j · (1 − w)^(n − j) over j < fold.
    """
    if weight >= 1.0:
        return fold

    def older(bars: int) -> float:
        return sum(
            math.comb(bars, j) * weight**j * math.exp((bars - j) * math.log1p(-weight)) for j in range(fold)
        )

    high = fold
    while older(high) > _FADED:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if older(middle) > _FADED else (low, middle)
    return high


def _ema(period: float, fold: int = 1) -> Memory:
    return Memory((2.0 / (period + 1.0),) * fold)


def _wilder(period: float, fold: int = 1) -> Memory:
    return Memory((1.0 / period,) * fold)


def _kama(period: float) -> Memory:
    ratio = _EFFICIENCY / math.sqrt(period)
    weight = (ratio * (_KAMA_FAST - _KAMA_SLOW) + _KAMA_SLOW) ** 2
    return Memory(bars=_faded_after(weight, 1))


def _mama(fast: float, slow: float) -> Memory:
    """Return MAMA's memory: its weight wanders between the limits; FAMA's is half of it."""
    return Memory(bars=_MAMA_BARS + _faded_after(math.sqrt(fast * slow) / 2.0, 1))


def _average(period: float, matype: float) -> Memory:
    """Return the memory of a moving average by TA-Lib's number of its type."""
    average = _AVERAGES.get(int(matype))
    return Memory() if average is None else average(period)


_AVERAGES: Final[Mapping[int, Callable[[float], Memory]]] = {
    1: _ema,
    3: lambda period: _ema(period, 2),  # DEMA
    4: lambda period: _ema(period, 3),  # TEMA
    6: _kama,
    7: lambda _: _mama(0.5, 0.05),
    8: lambda period: _ema(period, 6),  # T3
    12: _ema,  # ZLEMA
    13: _wilder,  # RMA
}
"""Recursive averages by TA-Lib's numbers; the others (SMA, WMA, TRIMA, HMA) read a window."""


def _sar(*sides: tuple[float, float]) -> Memory:
    """Return the memory of a parabolic SAR, by acceleration and maximum of its sides."""
    speed = min(min(maximum, _SAR_EXTREMES * acceleration) for acceleration, maximum in sides)
    return Memory(bars=math.ceil(_SAR_BARS / max(speed, _SLOWEST_SAR)))


def _sarext(p: Parameters) -> Memory:
    return _sar(
        (max(p["accelerationinitlong"], p["accelerationlong"]), p["accelerationmaxlong"]),
        (max(p["accelerationinitshort"], p["accelerationshort"]), p["accelerationmaxshort"]),
    )


def _supertrend(p: Parameters) -> Memory:
    bars = _SUPERTREND_BARS * max(1.0, p["multiplier"]) ** 2
    return _wilder(p["timeperiod"]).then(Memory(bars=math.ceil(bars)))


def _slower_average(p: Parameters) -> Memory:
    return _average(max(p["fastperiod"], p["slowperiod"]), p["matype"])


def _by_period(make: Callable[[float, int], Memory], fold: int = 1) -> Callable[[Parameters], Memory]:
    return lambda p: make(p["timeperiod"], fold)


def _stoch(p: Parameters) -> Memory:
    slow_k = _average(p["slowk_period"], p["slowk_matype"])
    return slow_k.then(_average(p["slowd_period"], p["slowd_matype"]))


def _stoch_fast(p: Parameters) -> Memory:
    return _average(p["fastd_period"], p["fastd_matype"])


def _macdext(p: Parameters) -> Memory:
    stages = [_average(p[f"{one}period"], p[f"{one}matype"]) for one in ("fast", "slow", "signal")]
    return stages[0].then(stages[1]).then(stages[2])


_WILDER_ONCE: Final = (
    "ATR",
    "NATR",
    "DX",
    "PLUS_DI",
    "MINUS_DI",
    "PLUS_DM",
    "MINUS_DM",
    "RSI",
    "CMO",
    "RVI",
    "RMA",
)
_CYCLES: Final = ("HT_DCPERIOD", "HT_DCPHASE", "HT_PHASOR", "HT_SINE", "HT_TRENDLINE", "HT_TRENDMODE")

_RULES: Final[Mapping[str, Callable[[Parameters], Memory]]] = {
    **dict.fromkeys(("EMA", "ZLEMA", "ERI", "EFI", "CVI"), _by_period(_ema)),
    "DEMA": _by_period(_ema, 2),
    **dict.fromkeys(("TEMA", "TRIX"), _by_period(_ema, 3)),
    "T3": _by_period(_ema, 6),
    **dict.fromkeys(_WILDER_ONCE, _by_period(_wilder)),
    **dict.fromkeys(("ADX", "ADXR"), _by_period(_wilder, 2)),
    **dict.fromkeys(("MA", "BBANDS"), lambda p: _average(p["timeperiod"], p["matype"])),
    **dict.fromkeys(("APO", "PPO", "PVO"), _slower_average),
    "MACD": lambda p: _ema(max(p["fastperiod"], p["slowperiod"])).then(_ema(p["signalperiod"])),
    "MACDFIX": lambda p: _ema(26).then(_ema(p["signalperiod"])),
    "MACDEXT": _macdext,
    "MASSI": lambda p: _ema(p["fastperiod"], 2),
    "KC": lambda p: Memory((min(*_ema(p["timeperiod"]).weights, *_wilder(p["atrperiod"]).weights),)),
    "TSI": lambda p: _ema(p["firstperiod"]).then(_ema(p["secondperiod"])),
    "SMI": lambda p: _ema(p["slowperiod"]).then(_ema(p["fastperiod"])).then(_ema(p["signalperiod"])),
    **dict.fromkeys(("STOCH", "KDJ"), _stoch),
    "STOCHF": _stoch_fast,
    "STOCHRSI": lambda p: _wilder(p["timeperiod"]).then(_stoch_fast(p)),
    "HA": lambda _: Memory((0.5,)),
    "KAMA": lambda p: _kama(p["timeperiod"]),
    "MAMA": lambda p: _mama(p["fastlimit"], p["slowlimit"]),
    **dict.fromkeys(_CYCLES, lambda _: Memory(bars=_CYCLE_BARS)),
    "SAR": lambda p: _sar((p["acceleration"], p["maximum"])),
    "SAREXT": _sarext,
    "SUPERTREND": _supertrend,
}
