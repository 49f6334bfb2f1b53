"""Panes below the price: their rows, scales, levels and titles, on cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.console.app.widgets import ChartLine, ChartPane, LineForm
from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.chart_layout import ChartLayout, PaneRows
from tapedeck.console.app.widgets.chart_painting import INKS, paint_chart
from tapedeck.console.app.widgets.chart_panes import PaneInks, PanePlace, paint_pane, pane_scale, scale_labels
from tests.console.app.widgets.conftest import chart_of

AXIS, TITLE, LEVEL, FIRST, SECOND = 1, 2, 3, 4, 5
PANE_INKS = PaneInks(AXIS, TITLE, LEVEL, (FIRST, SECOND))


def rsi(values: Any) -> ChartPane:
    """Return a bounded pane with levels."""
    return ChartPane("rsi_14", (ChartLine("rsi_14", np.asarray(values)),), (30.0, 70.0), (0.0, 100.0))


def painted(pane: ChartPane, *, rows: int = 5, width: int = 50) -> Canvas:
    """Return a canvas with a pane of so many rows below its title."""
    canvas, count = Canvas(width, rows + 1), len(pane.lines[0].values)
    place = PanePlace(PaneRows(0, rows), np.arange(count), width - 10)
    paint_pane(canvas, pane, place, slice(0, count), PANE_INKS)
    return canvas


@pytest.mark.parametrize(
    ("size", "wanted", "panes"),
    [
        ((50, 15), 2, 0),
        ((80, 20), 2, 1),
        ((80, 24), 2, 1),
        ((120, 36), 2, 2),
        ((120, 36), 5, 2),
        ((200, 60), 3, 3),
        ((200, 60), 9, 5),
    ],
)
def test_panes_get_the_rows_that_the_price_can_spare(size: tuple[int, int], wanted: int, panes: int) -> None:
    layout = ChartLayout.of(*size, 100, 2, panes=wanted)
    assert len(layout.panes) == panes
    assert layout.plot_rows >= size[1] / 2 or not panes
    edges = [layout.volume_top + layout.volume_rows]
    for pane in layout.panes:
        assert (pane.title, pane.rows >= 3) == (edges[-1], True)
        edges.append(pane.top + pane.rows)
    assert edges[-1] == layout.rule or not panes


def test_without_panes_the_layout_is_as_before() -> None:
    assert ChartLayout.of(120, 36, 100, 2) == ChartLayout.of(120, 36, 100, 2, panes=0)


values_of = st.lists(
    st.one_of(st.just(float("nan")), st.floats(-1e9, 1e9, allow_subnormal=False)), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None)
@given(values=values_of, rows=st.integers(2, 9), bounds=st.sampled_from([None, (0.0, 100.0), (-1.0, 1.0)]))
def test_a_panes_scale_holds_its_values_and_levels(
    values: list[float], rows: int, bounds: tuple[float, float] | None
) -> None:
    pane = ChartPane("any", (ChartLine("any", np.array(values)),), (0.0, 0.5), bounds)
    scale = pane_scale(pane, slice(0, len(values)), rows)
    known = np.array([*filter(math.isfinite, values), 0.0, 0.5])
    slack = 1e-6 * (scale.high - scale.low)
    assert (known >= scale.low - slack).all()
    assert (known <= scale.high + slack).all()
    assert all(0 <= row < rows for row in scale_labels(pane, scale))


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.floats(0, 100), min_size=2, max_size=30), rows=st.integers(3, 9))
def test_levels_of_a_bounded_pane_are_at_their_rows_whatever_the_values(
    values: list[float], rows: int
) -> None:
    canvas = painted(rsi(values), rows=rows)
    labels = {row: canvas.line(row + 1)[40:].strip("│┤ ") for row in range(rows)}
    expected = {round((1 - level / 100) * (2 * rows - 1)) // 2: f"{level:.0f}" for level in (30.0, 70.0)}
    assert expected.items() <= labels.items()
    drawn = canvas.codes[1:, : len(values)]
    assert np.isin(drawn, [0, LEVEL, FIRST]).all()
    for column in range(len(values)):
        assert (drawn[:, column] == FIRST).any()  # each value is within its pane


def test_the_title_has_the_name_and_last_values_and_the_axis_its_ends() -> None:
    canvas = painted(rsi(np.linspace(20, 61.234, 30)))
    assert canvas.line(0) == "─ rsi_14 61.23 ".ljust(40, "─") + "┤" + " " * 9
    assert [canvas.line(row)[40:].strip() for row in range(1, 6)] == ["┤100", "┤70", "│", "┤30", "┤0"]
    before = ChartLine("atr", np.full(3, np.nan), before=0.4182)
    assert painted(ChartPane("atr", (before,))).line(0).startswith("─ atr ‹0.4182 ─")


def test_outputs_are_named_without_the_indicator_in_their_own_colours() -> None:
    steps = np.linspace(-1, 1, 30)
    lines = (
        ChartLine("macd_macd", steps),
        ChartLine("macd_macdhist", steps / 2, LineForm.HISTOGRAM),
    )
    canvas = painted(ChartPane("macd", lines))
    assert canvas.line(0).startswith("─ macd macd 1.00 macdhist 0.50 ─")
    assert canvas.codes[0, 7] == FIRST
    assert canvas.codes[0, 17] == SECOND


def test_a_histogram_has_zero_on_its_scale() -> None:
    line = ChartLine("hist", np.array([5.0, 6.0]), LineForm.HISTOGRAM)
    assert pane_scale(ChartPane("hist", (line,)), slice(0, 2), 4).low <= 0.0


def chart_lines(canvas: Canvas) -> list[str]:
    """Return the text of a canvas."""
    return [canvas.line(y) for y in range(canvas.height)]


@pytest.mark.parametrize(("size", "named"), [((80, 24), 1), ((120, 36), 3), ((200, 60), 3)])
def test_a_chart_has_the_panes_that_fit_below_its_volumes(size: tuple[int, int], named: int) -> None:
    steps = np.arange(200.0)
    panes = (
        rsi(50 + 40 * np.sin(steps / 9)),
        ChartPane("atr", (ChartLine("atr", steps / 100),)),
        ChartPane("obv", (ChartLine("obv", steps * 1e6),)),
    )
    canvas = Canvas(*size)
    paint_chart(canvas, chart_of(100 + np.sin(steps / 20), panes=panes), solid_falls=False)
    titles = [line for line in chart_lines(canvas) if line.startswith("─ ")]
    assert [title.split()[1] for title in titles] == ["rsi_14", "atr", "obv"][:named]
    assert ("more" in titles[-1]) == (named < 3)


def test_all_lines_over_the_price_are_drawn_those_of_an_indicator_in_one_colour() -> None:
    steps = np.arange(60.0)
    overlays = tuple(
        ChartLine(f"{owner}_{band}", 100 + band + number / 3 + 0 * steps, indicator=owner)
        for number, owner in enumerate(("vwap", "sma", "bbands"))
        for band in (-1, 0, 1)
    )
    canvas = Canvas(120, 40)
    paint_chart(canvas, chart_of(100 + 2 * np.sin(steps / 3), overlays=overlays), solid_falls=False)
    text = "\n".join(chart_lines(canvas)[1:3])
    assert all(f"{number}─{line.name}" in text for number, line in enumerate(overlays, 1))
    used = {INKS[code % 32] for code in np.unique(canvas.codes[3:30]).tolist()}
    assert {f"chart--overlay-{number}" for number in (1, 2, 3)} <= used
    assert "chart--overlay-4" not in used
    assert {canvas.line(y)[109] for y in range(3, 30)} >= set("123456789")


@pytest.mark.parametrize(("away", "is_drawn"), [(1.0, True), (2.9, True), (3.2, False)])
def test_the_price_scale_holds_lines_near_the_candles(away: float, is_drawn: bool) -> None:
    closes = 100 + 3 * np.sin(np.arange(60.0) / 5)  # a range of 6: lines within half of it are near
    band = ChartLine("band", np.full(60, closes.max() + away))
    canvas = Canvas(120, 30)
    paint_chart(canvas, chart_of(closes, overlays=(band,)), solid_falls=False)
    ink = INKS.index("chart--overlay-1")
    assert bool((canvas.codes[3:27] == ink).any()) == is_drawn
