"""Fate of one bar in a feed: its messages, and the versions that history has of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar


class Delivery(NamedTuple):
    """A message with one bar, at a market time (seconds UTC). `rank` orders messages of the same time."""

    at: float
    rank: float
    bar: FeedBar


class Version(NamedTuple):
    """A version of a bar that history has from a market time on, until a later one."""

    since: float
    bar: FeedBar


@dataclass(frozen=True, slots=True)
class BarFate:
    """Messages of a bar, and its versions in history, history in the order of its times.

    `end`: market time at which the bar is over, seconds UTC. Methods return the fate with one more fault.
    """

    end: float
    messages: tuple[Delivery, ...]
    history: tuple[Version, ...]

    @classmethod
    def undisturbed(cls, bar: FeedBar, rank: int, end: float, at: float) -> BarFate:
        """Return the fate of a bar that arrives, and is in history, at market time `at`."""
        return cls(end, (Delivery(at, rank, bar),), (Version(at, bar),))

    @property
    def final(self) -> FeedBar | None:
        """The bar that a complete history has, or None."""
        return self.history[-1].bar if self.history else None

    def in_history(self, now: float) -> FeedBar | None:
        """Return the version that history has at a market time, or None."""
        return next((version.bar for version in reversed(self.history) if version.since <= now), None)

    def late(self, by: float) -> BarFate:
        """Deliver all messages `by` seconds later."""
        return replace(self, messages=tuple(one._replace(at=one.at + by) for one in self.messages))

    def early(self, by: float) -> BarFate:
        """Deliver the first message `by` seconds before the end of the bar."""
        first, *others = self.messages or (None,)
        if first is None:
            return self
        return replace(self, messages=(first._replace(at=self.end - by), *others))

    def together(self, at: float) -> BarFate:
        """Deliver the messages at `at`, in the reverse order of bars and symbols."""
        return replace(
            self,
            messages=tuple(
                one._replace(at=max(at, one.at), rank=-self.end - one.rank / 1e6) for one in self.messages
            ),
        )

    def duplicate(self, after: float, times: int = 1) -> BarFate:
        """Deliver the first message again, `times` times, `after` seconds apart."""
        if not self.messages:
            return self
        first = self.messages[0]
        repeats = (first._replace(at=first.at + after * n) for n in range(1, times + 1))
        return replace(self, messages=(*self.messages, *repeats))

    def corrected(self, after: float, price: float, volume: float) -> BarFate:
        """Deliver wrong values first, and the right ones as an updated bar; history changes with it."""
        if not self.messages:
            return self
        first = self.messages[0]
        wrong = changed(first.bar, price, volume)
        messages = (
            first._replace(bar=wrong),
            *self.messages[1:],
            first._replace(at=first.at + after, bar=first.bar._replace(kind=BarKind.UPDATED)),
        )
        begun = self.history[0].since
        history = (Version(begun, wrong), *(v._replace(since=v.since + after) for v in self.history))
        return replace(self, messages=messages, history=history)

    def missing(self, history_after: float | None) -> BarFate:
        """Deliver nothing; history has the bar `history_after` seconds later, or never (None)."""
        return (
            replace(self, messages=(), history=())
            if history_after is None
            else (replace(self, messages=()).history_late(history_after))
        )

    def history_late(self, by: float) -> BarFate:
        """Have history know everything `by` seconds later."""
        return replace(self, history=tuple(v._replace(since=v.since + by) for v in self.history))

    def history_differs(self, after: float, price: float, volume: float) -> BarFate:
        """Have history replace the bar by other values, `after` seconds after it has the bar."""
        if not self.history:
            return self
        last = self.history[-1]
        return replace(
            self,
            history=(*self.history, Version(last.since + after, changed(last.bar, price, volume))),
        )


def changed(bar: FeedBar, price: float, volume: float) -> FeedBar:
    """Return the bar with its prices and volume multiplied."""
    return bar._replace(
        open=bar.open * price,
        high=bar.high * price,
        low=bar.low * price,
        close=bar.close * price,
        volume=bar.volume * volume,
    )
