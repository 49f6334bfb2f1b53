"""Protocol of a live feed: what a provider of bars does for a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.intervals import Interval


class FeedError(TapedeckError):
    """A feed cannot connect, subscribe or answer. `is_final`: trying again would not help.

    `is_bad_input`: what the user gave is wrong (a key, a symbol, too many of them, a package that is not
    installed), so that the command ends with the exit code of bad input; such an error is final.
    """

    def __init__(self, message: str, *, is_final: bool = False, is_bad_input: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final or is_bad_input
        self.is_bad_input = is_bad_input


@dataclass(frozen=True, slots=True)
class FeedAbilities:
    """What a feed can do.

    `intervals`: those of its bars. `most_symbols`: limit of one subscription, None without one.
    `has_history`: whether `history` answers. `has_quotes`: whether it streams quotes.
    """

    intervals: tuple[Interval, ...]
    most_symbols: int | None = None
    has_history: bool = True
    has_quotes: bool = False


@dataclass(frozen=True, slots=True)
class FeedHistory:
    """Answer to a request for history.

    `bars`: in any order, of the requested range; their kind is set by the caller. `complete_until`: seconds
    UTC; a slot that ended by then and has no bar here had no trade. 0 if the feed cannot tell.
    """

    bars: Sequence[FeedBar]
    complete_until: int = 0


class FeedSink(Protocol):
    """Receiver of what a feed sends. Any thread may call it; no method waits, or raises."""

    def bars(self, bars: Sequence[FeedBar]) -> None:
        """Take bars of slots that are over by the provider's clock, in the order received."""
        ...

    def quotes(self, quotes: Sequence[FeedQuote]) -> None:
        """Take the last quotes of slots that are over, or nearly so, in the order received.

        At most a few for each symbol and slot: what comes between is the feed's to leave out.
        """
        ...

    def forming(self, bars: Sequence[FeedBar]) -> None:
        """Take the bars of slots that are not over, as far as they are known."""
        ...

    def provider_time(self, seconds: float) -> None:
        """Take the provider's time, seconds UTC, from a message just received."""
        ...

    def lost(self, reason: str) -> None:
        """Take note that the connection is lost; the receiver closes the feed and connects again."""
        ...


class LiveFeed(Protocol):
    """A provider of bars. Its own threads deliver to a sink; `history` runs in the caller's thread.

    `connect` may be called again after `close`; a subscription ends with its connection.
    """

    @property
    def name(self) -> str:
        """Name of the feed, as in `--feed`; bars in the journal carry it as their source."""
        ...

    @property
    def abilities(self) -> FeedAbilities:
        """What the feed can do."""
        ...

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Connect within `timeout` seconds, or raise FeedError with the reason."""
        ...

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Have the bars of these symbols delivered, and of those of earlier calls.

        It is called again while the feed delivers, when symbols join; never twice at the same time. FeedError
        names the symbols that cannot be delivered, and leaves the others as they were.
        """
        ...

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the bars with `start <= opened_at < end` (seconds UTC), or raise FeedError in time."""
        ...

    def close(self) -> None:
        """End the connection and its threads within a second; safe to call twice, or before `connect`."""
        ...


@runtime_checkable
class CheckedFeed(Protocol):
    """A feed that can be checked before it is connected, as `tapedeck live --check` does."""

    def check(self, symbols: Sequence[str], timeout: float) -> Sequence[str]:
        """Return what was found, a line each (account, plan, symbols, history); FeedError for a fault.

        Nothing is connected or subscribed: a recording that runs elsewhere is not disturbed. It ends within
        `timeout` seconds, counted from when the libraries that it needs are loaded.
        """
        ...
