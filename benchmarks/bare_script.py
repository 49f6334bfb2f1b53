"""Reference implementation of the session job: a plain script in one thread, without the engine.

Loads by chunk and computes by session: 5m and 15m bars, SMA 20, EMA 20, RSI 14 (two sessions of warm-up),
VWAP and quality. No gaps between blocks, no pause, no views, no log, no stamp.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import talib

from benchmarks.market import HISTORY_SESSIONS, sessions_of, symbols_of
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager

HIGH, LOW, CLOSE, VOLUME = 1, 2, 3, 4


def play(store: BarStore, symbols: int, sessions: int, chunk: int) -> int:
    """Do the session job; return the number of bars."""
    names = symbols_of(symbols)
    days = sessions_of(sessions)
    data = DataManager(store, readers=1)
    earlier = [grid.values for grid in data.load_sessions(names, _slots(days[:HISTORY_SESSIONS]))]
    bars = 0
    for start in range(HISTORY_SESSIONS, len(days), chunk):
        for grid in data.load_sessions(names, _slots(days[start : start + chunk])):
            bars += compute_session(grid.values, earlier)
            earlier = [*earlier[1:], grid.values]
    return bars


def _slots(days: Sequence[TradingSession]) -> list[SessionSlots]:
    return [SessionSlots(day, MINUTE) for day in days]


def compute_session(values: np.ndarray, earlier: list[np.ndarray]) -> int:
    """Compute one session as a whole; return its number of bars. `values`: shape (5, S, n)."""
    present = ~np.isnan(values[CLOSE])
    full = bool(present.all())
    for width in (5, 15):
        derive(values, present, width, full=full)
    closes = [part[CLOSE] for part in (*earlier, values)]
    out = np.full((3, *values.shape[1:]), np.nan)
    for row in range(values.shape[1]):
        series = np.concatenate([part[row] for part in closes])
        if not full:
            series = series[~np.isnan(series)]
        count = int(present[row].sum()) if not full else values.shape[2]
        results = (talib.SMA(series, 20), talib.EMA(series, 20), talib.RSI(series, 14))
        for i, result in enumerate(results):
            if full:
                out[i, row] = result[-count:]
            elif count:
                out[i, row, present[row]] = result[-count:]
    price = (values[HIGH] + values[LOW] + values[CLOSE]) / 3
    volume = np.where(present, values[VOLUME], 0.0)
    money = np.where(present, price * values[VOLUME], 0.0)
    with np.errstate(invalid="ignore"):
        np.cumsum(money, axis=1) / np.cumsum(volume, axis=1)
    counts = np.cumsum(present, axis=1)
    100.0 * counts / np.arange(1, values.shape[2] + 1)
    return int(counts[:, -1].sum())


def derive(values: np.ndarray, present: np.ndarray, width: int, *, full: bool) -> np.ndarray:
    """Return bars of `width` slots, shape (5, S, n / width)."""
    parts = values.reshape(5, values.shape[1], -1, width)
    if full:
        opens, closes = parts[0, :, :, 0], parts[CLOSE, :, :, -1]
    else:
        parts_present = present.reshape(present.shape[0], -1, width)
        first, last = parts_present.argmax(axis=2), width - 1 - parts_present[:, :, ::-1].argmax(axis=2)
        opens = np.take_along_axis(parts[0], first[:, :, None], axis=2)[:, :, 0]
        closes = np.take_along_axis(parts[CLOSE], last[:, :, None], axis=2)[:, :, 0]
    high, low = np.fmax.reduce(parts[HIGH], axis=2), np.fmin.reduce(parts[LOW], axis=2)
    return np.stack([opens, high, low, closes, np.nansum(parts[VOLUME], axis=2)])
