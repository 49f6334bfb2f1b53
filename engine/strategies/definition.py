"""Definitions of strategies: what a session file says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from math import isfinite

from pydantic import JsonValue

from tapedeck.engine.broker.orders import Side
from tapedeck.engine.intervals import Interval
from tapedeck.engine.strategies.sizes import Size


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """A strategy that enters and leaves by rules. Each symbol is traded on its own.

    `enter`: a level, which counts while the strategy has no position and no working order in the symbol.
    `exit`: beats `enter`, and cancels what is left of an entry; None without one. `symbols`: None for all.
    `side`: BUY for long, SELL for short. `flat_at_close`: positions are closed on the session's close.
    `no_entry_after`: time of day of the exchange, after which no entry is decided. `max_entries_per_day`: of
    each symbol, by the day of the decision. `stop_loss`, `take_profit`: percent from the average price of the
    position, decided on closes. ValueError for numbers that are none.
    """

    name: str
    enter: str
    exit: str | None
    size: Size
    symbols: tuple[str, ...] | None = None
    side: Side = Side.BUY
    flat_at_close: bool = False
    no_entry_after: time | None = None
    max_entries_per_day: int | None = None
    stop_loss: float | None = None
    take_profit: float | None = None

    def __post_init__(self) -> None:
        for name, percent in (("stop_loss", self.stop_loss), ("take_profit", self.take_profit)):
            if percent is not None and not (isfinite(percent) and percent > 0):
                raise ValueError(f"{name} must be a percentage above 0, not {percent}")
        if self.max_entries_per_day is not None and self.max_entries_per_day < 1:
            raise ValueError(f"max_entries_per_day must be at least 1, not {self.max_entries_per_day}")


@dataclass(frozen=True, slots=True)
class ClassDefinition:
    """A strategy by a class, derived from `tapedeck.Strategy`.

    `reference`: "module:Class" or "path/to/file.py:Class". `parameters`: for the class's model of them.
    `symbols`: whose bars it gets; None for all. `interval`: of these bars; None for the base interval.
    `timeout_seconds`: longest time that one call of its code may take.
    """

    name: str
    reference: str
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    symbols: tuple[str, ...] | None = None
    interval: Interval | None = None
    timeout_seconds: float = 5.0
