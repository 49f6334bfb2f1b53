"""Chart handlers: the second chart, pinned symbols; pan, zoom, crosshair."""

from __future__ import annotations

from dataclasses import replace

from tapedeck.console.app.context import AppContext
from tapedeck.console.app.layout import TWO_CHARTS_WIDTH
from tapedeck.console.panel_data.registry import SECOND_CHART, Area
from tapedeck.engine.errors import EngineError, listed


class ChartHandlers:
    """Changes which charts are shown, and what the active one has on view, not the run."""

    def __init__(self, app: AppContext) -> None:
        self._app = app

    def show(self, name: str) -> None:
        """Show and activate a chart by its id; by default the active one, and from there the other one."""
        main = self._app.main
        charts = main.panel_layout.panel_ids(Area.CHART)
        if name and name not in charts:
            raise EngineError(f"unknown chart {name!r}: use {listed(charts)}")
        main.apply_layout(main.panel_layout.activated(name or main.panel_layout.next_chart))

    def second(self, _argument: str) -> None:
        """Open the second chart, on the next longer interval, or close it."""
        main = self._app.main
        layout = main.panel_layout
        if layout.has_second_chart:
            main.apply_layout(layout.without_second_chart())
            return
        main.charts.prepare_second(self._app.playback.intervals)
        main.apply_layout(replace(layout.activated(SECOND_CHART.id), maximised=False))
        if main.width < TWO_CHARTS_WIDTH:
            key = main.chart.key(SECOND_CHART.action)
            self._app.notify(
                f"{key} shows the other chart; they stand side by side from {TWO_CHARTS_WIDTH} columns on",
                timeout=5,
            )

    def pin(self, _argument: str) -> None:
        """Have the active chart keep its symbol when another one is focused, or follow the focus again."""
        main = self._app.main
        chart = main.chart
        if chart.is_pinned:
            chart.unpin(main.symbol)
        else:
            chart.pin(chart.symbol)
        main.update_again()
        if not chart.display:
            words = chart.heading_note or "follows the focused symbol"
            self._app.notify(f"{chart.name_shown}: {words}", timeout=2)

    def pan(self, candles: str) -> None:
        """Move on by candles, below 0 back."""
        self._app.main.chart.pan(int(candles))

    def pan_screens(self, screens: str) -> None:
        """Move on by the width of the chart, below 0 back."""
        self._app.main.chart.pan_screens(int(screens))

    def zoom(self, steps: str) -> None:
        """Show fewer candles, below 0 more."""
        self._app.main.chart.zoom(int(steps))

    def point(self, steps: str) -> None:
        """Move the crosshair on by candles, below 0 back."""
        self._app.main.chart.point(int(steps))

    def now(self, _argument: str) -> None:
        """Return to the newest candles, without a crosshair."""
        self._app.main.chart.return_to_now()
