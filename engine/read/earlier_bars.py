"""Earlier bars: a symbol's bars of sessions before a day, for the eye only."""

from __future__ import annotations

from dataclasses import dataclass

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.tape.session_view import Bars


@dataclass(frozen=True, slots=True)
class EarlierBars:
    """Bars of one session before a day; `session`: None for several sessions, such as those of daily bars."""

    bars: Bars
    session: TradingSession | None = None
