"""Session file: model, loading, checks, JSON Schema.

Indicators are checked against a catalogue that is handed in; `engine/session_file.py` hands in all of them.
"""

from __future__ import annotations

from tapedeck.engine.config.catalogue import HistoricalNeed, IndicatorCatalogue, IndicatorType
from tapedeck.engine.config.changed_sessions import ChangedSession, describe_changes
from tapedeck.engine.config.exchanges import EXCHANGE_GROUPS, resolve_exchange
from tapedeck.engine.config.historical import HistoricalConfig, HistoricalData, HistoricalIndicator
from tapedeck.engine.config.loading import LoadedConfig, dump, load_session_config, parse_session_config
from tapedeck.engine.config.period import Period
from tapedeck.engine.config.scanners import PRE_SESSION, Scanner, ScanSchedule, Universe
from tapedeck.engine.config.schema import session_config_schema
from tapedeck.engine.config.session_config import (
    ApiConfig,
    BacktestConfig,
    GapFiller,
    LiveConfig,
    SessionConfig,
    SessionDataConfig,
)
from tapedeck.engine.config.session_indicator import SessionIndicator
from tapedeck.engine.config.strategies import EntrySize, Strategy
from tapedeck.engine.config.trading import CommissionConfig, SlippageConfig, TradingConfig

__all__ = [
    "EXCHANGE_GROUPS",
    "PRE_SESSION",
    "ApiConfig",
    "BacktestConfig",
    "ChangedSession",
    "CommissionConfig",
    "EntrySize",
    "GapFiller",
    "HistoricalConfig",
    "HistoricalData",
    "HistoricalIndicator",
    "HistoricalNeed",
    "IndicatorCatalogue",
    "IndicatorType",
    "LiveConfig",
    "LoadedConfig",
    "Period",
    "ScanSchedule",
    "Scanner",
    "SessionConfig",
    "SessionDataConfig",
    "SessionIndicator",
    "SlippageConfig",
    "Strategy",
    "TradingConfig",
    "Universe",
    "describe_changes",
    "dump",
    "load_session_config",
    "parse_session_config",
    "resolve_exchange",
    "session_config_schema",
]
