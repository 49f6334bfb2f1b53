"""The candle chart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.geometry import Region

from tapedeck.console.app.widgets import CandleChart, ChartData
from tapedeck.console.app.widgets.candles import Plot, draw_candles, draw_volumes
from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.chart_painting import paint_chart
from tapedeck.console.app.widgets.price_scale import PriceScale


def drawn(canvas: Canvas) -> list[str]:
    return [canvas.line(y) for y in range(canvas.height)]


def one_candle(opening: float, high: float, low: float, close: float, *, solid: bool = False) -> list[str]:
    """Return a candle on a scale of 0 to 7 in four rows: every half row is one dollar."""
    canvas = Canvas(1, 4)
    plot = Plot(canvas, 0, 4, np.array([0]))
    ohlc = tuple(np.array([price]) for price in (opening, high, low, close))
    draw_candles(plot, PriceScale(0.0, 7.0, 4), ohlc, np.array([1], dtype=np.uint16), solid_falls=solid)  # type: ignore[arg-type]
    return drawn(canvas)


def test_wicks_are_thin_and_bodies_are_thick() -> None:
    assert one_candle(2, 7, 0, 5) == ["│", "┃", "┃", "│"]


def test_a_body_can_end_in_the_middle_of_a_cell() -> None:
    assert one_candle(1, 7, 1, 6) == ["╽", "┃", "┃", "╹"]
    assert one_candle(2, 5, 1, 5) == [" ", "┃", "┃", "╵"]
    assert one_candle(3, 6, 2, 4) == ["╷", "╽", "╿", " "]


def test_without_colour_a_fall_is_solid_and_a_rise_is_not() -> None:
    assert one_candle(5, 7, 0, 2, solid=True) == ["│", "█", "█", "│"]
    assert one_candle(2, 7, 0, 5, solid=True) == ["│", "┃", "┃", "│"]


def test_a_missing_bar_leaves_its_column_blank() -> None:
    assert one_candle(np.nan, np.nan, np.nan, np.nan) == [" "] * 4


def test_volumes_are_blocks_and_the_smallest_is_visible() -> None:
    canvas = Canvas(5, 2)
    volumes = np.array([1600.0, 800.0, 1.0, 0.0, np.nan])
    top = draw_volumes(Plot(canvas, 0, 2, np.arange(5)), volumes, np.ones(5, dtype=np.uint16))
    assert top == 1600.0
    assert drawn(canvas) == ["█    ", "██▁  "]


def test_zero_volumes_have_no_blocks() -> None:
    canvas = Canvas(2, 1)
    assert draw_volumes(Plot(canvas, 0, 1, np.arange(2)), np.zeros(2), np.ones(2, dtype=np.uint16)) == 0.0
    assert drawn(canvas) == ["  "]


def shown(play: Any, lines: Any, data: ChartData, size: tuple[int, int] = (80, 24)) -> list[str]:
    widget = CandleChart()
    texts: list[str] = []

    async def act(pilot: Any, _app: Any) -> None:
        widget.show(data)
        await pilot.pause()
        texts.extend(lines(widget))

    play(widget, act, size)
    return texts


def test_the_last_candle_is_at_the_right_next_to_its_price(play: Any, lines: Any, chart: Any) -> None:
    texts = shown(play, lines, chart([100.0, 101.0, 102.0]))
    assert texts[0].startswith("SPY 1m")
    assert texts[0].endswith("10:00 EDT")
    assert "O 101.00 H 102.00 L 101.00 C 102.00 V 1.00k" in texts[0]
    top = next(text for text in texts if "◂" in text)
    assert top.endswith("◂102.00")
    assert top[68] == "┃" or top[68] == "╻"


def test_the_axis_is_as_wide_as_its_prices(play: Any, lines: Any, chart: Any) -> None:
    closes = 0.0000123 + 1e-10 * np.arange(60)
    texts = shown(play, lines, chart(closes))
    assert any(text.endswith("◂0.000012306") for text in texts)
    labels = [text.partition("┤")[2] for text in texts if "┤" in text]
    assert len(labels) > 2
    assert len(set(labels)) == len(labels)
    assert all(label.startswith("0.0000123") for label in labels)
    ordinary = shown(play, lines, chart(100.0 + np.arange(60)))
    assert next(text for text in ordinary if "◂" in text).index("◂") == 70, "as wide as it ever was"


def test_a_gap_is_a_blank_column_and_a_cross_on_the_time_axis(play: Any, lines: Any, chart: Any) -> None:
    closes = [100.0 + number % 5 for number in range(30)]
    closes[21] = closes[22] = np.nan
    texts = shown(play, lines, chart(closes))
    rule = next(text for text in texts if "×" in text)
    columns = [place for place, sign in enumerate(rule) if sign == "×"]
    assert len(columns) == 2
    # A label below a missing candle keeps its tick.
    closes[25] = np.nan
    later = shown(play, lines, chart(closes))
    axis, times = later[texts.index(rule)], later[texts.index(rule) + 1]
    assert axis.count("┬") == len(times.split())
    assert all(text[column] == " " for text in texts[1 : texts.index(rule)] for column in columns)


def test_history_is_set_apart_from_today(play: Any, lines: Any, chart: Any) -> None:
    data = chart([100.0 + number % 7 for number in range(90)], today=60)
    texts = shown(play, lines, data, (120, 20))
    columns = {text.index("┊") for text in texts if "┊" in text}
    assert len(columns) == 1
    assert "┊" not in "".join(shown(play, lines, chart([100.0, 101.0], today=2)))


def test_before_todays_first_bar_the_heading_shows_a_candle_of_the_session_before_and_says_so(
    play: Any, lines: Any, chart: Any
) -> None:
    assert "session before: O 100.00" in shown(play, lines, chart([100.0, 101.0], today=2))[0]
    assert "before" not in shown(play, lines, chart([100.0, 101.0], today=1))[0]


def test_overlays_far_from_the_candles_are_cut_off(play: Any, lines: Any, chart: Any) -> None:
    closes = [100.0 + number % 7 for number in range(30)]
    near = shown(play, lines, chart(closes, overlays={"upper": np.full(30, np.nan)}))
    far = shown(play, lines, chart(closes, overlays={"upper": np.full(30, 1000.0)}))
    assert far[2:] == near[2:]


def test_a_click_focuses_the_chart(play: Any, chart: Any) -> None:
    widget = CandleChart()

    async def act(pilot: Any, _app: Any) -> None:
        widget.show(chart([100.0, 101.0]))
        pilot.app.set_focus(None)
        await pilot.click(widget)
        assert widget.has_focus

    play(widget, act)


def test_with_the_last_bar_missing_the_heading_has_the_one_before_with_its_time(
    play: Any, lines: Any, chart: Any
) -> None:
    closes = np.r_[np.linspace(100, 110, 40), np.nan, np.nan]
    average = np.r_[np.full(40, 105.0), np.nan, np.nan]
    texts = shown(play, lines, chart(closes, overlays={"sma_20": average}))
    assert "last bar 10:09: O 109.74 H 110.00 L 109.74 C 110.00 V 1.00k" in texts[0]
    assert texts[1] == "1─sma_20 105.00"
    assert "session before: O 109.74" in shown(play, lines, chart(closes, today=41))[0]


def test_the_latest_candles_that_fit_are_shown(play: Any, lines: Any, chart: Any) -> None:
    closes = np.r_[np.full(400, 500.0), np.linspace(10, 11, 100)]
    texts = "\n".join(shown(play, lines, chart(closes), (80, 24)))
    assert "500.00" not in texts


def test_overlays_are_named_with_their_last_value_and_numbered_at_their_end(
    play: Any, lines: Any, chart: Any
) -> None:
    closes = np.linspace(100, 110, 40)
    overlays = {"vwap": np.full(40, 103.0), "sma_20": np.r_[np.full(20, np.nan), np.full(20, 105.0)]}
    texts = shown(play, lines, chart(closes, overlays=overlays))
    assert texts[1] == "1─vwap 103.00  2─sma_20 105.00"
    assert {text[69] for text in texts[2:18] if text[69:70].isdigit()} == {"1", "2"}


def test_a_long_legend_takes_two_lines_in_a_tall_chart_and_marks_omissions(
    play: Any, lines: Any, chart: Any
) -> None:
    overlays = {f"average_{number}": np.full(3, 100.0) for number in range(5)}
    data = chart([100.0, 101.0, 102.0], overlays=overlays)
    tall = shown(play, lines, data, (60, 20))
    assert tall[1] == "1─average_0 100.00  2─average_1 100.00  3─average_2 100.00"
    assert tall[2] == "4─average_3 100.00  5─average_4 100.00"
    assert shown(play, lines, data, (60, 12))[1].endswith("100.00 …")
    assert shown(play, lines, data, (16, 12))[1] == "1─average_0 100…"[:15] + "…"


def test_days_are_labelled_by_their_date(play: Any, lines: Any, chart: Any) -> None:
    opened_at = 86400 * (np.arange(30, dtype=np.int64) + 15979)
    data = chart(np.linspace(100, 110, 30), opened_at=opened_at, is_daily=True)
    labels = shown(play, lines, data, (120, 24))[-1]
    assert [label in labels for label in ("1 Oct", "28 Oct", ":")] == [True, True, False]


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (40, 9), (27, 8), (20, 5), (10, 3), (2, 1), (1, 1)])
def test_a_chart_fits_into_any_terminal(play: Any, lines: Any, chart: Any, size: tuple[int, int]) -> None:
    overlays = {"vwap": np.linspace(100, 101, 50)}
    texts = shown(play, lines, chart(np.linspace(100, 110, 50), overlays=overlays, today=45), size)
    assert len(texts) == size[1]
    assert all(len(text) <= size[0] for text in texts)


def test_a_symbol_without_bars_says_so(play: Any, lines: Any, chart: Any) -> None:
    texts = shown(play, lines, chart([]))
    assert "SPY 1m: no bar yet as of 10:00 EDT" in "\n".join(texts)


def test_a_chart_of_missing_bars_has_no_candles(play: Any, lines: Any, chart: Any) -> None:
    texts = shown(play, lines, chart([np.nan, np.nan]))
    assert "O – H – L – C – V –" in texts[0]
    assert not any("◂" in text for text in texts)


def test_without_colour_falls_are_solid(
    play: Any, lines: Any, chart: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = chart([110.0, 105.0, 100.0])
    assert "█" not in "".join(shown(play, lines, data)[:15])
    monkeypatch.setenv("NO_COLOR", "1")
    assert "█" in "".join(shown(play, lines, data)[:15])


class ConsoleRun(CandleChart):
    """Notes which lines it asks to have drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.refreshed: list[tuple[Region, ...]] = []

    def refresh(self, *regions: Region, **options: Any) -> Any:
        self.refreshed.append(regions)
        return super().refresh(*regions, **options)


