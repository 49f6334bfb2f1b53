"""Lines of the chart, dot by dot."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tapedeck.console.app.widgets.candles import Plot, draw_candles, draw_divider, draw_level
from tapedeck.console.app.widgets.canvas import BACKGROUND, BLANK, TINT, Canvas, with_tint
from tapedeck.console.app.widgets.chart_data import LineForm
from tapedeck.console.app.widgets.chart_lines import LineStyle, PlottedLine, draw_line, draw_lines
from tapedeck.console.app.widgets.line_labels import LineLabel, free_rows, paint_line_labels
from tapedeck.console.app.widgets.price_scale import PriceScale

ROWS = 12
BRAILLE = {0: (1, 8), 1: (2, 16), 2: (4, 32), 3: (64, 128)}
BLOCKS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
SCALE = PriceScale(0.0, 100.0, ROWS)
DOWN = {LineStyle.BRAILLE: 4, LineStyle.BLOCKS: 2}
styles = pytest.mark.parametrize("style", LineStyle)


def plot_of(columns: list[int] | NDArray[np.intp], width: int | None = None, rows: int = ROWS) -> Plot:
    places = np.asarray(columns, dtype=np.intp)
    return Plot(Canvas(int(places[-1]) + 1 if width is None else width, rows), 0, rows, places)


def dots_of(canvas: Canvas, style: LineStyle) -> set[tuple[int, int]]:
    """Return row and column of each dot, read from the glyphs."""
    found = set()
    for row, column in np.argwhere(canvas.glyphs != BLANK).tolist():
        glyph = int(canvas.glyphs[row, column])
        bits = glyph - 0x2800 if style is LineStyle.BRAILLE else BLOCKS.index(chr(glyph))
        for down in range(DOWN[style]):
            for across in range(2):
                bit = BRAILLE[down][across] if style is LineStyle.BRAILLE else 1 << 2 * down + across
                if bits & bit:
                    found.add((DOWN[style] * row + down, 2 * column + across))
    return found


def pieces(dots: set[tuple[int, int]]) -> int:
    """Return how many sets of dots there are that do not touch, diagonals included."""
    left, count = set(dots), 0
    while left:
        count, near = count + 1, [left.pop()]
        while near:
            row, column = near.pop()
            around = {(row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1)} & left
            left -= around
            near.extend(around)
    return count


def exact_row(value: float, style: LineStyle) -> float:
    """Return the row of dots in which a value of 0 to 100 lies, by the candles' half rows."""
    half = (1 - value / 100) * (2 * ROWS - 1)
    return (half + 0.5) * DOWN[style] / 2 - 0.5


values = st.floats(0, 100)


@given(values, values, st.integers(1, 40), st.sampled_from(LineStyle))
@settings(max_examples=60, deadline=None)
def test_a_straight_line_at_any_slope_has_no_break_and_lies_within_one_dot_of_the_exact_line(
    start: float, end: float, gap: int, style: LineStyle
) -> None:
    plot = plot_of([0, gap])
    draw_line(plot, SCALE, np.array([start, end]), 3, style=style)
    dots = dots_of(plot.canvas, style)
    assert pieces(dots) == 1
    assert {column for _, column in dots} == set(range(2 * gap + 2))
    first, last = exact_row(start, style), exact_row(end, style)
    # The line runs through the middles of the cells, and level from there to their edges.
    along = np.linspace(0, 2 * gap + 1, 1001)
    rows = np.interp(along, [0.5, 2 * gap + 0.5], [first, last])
    for row, column in dots:
        assert np.min(np.hypot(rows - row, along - column)) <= 1.01, (row, column)


@given(st.lists(values, min_size=1, max_size=30), st.sampled_from(LineStyle))
@settings(max_examples=80, deadline=None)
def test_any_line_whose_values_are_on_the_scale_is_one_piece(closes: list[float], style: LineStyle) -> None:
    plot = plot_of(np.arange(len(closes)))
    draw_line(plot, SCALE, np.array(closes), 3, style=style)
    dots = dots_of(plot.canvas, style)
    assert pieces(dots) == 1
    assert {column for _, column in dots} == set(range(2 * len(closes)))


