"""Trailing values against pandas, and the rule for the length of warm-up."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.indicators.historical import daily_value, minute_value
from tapedeck.engine.indicators.trailing import trailing, trailing_days
from tapedeck.engine.indicators.warm_up import ALL_STORED, columns_used, sessions_used
from tapedeck.engine.tape.bar_grid import HIGH, VOLUME, BarGrid
from tapedeck.engine.tape.historical_value import TrailingKind
from tapedeck.engine.tape.history import DailyHistory, HistoryDay
from tests.support.naive import in_order
from tests.support.tapes import random_values, sessions_of, slots_of

KINDS = {TrailingKind.AVERAGE: "mean", TrailingKind.MAX: "max", TrailingKind.MIN: "min"}


@pytest.mark.parametrize(("kind", "name"), KINDS.items())
@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_trailing_days_equal_those_of_pandas(kind: TrailingKind, name: str, missing: float) -> None:
    days = random_values(4, 10, seed=2, missing=missing)[VOLUME]
    values, used = trailing_days(days, kind)
    frame = pd.DataFrame(days)
    np.testing.assert_allclose(values, getattr(frame, name)(axis=1), rtol=1e-14)
    assert used.tolist() == frame.count(axis=1).tolist()


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=30))
def test_an_average_is_the_sum_from_the_oldest_on_over_the_count(volumes: list[float]) -> None:
    for values, used in (
        trailing_days(np.array([volumes]), TrailingKind.AVERAGE),
        trailing([np.array([[volume]]) for volume in volumes], TrailingKind.AVERAGE),
    ):
        assert values.ravel()[0] == in_order(volumes) / len(volumes)
        assert used.ravel()[0] == len(volumes)


def test_trailing_without_layers_raises_a_value_error() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        trailing([], TrailingKind.MAX)


def test_a_shorter_session_counts_for_its_own_minutes() -> None:
    layers = [np.array([[1.0, 2.0, 3.0]]), np.array([[3.0, np.nan]]), np.array([[5.0, 4.0, 7.0]])]
    values, used = trailing(layers, TrailingKind.AVERAGE)
    assert values.tolist() == [[3.0, 3.0, 5.0]]
    assert used.tolist() == [[3, 2, 2]]
    longest_last, _ = trailing(layers[1:], TrailingKind.MAX)
    assert longest_last.tolist() == [[5.0, 4.0, 7.0]]


def daily(missing: float = 0.3) -> DailyHistory:
    """Return daily bars of three symbols, the last one without any."""
    history = DailyHistory(3, sessions_of("2013-10-01", "2013-10-31"))
    history.values[:] = random_values(3, len(history.days), seed=3, missing=missing)
    history.values[:, 2] = np.nan
    return history


def test_a_daily_value_uses_the_given_days_and_counts_those_with_a_bar() -> None:
    history = daily()
    days = [session.trading_day for session in history.days[3:13]]
    value = daily_value("high", TrailingKind.MAX, "high", days, history, 3)
    plain = pd.DataFrame(history.values[HIGH, :, 3:13])
    np.testing.assert_array_equal(value.values, plain.max(axis=1))
    assert value.used.tolist() == plain.count(axis=1).tolist()
    assert (value.name, value.requested, value.per_minute) == ("high", 10, False)
    assert np.isnan(value.values[2])


def test_without_daily_history_a_value_is_missing() -> None:
    value = daily_value("high", TrailingKind.MIN, "low", [], None, 2)
    assert np.isnan(value.values).all()
    assert value.used.tolist() == [0, 0]
    assert value.requested == 0


def minutes_of(day: date, number: int) -> HistoryDay:
    """Return a session's minute bars."""
    slots = slots_of(day.isoformat())
    values = random_values(2, len(slots), seed=number, missing=0.1)
    return HistoryDay.of(slots.session, slots.opened_at, BarGrid.loaded(values))


def test_a_minute_value_is_the_average_of_the_same_minute_of_earlier_days() -> None:
    sessions = sessions_of("2013-11-26", "2013-12-02")  # the 29th closed after 210 minutes
    history = [minutes_of(session.trading_day, at) for at, session in enumerate(sessions)]
    value = minute_value("usual", TrailingKind.AVERAGE, "volume", sessions[1:], history, (2, 390))
    frames = [pd.DataFrame(day.grid.values[VOLUME]).reindex(columns=range(390)) for day in history[1:]]
    stacked = pd.concat(frames).groupby(level=0)
    np.testing.assert_allclose(value.values, stacked.mean(), rtol=1e-14)
    assert value.used.tolist() == stacked.count().to_numpy().tolist()
    assert (value.requested, value.per_minute) == (3, True)


def test_a_short_day_uses_the_first_minutes_of_longer_days() -> None:
    sessions = sessions_of("2013-11-26", "2013-11-27")
    history = [minutes_of(session.trading_day, at) for at, session in enumerate(sessions)]
    value = minute_value("usual", TrailingKind.AVERAGE, "volume", sessions, history, (2, 210))
    assert value.values.shape == (2, 210)
    both = np.stack([day.grid.values[VOLUME, :, :210] for day in history])
    np.testing.assert_allclose(value.values, pd.DataFrame(np.nanmean(both, axis=0)), rtol=1e-14)


def test_after_short_days_only_the_afternoon_of_a_long_day_is_missing() -> None:
    [early] = sessions_of("2013-11-29", "2013-11-29")
    value = minute_value(
        "u", TrailingKind.AVERAGE, "volume", [early], [minutes_of(early.trading_day, 1)], (2, 390)
    )
    assert np.isnan(value.values[:, 210:]).all()
    assert not value.used[:, 210:].any()
    assert value.used[:, :210].any()


@pytest.mark.parametrize(
    ("bars", "sizes", "sessions"),
    [
        (190, [390] * 5, 2),  # 190 bars fit into one session; at least two
        (390, [390] * 5, 2),
        (780, [390] * 5, 2),  # exactly two
        (781, [390] * 5, 3),
        (400, [390, 390, 210], 2),
        (610, [390, 390, 210], 3),
        (140, [78] * 9, 2),
        (330, [78] * 9, 5),
        (5000, [390] * 5, 5),
        (200, [390], 1),
        (200, [], 0),
        (0, [390] * 5, 0),
        (ALL_STORED, [390] * 5, 5),
    ],
)
def test_history_is_whole_sessions_that_hold_the_bars_at_least_two(
    bars: int, sizes: list[int], sessions: int
) -> None:
    assert sessions_used(sizes, bars) == sessions
    assert columns_used(sizes, bars, sessions_are_columns=False) == sum(sizes[len(sizes) - sessions :])


@pytest.mark.parametrize(
    ("bars", "days"), [(1, 2), (10, 10), (140, 140), (2000, 260), (0, 0), (ALL_STORED, 260)]
)
def test_history_of_daily_bars_is_counted_in_days(bars: int, days: int) -> None:
    assert columns_used([200, 60], bars, sessions_are_columns=True) == days