def test_the_same_bars_again_draw_nothing_and_a_new_clock_only_its_line(play: Any, chart: Any) -> None:
    widget = ConsoleRun()
    closes = np.linspace(100, 110, 40)

    async def act(pilot: Any, _app: Any) -> None:
        widget.show(chart(closes))
        await pilot.pause()
        widget.refreshed.clear()
        widget.show(chart(closes))
        assert widget.refreshed == []
        widget.show(chart(closes, as_of="10:01 EDT"))
        assert widget.refreshed == [(Region(0, 0, 80, 1),)]

    play(widget, act)


def test_empty_loading_failed_and_filled_charts(play: Any, lines: Any, chart: Any) -> None:
    widget = CandleChart()

    async def act(_pilot: Any, _app: Any) -> None:
        assert "no symbol chosen: press up or down" in "\n".join(lines(widget))
        widget.show_loading("loading 7 October")
        assert "… loading 7 October" in "\n".join(lines(widget))
        widget.show(chart([100.0, 101.0]))
        assert "SPY 1m" in "\n".join(lines(widget))
        widget.show_failed("the store cannot be read. Press q to quit")
        assert "! the store cannot be read. Press q to quit" in "\n".join(lines(widget))
        widget.show_empty()
        assert "no symbol chosen" in "\n".join(lines(widget))

    play(widget, act)