@styles
def test_a_value_lies_in_the_half_row_in_which_candles_have_it(style: LineStyle) -> None:
    prices = np.linspace(0, 100, 77)
    for price, half in zip(prices.tolist(), SCALE.halves(prices).tolist(), strict=True):
        plot = plot_of([0])
        draw_line(plot, SCALE, np.array([price]), 3, style=style)
        assert {row * 2 // DOWN[style] for row, _ in dots_of(plot.canvas, style)} == {half}


@styles
def test_missing_values_interrupt_a_line_and_a_value_between_them_is_a_dash(style: LineStyle) -> None:
    plot = plot_of(np.arange(9))
    nan = np.nan
    draw_line(plot, SCALE, np.array([nan, 50, 50, nan, nan, 50, nan, 50, 50]), 3, style=style)
    assert {column for _, column in dots_of(plot.canvas, style)} == {2, 3, 4, 5, 10, 11, 14, 15, 16, 17}


def test_missing_values_interrupt_lines_between_candles_that_are_apart() -> None:
    plot = plot_of([0, 3, 6, 9])
    draw_line(plot, SCALE, np.array([50.0, 50.0, np.nan, 50.0]), 3)
    assert {column // 2 for _, column in dots_of(plot.canvas, LineStyle.BRAILLE)} == {0, 1, 2, 3, 9}


def test_a_line_leaves_the_scale_at_its_edge() -> None:
    plot = plot_of(np.arange(3))
    draw_line(plot, SCALE, np.array([50.0, 1e9, np.inf]), 3)
    assert 0 in {row for row, _ in dots_of(plot.canvas, LineStyle.BRAILLE)}
    assert pieces(dots_of(plot.canvas, LineStyle.BRAILLE)) == 1
    below = plot_of(np.arange(3))
    draw_line(below, SCALE, np.full(3, -5.0), 3)
    assert not dots_of(below.canvas, LineStyle.BRAILLE)


def test_a_histogram_stands_on_zero_and_dots_do_not_touch() -> None:
    plot, scale = plot_of(np.arange(4)), PriceScale(-10.0, 10.0, ROWS)
    draw_line(plot, scale, np.array([8.0, -8.0, np.nan, 0.0]), 3, form=LineForm.HISTOGRAM)
    dots = dots_of(plot.canvas, LineStyle.BRAILLE)
    rows = [{row for row, column in dots if column == 2 * number} for number in range(4)]
    zero = max(rows[0])
    assert rows[3] == {zero}
    assert (max(rows[0]), min(rows[1])) == (zero, zero)
    assert min(len(rows[0]), len(rows[1])) > 10
    assert rows[2] == set()
    for columns in (range(4), range(0, 8, 2)):
        plot = plot_of(np.array(columns))
        draw_line(plot, SCALE, np.array([10.0, 30.0, 50.0, 50.0]), 3, form=LineForm.DOTS)
        assert pieces(dots_of(plot.canvas, LineStyle.BRAILLE)) == 4


# Cells that are shared


def candle_plot(rows: int = ROWS) -> tuple[Plot, tuple[NDArray[np.float64], ...]]:
    random = np.random.default_rng(4)
    closes = np.clip(50 + np.cumsum(random.normal(0, 6, 40)), 5, 95)
    opens = np.r_[50.0, closes[:-1]]
    ohlc = (opens, np.maximum(opens, closes) + 4, np.minimum(opens, closes) - 4, closes)
    return plot_of(np.arange(40), rows=rows), ohlc


@styles
@pytest.mark.parametrize("solid", [False, True])
def test_candles_keep_their_glyphs_and_ink_and_lines_are_their_tint(style: LineStyle, *, solid: bool) -> None:
    bare, ohlc = candle_plot()
    inks = np.full(40, 4, dtype=np.uint16)
    draw_candles(bare, SCALE, ohlc, inks, solid_falls=solid)  # type: ignore[arg-type]
    plot, _ = candle_plot()
    draw_candles(plot, SCALE, ohlc, inks, solid_falls=solid)  # type: ignore[arg-type]
    draw_line(plot, SCALE, ohlc[3] - 1.0, 9, style=style)
    candles = bare.canvas.glyphs != BLANK
    np.testing.assert_array_equal(plot.canvas.glyphs[candles], bare.canvas.glyphs[candles])
    codes = plot.canvas.codes[candles]
    assert set(codes.tolist()) == {4, 4 + TINT + BACKGROUND * 9}
    alone, _ = candle_plot()
    draw_line(alone, SCALE, ohlc[3] - 1.0, 9, style=style)
    np.testing.assert_array_equal(codes >= TINT, alone.canvas.glyphs[candles] != BLANK)
    np.testing.assert_array_equal(plot.canvas.glyphs[~candles], alone.canvas.glyphs[~candles])


def test_the_order_of_drawing_makes_no_difference() -> None:
    lines = [PlottedLine(np.linspace(10, 90, 40), 7), PlottedLine(np.linspace(90, 10, 40), 8)]
    seen = set()
    for order in permutations(range(4)):
        plot, ohlc = candle_plot()

        def candles(plot: Plot = plot, ohlc: tuple[NDArray[np.float64], ...] = ohlc) -> None:
            draw_candles(plot, SCALE, ohlc, np.full(40, 4, dtype=np.uint16), solid_falls=False)  # type: ignore[arg-type]

        parts = [
            candles,
            lambda plot=plot: draw_lines(plot, SCALE, lines[:1]),
            lambda plot=plot: draw_lines(plot, SCALE, lines[1:]),
            lambda plot=plot: draw_level(plot, SCALE, 50.0, 2),
        ]
        for number in order:
            parts[number]()
        seen.add((plot.canvas.glyphs.tobytes(), plot.canvas.codes.tobytes()))
    assert len(seen) == 1


@styles
def test_lines_in_one_cell_have_the_dots_of_both_in_the_ink_of_the_upper_one(style: LineStyle) -> None:
    rising, falling = PlottedLine(np.linspace(10, 90, 20), 7), PlottedLine(np.linspace(90, 10, 20), 8)
    canvases = []
    for lines in ([rising, falling], [falling, rising], [rising], [falling]):
        plot = plot_of(np.arange(20))
        draw_lines(plot, SCALE, lines, style=style)
        canvases.append(plot.canvas)
    both, swapped, one, other = canvases
    np.testing.assert_array_equal(both.glyphs, swapped.glyphs)
    np.testing.assert_array_equal(both.codes, swapped.codes)
    assert dots_of(both, style) == dots_of(one, style) | dots_of(other, style)
    np.testing.assert_array_equal(both.codes, np.where(one.codes > 0, one.codes, other.codes))


def test_lines_replace_levels_and_dividers() -> None:
    plot, alone = plot_of(np.arange(20)), plot_of(np.arange(20))
    draw_level(plot, SCALE, 50.0, 2)
    draw_divider(plot, 10, 2)
    for each in (plot, alone):
        draw_line(each, SCALE, np.linspace(40, 60, 20), 7)
    drawn = alone.canvas.glyphs != BLANK
    np.testing.assert_array_equal(plot.canvas.glyphs[drawn], alone.canvas.glyphs[drawn])
    np.testing.assert_array_equal(plot.canvas.codes[drawn], alone.canvas.codes[drawn])


def test_of_two_tints_that_of_the_upper_line_stays() -> None:
    codes = np.array([4], dtype=np.uint16)
    seven, eight = np.array([7], dtype=np.uint16), np.array([8], dtype=np.uint16)
    assert with_tint(with_tint(codes, seven), eight) == with_tint(with_tint(codes, eight), seven)
    assert with_tint(codes, eight) == 4 + TINT + BACKGROUND * 8


# Labels


@given(
    wanted=st.lists(st.integers(0, 9), max_size=6), taken=st.sets(st.integers(0, 9)), rows=st.integers(10, 12)
)
def test_labels_have_rows_of_their_own_and_move_only_if_they_must(
    wanted: list[int], taken: set[int], rows: int
) -> None:
    found = free_rows(wanted, taken, rows)
    used = [row for row in found if row is not None]
    assert len(set(used)) == len(used)
    assert not set(used) & taken
    assert len(used) == min(len(wanted), rows - len(taken))
    if len(set(wanted)) == len(wanted) and not set(wanted) & taken:
        assert found == wanted


def test_labels_are_number_and_name_beside_the_axis() -> None:
    canvas = Canvas(14, 3)
    labels = [LineLabel(1, "vwap", 1, 5), LineLabel(2, "a_long_average", 1, 6)]
    paint_line_labels(canvas, 6, 0, 3, labels, {0})
    assert [canvas.line(y).rstrip() for y in range(3)] == ["", "     1 vwap", "     2 a_long…"]
    assert canvas.codes[1].tolist() == [0] * 5 + [5, 0] + [5] * 4 + [0] * 3
