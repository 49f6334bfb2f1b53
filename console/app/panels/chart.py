"""Chart panel: candles of the focused symbol."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.widget import Widget

from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.rows import chart_data
from tapedeck.console.app.widgets import CandleChart, ChartData
from tapedeck.console.panel_data.tables import Table, Value
from tapedeck.engine.intervals import Interval


class ChartPanel(Panel):
    """Candles, volume, overlays and the pre-market's levels, with the session before on the left."""

    NAME: ClassVar[str] = "chart"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.chart = CandleChart()
        self.interval: Interval = playback.plan.base

    def content(self) -> ComposeResult:
        """Compose the chart."""
        yield self.chart

    def show(self, view_state: ViewState) -> None:
        """Show the symbol's candles up to the time shown."""
        data = self._data(view_state)
        if np.isnan(data.close).all():
            keys = f"{self.key('pause')} plays, {self.key('interval')} changes the interval"
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
        view, opening = view_state.view, view_state.opening
        known, row = set(view.indicator_names()), view.row(self.symbol)
        before = {} if opening is None else opening.indicators
        return chart_data(
            view,
            self.symbol,
            self.interval,
            history=self.playback.history(view_state, self.symbol, self.interval),
            overlays=[name for name in self.playback.overlays(self.interval) if name in known],
            before={name: float(values[row]) for name, values in before.items()},
            levels=self._levels(view_state),
            as_of=view_state.clock_text,
        )

    def _levels(self, view_state: ViewState) -> dict[str, float]:
        """Return high and low of the pre-market, where the symbol has one, for candles of less than a day."""
        view, opening = view_state.view, view_state.opening
        if view is None or opening is None or not self.interval.is_intraday:
            return {}
        row, found = view.row(self.symbol), opening.pre_market
        levels = {"PMH": float(found.high[row]), "PML": float(found.low[row])}
        return {name: price for name, price in levels.items() if not np.isnan(price)}
