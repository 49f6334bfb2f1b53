"""Lacking bars: what a recording has not at its end, by symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tapedeck.engine.clock.slots import SessionSlots
    from tapedeck.engine.feeds.reconciliation import Lacking
    from tapedeck.engine.quality.gaps_and_scores import Gap
    from tapedeck.engine.store.bar_store import BarStore


@dataclass(frozen=True, slots=True)
class LackingBars:
    """Numbers of missing bars by symbol.

    `lacking`: bars that the feed had, or may have had; `not_played`: those that the store of a replay does
    not have either; `not_compared`: days that were not compared with the feed's history, and why.
    """

    lacking: Mapping[str, int] = field(default_factory=dict)
    not_played: Mapping[str, int] = field(default_factory=dict)
    not_compared: Mapping[str, str] = field(default_factory=dict)

    def with_day(
        self, found: Lacking | None, slots: SessionSlots, replayed: BarStore | None = None
    ) -> LackingBars:
        """Return these and those of a day; `replayed`: the store whose bars the feed played, or None."""
        if found is None:
            return self
        lacking, not_played = dict(self.lacking), dict(self.not_played)
        for symbol, gaps in found.gaps.items():
            missing = sum(gap.count for gap in gaps)
            known = (
                missing if replayed is None else sum(_stored(gap, symbol, slots, replayed) for gap in gaps)
            )
            _add(lacking, symbol, known)
            _add(not_played, symbol, missing - known)
        reasons = {slots.session.trading_day.isoformat(): found.reason} if found.reason else {}
        return LackingBars(lacking, not_played, {**self.not_compared, **reasons})


def _stored(gap: Gap, symbol: str, slots: SessionSlots, store: BarStore) -> int:
    """Return the number of slots of a gap for which a store has a bar."""
    labels = slots.stored_labels
    return len(store.read(symbol, slots.interval, int(labels[gap.first]), int(labels[gap.last]) + 1))


def _add(counts: dict[str, int], symbol: str, count: int) -> None:
    if count:
        counts[symbol] = counts.get(symbol, 0) + count
