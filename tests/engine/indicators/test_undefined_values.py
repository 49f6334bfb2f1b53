"""Values that are 0 / 0: over windows with neither gain nor loss a function has no value, not 0 or 50."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic_core import ValidationError

from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.talib_adapter import moving_average_types, talib_kinds
from tapedeck.engine.indicators.undefined import RULES
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import BarGrid, Floats
from tests.support.tapes import compute, random_values, same_bits, slots_of, tape_over

MINUTE: Final = Interval.parse("1m")
KINDS: Final = sorted(set(talib_kinds()) - set(REGISTRY.own_types()))
SLOTS: Final = slots_of("2013-12-03")
HALT: Final = 150
# Ratios of a gain, a range or a volume to a sum of them.
OF_PRICES: Final = {
    "ADX", "ADXR", "BETA", "BOP", "CCI", "CMF", "CMO", "CMOU", "CORREL", "CVI", "DX", "ER", "IMI", "KDJ",
    "MASSI", "MFI", "MINUS_DI", "PLUS_DI", "RSI", "RVI", "SMI", "STOCH", "STOCHF", "STOCHRSI", "TSI",
    "ULTOSC", "VHF", "VORTEX", "WILLR",
}  # fmt: skip
OF_VOLUMES: Final = {"CMF", "MARKETFI", "MFI", "PVO", "RVOL", "VWMA"}
NOT_OF_PRICES: Final = {"ACOS", "ASIN"}  # arc functions of prices above 1


@cache
def over(values: Callable[[], Floats]) -> Mapping[str, Floats]:
    """Return every function's columns over one symbol's minutes, by output name."""
    specs = [IndicatorSpec(kind.lower(), kind, MINUTE) for kind in KINDS]
    tape = compute(tape_over(SLOTS, values(), measure_quality=False), specs)
    return {name: column.values[0] for name, column in tape.indicators.items()}


def halted_from_the_open() -> Floats:
    """Return bars of one price, each with a volume."""
    values = np.full((5, 1, len(SLOTS)), 0.1)
    values[4] = 100.0
    return values


def halted_at_noon() -> Floats:
    """Return bars that move, and then stay at their last price."""
    values = random_values(1, len(SLOTS), seed=4)
    values[:4, :, HALT:] = values[3, 0, HALT - 1]
    return values


def without_volume() -> Floats:
    """Return bars that move, without a volume."""
    values = random_values(1, len(SLOTS), seed=4)
    values[4] = 0.0
    return values


@pytest.mark.parametrize("bars", [halted_from_the_open, halted_at_noon])
def test_a_halted_symbol_has_no_value_of_a_ratio_and_one_of_every_other_function(
    bars: Callable[[], Floats],
) -> None:
    missing, held = kinds_by_value(over(bars))
    assert missing - NOT_OF_PRICES == OF_PRICES
    assert held - NOT_OF_PRICES == set(KINDS) - OF_PRICES - NOT_OF_PRICES


def test_a_symbol_without_volume_has_no_value_of_a_ratio_of_volumes() -> None:
    missing, _ = kinds_by_value(over(without_volume))
    assert missing - NOT_OF_PRICES == OF_VOLUMES


def kinds_by_value(columns: Mapping[str, Floats]) -> tuple[set[str], set[str]]:
    """Return the kinds that have no value in the last hundred minutes, and those with all of them."""
    missing, held = set(), set()
    for kind in KINDS:
        outputs = IndicatorSpec(kind.lower(), kind, MINUTE).outputs
        last = np.stack([columns[name][-100:] for name in outputs])
        if np.isnan(last).all():
            missing.add(kind)
        elif np.isfinite(last).all():
            held.add(kind)
    return missing, held


def test_values_end_with_the_window_that_is_flat_and_return_with_the_next_change() -> None:
    values = halted_at_noon()
    values[3, 0, 300] += 0.05
    values[1, 0, 300] += 0.05
    tape = tape_over(SLOTS, values, measure_quality=False)
    column = compute(tape, [IndicatorSpec("rsi", "RSI", MINUTE)]).indicators["rsi"].values[0]
    moved = int(np.flatnonzero(np.diff(values[3, 0, :HALT]))[-1]) + 1
    missing = [*range(14), *range(moved + 14, 300), *range(315, len(SLOTS))]
    assert np.flatnonzero(np.isnan(column)).tolist() == missing


# Small prices with many ties, so that windows are flat often; each formula in plain loops.

BARS: Final = 60
Loop = Callable[[Sequence[Sequence[float]], int], bool]


def closes_are_equal(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether the last n changes of the close are 0."""
    return len({bar[3] for bar in bars[-n - 1 :]}) == 1


