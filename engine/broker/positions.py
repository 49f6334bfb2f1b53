"""All positions of an account, by strategy and symbol, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterable

from tapedeck.engine.broker.position import Position


class Positions:
    """Positions by strategy and symbol. `changed` is to be called after each change of one.

    `held`: those that have lots, in the order in which they were opened; `short`: those that are short.
    """

    __slots__ = ("_active", "_all", "_by_symbol", "held", "short")

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Position] = {}
        self._by_symbol: dict[str, list[Position]] = {}
        self.held: dict[Position, None] = {}
        self.short: dict[Position, None] = {}
        self._active: dict[str, int] = {}

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

    def active_with(self, symbols: Iterable[str]) -> int:
        """Return the number of symbols that are held or ordered, or among others."""
        return len(self._active.keys() | set(symbols))

    def reach(self, symbol: str) -> int:
        """Return the most lots of a symbol, long and short added up, that strategies can come to hold."""
        return sum(position.reach for position in self._by_symbol.get(symbol, ()))

    def changed(self, position: Position) -> None:
        """Take note of a position's new lots and working orders."""
        sign = (position.lots > 0) - (position.lots < 0)
        if sign != position.counted_sign:
            self._count(position, sign)
        is_active = sign != 0 or position.buying > 0 or position.selling > 0
        if is_active is not position.is_active:
            position.is_active = is_active
            count = self._active.get(position.symbol, 0) + (1 if is_active else -1)
            if count:
                self._active[position.symbol] = count
            else:
                del self._active[position.symbol]

    def _count(self, position: Position, sign: int) -> None:
        if position.counted_sign == 0:
            self.held[position] = None
        elif sign == 0:
            del self.held[position]
        if position.counted_sign < 0:
            del self.short[position]
        elif sign < 0:
            self.short[position] = None
        position.counted_sign = sign
