"""Indicators panel: session indicators, historical ones and the pre-market of the focused symbol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from tapedeck.console.app.decimals import column_decimals, names_on_price_scale, sizes_of
from tapedeck.console.app.division import Wanted
from tapedeck.console.app.grid_text import MISSING, Cell, figure, grid_lines
from tapedeck.console.app.joins import later_joins
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import StyledLines, sparkline
from tapedeck.console.app.widgets.figures import BEFORE, JOINS_LATER, compact, marked_as_before
from tapedeck.console.panel_data.panel_tables import indicators_table
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.session_view import SessionView

_TREND = 12
_TOP_LINES: Final = 2
"""Lines of the symbol and its pre-market."""
_COLUMNS: Final = 52
_MUTED: Final = "$text-muted"
_DIMMED: Final = "$foreground 75%"


class IndicatorsPanel(Panel):
    """Value, trend and interval of all indicators of a symbol, and its pre-market.

    An indicator without a value of today shows its last one of the session before, dimmed and marked.
    """

    NAME: ClassVar[str] = "indicators"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self._prices = names_on_price_scale(playback)
        self._lines = StyledLines()

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self._lines

    def show(self, view_state: ViewState) -> None:
        """Show the symbol's indicators at the time shown."""
        assert view_state.view is not None
        prices = _price_decimals(view_state.view, self.symbol)
        session = [
            (name, Cell(interval, _MUTED), self._value(view_state, name, value, values), _trend(values))
            for name, interval, value, values in self._session(view_state)
        ]
        history = [
            (name, figure(value, self._decimals(name, values, prices)), Cell(how, _MUTED))
            for name, value, how, values in self._history(view_state)
        ]
        pre_market = self._pre_market(view_state)
        if not session and not history and not pre_market:
            self.face("empty", "the session file has no indicators: add some under session_data_config")
            return
        self.fill()
        lines = [self._symbol_line(view_state.view)]
        if any(value.text.startswith(BEFORE) for _, _, value, _ in session):
            lines[0] += Content.styled(f"   {BEFORE} at the close of {_day_before(view_state)}", _DIMMED)
        if pre_market:
            lines.append(Content.styled(pre_market, _DIMMED))
        if session:
            lines += grid_lines(["session", "of", "value", "trend"], session, right="llr")
        if history:
            lines += [Content(""), *grid_lines(["before today", "value", "from"], history, right="lr")]
        self._lines.show(lines)

    def wanted(self, _view_state: ViewState) -> Wanted:
        """Return the size of a line per indicator of the run, with the headings, symbol and pre-market."""
        plan = self.playback.plan
        session, history = sum(len(spec.outputs) for spec in plan.specs), len(plan.history.trailing)
        if not session and not history:
            return Wanted(columns=_COLUMNS)
        rows = _TOP_LINES + (session + 1 if session else 0) + (history + 2 if history else 0)
        return Wanted(1 + rows, _COLUMNS)

    def as_table(self, view_state: ViewState) -> Table:
        """Return the indicators of the focused symbol and their values."""
        assert view_state.view is not None
        return indicators_table(view_state.view, [self.symbol])

    def keyboard_target(self) -> Widget:
        """Return the scrolling list."""
        return self._lines

    def _symbol_line(self, view: SessionView) -> Content:
        """Return the symbol; of one that joins later, with the time."""
        later = later_joins(view).get(self.symbol)
        title = Content.styled(self.symbol, "bold")
        return title if later is None else title + Content.styled(f"   {JOINS_LATER} {later}", _DIMMED)

    def _session(self, view_state: ViewState) -> Iterator[tuple[str, str, float, Floats]]:
        view = view_state.view
        assert view is not None
        row = view.row(self.symbol)
        for name in view.indicator_names():
            values = view.indicator_grid(name)[row]
            there = values[~np.isnan(values)]
            last = float(there[-1]) if len(there) else float("nan")
            yield name, str(view.indicator_interval(name)), last, values

    def _value(self, view_state: ViewState, name: str, value: float, values: Floats) -> Cell:
        """Return the cell of an indicator: its value, or where it has none the one of the session before."""
        view, opening = view_state.view, view_state.opening
        assert view is not None
        prices = _price_decimals(view, self.symbol)
        if opening is None or not np.isnan(value) or name not in opening.indicators:
            return Cell(figure(value, self._decimals(name, values, prices)))
        before = opening.indicators[name][[view.row(self.symbol)]]
        text = figure(float(before[0]), self._decimals(name, before, prices))
        return Cell(marked_as_before(text), _DIMMED)

    def _pre_market(self, view_state: ViewState) -> str:
        """Return the symbol's pre-market as a line, empty if it had no bars there."""
        view, opening = view_state.view, view_state.opening
        assert view is not None
        row = view.row(self.symbol)
        if opening is None or np.isnan(opening.pre_market.volume[row]):
            return ""
        found, decimals = opening.pre_market, _price_decimals(view, self.symbol)
        high, low = (figure(float(prices[row]), decimals) for prices in (found.high, found.low))
        return f"pre-market high {high}  low {low}  volume {compact(float(found.volume[row]))}"

    def _history(self, view_state: ViewState) -> Iterator[tuple[str, float, str, Floats]]:
        view = view_state.view
        assert view is not None
        row = view.row(self.symbol)
        for name in view.historical_names():
            known, shown = view.historical_value(name), view.historical(self.symbol, name)
            per = ", this minute" if known.per_minute else " sessions"
            # Known before the session, all of them.
            values = np.atleast_1d(known.values[row])
            yield name, shown.value, f"{shown.used} of {known.requested}{per}", values

    def _decimals(self, name: str, values: Floats, of_prices: int) -> int:
        """Return the decimals of an indicator; `values`: its values so far, shape (columns,)."""
        if name in self._prices:
            return of_prices
        return column_decimals(sizes_of(values[None]))


def _price_decimals(view: SessionView, symbol: str) -> int:
    """Return the decimals of the symbol's prices, by its first open, before it by the prior close."""
    row = view.row(symbol)
    opened, before = view.first_opens()[[row]], view.prior_close.values[[row]]
    return column_decimals(np.where(np.isnan(opened), before, opened))


def _day_before(view_state: ViewState) -> str:
    opening = view_state.opening
    return "" if opening is None or opening.day_before is None else opening.day_before.isoformat()


def _trend(values: Floats) -> Cell:
    text = sparkline(values[-_TREND:], _TREND)
    return Cell(text.strip() or MISSING, "$text-accent")
