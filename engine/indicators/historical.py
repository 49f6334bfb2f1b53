"""Historical indicators of one session, from the history that precedes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.indicators.trailing import trailing, trailing_days
from tapedeck.engine.tape.bar_grid import FIELDS, Floats, Ints
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.history import DailyHistory, HistoryDay


def daily_value(
    name: str,
    kind: TrailingKind,
    field: str,
    days: Sequence[date],
    history: DailyHistory | None,
    symbols: int,
) -> HistoricalValue:
    """Return a trailing value over the daily bars of `days`, one number per symbol."""
    values: Floats = np.empty((symbols, 0))
    if history is not None:
        values = history.values[FIELDS.index(field)][:, history.columns_of(days)]
    reduced, used = trailing_days(values, kind)
    return HistoricalValue(name, kind, False, reduced, used, len(days))


def minute_value(
    name: str,
    kind: TrailingKind,
    field: str,
    sessions: Sequence[TradingSession],
    history: Sequence[HistoryDay],
    shape: tuple[int, int],
) -> HistoricalValue:
    """Return a trailing value per minute of the session: over the same slot of earlier sessions.

    `history`: earlier sessions' 1m bars; those of `sessions` are taken. `shape`: symbols, minutes of today. A
    minute that a shorter earlier session did not have is computed from the others.
    """
    position = FIELDS.index(field)
    wanted = {session.trading_day for session in sessions}
    minutes = shape[1]
    layers = [day.grid.values[position, :, :minutes] for day in history if day.session.trading_day in wanted]
    values: Floats = np.full(shape, np.nan)
    used: Ints = np.zeros(shape, dtype=np.int64)
    if layers:
        reduced, counts = trailing(layers, kind)
        values[:, : reduced.shape[1]], used[:, : reduced.shape[1]] = reduced, counts
    return HistoricalValue(name, kind, True, values, used, len(sessions))
