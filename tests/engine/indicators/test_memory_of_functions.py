"""Measured memory of every function of TA-Lib: one more day of history changes no value by a billionth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.talib_adapter import moving_average_types, talib_function, talib_kinds
from tapedeck.engine.indicators.talib_memory import memory_bars
from tapedeck.engine.indicators.warm_up import ALL_STORED
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.tape.bar_grid import FIELDS, Floats
from tests.golden import raw_bars

FIVE: Final = Interval.parse("5m")
SESSION: Final = 78
PROMISE: Final = 1e-9
# They count from their first bar on, so no history is ever enough.
CUMULATIVE: Final = {"AD", "ADOSC", "CUMSUM", "NVI", "OBV", "PVI", "PVT", "WAD"}
FORGETTING: Final = sorted(set(talib_kinds()) - CUMULATIVE - set(REGISTRY.own_types()))
# Besides the defaults: other speeds, and recursive averages where the default is a simple one.
OTHERS: Final[list[tuple[str, Mapping[str, float | int]]]] = [
    ("EMA", {"timeperiod": 200}),
    ("RSI", {"timeperiod": 2}),
    ("RSI", {"timeperiod": 50}),
    ("ADX", {"timeperiod": 30}),
    ("T3", {"timeperiod": 20}),
    ("KAMA", {"timeperiod": 10}),
    ("KAMA", {"timeperiod": 100}),
    ("MAMA", {"fastlimit": 0.05, "slowlimit": 0.05}),
    ("MAMA", {"fastlimit": 0.5, "slowlimit": 0.01}),
    ("MACD", {"fastperiod": 30, "slowperiod": 12, "signalperiod": 20}),
    ("MACDEXT", {"fastmatype": 1, "slowmatype": 4, "signalmatype": 3}),
    ("STOCH", {"slowk_period": 10, "slowk_matype": 13, "slowd_period": 20, "slowd_matype": 1}),
    ("STOCHRSI", {"timeperiod": 14, "fastd_period": 10, "fastd_matype": 1}),
    ("SAR", {"acceleration": 0.005, "maximum": 0.05}),
    ("SAR", {"acceleration": 0.002, "maximum": 0.2}),
    ("SAREXT", {"accelerationlong": 0.01, "accelerationmaxlong": 0.1}),
    ("SUPERTREND", {"timeperiod": 10, "multiplier": 6.0}),
    ("KC", {"atrperiod": 40}),
    ("TSI", {"firstperiod": 40, "secondperiod": 40}),
    *(("MA", {"matype": number}) for name, number in moving_average_types().items() if name != "DISABLED"),
    *(("BBANDS", {"matype": number}) for number in (1, 6, 8, 13)),
]


def random_walk(bars: int, seed: int, *, step: float) -> Floats:
    """Return bars of a random walk (5, n): its steps are a fraction of the price."""
    random = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, step, bars)))
    opening = np.concatenate([[100.0], close[:-1]]) * np.exp(random.normal(0.0, step / 4, bars))
    high = np.maximum(opening, close) * np.exp(np.abs(random.normal(0.0, step / 2, bars)))
    low = np.minimum(opening, close) * np.exp(-np.abs(random.normal(0.0, step / 2, bars)))
    return np.stack([opening, high, low, close, np.floor(random.lognormal(7.0, 1.0, bars))])


def last_session(kind: str, parameters: Mapping[str, float | int], bars: Floats) -> list[Floats]:
    """Return the outputs at the last session's bars, computed from all of the bars (5, n)."""
    function = talib_function(kind, parameters)
    result = function.function(*[bars[field].copy() for field in function.inputs], *function.arguments)
    outputs = result if isinstance(result, tuple) else (result,)
    return [np.asarray(output[-SESSION:], dtype=np.float64) for output in outputs]


