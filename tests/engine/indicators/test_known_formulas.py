"""TA-Lib's indicators against textbook formulas, own ones against pandas."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.indicators.kinds.relative_volume import relative_volume
from tapedeck.engine.indicators.kinds.session_extremes import RunningExtreme
from tapedeck.engine.indicators.kinds.vwap import RunningVwap, typical_price
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.talib_adapter import talib_function
from tapedeck.engine.indicators.talib_kernel import tail_of_output
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, VOLUME, BarGrid, Floats
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tests.support import formulas
from tests.support.tapes import compute, random_values, same_bits, slots_of, tape_over

SLOTS: Final = slots_of("2013-11-29")
VALUES: Final = random_values(2, len(SLOTS), seed=17, missing=0.15)
SPECS: Final = (
    IndicatorSpec("sma", "SMA", MINUTE, {"timeperiod": 20}),
    IndicatorSpec("ema", "EMA", MINUTE, {"timeperiod": 20}),
    IndicatorSpec("rsi", "RSI", MINUTE, {"timeperiod": 14}),
    IndicatorSpec("atr", "ATR", MINUTE, {"timeperiod": 14}),
    IndicatorSpec("macd", "MACD", MINUTE),
    IndicatorSpec("bbands", "BBANDS", MINUTE, {"timeperiod": 20, "nbdevup": 2.0, "nbdevdn": 1.5}),
)


@cache
def computed() -> dict[str, Floats]:
    """Return the indicators of a day without history."""
    tape = compute(tape_over(SLOTS, VALUES), SPECS)
    return {name: column.values for name, column in tape.indicators.items()}


def expected_of(bars: Floats) -> dict[str, np.ndarray]:
    """Return the same indicators by textbook formulas; `bars` (5, n) without missing ones."""
    close = bars[CLOSE]
    line, signal, histogram = formulas.macd(close, 12, 26, 9)
    upper, middle, lower = formulas.bbands(close, 20, 2, 1.5)
    return {
        "sma": formulas.sma(close, 20),
        "ema": formulas.ema(close, 20),
        "rsi": formulas.rsi(close, 14),
        "atr": formulas.atr(bars[HIGH], bars[LOW], close, 14),
        "macd_macd": line,
        "macd_macdsignal": signal,
        "macd_macdhist": histogram,
        "bbands_upperband": upper,
        "bbands_middleband": middle,
        "bbands_lowerband": lower,
    }


@pytest.mark.parametrize("name", list(expected_of(np.ones((5, 60)))))
def test_agrees_with_the_textbook_to_a_billionth(name: str) -> None:
    for row in range(2):
        there = ~np.isnan(VALUES[CLOSE, row])
        expected = expected_of(VALUES[:, row, there])[name]
        found = computed()[name][row]
        assert np.isnan(found[~there]).all()
        np.testing.assert_allclose(found[there], expected, rtol=1e-9, atol=1e-9)


def test_several_outputs_are_named_after_the_indicator_and_the_output() -> None:
    assert SPECS[4].outputs == ("macd_macd", "macd_macdsignal", "macd_macdhist")
    assert SPECS[0].outputs == ("sma",)
    assert IndicatorSpec("v", "VWAP", MINUTE).outputs == ("v",)


def vwap_by_pandas(values: Floats) -> pd.Series:
    """Return VWAP since the open at every bar; values (5, n)."""
    frame = pd.DataFrame(values.T, columns=["open", "high", "low", "close", "volume"]).dropna()
    price = (frame.high + frame.low + frame.close) / 3
    volume = frame.volume.cumsum()
    return ((price * frame.volume).cumsum() / volume).where(volume > 0)


def test_vwap_is_money_over_volume_of_the_typical_price_since_the_open() -> None:
    tape = compute(tape_over(SLOTS, VALUES), [IndicatorSpec("vwap", "VWAP", MINUTE)])
    for row in range(2):
        expected = vwap_by_pandas(VALUES[:, row])
        found = tape.indicators["vwap"].values[row]
        np.testing.assert_allclose(found[expected.index], expected, rtol=1e-12)
        assert np.isnan(np.delete(found, expected.index)).all()


def test_vwap_of_two_bars_by_hand() -> None:
    values = np.full((5, 1, len(SLOTS)), np.nan)
    values[:, 0, 0] = (10, 12, 9, 12, 100)  # typical price 11
    values[:, 0, 2] = (12, 15, 12, 15, 300)  # typical price 14
    tape = compute(tape_over(SLOTS, values), [IndicatorSpec("vwap", "VWAP", MINUTE)])
    found = tape.indicators["vwap"].values[0]
    assert found[[0, 2]].tolist() == [11.0, (11 * 100 + 14 * 300) / 400]
    assert np.isnan(found[1])


def test_vwap_is_missing_while_no_volume_has_traded() -> None:
    values = random_values(1, len(SLOTS), seed=3)
    values[VOLUME, 0, :5] = 0.0
    values[VOLUME, 0, 5] = 10.0
    tape = compute(tape_over(SLOTS, values), [IndicatorSpec("vwap", "VWAP", MINUTE)], cuts=[2, 4])
    found = tape.indicators["vwap"].values[0]
    assert np.isnan(found[:5]).all()
    assert found[5] == pytest.approx(values[[HIGH, LOW, CLOSE], 0, 5].mean(), rel=1e-14)


def test_vwap_on_five_minute_bars_is_the_minute_vwap_at_the_bars_close() -> None:
    specs = [IndicatorSpec("vwap", "VWAP", MINUTE), IndicatorSpec("vwap_5m", "VWAP", Interval.parse("5m"))]
    values = random_values(2, len(SLOTS), seed=31)
    values[:, 0, 20:25] = np.nan
    tape = compute(tape_over(SLOTS, values, derived=["5m"]), specs, cuts=[3, 7, 100])
    minutes, fives = tape.indicators["vwap"].values, tape.indicators["vwap_5m"].values
    assert same_bits(fives[1], minutes[1, 4::5])
    assert np.isnan(fives[0, 4])
    assert same_bits(np.delete(fives[0], 4), np.delete(minutes[0, 4::5], 4))


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3]), st.lists(st.integers(1, 209), max_size=5))
@settings(deadline=None, max_examples=40)
def test_vwap_is_between_the_low_and_the_high_of_the_session(
    seed: int, missing: float, cuts: list[int]
) -> None:
    values = random_values(2, len(SLOTS), seed=seed, missing=missing)
    specs = [IndicatorSpec(name, name.upper(), MINUTE) for name in ("vwap", "session_high", "session_low")]
    tape = compute(tape_over(SLOTS, values), specs, cuts=cuts)
    vwap, high, low = (tape.indicators[spec.name].values for spec in specs)
    there = ~np.isnan(vwap)
    assert (vwap[there] <= high[there] * (1 + 1e-12)).all()
    assert (vwap[there] >= low[there] * (1 - 1e-12)).all()


@pytest.mark.parametrize("cuts", [(), (1, 2, 3), (50, 51)])
def test_session_high_and_low_are_the_running_extremes_at_every_bar(cuts: tuple[int, ...]) -> None:
    specs = [IndicatorSpec("up", "SESSION_HIGH", MINUTE), IndicatorSpec("down", "SESSION_LOW", MINUTE)]
    tape = compute(tape_over(SLOTS, VALUES), specs, cuts=cuts)
    for row in range(2):
        high, low = pd.Series(VALUES[HIGH, row]), pd.Series(VALUES[LOW, row])
        np.testing.assert_array_equal(tape.indicators["up"].values[row], high.cummax())
        np.testing.assert_array_equal(tape.indicators["down"].values[row], low.cummin())


def test_running_values_continue_after_slots_without_a_bar() -> None:
    base = BarGrid.loaded(VALUES)
    vwap, high = RunningVwap(2, len(SLOTS)), RunningExtreme(2, len(SLOTS), highest=True)
    for start in range(0, len(SLOTS), 30):
        vwap.advance(base, start, start + 30)
        high.advance(base, start, start + 30)
    for row in range(2):
        expected = vwap_by_pandas(VALUES[:, row]).reindex(range(len(SLOTS))).ffill()
        np.testing.assert_allclose(vwap.values[row], expected, rtol=1e-12)
        np.testing.assert_array_equal(high.values[row], pd.Series(VALUES[HIGH, row]).cummax().ffill())


def test_the_typical_price_is_a_third_of_high_low_and_close() -> None:
    values = np.array([[1.0], [6.0], [3.0], [4.5], [9.0]])
    before = values.copy()
    assert typical_price(values).tolist() == [4.5]
    assert values.tolist() == before.tolist()


def test_relative_volume_is_volume_over_the_average_of_that_minute() -> None:
    usual: Floats = np.random.default_rng(1).integers(0, 3, (2, len(SLOTS))).astype(np.float64) * 100
    usual[:, 10:15] = np.nan
    tape = tape_over(SLOTS, VALUES)
    tape.historical["usual"] = HistoricalValue(
        "usual", TrailingKind.AVERAGE, True, usual, np.ones((2, len(SLOTS)), dtype=np.int64), 1
    )
    compute(tape, [IndicatorSpec("rel", "RELATIVE_VOLUME", MINUTE, against="usual")], cuts=[12, 13])
    frame = pd.DataFrame(VALUES[VOLUME]) / pd.DataFrame(usual).where(usual > 0)
    np.testing.assert_array_equal(tape.indicators["rel"].values, frame.to_numpy())


def test_relative_volume_has_no_minus_zero_and_no_infinity() -> None:
    out = np.full((1, 4), np.nan)
    relative_volume(np.array([[-0.0, 5.0, np.nan, 3.0]]), np.array([[2.0, 0.0, 2.0, np.nan]]), out, 0, 4)
    assert out[0, 0] == 0.0
    assert not np.signbit(out[0, 0])
    assert np.isnan(out[0, 1:]).all()


def test_an_unknown_talib_function_is_named_in_the_error() -> None:
    with pytest.raises(TapedeckError, match=r"TA-Lib cannot compute SMAA with \{\}"):
        talib_function("SMAA", {})


def test_parameters_that_talib_refuses_are_named_in_the_error() -> None:
    with pytest.raises(TapedeckError, match=r"TA-Lib cannot compute SMA with {'period': 5}"):
        talib_function("SMA", {"period": 5})


def test_a_function_that_needs_more_than_bars_is_refused() -> None:
    with pytest.raises(
        TapedeckError,
        match="TA-Lib's MAVP needs the input 'periods': bars have open, high, low, close, volume",
    ):
        talib_function("MAVP", {})


def test_a_bound_function_has_inputs_outputs_and_lookback() -> None:
    stoch = talib_function("STOCH", {})
    assert stoch.inputs == (HIGH, LOW, CLOSE)
    assert stoch.outputs == ("slowk", "slowd")
    assert talib_function("SMA", {"timeperiod": 20}).lookback == 19
    assert talib_function("SMA", {"timeperiod": 7}).lookback == 6


def test_a_pattern_that_is_not_warm_is_missing_rather_than_zero() -> None:
    output = np.array([0, 0, 0, 100, 0], dtype=np.int32)
    tail = tail_of_output(output, 4, 3)
    assert np.isnan(tail[:2]).all()
    assert tail[2:].tolist() == [100.0, 0.0]
    assert tail_of_output(output, 2, 3).tolist() == [100.0, 0.0]
