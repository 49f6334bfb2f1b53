"""Undefined values of TA-Lib's functions: windows with neither gain nor loss, where a formula is 0 / 0.

TA-Lib returns a number there: 0, 50, 1, or what the smoothing has left over. Such a value is missing instead,
so that a halted symbol fires no `rsi < 30`. One rule for all: a term is undefined where its own window is
flat, and a value is undefined if one of the terms in its window is. The window of a recursive average
(Wilder's, exponential) is its period, as for its first value: older bars only scale both sides of the ratio.
So a rule reads no more bars than the function's lookback, whatever the cut and the length of the history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from tapedeck.engine.indicators.compact_series import CompactSeries
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, Floats, Mask

Parameters = Mapping[str, float | int]

# TA-Lib's number for an average that is left out.
_NO_AVERAGE: Final = 10


class Tail:
    """Last `width` bars of some rows of a series, right-aligned, NaN before a row's first bar.

    `skipped`: number of bars at the head of each row of the series that must not be read.
    """

    def __init__(
        self, series: CompactSeries, rows: Sequence[int], skipped: Sequence[int], width: int
    ) -> None:
        self._series, self._rows, self._skipped, self._width = series, rows, skipped, width

    def field(self, field: int) -> Floats:
        """Return one field of the bars, (rows, width)."""
        values, width = self._series.values[field], self._width
        stop = self._series.uniform
        if stop is not None and len(self._rows) == len(values) and stop - width >= max(self._skipped):
            return values[:, stop - width : stop]
        return self.computed(field, lambda row: row[-width:])

    def computed(self, field: int, function: Callable[[Floats], Floats]) -> Floats:
        """Return the last values of a function of each row's whole field, (rows, width)."""
        out = np.full((len(self._rows), self._width), np.nan)
        values, lengths = self._series.values[field], self._series.length.tolist()
        for at, row in enumerate(self._rows):
            last = function(values[row, self._skipped[row] : lengths[row]])[-self._width :]
            out[at, self._width - len(last) :] = last
        return out


UndefinedRule = Callable[[Tail, Parameters], tuple[Mask, ...]]
"""Returns True where a value is undefined, (rows, width), for each output, or once for all of them."""


def unchanged(values: Floats) -> Mask:
    """Return True where a value equals the one before it; False at the first."""
    out: Mask = np.zeros(values.shape, dtype=np.bool_)
    np.equal(values[:, 1:], values[:, :-1], out=out[:, 1:])
    return out


def all_in(mask: Mask, window: int) -> Mask:
    """Return True where all of the last `window` values are; False where there are fewer."""
    if window < 1:
        return np.ones_like(mask)
    have = 1
    while have < window and mask.any():
        step = min(have, window - have)
        longer = np.zeros_like(mask)
        np.logical_and(mask[:, step:], mask[:, :-step], out=longer[:, step:])
        mask, have = longer, have + step
    return mask


def any_in(mask: Mask, window: int) -> Mask:
    """Return True where any of the last `window` values is."""
    have = 1
    while have < window and mask.any():
        step = min(have, window - have)
        longer = mask.copy()
        longer[:, step:] |= mask[:, :-step]
        mask, have = longer, have + step
    return mask


def earlier(mask: Mask, bars: int) -> Mask:
    """Return the mask as of `bars` bars before; False at the first ones."""
    out = np.zeros_like(mask)
    out[:, bars:] = mask[:, : mask.shape[1] - bars]
    return out


def _same_close(tail: Tail) -> Mask:
    return unchanged(tail.field(CLOSE))


def _one_price(tail: Tail) -> Mask:
    """Return True for a bar whose high is its low."""
    return np.equal(tail.field(HIGH), tail.field(LOW))


def _no_range(tail: Tail, window: int) -> Mask:
    """Return True where the highest high of the window is the lowest low."""
    return all_in(_one_price(tail), window) & all_in(unchanged(tail.field(HIGH)), window - 1)


def _typical(tail: Tail) -> Floats:
    return (tail.field(HIGH) + tail.field(LOW) + tail.field(CLOSE)) / 3.0


def _no_true_range(tail: Tail) -> Mask:
    """Return True where high, low and the close before are one price."""
    before = np.full_like(tail.field(CLOSE), np.nan)
    before[:, 1:] = tail.field(CLOSE)[:, :-1]
    return _one_price(tail) & np.equal(tail.field(HIGH), before)


def _no_direction(tail: Tail) -> Mask:
    """Return True where neither the rise of the high nor the fall of the low is the greater, above 0."""
    up, down = np.full((2, *tail.field(HIGH).shape), np.nan)
    np.subtract(tail.field(HIGH)[:, 1:], tail.field(HIGH)[:, :-1], out=up[:, 1:])
    np.subtract(tail.field(LOW)[:, :-1], tail.field(LOW)[:, 1:], out=down[:, 1:])
    flat: Mask = ((up <= 0.0) & (down <= 0.0)) | (up == down)
    return flat


