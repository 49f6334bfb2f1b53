"""Bars of a made-up morning in New York, and times of that day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tapedeck.engine.feeds.fault_script import FaultScript, parse_fault_script
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.scripted_market import ScriptedMarket

NEW_YORK = ZoneInfo("America/New_York")


def at(clock: str, day: str = "2013-10-07") -> int:
    """Return a time of day in New York as seconds UTC."""
    return int(datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=NEW_YORK).timestamp())


def bar(symbol: str, clock: str, price: float = 100.0, volume: float = 1000.0) -> FeedBar:
    return FeedBar(symbol, at(clock), price, price + 1, price - 1, price + 0.5, volume)


def morning(symbols: Sequence[str] = ("AIG", "SPY"), minutes: int = 10) -> list[FeedBar]:
    """Return the bars from 09:30 on; of each symbol and minute other prices."""
    return [
        bar(symbol, f"09:{30 + n}", 100.0 * (row + 1) + n, 1000.0 + n)
        for n in range(minutes)
        for row, symbol in enumerate(symbols)
    ]


def script(*faults: dict[str, Any], **fields: object) -> FaultScript:
    return parse_fault_script({"faults": list(faults), **fields})


def market(bars: Sequence[FeedBar], *faults: dict[str, Any], **fields: object) -> ScriptedMarket:
    return ScriptedMarket(bars, script(*faults, **fields), zone=NEW_YORK)
