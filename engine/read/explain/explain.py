"""Explanations of all numbers of a session, by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tapedeck.engine.errors import EngineError, unknown_name_with_hint
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.explain.bars import SESSION_NAMES, explain_bar, explain_session
from tapedeck.engine.read.explain.day_figures import explain_day_figure
from tapedeck.engine.read.explain.explanation import Explanation
from tapedeck.engine.read.explain.indicator import explain_indicator
from tapedeck.engine.read.explain.moment import Moment
from tapedeck.engine.read.explain.quotes import explain_quote
from tapedeck.engine.read.explain.trailing import explain_trailing
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.history import History
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_view import SessionView

LoadHistory = Callable[[str, date], tuple[History, int]]
"""Returns the history of a symbol before a day, and the symbol's row in it."""


def explain(
    plan: StreamPlan,
    data: SessionData,
    symbol: str,
    name: str,
    *,
    frontier: int | None = None,
    interval: Interval | None = None,
    load: LoadHistory,
) -> Explanation:
    """Return the explanation of a number of the current session.

    `frontier`: that of the engine by default. `interval`: for fields of bars, the base interval by default.
    `load`: loads a symbol's history before a day again, for one that joined and left.
    Raises EngineError for an unknown symbol, name or interval, and before the first session.
    """
    view = data.view(frontier) or SessionView(data.require_tape())
    if symbol not in view.symbols:
        raise EngineError(unknown_name_with_hint("symbol", symbol, view.symbols))
    if interval is not None and interval not in view.intervals:
        raise EngineError(
            unknown_name_with_hint("interval", str(interval), [str(known) for known in view.intervals])
        )
    history, row = data.history_of(symbol) or load(symbol, view.trading_day)
    moment = Moment(plan, history, view, symbol, view.row(symbol), row)
    if name in FIELDS:
        return explain_bar(moment, name, interval or view.base_interval)
    if name in SESSION_NAMES:
        return explain_session(moment, name)
    if name in DAY_FIGURES:
        return explain_day_figure(moment, name)
    quotes = tuple(QUOTE_FIGURES) if view.has_quotes else ()
    if name in quotes:
        return explain_quote(moment, name)
    indicators, historical = view.indicator_names(), view.historical_names()
    if name in indicators:
        return explain_indicator(moment, name)
    if name in historical:
        return explain_trailing(moment, name)
    known = [*FIELDS, *SESSION_NAMES, *DAY_FIGURES, *quotes, *indicators, *historical]
    raise EngineError(unknown_name_with_hint("value", name, known))
