"""Validation: the rules for every imported bar, from any kind of file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints

Mask = NDArray[np.bool_]
_BOUNDARIES: Final = {SECOND: "1-second", MINUTE: "1-minute", DAY: "1-day (00:00 UTC)"}
# Arithmetic of adjusted prices is off by this much, in units in the last place.
_NOISE: Final = 4
_EXACT_VOLUMES: Final = 2.0**53
_NO_VOLUME: Final = -1.0


@dataclass(frozen=True, slots=True)
class PriceRules:
    """Prices that a market has: of 0, and negative ones; both usually are missing or wrong data."""

    allow_zero: bool = False
    allow_negative: bool = False


@dataclass(frozen=True, slots=True)
class ValidBars:
    """Bars as they can be stored: `good` marks them, shape (n,), `faults` has the reasons of the others.

    `widened` counts bars whose high or low was moved by a few units in the last place, to hold open and
    close; `without_volume` those with volume -1, which is stored as 0; `large_volumes` those with a volume
    of 2^53 and more, whose last digits a float64 does not hold.
    """

    bars: BarColumns
    good: Mask
    faults: dict[int, str]
    widened: int = 0
    without_volume: int = 0
    large_volumes: int = 0


_RULES: Final = PriceRules()


def validate_bars(bars: BarColumns, interval: Interval, rules: PriceRules = _RULES) -> ValidBars:
    """Return the bars that can be stored, and the reasons of the others by position.

    Bars may be in any order. A bar is bad when a value is missing or infinite, a price is not positive
    (unless `rules` allow it), the volume is negative (-1: none), high is below low, open or close are outside
    them by more than 4 units in the last place, or its time is not on a boundary of the interval (counted
    from midnight UTC). Of several good bars with one time the first is kept; later ones are good if they are
    equal, else bad.
    """
    found = validate_each(bars, interval, rules)
    repeats = _contradictions(found.bars, found.good)
    if not repeats:
        return found
    good = found.good.copy()
    good[repeats] = False
    reasons = found.faults | {i: repeat_fault(bars.opened_at[i]) for i in repeats}
    return _counted(bars, found.bars, good, reasons)


def validate_each(bars: BarColumns, interval: Interval, rules: PriceRules = _RULES) -> ValidBars:
    """Return the same as `validate_bars` for bars of any symbols: each for itself, repeated times allowed."""
    fitted = _widened(_volumes(bars))
    good = _is_sound(fitted, interval, rules)
    reasons = {int(i): _fault(bars, int(i), interval, rules) for i in np.flatnonzero(~good)}
    return _counted(bars, fitted, good, reasons)


def _counted(bars: BarColumns, fitted: BarColumns, good: Mask, reasons: dict[int, str]) -> ValidBars:
    is_moved = (fitted.high != bars.high) | (fitted.low != bars.low)
    return ValidBars(
        fitted,
        good,
        reasons,
        widened=int(np.count_nonzero(is_moved & good)),
        without_volume=int(np.count_nonzero((bars.volume == _NO_VOLUME) & good)),
        large_volumes=int(np.count_nonzero((bars.volume >= _EXACT_VOLUMES) & good)),
    )


def gap_rows(bars: BarColumns) -> Ints:
    """Return the positions of rows without any price (all four NaN)."""
    missing = np.isnan(bars.open)
    if missing.any():
        missing = missing & np.isnan(bars.high) & np.isnan(bars.low) & np.isnan(bars.close)
    return np.flatnonzero(missing)


def repeat_fault(time: int | np.int64) -> str:
    """Return the reason of a row with the time of an earlier row and other values."""
    return f"duplicate timestamp {utc_text(time)} with other values; the first row is kept"


def sort_out_repeats(bars: BarColumns) -> BarColumns:
    """Return the bars oldest first, each time once; of bars with one time the first is kept."""
    times = bars.opened_at
    if bool((times[1:] > times[:-1]).all()):
        return bars
    return take(bars, np.unique(times, return_index=True)[1])


def differs(one: BarColumns, other: BarColumns) -> Mask:
    """Return where two runs of bars of equal length differ in a price or the volume."""
    different: Mask = (
        (one.open != other.open)
        | (one.high != other.high)
        | (one.low != other.low)
        | (one.close != other.close)
        | (one.volume != other.volume)
    )
    return different


def utc_text(seconds: int | np.int64) -> str:
    """Return an instant as text, such as `2013-10-07 13:30:00 UTC`."""
    return f"{np.datetime64(int(seconds), 's')!s}".replace("T", " ") + " UTC"


def _volumes(bars: BarColumns) -> BarColumns:
    without = bars.volume == _NO_VOLUME
    return replace(bars, volume=np.where(without, 0.0, bars.volume)) if without.any() else bars


def _widened(bars: BarColumns) -> BarColumns:
    # Bars whose open or close is beyond high or low by rounding noise, with high and low moved to them.
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    above, below = top > bars.high, bottom < bars.low
    if not (above.any() or below.any()):
        return bars
    with np.errstate(invalid="ignore"):  # of infinite prices, which are refused later
        above &= top - bars.high <= _NOISE * _last_place(bars.high)
        below &= bars.low - bottom <= _NOISE * _last_place(bars.low)
    return replace(bars, high=np.where(above, top, bars.high), low=np.where(below, bottom, bars.low))


def _last_place(values: Floats) -> Floats:
    found: Floats = np.spacing(np.abs(np.where(np.isfinite(values), values, 0.0)))
    return found


def _is_sound(bars: BarColumns, interval: Interval, rules: PriceRules) -> Mask:
    # Every comparison with NaN is false, so NaN fails. Low is checked to be the least price and high the
    # greatest, so the sign of low and the finiteness of both hold for all four.
    sound: Mask = (
        (bars.low <= bars.open)
        & (bars.open <= bars.high)
        & (bars.low <= bars.close)
        & (bars.close <= bars.high)
        & (bars.low > -np.inf)
        & (bars.high < np.inf)
        & (bars.volume >= 0)
        & (bars.volume < np.inf)
        & (bars.opened_at % interval.seconds == 0)
    )
    if not rules.allow_negative:
        sound &= bars.low >= 0
    if not rules.allow_zero:
        sound &= bars.low != 0
        if rules.allow_negative:
            sound &= (bars.open != 0) & (bars.high != 0) & (bars.close != 0)
    return sound


def _fault(bars: BarColumns, i: int, interval: Interval, rules: PriceRules) -> str:
    values = {
        "open": float(bars.open[i]),
        "high": float(bars.high[i]),
        "low": float(bars.low[i]),
        "close": float(bars.close[i]),
        "volume": float(bars.volume[i]),
    }
    for name, value in values.items():
        if fault := _value_fault(name, value, rules):
            return fault
    high, low = values["high"], values["low"]
    if high < low:
        return f"high {_number(high)} is below low {_number(low)}"
    for name in ("open", "close"):
        if not low <= values[name] <= high:
            return f"{name} {_number(values[name])} is outside low {_number(low)} to high {_number(high)}"
    return f"time {utc_text(bars.opened_at[i])} is not on a {_BOUNDARIES[interval]} boundary"


def _value_fault(name: str, value: float, rules: PriceRules) -> str | None:
    if np.isnan(value):
        return f"{name} is missing"
    if not np.isfinite(value):
        return f"{name} {value} is not finite"
    if name == "volume":
        return f"volume {_number(value)} is negative" if value < 0 and value != _NO_VOLUME else None
    if value < 0 and not rules.allow_negative:
        return f"{name} {_number(value)} is negative: --allow-negative-prices stores such bars"
    if value == 0 and not rules.allow_zero:
        return f"{name} has a price of 0, which usually is missing data: --allow-zero-prices stores such bars"
    return None


def _number(value: float) -> str:
    # All digits that tell the value from others: 28.700000000000003, and 9 instead of 9.0.
    return repr(value).removesuffix(".0")


def _contradictions(bars: BarColumns, good: Mask) -> list[int]:
    # Positions of good bars with the time of an earlier good bar but other values.
    times = bars.opened_at
    if bool((times[1:] > times[:-1]).all()):
        return []
    positions = np.flatnonzero(good)
    _, first, group = np.unique(times[positions], return_index=True, return_inverse=True)
    leaders = positions[first][group]
    other = differs(take(bars, positions), take(bars, leaders))
    return [int(i) for i in positions[other]]
