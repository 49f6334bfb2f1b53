"""Fixtures for widget tests: an application around one widget, its messages, and example data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from tapedeck.console.app.theming import load_themes
from tapedeck.console.app.widgets import (
    ChartData,
    ChartLine,
    CoverageMap,
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
from tapedeck.console.app.widgets.table_columns import TableColumn

NEW_YORK = ZoneInfo("America/New_York")
MONDAY_OPEN = int(datetime(2013, 10, 7, 13, 30, tzinfo=UTC).timestamp())
"""09:30 in New York on Monday, 7 October 2013."""


THEMES = load_themes().themes


class WidgetApp(App[None]):
    """Shows one widget, and records its messages."""

    def __init__(self, widget: Widget, theme: str = "tapedeck-dark") -> None:
        super().__init__()
        self.shown = widget
        self.messages: list[Any] = []
        for loaded in THEMES:
            self.register_theme(loaded)
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield self.shown

    def on_symbol_table_focused(self, message: SymbolTable.Focused) -> None:
        self.messages.append(("focused", message.symbol, message.control is self.shown))

    def on_symbol_table_sort_changed(self, message: SymbolTable.SortChanged) -> None:
        self.messages.append(("sorted", message.column, message.reverse, message.control is self.shown))

    def on_tape_strip_seek(self, message: TapeStrip.Seek) -> None:
        self.messages.append(("seek", message.slot, message.control is self.shown))

    def on_gap_map_seek(self, message: GapMap.Seek) -> None:
        self.messages.append(("gap", message.symbol, message.slot, message.control is self.shown))

    def on_coverage_map_chosen(self, message: CoverageMap.Chosen) -> None:
        self.messages.append(("day", message.symbol, message.day, message.control is self.shown))


Act = Callable[[Pilot[None], WidgetApp], Awaitable[None]]
Play = Callable[..., WidgetApp]


@pytest.fixture
def play() -> Play:
    """Runs a widget in an application of a size, awaits a test's actions, and returns the application."""

    def run(widget: Widget, act: Act, size: tuple[int, int] = (80, 24)) -> WidgetApp:
        async def main() -> WidgetApp:
            app = WidgetApp(widget)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await act(pilot, app)
                await pilot.pause()
            return app

        return asyncio.run(main())

    return run


def lines_of(widget: Any) -> list[str]:
    """Return the text of each line of a widget."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


@pytest.fixture
def lines() -> Callable[[Any], list[str]]:
    """Reads a widget's lines."""
    return lines_of


def chart_of(closes: Any, **changes: Any) -> ChartData:
    """Return a chart of one-minute candles from Monday's open on; each opens at the close before.

    `overlays` may be given as name → values.
    """
    close = np.asarray(closes, dtype=np.float64)
    opening = np.concatenate([close[:1], close[:-1]])
    opening = np.where(np.isnan(close), np.nan, np.where(np.isnan(opening), close, opening))
    count = len(close)
    values: dict[str, Any] = {
        "title": "SPY 1m",
        "as_of": "10:00 EDT",
        "zone": NEW_YORK,
        "opened_at": MONDAY_OPEN + 60 * np.arange(count, dtype=np.int64),
        "open": opening,
        "high": np.maximum(opening, close),
        "low": np.minimum(opening, close),
        "close": close,
        "volume": np.where(np.isnan(close), np.nan, 1000.0),
    }
    overlays = changes.get("overlays", ())
    if isinstance(overlays, dict):
        changes["overlays"] = tuple(ChartLine(name, line) for name, line in overlays.items())
    return ChartData(**(values | changes))


@pytest.fixture
def chart() -> Callable[..., ChartData]:
    """Makes chart data."""
    return chart_of


FORMS = {
    "last": PRICE, "change_pct": PERCENT, "day_volume": AMOUNT, "rel_volume": RATIO,
    "quality": SCORE, "missing": COUNT, "trend": SPARKLINE,
}  # fmt: skip
HEADINGS = {"change_pct": "chg %", "day_volume": "volume", "rel_volume": "rel vol", "quality": "qual %"}
RANKS = ("last", "change_pct", "quality", "day_volume", "missing", "rel_volume")
"""The columns of `rows_of` that are dropped last, in this order; then indicators, then the trend."""


def rows_of(
    symbols: tuple[str, ...] = ("SPY", "AIG", "BAC", "IBM"),
    indicators: Mapping[str, Any] | None = None,
    *,
    decimals: Mapping[str, int] | None = None,
    **changes: Any,
) -> SymbolRows:
    """Return a symbol table with simple figures; `indicators`: name → values. `decimals`: by column."""
    count = len(symbols)
    number = np.arange(count, dtype=np.float64)
    named = indicators or {}
    values: dict[str, Any] = {
        "last": 100.0 + number,
        "change_pct": number - 1.0,
        "day_volume": 1000.0 * (number + 1),
        "rel_volume": 0.5 + number / 4,
        **named,
        "quality": np.where(number % 3 == 0, 100.0, 97.46),
        "missing": np.where(number % 3 == 0, 0.0, 4.0),
        "trend": number[:, None] + np.arange(8.0)[None, :],
    } | changes
    order = [*RANKS, *named, "trend"]
    columns = tuple(
        TableColumn(key, HEADINGS.get(key, key), FORMS.get(key, FIGURE), order.index(key)) for key in values
    )
    figures = {key: Figures(np.asarray(some), (decimals or {}).get(key, 2)) for key, some in values.items()}
    return SymbolRows(symbols, columns, figures)


@pytest.fixture
def rows() -> Callable[..., SymbolRows]:
    """Makes rows of the symbol table."""
    return rows_of


def gap_map_of(symbols: int = 4, slots: int = 390, known: int = 200) -> GapMapData:
    """Return a map in which all bars of the second symbol are missing, and none of the others."""
    present = np.ones((symbols, known), dtype=np.bool_)
    present[1:2] = False
    return GapMapData(
        symbols=tuple(f"S{number:02d}" for number in range(symbols)),
        present=present,
        covered=present,
        slots=slots,
        opened_at=MONDAY_OPEN + 60 * np.arange(slots, dtype=np.int64),
        zone=NEW_YORK,
    )


@pytest.fixture
def gap_map() -> Callable[..., GapMapData]:
    """Makes gap maps."""
    return gap_map_of


@pytest.fixture
def strip() -> Callable[..., StripData]:
    """Makes tape strips of 10 slots."""

    def make(complete: Any, **changes: Any) -> StripData:
        values: dict[str, Any] = {
            "slots": 10,
            "frontier": len(complete),
            "complete": np.asarray(complete, dtype=np.float64),
        }
        return StripData(**(values | changes))

    return make
