"""Chart panel: candles of the focused symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.widget import Widget

from tapedeck.console.app.chart_choice import ChartChoice
from tapedeck.console.app.indicator_lines import line_names, with_panes
from tapedeck.console.app.live_words import duration
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.rows import chart_data
from tapedeck.console.app.table_figures import forming_of
from tapedeck.console.app.widgets import CandleChart, ChartData, FormingCandle
from tapedeck.console.app.widgets.chart_painting import panes_that_fit
from tapedeck.console.panel_data.tables import Table, Value
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.session_view import SessionView


class ChartPanel(Panel):
    """Candles, volume, indicators and the pre-market's levels, with the session before on the left.

    `lines`: the choice of indicators.
    """

    NAME: ClassVar[str] = "chart"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.chart = CandleChart()
        self.interval: Interval = playback.plan.base
        self.lines = ChartChoice(lambda: self.playback.plan.specs)

    def content(self) -> ComposeResult:
        """Compose the chart."""
        yield self.chart

    def show(self, view_state: ViewState) -> None:
        """Show the symbol's candles up to the time shown."""
        data = self._data(view_state)
        if np.isnan(data.close).all():
            plays = "" if self.playback.is_live else f"{self.key('pause')} plays, "
            keys = f"{plays}{self.key('interval')} changes the interval"
            self.face("empty", f"no {self.interval} bar of {self.symbol} yet: {keys}")
            return
        self.fill()
        forming = self._forming(view_state)
        self.chart.show(data if forming is None else replace(data, forming=forming))

    def as_table(self, view_state: ViewState) -> Table:
        """Return the candles of the session, oldest first."""
        data = self._data(view_state)
        names = ("open", "high", "low", "close", "volume")
        lines = [*data.overlays, *(line for pane in data.panes for line in pane.lines)]
        columns = [getattr(data, name) for name in names] + [line.values for line in lines]
        zone = data.zone
        times = np.datetime_as_string(data.opened_at.astype("datetime64[s]"), timezone=zone)
        rows: list[tuple[Value, ...]] = [
            (str(times[at]), *(float(column[at]) for column in columns))
            for at in range(data.today, len(data))
            if not np.isnan(data.close[at])
        ]
        return Table.of(["timestamp", *names, *(line.name for line in lines)], rows)

    def closed_panes(self) -> tuple[str, ...]:
        """Return the indicators whose panes do not fit; none while the chart is not on the screen."""
        shown = self.chart.data
        if shown is None or not self.display or not self.chart.size:
            return ()
        fitting = panes_that_fit(self.chart.size.width, self.chart.size.height, shown)
        return tuple(pane.id for pane in shown.panes[fitting:])

    def keyboard_target(self) -> Widget:
        """Return the chart."""
        return self.chart

    def _data(self, view_state: ViewState) -> ChartData:
        assert view_state.view is not None
        view, opening = view_state.view, view_state.opening
        known, row = set(view.indicator_names()), view.row(self.symbol)
        before = {} if opening is None else opening.indicators
        specs = self.lines.on(self.interval)
        data = chart_data(
            view,
            self.symbol,
            self.interval,
            history=self.playback.history(view_state, self.symbol, self.interval),
            overlays=[name for name in line_names(specs) if name in known],
            before={name: float(values[row]) for name, values in before.items()},
            levels=self._levels(view_state),
            earlier_fills=self._earlier_fills(view),
            as_of=view_state.clock_text,
        )
        return with_panes(data, specs)

    def _earlier_fills(self, view: SessionView) -> Mapping[Side, Ints] | None:
        """Return the opens of the slots of the session played before that filled, by side; None without any.

        Candles of days or longer have none.
        """
        day = self.playback.tape_cache.before(view.trading_day) if self.interval.is_intraday else None
        account = None if day is None else self.playback.system.account(day)
        if account is None:
            return None
        sessions = self.playback.plan.sessions
        session = next(session for session in sessions if session.trading_day == account.day)
        opened_at = SessionSlots(session, self.playback.plan.base).opened_at
        own = [fill for fill in account.fills if fill.symbol == self.symbol]
        return {side: opened_at[[fill.slot for fill in own if fill.side is side]] for side in Side}

    def _forming(self, view_state: ViewState) -> FormingCandle | None:
        """Return the candle that is not over, at the present of a live session, on its base interval."""
        view, live = view_state.view, view_state.snapshot.live
        if live is None or view is None or view_state.is_past or self.interval != view.base_interval:
            return None
        found = forming_of(live, view, self.symbol)
        if found is None:
            return None
        age = duration((live.now - found.received).total_seconds())
        return FormingCandle(found.bar.open, found.bar.high, found.bar.low, found.bar.close, age)

    def _levels(self, view_state: ViewState) -> dict[str, float]:
        """Return high and low of the pre-market, where the symbol has one, for candles of less than a day."""
        view, opening = view_state.view, view_state.opening
        if view is None or opening is None or not self.interval.is_intraday:
            return {}
        row, found = view.row(self.symbol), opening.pre_market
        levels = {"PMH": float(found.high[row]), "PML": float(found.low[row])}
        return {name: price for name, price in levels.items() if not np.isnan(price)}
