"""The session file: read, checked, described, written."""

from __future__ import annotations

from engine.config.exchanges import EXCHANGE_GROUPS, resolve_exchange
from engine.config.historical import HistoricalConfig, HistoricalData, HistoricalIndicator
from engine.config.loading import LoadedConfig, dump, load_session_config, parse_session_config
from engine.config.period import Period
from engine.config.schema import session_config_schema
from engine.config.session_config import (
    ApiConfig,
    BacktestConfig,
    GapFiller,
    Scanner,
    ScanSchedule,
    SessionConfig,
    SessionDataConfig,
    TradingConfig,
)
from engine.config.session_indicator import SessionIndicator

__all__ = [
    "EXCHANGE_GROUPS",
    "ApiConfig",
    "BacktestConfig",
    "GapFiller",
    "HistoricalConfig",
    "HistoricalData",
    "HistoricalIndicator",
    "LoadedConfig",
    "Period",
    "ScanSchedule",
    "Scanner",
    "SessionConfig",
    "SessionDataConfig",
    "SessionIndicator",
    "TradingConfig",
    "dump",
    "load_session_config",
    "parse_session_config",
    "resolve_exchange",
    "session_config_schema",
]