def worst_change(kind: str, parameters: Mapping[str, float | int], bars: Floats, more: int) -> float:
    """Return the largest change by `more` bars of history, as a fraction of the column's largest value."""
    history = IndicatorSpec("x", kind, FIVE, parameters).history_bars
    assert bars.shape[1] >= history + more + SESSION
    short = last_session(kind, parameters, bars[:, -history - SESSION :])
    long = last_session(kind, parameters, bars[:, -history - more - SESSION :])
    worst = 0.0
    for one, other in zip(short, long, strict=True):
        assert (np.isnan(one) == np.isnan(other)).all(), kind
        size = float(np.nanmax(np.abs(other), initial=0.0))
        change = float(np.nanmax(np.abs(one - other), initial=0.0))
        worst = max(worst, change / size if size else change)
    return worst


@pytest.mark.parametrize("kind", FORGETTING)
def test_a_further_day_changes_no_value_of_a_random_walk(kind: str) -> None:
    for seed, step in ((1, 0.001), (2, 0.01), (3, 0.0005)):
        bars = random_walk(3_000, seed, step=step)
        assert worst_change(kind, {}, bars, SESSION) < PROMISE
        assert worst_change(kind, {}, bars, 1_000) < PROMISE


@pytest.mark.parametrize(("kind", "parameters"), OTHERS)
def test_nor_with_other_parameters(kind: str, parameters: Mapping[str, float | int]) -> None:
    for seed in (4, 5):
        bars = random_walk(7_000, seed, step=0.001)
        assert worst_change(kind, parameters, bars, SESSION) < PROMISE


@given(
    kind=st.sampled_from(["EMA", "RMA", "DEMA", "TEMA", "T3", "TRIX", "RSI", "CMO", "ATR", "ADX", "MACDFIX"]),
    period=st.integers(2, 60),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None)
def test_nor_with_any_period(kind: str, period: int, seed: int) -> None:
    name = "signalperiod" if kind == "MACDFIX" else "timeperiod"
    bars = random_walk(4_000, seed, step=0.001)
    assert worst_change(kind, {name: period}, bars, SESSION) < PROMISE


@pytest.mark.parametrize("symbol", ["SPY", "AIG"])
def test_a_further_day_changes_no_value_of_real_days(lean_root: Path, symbol: str) -> None:
    days = raw_bars.daily(lean_root, symbol)[list(FIELDS)].to_numpy().T
    for end in (days.shape[1], days.shape[1] - 500):
        changes = {kind: worst_change(kind, {}, days[:, :end], 1) for kind in FORGETTING}
        assert {kind: change for kind, change in changes.items() if change >= PROMISE} == {}


def test_functions_that_count_from_their_first_bar_are_found_by_talibs_flags() -> None:
    accumulating = {
        kind
        for kind in talib_kinds()
        if REGISTRY.kind(kind).lookback({}) is not None
        and IndicatorSpec("x", kind, DAY).history_bars == ALL_STORED
    }
    assert accumulating == CUMULATIVE
    bars = random_walk(400, 6, step=0.001)
    for kind in CUMULATIVE - {"ADOSC"}:  # where the oscillator's start cancels out
        all_of_it, later = (last_session(kind, {}, bars[:, at:])[0] for at in (0, 100))
        assert not np.allclose(all_of_it, later, rtol=1e-6), kind
    for kind in CUMULATIVE:
        assert IndicatorSpec("x", kind, FIVE).history_bars == 0


def test_the_rules_know_talibs_numbers_of_moving_averages() -> None:
    recursive = {"EMA", "DEMA", "TEMA", "KAMA", "MAMA", "T3", "ZLEMA", "RMA"}
    for name, number in moving_average_types().items():
        has_memory = memory_bars("MA", {"timeperiod": 30, "matype": number}) is not None
        assert has_memory == (name in recursive), name


def test_the_memory_of_well_known_averages() -> None:
    """Wilder's of 14 keeps (13/14)^n of what is older than n bars: 1e-10 after 311."""
    assert memory_bars("RSI", {"timeperiod": 14}) == 311
    assert (13 / 14) ** 311 <= 1e-10 < (13 / 14) ** 310
    assert memory_bars("SMA", {"timeperiod": 20}) is None
