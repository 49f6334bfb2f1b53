"""Axes and title of the chart: labels keep clear of each other, marks stand below their candles."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.console.app.widgets import ChartData, ChartMark, ChartWindow, FormingCandle, MarkKind
from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.chart_painting import paint_chart, place_of
from tapedeck.console.app.widgets.time_axis import clock_labels, date_labels, label_start

NEW_YORK: Final = ZoneInfo("America/New_York")
OPEN: Final = 1_381_152_600  # Monday 7 October 2013, 09:30 in New York
DAY_S: Final = 86_400


def chart_of(count: int, seconds: int, *, title: str = "SPY 5m", today: int = 0) -> ChartData:
    """Return candles around 100, 13 of a day's first ones after the other."""
    at = np.arange(count)
    opened_at = OPEN + (at // 13) * DAY_S + (at % 13) * seconds if seconds < DAY_S else OPEN + at * DAY_S
    closes = 100.0 + np.sin(at / 3.0)
    return ChartData(
        title=title,
        as_of="10:00 EDT",
        zone=NEW_YORK,
        opened_at=opened_at.astype(np.int64),
        open=closes - 0.2,
        high=closes + 0.5,
        low=closes - 0.5,
        close=closes,
        volume=np.full(count, 1000.0),
        today=today,
        is_daily=seconds >= DAY_S,
        last=float(closes[-1]),
    )


def painted(data: ChartData, width: int, height: int) -> list[str]:
    """Return the lines of a chart."""
    canvas = Canvas(width, height)
    paint_chart(canvas, data, solid_falls=False)
    return [canvas.line(y) for y in range(height)]


COLUMNS = st.tuples(st.integers(1, 80), st.integers(1, 12), st.integers(0, 8))


@given(
    shape=COLUMNS,
    seconds=st.sampled_from([1, 60, 300, 3600, DAY_S]),
    cut=st.integers(0, 12),
    taken=st.lists(st.integers(0, 300).map(lambda at: (at, at + 9)), max_size=2),
)
def test_labels_of_the_time_axis_never_touch(
    shape: tuple[int, int, int], seconds: int, cut: int, taken: list[tuple[int, int]]
) -> None:
    count, stride, first = shape
    columns = [first + stride * at for at in range(count)]
    opened_at, stop = chart_of(count, seconds).opened_at, max(columns[-1] - cut, 1)
    labels = (
        date_labels(opened_at, columns, stop=stop, taken=taken)
        if seconds == DAY_S
        else clock_labels(opened_at, columns, NEW_YORK, stop=stop, taken=taken)
    )
    placed = [(label_start(columns[at], len(text), stop), len(text)) for at, text in labels.items()]
    cells = sorted([*((start, start + length - 1) for start, length in placed)])
    assert all(start >= 0 and end < stop for start, end in cells)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(cells)), "a blank between two"
    assert all(end < a or start > b for start, end in cells for a, b in taken)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 140), st.integers(1, 40)),
    count=st.integers(0, 300),
    seconds=st.sampled_from([60, 3600, DAY_S]),
    window=st.builds(
        ChartWindow,
        candles=st.none() | st.integers(1, 400),
        behind=st.integers(0, 400),
        cursor=st.none() | st.integers(0, 400),
    ),
)
def test_any_window_is_drawn_and_its_candles_are_on_view(
    size: tuple[int, int], count: int, seconds: int, window: ChartWindow
) -> None:
    data = chart_of(max(count, 1), seconds, today=count // 2)
    forming = FormingCandle(100.0, 101.0, 99.0, 100.5, "3:00", 10.0)
    if not count:
        nothing = np.empty(0)
        data = replace(
            data, opened_at=nothing.astype(np.int64), open=nothing, high=nothing, low=nothing, close=nothing,
            volume=nothing,
        )  # fmt: skip
    data = replace(data, window=window, forming=forming)
    painted(data, *size)
    place = place_of(*size, data)
    assert place is not None
    assert 0 <= place.start <= place.stop <= count
    assert (np.diff(place.columns) >= 0).all()
    if window.behind == 0:
        assert place.stop == count
    for at, column in enumerate(place.columns.tolist()):
        if column < place.width and place.stride > 1:
            assert place.candle_at(column) == place.start + at


def test_the_age_of_the_forming_bar_and_the_crosshairs_time_keep_clear_of_other_labels() -> None:
    forming = FormingCandle(100.0, 101.0, 99.0, 100.5, "1:02:33", 10.0)
    for cursor in range(60):
        data = replace(chart_of(90, 300), forming=forming, window=ChartWindow(cursor=cursor))
        times = painted(data, 100, 24)[-1]
        assert times.endswith(" now 1:02:33")
        words = times.split()
        assert all(":" in word or word.isalpha() or word.isdigit() for word in words), times


def test_long_symbols_shorten_and_prices_stay() -> None:
    long = "A-VERY-LONG-SYMBOL-OF-A-PERPETUAL/USDT:USDT"
    for width in range(48, 130):
        title = painted(chart_of(40, 300, title=f"{long} 5m"), width, 24)[0]
        assert all(f" {name} " in title for name in "OHLC"), title
        assert " 5m " in title
        assert "…" in title or long in title


def test_the_crosshair_shows_time_prices_and_line_values_of_its_candle() -> None:
    data = replace(chart_of(60, 300), window=ChartWindow(cursor=4))
    lines = painted(data, 110, 24)
    assert f"C {data.close[55]:.2f}" in lines[0]
    assert "09:45" in lines[0]
    assert "09:45" in lines[-1]
    assert any(f"┼{data.close[55]:.2f}" in line for line in lines)


def test_marks_stand_on_the_axis_below_their_candles() -> None:
    kinds = {10: MarkKind.BREAK, 20: MarkKind.BOOKMARK, 38: MarkKind.EARLY_CLOSE}
    data = replace(chart_of(60, 300), marks=tuple(ChartMark(at, kind) for at, kind in kinds.items()))
    rule, place = painted(data, 110, 24)[-2], place_of(110, 24, data)
    assert place is not None
    assert [rule[int(place.columns[at])] for at in kinds] == ["◆", "★", "◖"]


def test_a_price_off_the_scale_has_an_arrow() -> None:
    data = replace(chart_of(60, 300), last=200.0, window=ChartWindow(behind=10))
    assert any("↑200.00" in line for line in painted(data, 110, 24))
