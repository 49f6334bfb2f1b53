"""Explanation of a session indicator: the bars that its value was computed from, history first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapedeck.engine.clock.slots import epoch_seconds, utc_from_epoch
from tapedeck.engine.indicators.reasons import BarRun, Evidence
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.warm_up import ALL_STORED, columns_used, sessions_used, weeks_used
from tapedeck.engine.intervals import WEEK, Interval
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.read.explain.moment import Moment, joined, last_value
from tapedeck.engine.tape.history import HistoryDay


def explain_indicator(moment: Moment, name: str) -> Explanation:
    """Return the explanation of a session indicator's last value."""
    spec = next(spec for spec in moment.plan.specs if name in spec.outputs)
    values = moment.view.indicator_grid(name)[moment.row]
    column = last_value(values)
    value = None if column is None else float(values[column])
    days = [] if spec.lookback is None else _history(moment, spec.interval)
    kind = spec.description
    evidence = _evidence(moment, spec, value, days, columns=len(values) if column is None else column + 1)
    reasons = kind.explain(evidence)
    output = f", output {name.removeprefix(spec.name + '_')}" if len(spec.outputs) > 1 else ""
    return Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.INDICATOR,
        frontier=moment.view.frontier,
        clock=moment.view.clock,
        value=value,
        formula=kind.formula,
        source=f"{kind.source}{output}, on {moment.describe_bars(spec.interval)}",
        interval=spec.interval,
        bar_opened_at=None if column is None else utc_from_epoch(int(evidence.bars.opened_at[-1])),
        parameters={**spec.parameters, **({} if spec.against is None else {"against": spec.against})},
        terms=reasons.terms,
        inputs=reasons.inputs,
        bars_used=reasons.bars_used,
        missing_bars=reasons.missing_bars,
        history_sessions=_sessions(moment, days, spec),
        warm_up_bars=reasons.warm_up_bars,
        is_warm=reasons.is_warm,
        start=kind.start(spec.parameters, spec.interval),
    )


def _evidence(
    moment: Moment, spec: IndicatorSpec, value: float | None, days: Sequence[HistoryDay], *, columns: int
) -> Evidence:
    """Return the evidence up to the end of the session's first `columns` columns of the interval.

    On 1w it ends with the last complete week: no column is of the session.
    """
    view = moment.view
    interval = view.base_interval
    columns = 0 if spec.interval == WEEK else columns
    _, stop = view.bucket_span(spec.interval, columns - 1) if columns else (0, 0)
    base = BarRun(interval, view.opened_at(interval)[:stop], moment.bars(interval)[:, :stop])
    against = None
    if spec.against is not None and columns:
        compared = view.historical_value(spec.against).values[moment.row]
        against = (spec.against, float(compared[min(columns, len(compared)) - 1]))
    return Evidence(
        value=value,
        parameters=spec.parameters,
        bars=_bars(moment, spec, days, columns),
        base=base,
        against=against,
        session_open=epoch_seconds(view.session.regular_open),
    )


def _bars(moment: Moment, spec: IndicatorSpec, days: Sequence[HistoryDay], columns: int) -> BarRun:
    """Return the kernel's input bars: history, then the session's first columns."""
    interval, earlier = spec.interval, _earlier_columns(moment, days, spec)
    rows = [(day, own) for day in days if (own := day.row_of(moment.history_row)) is not None]
    labels = joined([day.opened_at for day, _ in rows], np.empty(0, dtype=np.int64))
    if not interval.is_intraday and moment.history.daily is not None:
        labels = moment.history.daily.regular_opens(labels)
    past = [day.grid.values[:, own] for day, own in rows]
    bars = np.concatenate(past, axis=1) if past else np.empty((5, 0))
    begin = len(labels) - earlier
    if interval == WEEK:
        return BarRun(interval, labels[begin:], bars[:, begin:], earlier)
    return BarRun(
        interval,
        np.concatenate([labels[begin:], moment.view.opened_at(interval)[:columns]]),
        np.concatenate([bars[:, begin:], moment.bars(interval)[:, :columns]], axis=1),
        earlier,
    )


def _earlier_columns(moment: Moment, days: Sequence[HistoryDay], spec: IndicatorSpec) -> int:
    """Return the number of history columns in the kernel's input; of all stored ones, from its first bar."""
    sizes = [day.grid.shape[1] for day in days]
    if spec.history_bars == ALL_STORED:
        present = joined([day.grid.present[moment.history_row] for day in days], np.empty(0, dtype=np.bool_))
        return len(present) - int(np.argmax(present)) if present.any() else 0
    if spec.interval == WEEK:
        return min(sum(sizes), weeks_used(spec.history_bars))
    return columns_used(sizes, spec.history_bars, sessions_are_columns=not spec.interval.is_intraday)


def _sessions(moment: Moment, days: Sequence[HistoryDay], spec: IndicatorSpec) -> int:
    """Return the number of earlier sessions in the kernel's input."""
    if spec.interval == WEEK:
        daily, weeks = moment.history.daily, _earlier_columns(moment, days, spec)
        return daily.days_of_weeks(days[0].opened_at[-weeks:]) if daily is not None and weeks else 0
    if not spec.interval.is_intraday:
        return _earlier_columns(moment, days, spec)
    return sessions_used([day.grid.shape[1] for day in days], spec.history_bars)


def _history(moment: Moment, interval: Interval) -> list[HistoryDay]:
    history, day = moment.history, moment.view.trading_day
    if interval.is_intraday:
        kept = history.intraday.get(interval)
        return [] if kept is None else list(history.days(interval, kept.common_depth, day))
    return list(history.days(interval, len(history.daily.days) if history.daily else 0, day))
