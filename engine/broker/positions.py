"""All positions of an account, by strategy and symbol, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterator

from tapedeck.engine.broker.position import Position


class Positions:
    """Positions by strategy and symbol. `changed` is to be called after each change of one."""

    __slots__ = ("_active", "_all", "_by_symbol", "_held")

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Position] = {}
        self._by_symbol: dict[str, list[Position]] = {}
        self._held: dict[Position, None] = {}
        self._active: dict[str, set[Position]] = {}

    def __iter__(self) -> Iterator[Position]:
        return iter(self._all.values())

    @property
    def held(self) -> Iterator[Position]:
        """Positions that have lots, in the order in which they were opened."""
        return iter(self._held)

    @property
    def active_symbols(self) -> int:
        """Number of symbols that are held, or have a working order."""
        return len(self._active)

    def find(self, strategy: str, symbol: str) -> Position | None:
        """Return a position; None if it never had an order."""
        return self._all.get((strategy, symbol))

    def of(self, strategy: str, symbol: str) -> Position:
        """Return a position, made if there is none."""
        position = self._all.get((strategy, symbol))
        if position is None:
            position = self._all[strategy, symbol] = Position(strategy, symbol)
            self._by_symbol.setdefault(symbol, []).append(position)
        return position

    def is_active(self, symbol: str) -> bool:
        """Whether a symbol is held, or has a working order."""
        return symbol in self._active

    def reach(self, symbol: str) -> int:
        """Return the most lots of a symbol, long and short added up, that strategies can come to hold."""
        return sum(position.reach for position in self._by_symbol.get(symbol, ()))

    def changed(self, position: Position) -> None:
        """Take note of a position's new lots and working orders."""
        if position.lots:
            self._held[position] = None
        else:
            self._held.pop(position, None)
        symbol = position.symbol
        if position.lots or position.buying or position.selling:
            active = self._active.get(symbol)
            if active is None:
                self._active[symbol] = {position}
            else:
                active.add(position)
        elif symbol in self._active:
            self._active[symbol].discard(position)
            if not self._active[symbol]:
                del self._active[symbol]
