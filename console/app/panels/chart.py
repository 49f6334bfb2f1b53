"""Chart panel: candles of the focused symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import ClassVar, Final

import numpy as np
from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from tapedeck.console.app.chart_choice import ChartChoice
from tapedeck.console.app.chart_marks import MARKED, event_marks, session_marks
from tapedeck.console.app.chart_window import HeldWindow
from tapedeck.console.app.indicator_lines import line_names, with_panes
from tapedeck.console.app.live_words import duration
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.rows import chart_data
from tapedeck.console.app.table_figures import forming_of
from tapedeck.console.app.widgets import CandleChart, ChartData, ChartMark, FormingCandle
from tapedeck.console.app.widgets.chart_painting import panes_that_fit
from tapedeck.console.panel_data.registry import SECOND_CHART
from tapedeck.console.panel_data.tables import Table, Value
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.events import Event, events_known_at
from tapedeck.engine.read.forming_bar import forming_bar
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.session_view import SessionView

_HISTORY_STEP: Final = 100
"""Earlier candles are read by hundreds, so that a change of the size seldom reads again."""


class ChartPanel(Panel):
    """Candles, volume, indicators and the pre-market's levels, with the session before on the left.

    `lines`: the choice of indicators. `is_pinned`: whether it keeps its symbol when another one is focused.
    """

    NAME: ClassVar[str] = "chart"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.chart = CandleChart()
        self.window = HeldWindow()
        self._interval: Interval = playback.plan.base
        self.lines = ChartChoice(lambda: self.playback.plan.specs)
        self.is_pinned = False
        self._view_state: ViewState | None = None
        self._marked: tuple[tuple[Event, ...], tuple[Event, ...]] | None = None

    def content(self) -> ComposeResult:
        """Compose the chart."""
        yield self.chart

    def show(self, view_state: ViewState) -> None:
        """Show the symbol's candles up to the time shown."""
        self._view_state = view_state
        data, forming = self._data(view_state), self._forming(view_state)
        if np.isnan(data.close).all() and forming is None:
            plays = "" if self.playback.is_live else f"{self.key('pause')} plays, "
            keys = f"{plays}{self.key('interval')} changes the interval"
            self.face("empty", f"no {self.interval} bar of {self.symbol} yet: {keys}")
            return
        self.fill()
        marks = self._marks(view_state, data)
        self.chart.show(replace(data, forming=forming, window=self.window.over(data), marks=marks))

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

    # Symbol

    def follow(self, symbol: str) -> None:
        """Show the focused symbol, unless the chart is pinned."""
        if not self.is_pinned:
            super().follow(symbol)

    def pin(self, symbol: str) -> None:
        """Keep a symbol, whichever is focused."""
        self.symbol = symbol
        self._set_pinned(is_pinned=True)

    def unpin(self, symbol: str) -> None:
        """Show the focused symbol again."""
        self.symbol = symbol
        if self.is_pinned:
            self._set_pinned(is_pinned=False)

    def _set_pinned(self, *, is_pinned: bool) -> None:
        self.is_pinned = is_pinned
        if self.is_mounted:
            self.show_heading()
            self.post_message(self.NoteChanged())

    @property
    def heading_note(self) -> str:
        """The symbol to which the chart is pinned."""
        return f"pinned to {self.symbol}" if self.is_pinned else ""

    @property
    def tab_note(self) -> str:
        """Whether the chart is pinned."""
        return "pinned" if self.is_pinned else ""

    # The window

    @property
    def interval(self) -> Interval:
        """The interval of the candles; another one is shown from now on."""
        return self._interval

    @interval.setter
    def interval(self, interval: Interval) -> None:
        if interval != self._interval:
            self._interval, self.window = interval, HeldWindow()

    def pan(self, candles: int) -> None:
        """Move on by candles, or back; at the first candles, earlier ones are read."""
        data, place = self.chart.data, self.chart.place
        if data is not None and place is not None:
            self._set(self.window.panned(data, candles, place.stop - place.start))

    def pan_screens(self, screens: int) -> None:
        """Move on by the width of the chart, or back."""
        place = self.chart.place
        if place is not None:
            self.pan(screens * max(place.stop - place.start - 1, 1))

    def zoom(self, steps: int) -> None:
        """Show fewer candles, farther apart, or more."""
        place = self.chart.place
        if place is not None:
            self._set(self.window.zoomed(place.zoomed(steps)))

    def point(self, steps: int) -> None:
        """Move the crosshair by candles."""
        data, place = self.chart.data, self.chart.place
        if data is not None and place is not None:
            self._set(self.window.pointed(data, steps, place.stop - place.start))

    def return_to_now(self) -> None:
        """Show the newest candles without a crosshair; the usual number of them if they are shown already."""
        self._set(self.window.now())

    def _set(self, window: HeldWindow) -> None:
        if window != self.window:
            self.window = window
            if self._view_state is not None:
                self.show(self._view_state)

    @on(CandleChart.Panned)
    def _dragged(self, message: CandleChart.Panned) -> None:
        message.stop()
        self.pan(message.candles)

    @on(CandleChart.Zoomed)
    def _wheel_turned(self, message: CandleChart.Zoomed) -> None:
        message.stop()
        self.zoom(message.steps)

    @on(CandleChart.Pointed)
    def _clicked(self, message: CandleChart.Pointed) -> None:
        message.stop()
        data, place = self.chart.data, self.chart.place
        if data is not None and place is not None:
            self._set(self.window.pointed_at(data, message.candle, place.stop - place.start))

    @property
    def wanted_history(self) -> int:
        """Number of earlier candles that the chart can show; 0 while it is hidden."""
        if not self.display:
            return 0
        width, data = self.chart.size.width, self.chart.data
        behind = 0 if data is None or self.window.last_at is None else self.window.over(data).behind
        # Read a screen ahead of a pan to the left.
        ahead = width if self.window.last_at is not None else 0
        return _HISTORY_STEP * ceil((width + behind + ahead) / _HISTORY_STEP)

    def keyboard_target(self) -> Widget:
        """Return the chart."""
        return self.chart

    def _data(self, view_state: ViewState) -> ChartData:
        assert view_state.view is not None
        view, opening = view_state.view, view_state.opening
        known, row = set(view.indicator_names()), view.row(self.symbol)
        before = {} if opening is None else opening.indicators
        specs = self.lines.on(self.interval)
        history = self.playback.history(view_state, self.symbol, self.interval)
        data = chart_data(
            view,
            self.symbol,
            self.interval,
            history=history.bars,
            session_before=history.before,
            overlays=[name for name in line_names(specs) if name in known],
            before={name: float(values[row]) for name, values in before.items()},
            levels=self._levels(view_state),
            earlier_fills=self._earlier_fills(view),
            as_of=view_state.clock_text,
        )
        return with_panes(data, specs)

    def _marks(self, view_state: ViewState, data: ChartData) -> tuple[ChartMark, ...]:
        """Return the marks of the candles: sessions, breakpoints and bookmarks known at the time shown."""
        view = view_state.view
        assert view is not None
        events = self.playback.system.events()
        if self._marked is None or self._marked[0] is not events:
            self._marked = events, tuple(event for event in events if event.kind in MARKED)
        known = events_known_at(self._marked[1], view)
        marks = event_marks(known, data.opened_at, self.interval, view.base_interval, self.symbol)
        if not self.interval.is_intraday:
            return tuple(marks)
        history = self.playback.history(view_state, self.symbol, self.interval)
        return (*session_marks(history.starts, data.today, len(data), view), *marks)

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
        """Return the candle that is not over at the time shown.

        On the base interval it is that of a live session at its present; on others, also in the past, it is
        made of the base bars up to there.
        """
        view, live = view_state.view, view_state.snapshot.live
        if view is None:
            return None
        if self.interval != view.base_interval:
            made = forming_bar(view, self.symbol, self.interval)
            if made is None:
                return None
            age = duration(view.clock_seconds - made.opened_at)
            prices = made.open, made.high, made.low, made.close
            return FormingCandle(*prices, age, made.volume, made.opened_at)
        if live is None or view_state.is_past:
            return None
        found = forming_of(live, view, self.symbol)
        if found is None:
            return None
        age, bar = duration((live.now - found.received).total_seconds()), found.bar
        return FormingCandle(bar.open, bar.high, bar.low, bar.close, age, bar.volume, bar.opened_at)

    def _levels(self, view_state: ViewState) -> dict[str, float]:
        """Return high and low of the pre-market, where the symbol has one, for candles of less than a day."""
        view, opening = view_state.view, view_state.opening
        if view is None or opening is None or not self.interval.is_intraday:
            return {}
        row, found = view.row(self.symbol), opening.pre_market
        levels = {"PMH": float(found.high[row]), "PML": float(found.low[row])}
        return {name: price for name, price in levels.items() if not np.isnan(price)}


class SecondChartPanel(ChartPanel):
    """A second chart, of another interval or symbol."""

    NAME: ClassVar[str] = SECOND_CHART.id
