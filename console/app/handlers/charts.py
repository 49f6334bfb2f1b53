"""Chart handlers: pan, zoom, crosshair."""

from __future__ import annotations

from tapedeck.console.app.context import AppContext


class ChartHandlers:
    """Changes which candles the chart has on view, not the run."""

    def __init__(self, app: AppContext) -> None:
        self._app = app

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
