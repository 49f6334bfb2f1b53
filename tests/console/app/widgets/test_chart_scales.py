"""Price and time axes of the chart."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tapedeck.console.app.widgets.chart_layout import ChartLayout
from tapedeck.console.app.widgets.price_scale import PriceScale
from tapedeck.console.app.widgets.time_axis import clock_labels, date_labels

NEW_YORK = ZoneInfo("America/New_York")
ANY_PRICES = arrays(np.float64, st.integers(0, 20), elements=st.floats(width=64))


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[misc,arg-type]


def test_the_highest_price_is_at_the_top_and_the_lowest_at_the_bottom() -> None:
    scale = PriceScale.around(np.array([10.0]), np.array([20.0]), 5)
    assert scale.halves(np.array([20.0, 10.0, np.nan])).tolist() == [0, 9, -1]
    low, high, off, missing = scale.positions(np.array([10.0, 20.0, 9.5, np.nan]))
    assert (low > 0, high < 1, off < 0, np.isnan(missing)) == (True, True, True, True)


def test_the_axis_labels_round_prices() -> None:
    scale = PriceScale.around(np.array([167.93]), np.array([169.07]), 20)
    assert list(scale.labels().values()) == ["169.00", "168.80", "168.60", "168.40", "168.20", "168.00"]


def test_labels_of_a_penny_stock_differ() -> None:
    scale = PriceScale.around(np.array([0.01231]), np.array([0.01239]), 8)
    assert list(scale.labels().values()) == ["0.01235"]


def test_a_price_far_below_a_cent_is_readable_on_the_axis() -> None:
    scale = PriceScale.around(np.array([0.0000121]), np.array([0.0000125]), 12)
    assert list(scale.labels().values()) == ["0.00001240", "0.00001220"]
    assert scale.label_width() >= max(len(label) for label in scale.labels().values())


def test_a_constant_price_gets_a_scale_around_it() -> None:
    scale = PriceScale.around(np.array([50.0]), np.array([50.0]), 10)
    assert scale.low < 50 < scale.high
    zero = PriceScale.around(np.array([0.0]), np.array([0.0]), 10)
    assert (zero.low, zero.high) == (-0.5, 0.5)


def test_the_candles_fill_the_scale_but_for_a_small_margin() -> None:
    scale = PriceScale.around(np.array([100.0]), np.array([110.0]), 10)
    assert (scale.low, scale.high) == (99.6, 110.4)


@given(ANY_PRICES, st.integers(1, 60))
def test_any_prices_make_a_scale(prices: np.ndarray, rows: int) -> None:
    scale = PriceScale.around(prices, prices, rows)
    assert scale.high > scale.low
    assert ((scale.halves(prices) >= -1) & (scale.halves(prices) < 2 * rows)).all()
    assert all(0 <= row < rows for row in scale.labels())


def test_an_hour_of_minutes_is_labelled_every_ten() -> None:
    opened_at = at(2013, 10, 7, 13, 30) + 60 * np.arange(60)
    assert list(clock_labels(opened_at, range(60), NEW_YORK).values()) == [
        "09:30",
        "09:40",
        "09:50",
        "10:00",
        "10:10",
        "10:20",
    ]


def test_times_are_the_exchanges_after_the_clocks_went_back() -> None:
    opened_at = at(2013, 11, 4, 14, 30) + 3600 * np.arange(6)
    labels = clock_labels(opened_at, [3 * place for place in range(6)], NEW_YORK)
    assert list(labels.values()) == ["12:30"]
    half_hours = at(2013, 11, 4, 14, 30) + 1800 * np.arange(12)
    assert "10:00" in clock_labels(half_hours, [5 * place for place in range(12)], NEW_YORK).values()


def test_the_first_candle_of_a_day_is_labelled_with_its_date() -> None:
    friday = at(2013, 10, 4, 19, 30) + 60 * np.arange(30)
    monday = at(2013, 10, 7, 13, 30) + 60 * np.arange(30)
    labels = clock_labels(np.concatenate([friday, monday]), range(60), NEW_YORK)
    assert labels[30] == "Mon 7 Oct"
    assert "09:30" not in labels.values()


def test_seconds_are_shown_for_bars_of_seconds() -> None:
    opened_at = at(2013, 10, 7, 13, 30) + np.arange(30)
    assert list(clock_labels(opened_at, range(30), NEW_YORK).values()) == ["09:30:00", "09:30:20"]


def test_days_are_labelled_by_date_and_a_new_year_by_its_number() -> None:
    days = np.array([at(2012, 12, 28), at(2012, 12, 31), at(2013, 1, 2), at(2013, 1, 3)])
    assert date_labels(days, [0, 12, 24, 36]) == {0: "28 Dec", 1: "31 Dec", 2: "2013", 3: "3 Jan"}


def test_no_bars_have_no_labels() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert clock_labels(nothing, [], NEW_YORK) == date_labels(nothing, []) == {}


def test_bars_in_one_column_have_at_most_one_label() -> None:
    opened_at = at(2013, 10, 7, 13, 30) + 60 * np.arange(60)
    assert len(clock_labels(opened_at, [0] * 60, NEW_YORK)) <= 1


@given(st.integers(0, 220), st.integers(0, 70), st.integers(1, 500), st.integers(0, 3), st.integers(0, 500))
def test_every_part_of_a_chart_is_inside_it(
    width: int, height: int, count: int, legend: int, today: int
) -> None:
    layout = ChartLayout.of(width, height, count, legend)
    columns = layout.columns(slice(count - layout.candles, count), today)
    assert 1 <= layout.candles <= count
    assert columns.min() >= 0
    assert columns.max() <= max(layout.axis_left - 1, 0)
    assert (np.diff(columns) > 0).all()
    if height:
        assert layout.plot_top + layout.plot_rows + layout.volume_rows <= height
