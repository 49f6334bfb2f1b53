"""Session that a store can play: base interval, exchange and days of its symbols, where none are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config.exchanges import resolve_exchange
from tapedeck.engine.default_exchange import DEFAULT_EXCHANGE
from tapedeck.engine.errors import DataMissingError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.base_interval import Stored, choose_base

ALWAYS_OPEN: Final = "CRYPTO"
"""Group of the exchange that trades on every day of the week."""
_BASE_ORDER: Final = (MINUTE, SECOND, DAY)
# On a Saturday after noon, UTC, only markets that never close trade; before noon some others do, some days.
_SATURDAY: Final = 5
_NOON: Final = time(12)
_SATURDAYS: Final = 4


def stored_intervals(symbols: Sequence[str], store: BarStore) -> Stored:
    """Return the stored intervals of every symbol of a store, and of `symbols`."""
    return {**store.series(), **DataManager(store).stored_intervals(symbols)}


def stored_base(symbols: Sequence[str], stored: Stored) -> Interval:
    """Return the base interval to play of those stored for all symbols: 1m, else 1s, else 1d.

    Raises DataMissingError, with the nearest stored symbols, if they have none in common.
    """
    for base in _BASE_ORDER:
        if all(base in stored[symbol] for symbol in symbols):
            return base
    return choose_base([DAY], symbols, stored)  # which is possible of none: raises the error


def stored_exchange(symbols: Sequence[str], interval: Interval, store: BarStore) -> str:
    """Return the group of the exchange of stored bars: CRYPTO if all symbols trade on Saturdays.

    Otherwise the default exchange: bars alone do not tell one exchange from another.
    """
    return ALWAYS_OPEN if all(_is_always_open(s, interval, store) for s in symbols) else DEFAULT_EXCHANGE


def stored_days(
    symbols: Sequence[str], interval: Interval, exchange: str, store: BarStore
) -> tuple[date, date]:
    """Return the trading days of the first and the last stored bar of any of the symbols.

    Raises DataMissingError without bars, CalendarError for an unknown exchange or dates outside its calendar.
    """
    data = DataManager(store)
    spans = [data.span(symbol, interval) for symbol in symbols]
    firsts, lasts = [first for first, _ in spans if first], [last for _, last in spans if last]
    if not firsts or not lasts:
        names = ", ".join(symbols)
        raise DataMissingError(
            f"{names}: no {interval} bars stored in {store.location}.",
            symbols=symbols,
            interval=str(interval),
        )
    if not interval.is_intraday:
        return min(firsts).date(), max(lasts).date()
    calendar = TimeManager(resolve_exchange(exchange))
    return calendar.get_trading_date(min(firsts)), _last_day(max(lasts), calendar)


def _last_day(last: datetime, calendar: TimeManager) -> date:
    """Return the trading day of a bar, or, of one after the close, the day before it."""
    day = calendar.get_trading_date(last)
    if calendar.get_trading_session(day).regular_open <= last:
        return day
    return calendar.get_previous_trading_date(day)


def _is_always_open(symbol: str, interval: Interval, store: BarStore) -> bool:
    """Whether a symbol has bars on each of the last full Saturdays of its span, of which there is one."""
    first, last = DataManager(store).span(symbol, interval)
    if first is None or last is None:
        return False
    days = list(_saturdays(first, last))
    return bool(days) and all(_has_bars_on(day, symbol, interval, store) for day in days)


def _saturdays(first: datetime, last: datetime) -> Iterator[date]:
    """Yield the last Saturdays between two bars, latest first."""
    day = last.date() - timedelta(days=(last.weekday() - _SATURDAY) % 7 or 7)
    for _ in range(_SATURDAYS):
        if day <= first.date():
            return
        yield day
        day -= timedelta(days=7)


def _has_bars_on(day: date, symbol: str, interval: Interval, store: BarStore) -> bool:
    begin = datetime.combine(day, _NOON if interval.is_intraday else time(), UTC)
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    found = store.first_at_or_after(symbol, interval, epoch_seconds(begin))
    return found is not None and found < epoch_seconds(end)
