"""Render time of each widget, with all cells changing.

    python -m benchmarks.widgets

Times `show` and `render_line` of every line, tapedeck's own part of a frame, without a terminal.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import numpy as np
from textual.app import App, ComposeResult

from benchmarks.measure import row
from tapedeck.console.app.widgets import (
    CandleChart,
    ChartData,
    ChartLine,
    GapMap,
    GapMapData,
    StripData,
    SymbolRows,
    SymbolTable,
    TapeStrip,
)
from tapedeck.console.app.widgets.column_forms import (
    AMOUNT,
    COUNT,
    FIGURE,
    PERCENT,
    PRICE,
    RATIO,
    SCORE,
    SPARKLINE,
    Figures,
)
from tapedeck.console.app.widgets.painted import Painted
from tapedeck.console.app.widgets.table_columns import TableColumn

HEADER = "| widget | p50 / p95 ms | target | terminal |\n|---|---|---|---|"
ROUNDS = 100
VARIANTS = 6
OPEN = 1381152600  # 7 October 2013, 09:30 in New York
LINES = {"vwap": 0.1, "sma_20": -0.1, "ema_20": 0.2, "upper": 0.3, "lower": -0.3}
"""Overlays: name → distance from the close."""
ZONE = ZoneInfo("America/New_York")


def charts(bars: int) -> list[ChartData]:
    """Return random walks with five overlays."""
    random = np.random.default_rng(1)
    return [_chart(bars, random) for _ in range(VARIANTS)]


def _chart(bars: int, random: np.random.Generator) -> ChartData:
    close = 168 + np.cumsum(random.normal(0, 0.05, bars))
    opening = close - random.normal(0, 0.05, bars)
    return ChartData(
        title="SPY 1m",
        as_of="11:30 EDT",
        zone=ZONE,
        opened_at=OPEN + 60 * np.arange(bars, dtype=np.int64),
        open=opening,
        high=np.maximum(opening, close) + 0.03,
        low=np.minimum(opening, close) - 0.03,
        close=close,
        volume=random.uniform(1e3, 1e6, bars),
        today=bars // 3,
        overlays=tuple(ChartLine(name, close + shift) for name, shift in LINES.items()),
    )


def tables(symbols: int) -> list[SymbolRows]:
    """Return tables of twelve columns, in which every figure changes from one table to the next."""
    random = np.random.default_rng(2)
    names = tuple(f"S{number:03d}" for number in range(symbols))
    ranges = {
        "last": (PRICE, 10, 500), "chg %": (PERCENT, -3, 3), "volume": (AMOUNT, 1e3, 1e8),
        "rel vol": (RATIO, 0, 3),
        **{f"rsi_{number}": (FIGURE, 0, 100) for number in range(4)},
        "qual %": (SCORE, 90, 100), "missing": (COUNT, 0, 50),
    }  # fmt: skip
    columns = (
        *(TableColumn(key, key, form) for key, (form, _, _) in ranges.items()),
        TableColumn("trend", "trend", SPARKLINE),
    )

    def figures() -> dict[str, Figures]:
        found = {key: Figures(random.uniform(low, high, symbols)) for key, (_, low, high) in ranges.items()}
        return found | {"trend": Figures(random.normal(0, 1, (symbols, 60)))}

    return [SymbolRows(names, columns, figures()) for _ in range(VARIANTS)]


def maps(symbols: int) -> list[GapMapData]:
    """Return gap maps with 4 % of the bars missing, each one slot longer than the one before."""
    random = np.random.default_rng(3)
    names = tuple(f"S{number:03d}" for number in range(symbols))
    opened_at = OPEN + 60 * np.arange(390, dtype=np.int64)
    presents = [random.random((symbols, 300 + number)) > 0.04 for number in range(VARIANTS)]
    return [GapMapData(names, present, present, 390, opened_at, ZONE) for present in presents]


def strips() -> list[StripData]:
    """Return tape strips of a session of minute bars."""
    random = np.random.default_rng(4)
    return [
        StripData(390, 300 + number, random.random(300 + number), opens="09:30", closes="16:00 EDT")
        for number in range(VARIANTS)
    ]


async def frame_ms(widget: Painted, size: tuple[int, int], show: Callable[[int], None]) -> Sequence[float]:
    """Return the milliseconds of each frame."""

    class SingleWidget(App[None]):
        def compose(self) -> ComposeResult:
            yield widget

    app, times = SingleWidget(), []
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for number in range(ROUNDS):
            began = time.perf_counter()
            show(number % VARIANTS)
            for y in range(widget.size.height):
                widget.render_line(y)
            times.append(1e3 * (time.perf_counter() - began))
    return times[VARIANTS:]


def report(
    what: str, target_ms: float, size: tuple[int, int], widget: Painted, show: Callable[[int], None]
) -> None:
    """Time a widget, and print its line of the table."""
    times = sorted(asyncio.run(frame_ms(widget, size, show)))
    p50, p95 = statistics.median(times), times[int(0.95 * len(times))]
    print(row(what, f"{p50:.1f} / {p95:.1f}", f"≤ {target_ms:g}", f"{size[0]}x{size[1]}"))


def main() -> None:
    print(HEADER)
    chart, chart_data = CandleChart(), charts(400)
    report("candles, 120 bars", 10, (132, 36), chart, lambda number: chart.show(chart_data[number]))
    large = CandleChart()
    report("candles, 5 lines", 20, (200, 60), large, lambda number: large.show(chart_data[number]))
    table, table_data = SymbolTable(), tables(500)
    report("500 x 12 table", 12, (160, 60), table, lambda number: table.show(table_data[number]))
    gaps, gap_data = GapMap(), maps(500)
    report("gap map, 500 symbols", 12, (160, 60), gaps, lambda number: gaps.show(gap_data[number]))
    strip, strip_data = TapeStrip(), strips()
    report("tape strip", 1, (160, 1), strip, lambda number: strip.show(strip_data[number]))


if __name__ == "__main__":
    main()
