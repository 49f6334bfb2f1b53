"""Recent answer of history: what was asked for a moment ago is not asked for again.

A session that begins in its middle asks for all bars since the open, and then for each minute that had none:
hundreds of requests where few symbols trade each minute, of which the first one has told all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedHistory

KEPT_S: Final = 60.0
"""Seconds of the market for which an answer stands."""
_MOST_BARS: Final = 400_000  # some 100 MB, for about a minute: a day of 500 symbols has half of it


class RecentAnswer:
    """An answer to a request for `start <= opened_at < end` of some symbols, at market time `at`.

    It stands for the minutes of it that are complete.
    """

    def __init__(
        self, symbols: Sequence[str], start: int, end: int, history: FeedHistory, *, at: float
    ) -> None:
        self._symbols, self._start, self._at = frozenset(symbols), start, at
        self._complete_until = history.complete_until
        self._until = min(end, history.complete_until)
        self._bars: dict[str, list[FeedBar]] = {}
        for bar in history.bars:
            self._bars.setdefault(bar.symbol, []).append(bar)

    @property
    def size(self) -> int:
        """Seconds of bars of all symbols that it covers."""
        return len(self._symbols) * max(0, self._until - self._start)

    def is_kept(self, at: float) -> bool:
        """Return whether it stands at a market time."""
        return 0 <= at - self._at <= KEPT_S

    def part(self, symbols: Sequence[str], start: int, end: int, *, at: float) -> FeedHistory | None:
        """Return the answer to a part of what it covers, None if it is too old, or the part is no part.

        The same request once more is none: who asks for it wants to know what has changed.
        """
        is_part = self._start <= start and end <= self._until and self._symbols.issuperset(symbols)
        if not is_part or not self.is_kept(at) or len(symbols) * (end - start) >= self.size:
            return None
        bars = [
            bar for symbol in symbols for bar in self._bars.get(symbol, ()) if start <= bar.opened_at < end
        ]
        return FeedHistory(bars, self._complete_until)


def later_of(
    kept: RecentAnswer | None,
    symbols: Sequence[str],
    start: int,
    end: int,
    history: FeedHistory,
    *,
    at: float,
) -> RecentAnswer | None:
    """Return what to keep once there is a further answer: the larger one, unless it is too old."""
    if len(history.bars) > _MOST_BARS:
        return kept
    made = RecentAnswer(symbols, start, end, history, at=at)
    return kept if kept is not None and kept.is_kept(at) and kept.size >= made.size else made
