"""Opening range against plain pandas: the extremes of the bars that open in the first minutes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.tape.bar_grid import BarGrid, Floats
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, frame_of, random_values, same_bits, slots_of, tape_over

SLOTS: Final = slots_of("2013-11-29")
FIVE: Final = Interval.parse("5m")
SYMBOLS: Final = 2
NAMES: Final = ("high", "low")


def specs(minutes: int, interval: Interval = MINUTE) -> list[IndicatorSpec]:
    return [
        IndicatorSpec(name, f"OPENING_RANGE_{name.upper()}", interval, {"minutes": minutes}) for name in NAMES
    ]


def by_pandas(tape: Tape, interval: Interval, row: int, minutes: int) -> pd.DataFrame:
    """Return high and low of the opening range at each bar, NaN while its minutes are not over."""
    bars = frame_of(tape.grid(interval).values[:, row], tape.opened_at(interval))
    limit = pd.Timestamp(tape.session.regular_open) + pd.Timedelta(minutes=minutes)
    opening = bars[bars.index < limit]
    closed_at = pd.to_datetime(tape.closed_at(interval), unit="s", utc=True)
    over = pd.Series(closed_at >= limit, index=pd.to_datetime(tape.opened_at(interval), unit="s", utc=True))
    known = pd.DataFrame({"high": opening.high.max(), "low": opening.low.min()}, index=bars.index)
    return known.where(over.reindex(bars.index)).reindex(over.index)


def assert_as_pandas(tape: Tape, interval: Interval, minutes: int) -> None:
    for row in range(len(tape.symbols)):
        expected = by_pandas(tape, interval, row, minutes)
        for name in NAMES:
            np.testing.assert_array_equal(tape.indicators[name].values[row], expected[name])


@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("minutes", [1, 30, 209, 210, 211, 1440])
def test_the_range_is_the_extreme_of_the_first_minutes_once_they_are_over(
    minutes: int, missing: float
) -> None:
    own = random_values(SYMBOLS, len(SLOTS), seed=41, missing=missing)
    tape = compute(tape_over(SLOTS, own), specs(minutes), cuts=[1, 17, 29, 31])
    assert_as_pandas(tape, MINUTE, minutes)
    # The session is an early close of 210 minutes: longer ranges are never over.
    assert np.isnan(tape.indicators["high"].values).all() == (minutes > 210)


def test_the_range_of_three_minutes_by_hand() -> None:
    own = random_values(1, len(SLOTS), seed=43)
    tape = compute(tape_over(SLOTS, own), specs(3))
    high, low = (tape.indicators[name].values[0] for name in NAMES)
    # The third bar closes with the third minute.
    assert np.isnan(high[:2]).all()
    assert set(high[2:].tolist()) == {max(own[1, 0, :3])}
    assert set(low[2:].tolist()) == {min(own[2, 0, :3])}


def test_the_range_is_missing_all_day_without_opening_bars() -> None:
    own = random_values(SYMBOLS, len(SLOTS), seed=47)
    own[:, 0, :30] = np.nan
    own[:, 1, :29] = np.nan
    tape = compute(tape_over(SLOTS, own), specs(30))
    high = tape.indicators["high"].values
    assert np.isnan(high[0]).all()
    assert high[1, 29] == own[1, 1, 29] == high[1, -1]


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_on_derived_bars_it_is_of_those(minutes: int) -> None:
    own = random_values(SYMBOLS, len(SLOTS), seed=53, missing=0.6)
    tape = tape_over(SLOTS, own, derived=["5m"])
    compute(tape, specs(minutes, FIVE), cuts=[3, 14, 15, 16], min_completeness=0.5)
    assert not tape.derived[FIVE].present.all()
    assert_as_pandas(tape, FIVE, minutes)


@pytest.mark.parametrize("minutes", [30, 150, 180, 240])
def test_a_lunch_break_counts_as_time_but_has_no_bars(minutes: int) -> None:
    """Tokyo, until 2024: 09:00 to 11:30 and 12:30 to 15:00."""
    slots = slots_of("2013-10-08", exchange="XTKS")
    assert [len(range(*segment)) for segment in slots.segments] == [150, 150]
    tape = compute(tape_over(slots, random_values(SYMBOLS, len(slots), seed=59, missing=0.2)), specs(minutes))
    assert_as_pandas(tape, MINUTE, minutes)
    shown = np.flatnonzero(~np.isnan(tape.indicators["high"].values).all(axis=0))[0]
    closes = slots.closed_at[shown] - slots.opened_at[0]
    assert closes >= 60 * minutes


@given(
    seed=st.integers(0, 10**6),
    minutes=st.integers(1, 42).map(lambda number: 5 * number),
    missing=st.sampled_from([0.0, 0.5, 0.97]),
    cuts=st.lists(st.integers(1, 209), max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_any_cut_gives_the_same_bits(seed: int, minutes: int, missing: float, cuts: list[int]) -> None:
    own = random_values(SYMBOLS, len(SLOTS), seed=seed, missing=missing)
    for interval in (MINUTE, FIVE):
        whole = compute(tape_over(SLOTS, own, derived=["5m"]), specs(minutes, interval))
        cut = compute(tape_over(SLOTS, own, derived=["5m"]), specs(minutes, interval), cuts=cuts)
        for name in NAMES:
            assert same_bits(whole.indicators[name].values, cut.indicators[name].values)


def test_earlier_sessions_do_not_change_the_range() -> None:
    own: Floats = random_values(SYMBOLS, len(SLOTS), seed=61)
    before = {MINUTE: [BarGrid.loaded(random_values(SYMBOLS, 390, seed=67) * 9)]}
    with_history = compute(tape_over(SLOTS, own), specs(30), before)
    alone = compute(tape_over(SLOTS, own), specs(30))
    for name in NAMES:
        assert same_bits(with_history.indicators[name].values, alone.indicators[name].values)
    assert np.isfinite(alone.indicators["high"].values[:, 29:]).all()
