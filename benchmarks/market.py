"""Random markets for the benchmarks, created once per size in a temporary folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store

FIRST_DAY = date(2013, 1, 2)
HISTORY_SESSIONS = 2


def symbols_of(count: int) -> list[str]:
    """Return the names of the invented symbols."""
    return [f"S{i:03d}" for i in range(count)]


def sessions_of(count: int) -> tuple[TradingSession, ...]:
    """Return `count` sessions of XNYS, and the two before them for warm-up."""
    time = TimeManager("XNYS")
    last = time.get_next_trading_date(FIRST_DAY, count + HISTORY_SESSIONS - 1)
    return time.trading_sessions(FIRST_DAY, last)


def make_bars(sessions: tuple[TradingSession, ...], missing: float, seed: int) -> BarColumns:
    """Return a random walk in cents over all minutes; `missing`: fraction of the bars left out."""
    random = np.random.default_rng(seed)
    opened_at = np.concatenate([SessionSlots(session, MINUTE).opened_at for session in sessions])
    close = 100 + np.cumsum(random.integers(-3, 4, len(opened_at))) / 100
    opening = close + random.integers(-2, 3, len(close)) / 100
    high = np.maximum(opening, close) + random.integers(0, 4, len(close)) / 100
    low = np.minimum(opening, close) - random.integers(0, 4, len(close)) / 100
    volume = random.integers(1, 100_000, len(close)).astype(np.float64)
    keep = random.random(len(close)) >= missing
    return BarColumns(*(array[keep] for array in (opened_at, opening, high, low, close, volume)))


def market(kind: str, symbols: int, sessions: int, missing: float = 0.0) -> BarStore:
    """Return a store (`sqlite` or `parquet`) with such a market, created on first use and kept."""
    folder = Path(tempfile.gettempdir()) / "tapedeck-benchmarks-2"
    folder.mkdir(exist_ok=True)
    name = f"{symbols}x{sessions}-{round(100 * missing)}"
    location = folder / (f"{name}.db" if kind == "sqlite" else name)
    done = folder / f"{name}.{kind}.done"
    store = open_store(location, create=not done.exists())
    if not done.exists():
        days = sessions_of(sessions)
        with store.batch():
            for seed, symbol in enumerate(symbols_of(symbols)):
                store.write(symbol, MINUTE, make_bars(days, missing, seed), replace=True)
        done.touch()
    return store


def session_file(
    symbols: int,
    sessions: int,
    *,
    prefetch_days: int,
    indicators: Mapping[str, Mapping[str, str | int]] | None = None,
) -> SessionConfig:
    """Return the session job: 5m and 15m bars, SMA 20, EMA 20, RSI 14, VWAP, quality, `indicators`."""
    played = sessions_of(sessions)[HISTORY_SESSIONS:]
    document = {
        "session_name": "benchmark",
        "exchange_group": "US_EQUITY",
        "backtest_config": {
            "start_date": played[0].trading_day,
            "end_date": played[-1].trading_day,
            "prefetch_days": prefetch_days,
        },
        "session_data_config": {
            "symbols": symbols_of(symbols),
            "streams": ["1m", "5m", "15m"],
            "indicators": {
                "sma_20": {"type": "SMA", "interval": "1m", "timeperiod": 20},
                "ema_20": {"type": "EMA", "interval": "1m", "timeperiod": 20},
                "rsi_14": {"type": "RSI", "interval": "1m", "timeperiod": 14},
                "vwap": {"type": "VWAP", "interval": "1m"},
                **(indicators or {}),
            },
        },
    }
    return parse_session_config(document, "benchmark").config
