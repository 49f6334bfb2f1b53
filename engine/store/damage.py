"""Damage of stored bars, as `tapedeck store verify` lists it."""

from __future__ import annotations

from dataclasses import dataclass

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.checksums import SpanSums, dates_of


@dataclass(frozen=True, slots=True)
class Damage:
    """Bars of `[start, end)` (seconds UTC) that are not those that were written.

    `unit`: what can only be rewritten as a whole; damage with the same one is repaired together, or not at
    all. `stored`: the checksums of the bars as they were written, if they are known. `series` is None for
    damage to other parts of the file, which hold no bars.
    """

    file: str
    reason: str
    series: tuple[str, Interval] | None = None
    start: int = 0
    end: int = 0
    unit: str = ""
    stored: SpanSums | None = None

    def __str__(self) -> str:
        if self.series is None:
            return f"{self.file}: {self.reason}"
        symbol, interval = self.series
        first, last = dates_of(self.start, self.end)
        days = first if first == last else f"{first} to {last}"
        return f"{self.file}: {symbol} {interval} {days}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CheckedSeries:
    """Result of reading one series: the number of its bars that are whole, and its damage."""

    symbol: str
    interval: Interval
    bars: int
    damage: tuple[Damage, ...]
