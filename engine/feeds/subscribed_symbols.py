"""Subscribed symbols: those that a connection to a feed delivers, as symbols join and leave."""

from __future__ import annotations

from collections.abc import Sequence

from tapedeck.engine.feeds.live_feed import FeedError


class SubscribedSymbols:
    """Symbols of a connection: those of the session file, and those that joined.

    The connection's thread owns it; one call that connects may use `refuse`.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self._file = tuple(symbols)
        self._wanted = dict.fromkeys(symbols)
        self._refused: list[tuple[tuple[str, ...], FeedError]] = []

    @property
    def all(self) -> tuple[str, ...]:
        """The symbols that are wanted now."""
        return tuple(self._wanted)

    def to_connect(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the symbols of a new connection: those of the file, without which it fails, then others."""
        first = tuple(symbol for symbol in self._file if symbol in self._wanted)
        return first, tuple(symbol for symbol in self._wanted if symbol not in self._file)

    def with_joining(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return all symbols once some have joined."""
        return tuple(dict.fromkeys((*self._wanted, *symbols)))

    def join(self, symbols: Sequence[str]) -> None:
        """Add symbols."""
        self._wanted |= dict.fromkeys(symbols)

    def leave(self, symbols: Sequence[str]) -> None:
        """Take symbols out."""
        self._wanted = {symbol: None for symbol in self._wanted if symbol not in symbols}

    def refuse(self, symbol: str, error: FeedError) -> None:
        """Take note that the feed does not deliver a symbol that joined."""
        self._refused.append(((symbol,), error))

    def take_refused(self) -> list[tuple[tuple[str, ...], FeedError]]:
        """Return the symbols that were refused since the last call, with the reasons."""
        refused, self._refused = self._refused, []
        return refused
