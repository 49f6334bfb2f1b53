"""Snapshots of the widgets with fixed data, in two themes and three sizes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.containers import Horizontal

from tapedeck.console.app.theming import load_themes
from tapedeck.console.app.widgets import (
    CandleChart,
    CoverageData,
    CoverageMap,
    GapMap,
    StripTick,
    SymbolTable,
    TapeStrip,
    TickKind,
)


class Gallery(App[None]):
    """All widgets on one screen, with or without data."""

    CSS = "Horizontal { height: 1fr; } Horizontal > * { width: 1fr; margin: 0 1; }"

    def __init__(self, theme: str, fill: Any) -> None:
        super().__init__()
        self._fill = fill
        for loaded in load_themes().themes:
            self.register_theme(loaded)
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield TapeStrip()
        with Horizontal():
            yield SymbolTable()
            yield CandleChart()
        with Horizontal():
            yield GapMap()
            yield CoverageMap()

    def on_mount(self) -> None:
        self._fill(self)


@pytest.fixture
def filled(chart: Any, rows: Any, gap_map: Any, strip: Any) -> Any:
    def fill(app: App[None]) -> None:
        steps = np.arange(300)
        closes = 168 + np.sin(steps / 17) + 0.3 * np.sin(steps * 1.7)
        closes[270:276] = np.nan
        overlays = {"vwap": 168 + np.sin(steps / 60), "sma_20": 168 + np.sin((steps - 10) / 17)}
        volume = np.where(np.isnan(closes), np.nan, 1000.0 + (steps * 7919) % 9000)
        app.query_one(CandleChart).show(chart(closes, overlays=overlays, today=240, volume=volume))
        table = app.query_one(SymbolTable)
        table.show(
            rows(("SPY", "AIG", "BAC", "IBM"), indicators={"rsi_14": np.array([30, 55.5, np.nan, 71])})
        )
        table.sort_by("change", reverse=True)
        gaps = gap_map(symbols=5)
        gaps.present[2, 50:70:2] = False
        app.query_one(GapMap).show(gaps)
        days = tuple(date(2013, 10, 1) + timedelta(number) for number in range(20))
        pct = np.full((3, 20), 100.0)
        pct[1, 4:9] = [90, 60, 30, 0, 0]
        app.query_one(CoverageMap).show(CoverageData(("SPY", "AIG", "BAC"), days, pct))
        ticks = (
            StripTick(40, TickKind.GAP),
            StripTick(90, TickKind.BOOKMARK),
            StripTick(150, TickKind.BREAK),
        )
        complete = np.r_[np.ones(100), np.full(50, 0.95), np.full(30, 0.5), np.zeros(20)]
        app.query_one(TapeStrip).show(
            strip(complete, slots=390, ticks=ticks, viewed_frontier=120, opens="09:30", closes="16:00 EDT")
        )

    return fill


def with_notices(app: App[None]) -> None:
    app.query_one(TapeStrip).show_loading("loading Monday, 7 October 2013")
    app.query_one(CandleChart).show_loading("loading Monday, 7 October 2013")
    app.query_one(GapMap).show_failed("the bars cannot be read: bars.db is locked. Close the other program.")


@pytest.mark.parametrize("theme", ["tapedeck-dark", "tapedeck-light"])
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_widgets_with_data(snap_compare: Any, filled: Any, theme: str, size: tuple[int, int]) -> None:
    assert snap_compare(Gallery(theme, filled), terminal_size=size)


@pytest.mark.parametrize("theme", ["high-contrast", "colour-blind-dark", "amber-terminal"])
def test_widgets_in_other_themes(snap_compare: Any, filled: Any, theme: str) -> None:
    assert snap_compare(Gallery(theme, filled), terminal_size=(120, 36))


def test_widgets_without_colour(snap_compare: Any, filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Gallery("tapedeck-dark", filled), terminal_size=(120, 36))


def test_widgets_that_are_empty_loading_or_failed(snap_compare: Any) -> None:
    assert snap_compare(Gallery("tapedeck-dark", with_notices), terminal_size=(80, 24))
