"""The chart of the focused symbol."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from textual.app import ComposeResult
from textual.widget import Widget

from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.rows import chart_data
from tapedeck.console.app.widgets import CandleChart, ChartData
from tapedeck.console.panel_data.tables import Table, Value
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval

_AVERAGES: Final = frozenset(
    {"SMA", "EMA", "WMA", "DEMA", "TEMA", "TRIMA", "KAMA", "T3", "MA", "MAMA", "MAVP", "HT_TRENDLINE"}
)


class ChartPanel(Panel):
    """Candles, volume and what stands on the price scale, with the session before on the left."""

    NAME: ClassVar[str] = "chart"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.chart = CandleChart()
        self.interval: Interval = playback.plan.base

    def content(self) -> ComposeResult:
        """Compose the chart."""
        yield self.chart

    def show(self, view_state: ViewState) -> None:
        """Show the symbol's candles up to a moment."""
        data = self._data(view_state)
        if np.isnan(data.close).all():
            keys = f"{self.key('pause')} plays on, {self.key('interval')} shows another interval"
            self.face("empty", f"no {self.interval} bar of {self.symbol} yet: {keys}")
            return
        self.fill()
        self.chart.show(data)

    def as_table(self, view_state: ViewState) -> Table:
        """Return the candles of the session, oldest first."""
        data = self._data(view_state)
        names = ("open", "high", "low", "close", "volume")
        columns = [getattr(data, name) for name in names] + list(data.overlays.values())
        zone = data.zone
        times = np.datetime_as_string(data.opened_at.astype("datetime64[s]"), timezone=zone)
        rows: list[tuple[Value, ...]] = [
            (str(times[at]), *(float(column[at]) for column in columns))
            for at in range(data.today, len(data))
            if not np.isnan(data.close[at])
        ]
        return Table.of(["timestamp", *names, *data.overlays], rows)

    def keyboard_target(self) -> Widget:
        """Return the chart."""
        return self.chart

    def _data(self, view_state: ViewState) -> ChartData:
        assert view_state.view is not None
        known = set(view_state.view.indicator_names())
        return chart_data(
            view_state.view,
            self.symbol,
            self.interval,
            history=self.playback.history(view_state, self.symbol, self.interval),
            overlays=[name for name in self._overlays() if name in known],
            as_of=view_state.clock_text,
        )

    def _overlays(self) -> list[str]:
        """Return what stands on the price scale, what is looked at first at the head: not all may fit."""
        ranks = {name: _rank(spec) for spec in self.playback.specs_on(self.interval) for name in spec.outputs}
        return sorted(self.playback.overlays(self.interval), key=ranks.__getitem__)


def _rank(spec: IndicatorSpec) -> int:
    """Return 0 for VWAP, 1 for moving averages, 3 for bands, 2 for what else stands on the price scale."""
    if spec.kind == "VWAP":
        return 0
    if spec.kind in _AVERAGES:
        return 1
    return 3 if len(spec.outputs) > 1 else 2
