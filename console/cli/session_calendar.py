"""Sessions of a session file by the calendar alone, and its outline in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tapedeck.engine.clock.trading_session import TradingSession
    from tapedeck.engine.config import SessionConfig


def sessions_of(config: SessionConfig) -> tuple[TradingSession, ...]:
    """Return the sessions of a backtest; CalendarError if there are none, or for an invalid start time."""
    # Slow to import, see commands/__init__.py.
    from tapedeck.engine.clock.start_time import start_instant  # noqa: PLC0415
    from tapedeck.engine.clock.time_manager import TimeManager  # noqa: PLC0415

    backtest = config.backtest_config
    if backtest is None:
        return ()
    time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
    time.set_backtest_window(backtest.start_date, backtest.end_date)
    sessions = time.trading_sessions(time.backtest_start, time.backtest_end)
    if backtest.start_time is not None:
        start_instant(sessions[0], backtest.start_time)
    return sessions


def outline(config: SessionConfig, sessions: Sequence[TradingSession]) -> str:
    """Return the name, symbols, exchange, days and strategies of a session file as a line."""
    symbols = len(config.session_data_config.symbols)
    parts = [f"{config.session_name}: {symbols} symbol{'' if symbols == 1 else 's'} of {config.exchange}"]
    if sessions:
        days = f"{sessions[0].trading_day} to {sessions[-1].trading_day}"
        parts.append(f"{len(sessions)} session{'' if len(sessions) == 1 else 's'}, {days}")
    if config.strategies:
        names = ", ".join(strategy.name for strategy in config.strategies)
        parts.append(f"strateg{'y' if len(config.strategies) == 1 else 'ies'} {names}")
    return ", ".join(parts)
