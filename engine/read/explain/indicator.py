"""Explains a session indicator: the very bars that it was computed from, history first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapedeck.engine.indicators.formulas import formula_of
from tapedeck.engine.indicators.running import typical_price
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.talib_functions import TalibFunction
from tapedeck.engine.indicators.warm_up import columns_used, sessions_used
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.read.explain.explanation import Explained, ExplainedInput, Explanation
from tapedeck.engine.read.explain.moment import Moment, joined, last_value
from tapedeck.engine.tape.bar_grid import FIELDS, VOLUME, Floats, Ints
from tapedeck.engine.tape.history import HistoryDay
from tapedeck.engine.tape.session_totals import sum_in_order


def explain_indicator(moment: Moment, name: str) -> Explanation:
    """Return where a session indicator's last value comes from."""
    spec = next(spec for spec in moment.plan.specs if name in spec.outputs)
    values = moment.view.indicator_grid(name)[moment.row]
    column = last_value(values)
    plain = Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.INDICATOR,
        frontier=moment.view.frontier,
        clock=moment.view.clock,
        value=None if column is None else float(values[column]),
        formula=formula_of(spec.kind),
        source=f"tapedeck's own, on {moment.made_from(spec.interval)}",
        interval=spec.interval,
        bar_opened_at=moment.opened_at(spec.interval, column),
        parameters=dict(spec.parameters),
        is_warm=column is not None,
    )
    at = len(values) if column is None else column + 1
    if spec.function is not None:
        return _of_talib(moment, plain, spec, spec.function, at)
    if spec.kind == "RELATIVE_VOLUME":
        return _of_relative_volume(moment, plain, spec, at)
    return _of_running(moment, plain, spec, at)


def _of_talib(
    moment: Moment, plain: Explanation, spec: IndicatorSpec, function: TalibFunction, columns: int
) -> Explanation:
    days = _history(moment, spec.interval)
    sizes = [day.grid.shape[1] for day in days]
    daily = not spec.interval.is_intraday
    earlier = columns_used(sizes, function.lookback, sessions_are_columns=daily)
    labels, values = _series(moment, spec.interval, days, earlier, columns)
    there = ~np.isnan(values[0])
    used = int(there.sum())
    output = f", its {plain.name.removeprefix(spec.name + '_')}" if len(spec.outputs) > 1 else ""
    return replace(
        plain,
        source=f"TA-Lib's {spec.kind}{output}, on {moment.made_from(spec.interval)}",
        inputs=tuple(
            ExplainedInput(
                FIELDS[field], spec.interval, labels[there], values[field][there], int(there[:earlier].sum())
            )
            for field in dict.fromkeys(function.inputs)
        ),
        bars_used=used,
        missing_bars=len(there) - used,
        history_sessions=earlier if daily else sessions_used(sizes, function.lookback),
        warm_up_bars=function.lookback,
        is_warm=used > function.lookback,
    )


def _series(
    moment: Moment, interval: Interval, days: list[HistoryDay], earlier: int, columns: int
) -> tuple[Ints, Floats]:
    """Return labels and bars (5, n) of the last `earlier` columns of history and the session's first ones."""
    rows = [(day, own) for day in days if (own := day.row_of(moment.row)) is not None]
    labels = joined([day.opened_at for day, _ in rows], np.empty(0, dtype=np.int64))
    past = [day.grid.values[:, own] for day, own in rows]
    bars = np.concatenate(past, axis=1) if past else np.empty((5, 0))
    begin = len(labels) - earlier
    return (
        np.concatenate([labels[begin:], moment.view.opened_at(interval)[:columns]]),
        np.concatenate([bars[:, begin:], moment.bars(interval)[:, :columns]], axis=1),
    )


def _history(moment: Moment, interval: Interval) -> list[HistoryDay]:
    history, day = moment.history, moment.tape.session.trading_day
    if interval.is_intraday:
        kept = history.intraday.get(interval)
        return [] if kept is None else list(history.days(interval, kept.common_depth, day))
    return list(history.days(interval, len(history.daily.days) if history.daily else 0, day))


def _of_relative_volume(moment: Moment, plain: Explanation, spec: IndicatorSpec, columns: int) -> Explanation:
    if plain.value is None:
        return plain
    average = moment.tape.historical[str(spec.against)].values[moment.row, columns - 1]
    volume = moment.bars(MINUTE)[VOLUME, columns - 1]
    return replace(
        plain,
        parameters={**plain.parameters, "against": str(spec.against)},
        terms={"volume": float(volume), str(spec.against): float(average)},
        bars_used=1,
    )


def _of_running(moment: Moment, plain: Explanation, spec: IndicatorSpec, columns: int) -> Explanation:
    """Explain what runs since the open: VWAP, session high, session low."""
    stop = columns
    if spec.interval != moment.tape.base_interval and columns:
        stop = int(moment.tape.derived[spec.interval].buckets.stops[columns - 1])
    bars = moment.bars(moment.tape.base_interval)[:, :stop]
    used = int((~np.isnan(bars[VOLUME])).sum())
    inputs: tuple[ExplainedInput, ...]
    terms: dict[str, float] = {}
    if spec.kind == "VWAP":
        price = typical_price(bars)
        inputs = (moment.base_series("typical price", price, 0, stop), moment.base_input("volume", 0, stop))
        money, volume = sum_in_order(price * bars[VOLUME]), sum_in_order(bars[VOLUME])
        terms = {"Σ typical price × volume": float(money), "Σ volume": float(volume)}
    else:
        inputs = (moment.base_input("high" if spec.kind == "SESSION_HIGH" else "low", 0, stop),)
    return replace(
        plain, inputs=inputs, terms=terms, bars_used=used, missing_bars=stop - used, is_warm=used > 0
    )
