"""Explanation of a historical indicator: its earlier days, or the same minute of them."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.read.explain.moment import Moment
from tapedeck.engine.streams.stream_plan import TrailingPlan
from tapedeck.engine.tape.bar_grid import FIELDS, Floats, Ints

_STATISTICS = {"trailing_average": "mean", "trailing_max": "highest", "trailing_min": "lowest"}


def explain_trailing(moment: Moment, name: str) -> Explanation:
    """Return the explanation of a historical indicator, a per-minute one at the minute of the last bar."""
    trailing = next(known for known in moment.plan.history.trailing if known.name == name)
    definition, value = trailing.definition, moment.view.historical_value(name)
    sessions = _sessions(moment, trailing)
    figure = moment.view.historical(moment.symbol, name)
    if figure.minute is None:
        labels, values = _days(moment, definition.field, sessions)
    else:
        labels, values = _minutes(moment, definition.field, sessions, figure.minute)
    interval = MINUTE if value.per_minute else DAY
    each = "that minute of" if value.per_minute else "the daily bars of"
    return Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.HISTORICAL,
        frontier=moment.view.frontier,
        clock=moment.view.clock,
        value=None if np.isnan(figure.value) else figure.value,
        formula=f"{_STATISTICS[definition.type]} {definition.field} of {each} the last {definition.period}",
        source=_source(moment, interval),
        interval=interval,
        parameters={
            "type": definition.type,
            "period": str(definition.period),
            "granularity": definition.granularity,
            "field": definition.field,
            "skip_early_close": str(definition.skip_early_close).lower(),
        },
        inputs=(ExplainedInput(definition.field, interval, labels, values, len(values)),),
        bars_used=figure.used,
        missing_bars=value.requested - figure.used,
        history_sessions=len(sessions),
        is_warm=figure.used > 0,
    )


def _sessions(moment: Moment, trailing: TrailingPlan) -> list[TradingSession]:
    position = moment.plan.sessions.index(moment.view.session)
    return [moment.plan.history.sessions[at] for at in trailing.sessions[position]]


def _days(moment: Moment, field: str, sessions: list[TradingSession]) -> tuple[Ints, Floats]:
    """Return the labels and values of the days that have a bar."""
    daily = moment.history.daily
    if daily is None or not sessions:
        return np.empty(0, dtype=np.int64), np.empty(0)
    columns = [daily.column_of(session.trading_day) for session in sessions]
    values = daily.values[FIELDS.index(field), moment.history_row, columns]
    present = ~np.isnan(values)
    return daily.regular_opens(daily.labels()[columns][present]), values[present]


def _minutes(moment: Moment, field: str, sessions: list[TradingSession], minute: int) -> tuple[Ints, Floats]:
    """Return the labels and values of one minute, of the sessions that have its bar."""
    wanted = {session.trading_day for session in sessions}
    kept = moment.history.intraday.get(MINUTE)
    found: list[tuple[int, float]] = []
    for day in () if kept is None else kept.last(kept.common_depth):
        own = day.row_of(moment.history_row)
        if day.session.trading_day in wanted and own is not None and minute < len(day.opened_at):
            value = float(day.grid.values[FIELDS.index(field), own, minute])
            if not np.isnan(value):
                found.append((int(day.opened_at[minute]), value))
    labels = np.array([label for label, _ in found], dtype=np.int64)
    return labels, np.array([value for _, value in found], dtype=np.float64)


def _source(moment: Moment, interval: Interval) -> str:
    sources = moment.history.sources.get(interval)
    source = interval if sources is None else sources[moment.history_row]
    if source == interval:
        return f"tapedeck, on stored {interval} bars"
    return f"tapedeck, on {interval} bars made from stored {source} bars"
