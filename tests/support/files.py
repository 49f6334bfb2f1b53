"""Session files for tests, and their stream plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan

TRAILING: Final[Mapping[str, Any]] = {
    "usual": {"type": "trailing_average", "period": "2d", "granularity": "minute", "field": "volume"},
    "high_2w": {"type": "trailing_max", "period": "2w", "field": "high"},
}
"""Historical indicators of minutes and of days, for `historical.indicators`."""


def session_file(
    symbols: Sequence[str],
    streams: Sequence[str],
    start: str,
    end: str,
    *,
    exchange: str = "US_EQUITY",
    historical: Mapping[str, Any] | None = None,
    indicators: Mapping[str, Any] | None = None,
    session_data: Mapping[str, Any] | None = None,
    **backtest: Any,
) -> SessionConfig:
    """Return a checked session file; `backtest` and `session_data` take further fields of these sections."""
    document = {
        "session_name": "a test",
        "exchange_group": exchange,
        "backtest_config": {"start_date": start, "end_date": end, **backtest},
        "session_data_config": {
            "symbols": list(symbols),
            "streams": list(streams),
            "historical": dict(historical or {}),
            "indicators": dict(indicators or {}),
            **(session_data or {}),
        },
    }
    return parse_session_config(document, "test.yaml").config


def plan_of(config: SessionConfig, store: BarStore) -> StreamPlan:
    """Return the stream plan of the file over the store."""
    time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
    return StreamRequirements(config, time, DataManager(store)).plan()
