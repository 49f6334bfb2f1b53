"""Rolling VWAP against plain pandas: rolling sums over the bars present, earlier sessions first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.indicators.kinds.rolling_vwap import window_sums
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.tape.bar_grid import FIELDS, VOLUME, BarGrid, Floats
from tests.support.tapes import compute, random_values, same_bits, slots_of, tape_over

SLOTS: Final = slots_of("2013-11-29")
FIVE: Final = Interval.parse("5m")
SYMBOLS: Final = 3


def spec(timeperiod: int, interval: Interval = MINUTE) -> IndicatorSpec:
    return IndicatorSpec("rolling", "ROLLING_VWAP", interval, {"timeperiod": timeperiod})


def history(missing: float, *, sessions: int = 3, columns: int = 390) -> list[BarGrid]:
    return [
        BarGrid.loaded(random_values(SYMBOLS, columns, seed=70 + at, missing=missing))
        for at in range(sessions)
    ]


def by_pandas(earlier: Sequence[BarGrid], own: Floats, row: int, timeperiod: int) -> np.ndarray:
    """Return the rolling VWAP at every column of the session, NaN for missing bars."""
    series = np.concatenate([*(grid.values[:, row] for grid in earlier), own[:, row]], axis=1)
    bars = pd.DataFrame(series.T, columns=list(FIELDS)).dropna()
    money = ((bars.high + bars.low + bars.close) / 3 * bars.volume).rolling(timeperiod)
    volume = bars.volume.rolling(timeperiod)
    # Each window is summed separately: pandas' own rolling sum drifts, and misses exact zeros.
    sums = money.apply(np.sum, raw=True) / volume.apply(np.sum, raw=True).where(lambda total: total > 0)
    return sums.reindex(range(series.shape[1])).to_numpy()[series.shape[1] - own.shape[2] :]


@pytest.mark.parametrize("missing", [0.0, 0.15])
@pytest.mark.parametrize("timeperiod", [1, 2, 20, 150])
def test_rolling_vwap_is_money_over_volume_of_the_last_bars_of_all_sessions(
    timeperiod: int, missing: float
) -> None:
    own, earlier = random_values(SYMBOLS, len(SLOTS), seed=17, missing=missing), history(missing)
    tape = compute(tape_over(SLOTS, own), [spec(timeperiod)], {MINUTE: earlier}, cuts=[1, 2, 60])
    for row in range(SYMBOLS):
        expected = by_pandas(earlier, own, row, timeperiod)
        np.testing.assert_allclose(tape.indicators["rolling"].values[row], expected, rtol=1e-12)
        assert np.isfinite(expected).any()


def test_rolling_vwap_of_two_bars_by_hand() -> None:
    own = np.full((5, 1, len(SLOTS)), np.nan)
    own[:, 0, 0] = (10, 12, 9, 12, 100)  # typical price 11
    own[:, 0, 2] = (12, 15, 12, 15, 300)  # typical price 14
    own[:, 0, 3] = (15, 18, 15, 18, 0)  # typical price 17, no volume
    own[:, 0, 4] = (15, 18, 15, 18, 0)
    found = compute(tape_over(SLOTS, own), [spec(2)]).indicators["rolling"].values[0]
    assert found[[2, 3]].tolist() == [(11 * 100 + 14 * 300) / 400, 14.0]
    assert np.isnan(found[[0, 1, 4]]).all()


def test_rolling_vwap_is_missing_with_too_few_bars_or_zero_volume() -> None:
    own = random_values(SYMBOLS, len(SLOTS), seed=23, missing=0.1)
    own[VOLUME, :, 50:80] = np.where(np.isnan(own[VOLUME, :, 50:80]), np.nan, 0.0)
    found = compute(tape_over(SLOTS, own), [spec(9)], cuts=[4, 55, 56, 100]).indicators["rolling"].values
    for row in range(SYMBOLS):
        expected = by_pandas((), own, row, 9)
        np.testing.assert_allclose(found[row], expected, rtol=1e-12)
        there = np.flatnonzero(~np.isnan(own[VOLUME, row]))
        assert np.isnan(found[row, there[:8]]).all()
        assert np.isfinite(found[row, there[8]])
        assert np.isnan(found[row, 70:80]).all()


def test_on_derived_bars_it_is_of_those() -> None:
    own = random_values(SYMBOLS, len(SLOTS), seed=29, missing=0.3)
    earlier = history(0.1, columns=78)
    tape = compute(tape_over(SLOTS, own, derived=["5m"]), [spec(12, FIVE)], {FIVE: earlier}, cuts=[3, 7, 90])
    for row in range(SYMBOLS):
        expected = by_pandas(earlier, tape.derived[FIVE].values, row, 12)
        np.testing.assert_allclose(tape.indicators["rolling"].values[row], expected, rtol=1e-12)


def test_more_history_for_another_indicator_changes_no_bit() -> None:
    own, earlier = random_values(SYMBOLS, len(SLOTS), seed=31, missing=0.9), history(0.97, sessions=9)
    alone = compute(tape_over(SLOTS, own), [spec(60)], {MINUTE: earlier})
    deep = IndicatorSpec("deep", "SMA", MINUTE, {"timeperiod": 300})
    combined = compute(tape_over(SLOTS, own), [deep, spec(60)], {MINUTE: earlier})
    assert same_bits(alone.indicators["rolling"].values, combined.indicators["rolling"].values)


def test_many_symbols_have_the_same_bits_as_each_alone() -> None:
    own = random_values(150, len(SLOTS), seed=37, missing=0.2)
    together = compute(tape_over(SLOTS, own), [spec(30)]).indicators["rolling"].values
    for row in range(150):
        alone = compute(tape_over(SLOTS, own[:, row : row + 1]), [spec(30)]).indicators["rolling"].values
        assert same_bits(together[row], alone[0])


@given(
    seed=st.integers(0, 10**6),
    timeperiod=st.integers(1, 60),
    missing=st.sampled_from([0.0, 0.3, 0.95]),
    cuts=st.lists(st.integers(1, 209), max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_any_cut_gives_the_same_bits_and_a_value_between_low_and_high(
    seed: int, timeperiod: int, missing: float, cuts: list[int]
) -> None:
    own, earlier = random_values(SYMBOLS, len(SLOTS), seed=seed, missing=missing), {MINUTE: history(0.5)}
    whole = compute(tape_over(SLOTS, own), [spec(timeperiod)], earlier).indicators["rolling"].values
    cut = compute(tape_over(SLOTS, own), [spec(timeperiod)], earlier, cuts=cuts).indicators["rolling"].values
    assert same_bits(whole, cut)
    everything = np.concatenate([own, *(grid.values for grid in earlier[MINUTE])], axis=2)
    there = whole[~np.isnan(whole)]
    assert (there <= np.nanmax(everything[1]) * (1 + 1e-12)).all()
    assert (there >= np.nanmin(everything[2]) * (1 - 1e-12)).all()


@pytest.mark.parametrize("count", [1, 7, 8, 9, 30])
def test_windows_are_summed_oldest_first_for_any_count(count: int) -> None:
    values, window = np.random.default_rng(4).random(count + 7) / 3, 8
    expected = []
    for at in range(count):
        total = 0.0
        for value in values[at : at + window].tolist():
            total += value
        expected.append(total)
    assert window_sums(values, window).tolist() == expected