def _no_volume(tail: Tail) -> Mask:
    return np.equal(tail.field(VOLUME), 0.0)


def _n(parameters: Parameters, name: str = "timeperiod") -> int:
    return int(parameters[name])


def _averaged(parameters: Parameters, line: str) -> int:
    """Return the number of terms in the average of a line, such as `slowk`."""
    return 1 if parameters[f"{line}_matype"] == _NO_AVERAGE else _n(parameters, f"{line}_period")


def _closes(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    return (all_in(_same_close(tail), _n(p)),)


def _adx(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    return (any_in(all_in(_no_direction(tail), _n(p)), _n(p)),)


def _adxr(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    (adx,) = _adx(tail, p)
    return (adx | earlier(adx, _n(p) - 1),)


def _true_range(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    return (all_in(_no_true_range(tail), _n(p)),)


def _correl(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    flat = [all_in(unchanged(tail.field(field)), _n(p) - 1) for field in (HIGH, LOW)]
    return (flat[0] | flat[1],)


def _mfi(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    return (all_in(unchanged(_typical(tail)) | _no_volume(tail), _n(p)),)


def _stoch(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    k = any_in(_no_range(tail, _n(p, "fastk_period")), _averaged(p, "slowk"))
    return k, any_in(k, _averaged(p, "slowd"))


def _kdj(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    k, d = _stoch(tail, p)
    return k, d, k | d


def _stochf(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    k = _no_range(tail, _n(p, "fastk_period"))
    return k, any_in(k, _averaged(p, "fastd"))


def _smi(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    value = all_in(_no_range(tail, _n(p)), _n(p, "fastperiod") + _n(p, "slowperiod") - 1)
    return value, any_in(value, _n(p, "signalperiod"))


def _massi(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    return (any_in(all_in(_one_price(tail), 2 * _n(p, "fastperiod") - 1), _n(p, "slowperiod")),)


def _shortest_ultosc(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
    shortest = min(_n(p, f"timeperiod{one}") for one in (1, 2, 3))
    return (all_in(_no_true_range(tail), shortest),)


def stoch_rsi(rsi: Callable[[Floats, Parameters], Floats]) -> UndefinedRule:
    """Return the rule of STOCHRSI: an undefined RSI in its window, or one that does not move.

    `rsi(closes, parameters)`: TA-Lib's RSI of a series. Over equal closes it is told by them, as there the
    rounding of the averages moves it; a RSI of always 100, or 0, is told by its values.
    """

    def rule(tail: Tail, p: Parameters) -> tuple[Mask, ...]:
        (undefined,) = _closes(tail, p)
        window = _n(p, "fastk_period")
        values = tail.computed(CLOSE, lambda closes: rsi(closes, p))
        still = all_in(_same_close(tail), window - 1) | all_in(unchanged(values), window - 1)
        k = any_in(undefined, window) | still
        return k, any_in(k, _averaged(p, "fastd"))

    return rule


RULES: Final[Mapping[str, UndefinedRule]] = {
    **dict.fromkeys(("RSI", "CMO", "CMOU", "RVI", "ER", "VHF"), _closes),
    "TSI": lambda tail, p: (all_in(_same_close(tail), _n(p, "firstperiod") + _n(p, "secondperiod") - 1),),
    "IMI": lambda tail, p: (all_in(np.equal(tail.field(CLOSE), tail.field(OPEN)), _n(p)),),
    "MFI": _mfi,
    "CMF": lambda tail, p: (all_in(_one_price(tail) | _no_volume(tail), _n(p)),),
    "WILLR": lambda tail, p: (_no_range(tail, _n(p)),),
    "CCI": lambda tail, p: (all_in(unchanged(_typical(tail)), _n(p) - 1),),
    "STOCH": _stoch,
    "STOCHF": _stochf,
    "KDJ": _kdj,
    "SMI": _smi,
    "ULTOSC": _shortest_ultosc,
    **dict.fromkeys(("PLUS_DI", "MINUS_DI", "VORTEX"), _true_range),
    "DX": lambda tail, p: (all_in(_no_direction(tail), _n(p)),),
    "ADX": _adx,
    "ADXR": _adxr,
    "BOP": lambda tail, _: (_one_price(tail),),
    "CORREL": _correl,
    "BETA": lambda tail, p: (all_in(unchanged(tail.field(HIGH)), _n(p)),),
    "CVI": lambda tail, p: (earlier(all_in(_one_price(tail), _n(p)), _n(p, "rocperiod")),),
    "MASSI": _massi,
    "MARKETFI": lambda tail, _: (_no_volume(tail),),
    "PVO": lambda tail, p: (all_in(_no_volume(tail), max(_n(p, "fastperiod"), _n(p, "slowperiod"))),),
}
"""Rules by function, but for STOCHRSI. A function that has none is defined for flat windows, too."""