def no_range(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether the highest high of the last n bars is the lowest low."""
    return max(bar[1] for bar in bars[-n:]) == min(bar[2] for bar in bars[-n:])


def no_flow(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether no bar of the last n has both a change of the typical price and a volume."""
    typical = [(bar[1] + bar[2] + bar[3]) / 3 for bar in bars]
    return all(typical[-i] == typical[-i - 1] or bars[-i][4] == 0 for i in range(1, n + 1))


def no_movement(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether no bar of the last n has a directional movement, by Wilder's definition."""
    for i in range(1, n + 1):
        up, down = bars[-i][1] - bars[-i - 1][1], bars[-i - 1][2] - bars[-i][2]
        if max(up, down) > 0 and up != down:
            return False
    return True


def no_average_movement(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether DX is undefined at one of the last n bars."""
    return any(no_movement(bars[: len(bars) - i], n) for i in range(n))


def no_stochastic(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether one of the last three raw values of a stochastic is undefined."""
    return any(no_range(bars[: len(bars) - i], n) for i in range(3))


def no_true_range(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether the true range of the last n bars is 0."""
    return all(
        max(bars[-i][1], bars[-i - 1][3]) == min(bars[-i][2], bars[-i - 1][3]) for i in range(1, n + 1)
    )


def typical_is_equal(bars: Sequence[Sequence[float]], n: int) -> bool:
    """Whether the typical prices of the last n bars are equal."""
    return len({(bar[1] + bar[2] + bar[3]) / 3 for bar in bars[-n:]}) == 1


LOOPS: Final[Mapping[str, tuple[Loop, Mapping[str, int]]]] = {
    "RSI": (closes_are_equal, {"timeperiod": 3}),
    "CMO": (closes_are_equal, {"timeperiod": 3}),
    "CCI": (typical_is_equal, {"timeperiod": 3}),
    "WILLR": (no_range, {"timeperiod": 3}),
    "STOCHF": (no_range, {"fastk_period": 3, "fastd_period": 1}),
    "STOCH": (no_stochastic, {"fastk_period": 3, "slowk_period": 3, "slowd_period": 1}),
    "MFI": (no_flow, {"timeperiod": 3}),
    "DX": (no_movement, {"timeperiod": 3}),
    "ADX": (no_average_movement, {"timeperiod": 3}),
    "PLUS_DI": (no_true_range, {"timeperiod": 3}),
    "ULTOSC": (no_true_range, {"timeperiod1": 3, "timeperiod2": 5, "timeperiod3": 7}),
}


def tied_bars(seed: int) -> Floats:
    """Return bars of one to three prices, many of them alike, some without volume."""
    random = np.random.default_rng(seed)
    moves = random.random((4, BARS)) < 0.3
    close = 10.0 + np.cumsum(np.where(moves[0], random.integers(-1, 2, BARS), 0)) * 0.1
    high = close + 0.1 * moves[1]
    low = close - 0.1 * moves[2]
    return np.stack([close, high, low, close, np.where(random.random(BARS) < 0.3, 0.0, 700.0)])


@given(
    seed=st.integers(0, 10**6),
    cuts=st.lists(st.integers(1, BARS), max_size=4),
    earlier=st.integers(0, BARS - 1),
)
@settings(max_examples=40, deadline=None)
def test_a_value_is_missing_exactly_where_its_formula_is_nothing_by_nothing(
    seed: int, cuts: list[int], earlier: int
) -> None:
    bars = tied_bars(seed)
    specs = [IndicatorSpec(kind, kind, MINUTE, parameters) for kind, (_, parameters) in LOOPS.items()]
    values = np.full((5, 1, len(SLOTS)), np.nan)
    values[:, 0, : BARS - earlier] = bars[:, earlier:]
    history = {MINUTE: [BarGrid.loaded(bars[:, None, :earlier].copy())]}
    tape = compute(tape_over(SLOTS, values, measure_quality=False), specs, history, cuts=cuts)
    rows = bars.T.tolist()
    for spec in specs:
        loop, parameters = LOOPS[spec.kind]
        n = min(parameters.values()) if spec.kind == "ULTOSC" else next(iter(parameters.values()))
        column = tape.indicators[spec.outputs[0]].values[0, : BARS - earlier]
        for at, value in enumerate(column.tolist()):
            bar = earlier + at
            is_cold = bar < (spec.lookback or 0)
            assert np.isnan(value) == (is_cold or loop(rows[: bar + 1], n)), (spec.kind, bar)


def test_a_stochastic_of_a_rising_price_has_no_value_as_its_rsi_is_always_100() -> None:
    values = np.full((5, 1, len(SLOTS)), 100.0)
    values[:4] = 100.0 + np.arange(len(SLOTS)) * 0.25
    tape = compute(tape_over(SLOTS, values, measure_quality=False), [IndicatorSpec("s", "STOCHRSI", MINUTE)])
    assert np.isnan(tape.indicators["s_fastk"].values).all()


@given(
    kind=st.sampled_from([*RULES, "STOCHRSI"]),
    periods=st.lists(st.integers(1, 6), min_size=4, max_size=4),
    average=st.sampled_from(list(moving_average_types().values())),
    seed=st.integers(0, 10**6),
    earlier=st.integers(0, BARS - 10),
)
@example(kind="STOCH", periods=[2, 4, 1, 4], average=10, seed=5, earlier=10)
@settings(max_examples=80, deadline=None)
def test_slot_by_slot_the_same_values_are_missing_with_any_parameters(
    kind: str, periods: list[int], average: int, seed: int, earlier: int
) -> None:
    names = REGISTRY.kind(kind).parameters
    given_ones = {
        name: average if "matype" in name else n for name, n in zip(names, periods * 2, strict=False)
    }
    try:
        parameters = REGISTRY.kind(kind).resolve_parameters(given_ones)
    except ValidationError:
        return  # a period that TA-Lib refuses
    spec = IndicatorSpec("x", kind, MINUTE, parameters)
    bars = tied_bars(seed)
    values = np.full((5, 1, len(SLOTS)), np.nan)
    values[:, 0, : BARS - earlier] = bars[:, earlier:]
    history = {MINUTE: [BarGrid.loaded(bars[:, None, :earlier].copy())]}
    whole, stepped = (
        compute(tape_over(SLOTS, values, measure_quality=False), [spec], history, cuts=cuts)
        for cuts in ((), range(1, BARS))
    )
    for name, column in whole.indicators.items():
        assert same_bits(column.values, stepped.indicators[name].values)
