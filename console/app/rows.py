"""Data of widgets from a view: plain arrays, for all symbols at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tapedeck.console.app.joins import later_joins
from tapedeck.console.app.widgets import (
    ChartData,
    ChartLine,
    CoverageData,
    GapMapData,
    StripData,
    StripTick,
)
from tapedeck.engine.broker.orders import BUY, SELL, Side
from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.coverage import Coverage
from tapedeck.engine.tape.bar_grid import FIELDS, Floats, Ints, Mask
from tapedeck.engine.tape.session_view import Bars, SessionView


def strip_data(played: SessionView, *, looked_at: int | None, ticks: Sequence[StripTick] = ()) -> StripData:
    """Return the timeline of a session as far as it was played; `looked_at`: frontier shown in the past."""
    covered = played.covered_grid()
    session = played.session
    opens, closes = (
        f"{instant.astimezone(session.zone):%H:%M}"
        for instant in (session.regular_open, session.regular_close)
    )
    return StripData(
        slots=played.slots,
        frontier=played.frontier,
        complete=covered.mean(axis=0) if len(covered) else np.zeros(covered.shape[1]),
        ticks=tuple(ticks),
        viewed_frontier=looked_at,
        opens=opens,
        closes=closes,
    )


def gap_map(view: SessionView) -> GapMapData:
    """Return the present, empty and missing bars of the session."""
    return GapMapData(
        symbols=view.symbols,
        present=view.present_grid(view.base_interval),
        covered=view.covered_grid(),
        slots=view.slots,
        opened_at=view.opened_at(view.base_interval),
        zone=view.session.zone,
        corrected=view.corrected_grid(),
        later=frozenset(later_joins(view)),
    )


def coverage_map(found: Coverage) -> CoverageData:
    """Return the coverage map: symbols by days."""
    pct = np.array([[day.pct for day in row.days] for row in found.symbols], dtype=np.float64)
    return CoverageData(tuple(row.symbol for row in found.symbols), found.days, pct)


def chart_data(
    view: SessionView,
    symbol: str,
    interval: Interval,
    *,
    history: Sequence[Bars] = (),
    session_before: SessionView | None = None,
    overlays: Sequence[str] = (),
    before: Mapping[str, float] | None = None,
    levels: Mapping[str, float] | None = None,
    earlier_fills: Mapping[Side, Ints] | None = None,
    as_of: str = "",
) -> ChartData:
    """Return the candles of a symbol: earlier sessions, then this one up to the view's clock.

    `earlier_fills`: opens of the slots that filled in the session before, seconds UTC, for candles of less
    than a day.
    `overlays`: names of indicators on the same interval, with values for this session, and for the session
    before if that is given (`session_before`); `before`: their last values of the session before. `levels`:
    name → price.
    """
    bars = view.bars(symbol, interval)
    earlier = sum(len(day) for day in history)
    opened_at, *fields = (
        np.concatenate([*(getattr(day, name) for day in history), getattr(bars, name)])
        for name in ("opened_at", *FIELDS)
    )
    opens, highs, lows, closes, volumes = fields
    row = view.row(symbol)
    last = before or {}
    lines = tuple(
        ChartLine(
            name,
            _padded(
                np.concatenate(
                    [
                        values_before(session_before, symbol, name, opened_at[:earlier]),
                        view.indicator_grid(name)[row],
                    ]
                ),
                earlier + len(bars),
            ),
            before=last.get(name, np.nan),
        )
        for name in overlays
    )
    marks = {
        side: _filled(view, symbol, interval, side, earlier)
        | _filled_before(opened_at[:earlier], (earlier_fills or {}).get(side))
        for side in Side
    }
    return ChartData(
        title=f"{symbol} {interval}",
        as_of=as_of,
        later=later_joins(view).get(symbol, ""),
        zone=view.session.zone,
        today=earlier,
        overlays=lines,
        levels=levels or {},
        is_daily=not interval.is_intraday,
        opened_at=opened_at,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=volumes,
        corrected=_corrected(view, symbol, interval, earlier),
        bought=marks[BUY],
        sold=marks[SELL],
        last=_last_price(view, symbol),
    )


def values_before(before: SessionView | None, symbol: str, name: str, opened_at: Ints) -> Floats:
    """Return an indicator's values of the session before at earlier candles, NaN where there are none.

    `before`: that session at its close, None if it is not in memory. `opened_at`: the candles, in order.
    """
    values: Floats = np.full(len(opened_at), np.nan)
    if before is None or name not in before.indicator_names() or not len(opened_at):
        return values
    interval = before.indicator_interval(name)
    own = before.opened_at(interval)
    if not interval.is_intraday:  # earlier days are labelled with their date, a session's own with its open
        own = np.full(len(own), day_label(before.trading_day.toordinal()), dtype=np.int64)
    at = np.minimum(np.searchsorted(opened_at, own), len(opened_at) - 1)
    there = opened_at[at] == own
    values[at[there]] = before.indicator_grid(name)[before.row(symbol)][: len(own)][there]
    return values


def _last_price(view: SessionView, symbol: str) -> float:
    """Return a symbol's last close at the view's clock, whatever the interval; NaN before its first bar."""
    closes = view.bars(symbol, view.base_interval).close
    present = np.flatnonzero(np.isfinite(closes))
    return float(closes[present[-1]]) if len(present) else float("nan")


def _filled(view: SessionView, symbol: str, interval: Interval, side: Side, earlier: int) -> frozenset[int]:
    """Return the indices of the candles that are over in which strategies bought or sold.

    `earlier`: number of candles of other sessions, before those of this one.
    """
    account = view.account
    if account is None:
        return frozenset()
    slots = [fill.slot for fill in account.fills if fill.symbol == symbol and fill.side is side]
    closes = view.closed_at(interval)
    columns = np.searchsorted(closes, view.slot_times.closed_at[slots])
    return frozenset((columns[columns < len(closes)] + earlier).tolist())


def _filled_before(opened_at: Ints, fills: Ints | None) -> frozenset[int]:
    """Return the indices of candles of the session before that have fills; both in seconds UTC."""
    if fills is None or not len(opened_at):
        return frozenset()
    columns = np.searchsorted(opened_at, fills, side="right") - 1
    return frozenset(columns[columns >= 0].tolist())


def _corrected(view: SessionView, symbol: str, interval: Interval, earlier: int) -> Mask | None:
    """Return whether each candle has a corrected bar, the `earlier` ones of other sessions none; or None."""
    corrected = view.corrected_grid()
    if corrected is None:
        return None
    marks = corrected[view.row(symbol)]
    if interval != view.base_interval:
        widths = view.bucket_widths(interval)
        starts = np.cumsum(widths) - widths
        marks = np.logical_or.reduceat(marks[: int(widths.sum())], starts) if len(widths) else marks[:0]
    return np.concatenate([np.zeros(earlier, dtype=np.bool_), marks])


def _padded(values: Floats, length: int) -> Floats:
    """Return a series cut or padded with missing values: indicators may be a block behind their bars."""
    if len(values) >= length:
        return values[:length]
    return np.concatenate([values, np.full(length - len(values), np.nan)])
