"""Historical indicators of one session, from the history that precedes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from engine.clock.trading_session import TradingSession
from engine.indicators.trailing import trailing
from engine.tape.bar_grid import FIELDS, Floats, Ints
from engine.tape.historical_value import HistoricalValue, TrailingKind
from engine.tape.history import DailyHistory, HistoryDay


def daily_value(
    name: str, kind: TrailingKind, field: str, days: Sequence[date], history: DailyHistory | None, symbols: int
) -> HistoricalValue:
    """Return a trailing value over the daily bars of `days`, one number per symbol."""
    position = FIELDS.index(field)
    layers: list[Floats] = []
    if history is not None:
        layers = [history.values[position, :, history.column_of(day)] for day in days]
    values, used = _reduced(layers, kind, (symbols,))
    return HistoricalValue(name, kind, False, values, used, len(days))


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
    layers = [
        day.grid.values[position, :, :minutes] for day in history if day.session.trading_day in wanted
    ]
    values, used = _reduced(layers, kind, shape)
    return HistoricalValue(name, kind, True, values, used, len(sessions))


def _reduced(layers: Sequence[Floats], kind: TrailingKind, shape: tuple[int, ...]) -> tuple[Floats, Ints]:
    values: Floats = np.full(shape, np.nan)
    used: Ints = np.zeros(shape, dtype=np.int64)
    if layers:
        part_values, part_used = trailing(layers, kind)
        here = (..., slice(0, part_values.shape[-1]))
        values[here], used[here] = part_values, part_used
    return values, used


