"""CheckedStore protocol: a store whose bars can be verified, removed and repaired."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Protocol

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.checksums import SpanSums
from tapedeck.engine.store.damage import CheckedSeries, Damage
from tapedeck.engine.store.quote_store import CheckedQuoteStore


class CheckedStore(BarStore, Protocol):
    """A `BarStore` with checksums. Every method raises StoreError if the location cannot be used."""

    def __enter__(self) -> CheckedStore: ...

    @property
    def quotes(self) -> CheckedQuoteStore:
        """The quotes beside the bars."""
        ...

    @property
    def has_checks(self) -> bool:
        """Whether all bars have checksums; False for a store of an earlier version."""
        ...

    def spans(self, symbol: str, interval: Interval) -> SpanSums | None:
        """Return numbers and checksums of a series' bars by span of time; None if they are not stored."""
        ...

    def verify(self) -> Iterator[CheckedSeries | Damage]:
        """Read everything, and yield each series, and damage to other parts of the store."""
        ...

    def accept(self) -> Generator[tuple[str, Interval], None, None]:
        """Store checksums of the bars as they are; yield each series before it is read.

        Quotes are treated as bars. Facts of empty slots that are damaged are dropped.
        """
        ...

    def remove(self, symbol: str, interval: Interval, start: int, end: int) -> int:
        """Remove bars, facts and quotes of `[start, end)` in one transaction; return the number of bars."""
        ...

    def rewrite(self, damage: Sequence[Damage], bars: BarColumns) -> None:
        """Replace the bars of one series in the ranges of damage of one unit, without reading them."""
        ...
