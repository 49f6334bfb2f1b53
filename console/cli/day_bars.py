"""Bars of one symbol and trading day, stored, or derived as in a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, day_label, epoch_seconds
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import ConfigError, ConfigProblem, DataMissingError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.store.symbol_hints import nearest_symbol
from tapedeck.engine.streams.base_interval import sources_of
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Floats, Ints, Mask
from tapedeck.engine.tape.buckets import DerivedGrid, buckets_of


@dataclass(frozen=True, slots=True)
class DayBars:
    """Bars of a day, oldest first. `opened_at`: seconds UTC, (n,); `values`: (5, n) in the order of FIELDS.

    `base_bars`: number of `source` bars in each, (n,); `is_regular`: whether it is in regular hours, (n,).
    `expected`: number of bars in complete regular hours.
    """

    symbol: str
    session: TradingSession
    interval: Interval
    source: Interval
    opened_at: Ints
    values: Floats
    base_bars: Ints
    is_regular: Mask
    expected: int

    def __len__(self) -> int:
        return len(self.opened_at)


def read_day(
    store: BarStore, symbol: str, session: TradingSession, interval: Interval, *, extended: bool = False
) -> DayBars:
    """Return a symbol's bars of one session; with `extended` also stored ones outside its hours.

    Raises DataMissingError if the store has none, ConfigError if `extended` is not possible.
    """
    source = _source(store, symbol, interval)
    if extended and not (interval.is_intraday and interval == source):
        stored = source if source.is_intraday else "1m"
        message = f"is not possible for {interval} bars, which exist in regular hours only: use {stored}"
        raise ConfigError("command line", [ConfigProblem("--extended", True, message)])
    found = (
        _extended(store, symbol, session, interval)
        if extended
        else _regular(store, symbol, session, interval, source)
    )
    if not len(found):
        raise _no_bars(store, symbol, session, source, extended=extended)
    return found


def _source(store: BarStore, symbol: str, interval: Interval) -> Interval:
    """Return the stored interval that is the source of the bars."""
    series = store.series()
    stored = series.get(symbol, frozenset())
    for source in sources_of(interval):
        if source in stored:
            return source
    if stored:
        known = ", ".join(str(item) for item in sorted(stored))
        text = f"{symbol}: no stored bars that can make {interval}; stored: {known}"
    else:
        near = nearest_symbol(symbol, series)
        hint = f" Did you mean {near!r}?" if near else ""
        text = f"no bars stored for {symbol} in {store.location}.{hint}"
    raise DataMissingError(
        f"{text}\n{_advice(store)}",
        symbols=[symbol],
        interval=str(interval),
    )


def _regular(
    store: BarStore, symbol: str, session: TradingSession, interval: Interval, source: Interval
) -> DayBars:
    slots = SessionSlots(session, source)
    grid: BarGrid = DataManager(store).load_sessions([symbol], [slots])[0]
    opened_at, counts = slots.opened_at, np.ones(len(slots), dtype=np.int64)
    if interval != source:
        buckets = buckets_of(slots, interval)
        derived = DerivedGrid(buckets, 1)
        derived.derive(grid, 0, len(buckets))
        grid, opened_at = derived, slots.opened_at[buckets.starts]
        counts = derived.base_bars[0].astype(np.int64)
    there = grid.present[0]
    return DayBars(
        symbol=symbol,
        session=session,
        interval=interval,
        source=source,
        opened_at=opened_at[there],
        values=grid.values[:, 0, there],
        base_bars=counts[there],
        is_regular=np.ones(int(there.sum()), dtype=np.bool_),
        expected=len(there),
    )


def _extended(store: BarStore, symbol: str, session: TradingSession, interval: Interval) -> DayBars:
    start, end = _whole_day(session)
    stored = store.read(symbol, interval, start, end)
    slots = SessionSlots(session, interval)
    return DayBars(
        symbol=symbol,
        session=session,
        interval=interval,
        source=interval,
        opened_at=stored.opened_at,
        values=np.stack([getattr(stored, name) for name in FIELDS]),
        base_bars=np.ones(len(stored), dtype=np.int64),
        is_regular=np.isin(stored.opened_at, slots.opened_at),
        expected=len(slots),
    )


def _whole_day(session: TradingSession) -> tuple[int, int]:
    """Return the bounds (seconds UTC) of the exchange's calendar day, extended by hours outside it."""
    midnight = datetime.combine(session.trading_day, datetime.min.time(), session.zone)
    following = datetime.combine(session.trading_day + timedelta(days=1), datetime.min.time(), session.zone)
    start = min(midnight, session.regular_open)
    end = max(following, session.regular_close)
    return epoch_seconds(start), epoch_seconds(end)


def _no_bars(
    store: BarStore, symbol: str, session: TradingSession, source: Interval, *, extended: bool
) -> DataMissingError:
    label = day_label(session.trading_day.toordinal())
    before = store.last_before(symbol, source, label)
    after = store.first_at_or_after(symbol, source, label + 86400)
    days = [f"{np.datetime64(at, 's').astype('datetime64[D]')}" for at in (before, after) if at is not None]
    verb = "day with bars is" if len(days) == 1 else "days with bars are"
    near = f" The nearest {verb} {' and '.join(days)}." if days else ""
    opened, closed = (at.astimezone(session.zone) for at in (session.regular_open, session.regular_close))
    hours = "" if extended else f" in regular hours, {opened:%H:%M} to {closed:%H:%M}"
    return DataMissingError(
        f"no {source} bars stored for {symbol} on {session.trading_day}{hours}.{near}\n{_advice(store)}",
        symbols=[symbol],
        interval=str(source),
    )


def _advice(store: BarStore) -> str:
    command = f"tapedeck import lean PATH --store {store.location}"
    return f"Import them: `{command}`, or `import csv`, `import parquet`."
