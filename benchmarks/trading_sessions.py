"""Session files of the benchmarks with strategies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.market import HISTORY_SESSIONS, sessions_of, symbols_of
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.session_file import parse_session_config

FAST, SLOW = 10, 30
CASH = 10_000
LEAST = 1e-6
"""Difference of two averages that counts: without it the last bit of a sum would decide at ties."""
CHUNK = 21
INITIAL_CASH = 2_000_000
CLASSES = Path(__file__).parent / "strategy_classes.py"
STRATEGIES: dict[str, dict[str, Any]] = {
    "rule": {
        "enter": f"sma_fast crosses above sma_slow + {LEAST:f}",
        "exit": f"sma_fast crosses below sma_slow - {LEAST:f}",
        "size": {"cash": CASH},
    },
    "on_slice": {
        "strategy": f"{CLASSES}:CrossoverBySlices",
        "parameters": {"least": LEAST, "cash": CASH},
    },
    "on_bar": {"strategy": f"{CLASSES}:SumOfCloses"},
}


def session_file(symbols: int, sessions: int, way: str) -> SessionConfig:
    """Return a session file with one strategy; the averages only where it reads them."""
    played = sessions_of(sessions)[HISTORY_SESSIONS:]
    averages = {
        name: {"type": "SMA", "interval": "1m", "timeperiod": period}
        for name, period in (("sma_fast", FAST), ("sma_slow", SLOW))
    }
    document = {
        "session_name": "strategies",
        "exchange_group": "US_EQUITY",
        "backtest_config": {
            "start_date": played[0].trading_day,
            "end_date": played[-1].trading_day,
            "prefetch_days": CHUNK,
        },
        "session_data_config": {
            "symbols": symbols_of(symbols),
            "streams": ["1m"],
            "indicators": {} if way == "on_bar" else averages,
            "gap_filler": {"enable_session_quality": False},
        },
        "trading_config": {
            "initial_cash": INITIAL_CASH,
            "max_per_trade": "none",
            "max_per_symbol": "none",
            "max_open_positions": "none",
            "participation": "none",
        },
        "strategies": [{"name": way, **STRATEGIES[way]}],
    }
    return parse_session_config(document, "strategies").config