PRICES = st.one_of(
    st.just(float("nan")),
    st.floats(0, 1e-6),
    st.floats(1, 1000),
    st.floats(1e12, 1e300),
    st.floats(allow_nan=True, allow_infinity=True),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    bars=st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES, PRICES), max_size=40),
    sizes=st.tuples(st.integers(1, 120), st.integers(1, 40)),
    today=st.integers(0, 40),
    solid=st.booleans(),
)
def test_any_bars_at_any_size_are_drawn(
    chart: Any, bars: list[tuple[float, ...]], sizes: tuple[int, int], today: int, solid: bool
) -> None:
    columns = np.array(bars, dtype=np.float64).reshape(-1, 5).T
    data = chart(
        columns[3], open=columns[0], high=columns[1], low=columns[2], volume=columns[4], today=today,
        overlays={"vwap": columns[0], "sma": columns[1]},
    )  # fmt: skip
    if len(data):
        canvas = Canvas(*sizes)
        paint_chart(canvas, data, solid_falls=solid)
        assert canvas.glyphs.shape == sizes[::-1]


def test_levels_are_dotted_lines_behind_everything_with_their_names_at_the_axis(
    play: Any, lines: Any, chart: Any
) -> None:
    closes = np.linspace(100.0, 110.0, 40)
    without = shown(play, lines, chart(closes))
    texts = shown(play, lines, chart(closes, levels={"PMH": 105.0, "PML": 80.0}))
    [level] = [number for number, text in enumerate(texts) if "┄PMH" in text]
    assert texts[level].count("┄") > 60
    assert [text for text in texts if text.endswith("↓PML")] == [texts[18]]
    for number, (with_level, bare) in enumerate(zip(texts, without, strict=True)):
        kept = [a == b or (b == " " and a == "┄") for a, b in zip(with_level[:69], bare[:69], strict=False)]
        assert all(kept), number


def test_levels_of_one_row_share_its_label(play: Any, lines: Any, chart: Any) -> None:
    texts = shown(play, lines, chart([101.0, 100.0], levels={"PMH": 200.0, "PML": 199.0}))
    assert [text for text in texts if text.endswith("↑PMH PML")]
