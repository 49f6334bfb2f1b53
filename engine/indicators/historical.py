"""Historical indicators of a session, computed from the history before it."""

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
    """Return a trailing value over the daily bars of `days`, one number per symbol.

    `history`: the daily bars; every value is NaN if it is None. `symbols`: number of symbols.
    """
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
    """Return a trailing value per minute of the session, over the same minute of earlier sessions.

    `history`: 1m bars of earlier sessions, of which only those in `sessions` are used. `shape`: number of
    symbols and of minutes of the session. Shorter earlier sessions are left out of the minutes they lack.
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
