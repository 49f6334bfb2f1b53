"""Limits of an account, measured when an order is given: by the last close known then."""

from __future__ import annotations

from tapedeck.engine.broker.account import Account
from tapedeck.engine.broker.orders import Order
from tapedeck.engine.broker.position import Position
from tapedeck.engine.broker.positions import Positions
from tapedeck.engine.broker.terms import AccountTerms


class Limits:
    """Refuses what would open or enlarge a position beyond the terms. What only closes is never refused."""

    __slots__ = ("_allow_short", "_most_symbols", "_per_symbol", "_per_trade", "_scale")

    def __init__(self, terms: AccountTerms) -> None:
        self._scale = terms.scale
        self._allow_short = terms.allow_short
        self._most_symbols = terms.max_open_positions
        per_trade, per_symbol = terms.max_per_trade, terms.max_per_symbol
        self._per_trade = None if per_trade is None else self._scale.units(per_trade)
        self._per_symbol = None if per_symbol is None else self._scale.units(per_symbol)

    def refusal(
        self, account: Account, position: Position, order: Order, opening: int, value: int
    ) -> str | None:
        """Return why an order is refused, or None.

        `opening`: its lots that would open or enlarge the position, above 0; `value`: of these.
        """
        if order.sign < 0 and not self._allow_short:
            return self._short(position)
        if self._per_trade is not None and value > self._per_trade:
            return f"value {self._text(value)} is above max_per_trade {self._text(self._per_trade)}"
        if self._per_symbol is not None:
            above = self._above(self._per_symbol, account.positions, position, order, opening)
            if above is not None:
                return above
        if self._most_symbols is not None and not account.positions.is_active(position.symbol):
            active = account.positions.active_symbols
            if active >= self._most_symbols:
                return f"max_open_positions is {self._most_symbols}: symbols held or ordered: {active}"
        return self._uncovered(account, order, opening, value)

    def refuses_none(self, most: int, symbols: int, *, share_symbols: bool) -> bool:
        """Whether entries of long positions that are closed are refused for no reason but the cash at hand.

        `most`: the highest value of one; `symbols`: number of symbols that may be held or ordered at once;
        `share_symbols`: whether two positions may be in one symbol.
        """
        return (
            (self._per_trade is None or most <= self._per_trade)
            and (self._per_symbol is None or (most <= self._per_symbol and not share_symbols))
            and (self._most_symbols is None or symbols <= self._most_symbols)
        )

    def _above(
        self, per_symbol: int, positions: Positions, position: Position, order: Order, opening: int
    ) -> str | None:
        symbol = position.symbol
        reach = positions.reach(symbol) - position.reach + _reach_with(position, order.sign, opening)
        held = self._scale.value(order.close, reach)
        if held <= per_symbol:
            return None
        limit = self._text(per_symbol)
        return f"{symbol} would be held for {self._text(held)}, above max_per_symbol {limit}"

    def _uncovered(self, account: Account, order: Order, opening: int, value: int) -> str | None:
        at_hand = account.at_hand()
        if opening < order.lots:
            # An order through zero: what it closes is free for what it opens.
            at_hand += self._scale.value(order.close, order.lots - opening)
        if value <= at_hand:
            return None
        return f"value {self._text(value)} is above the cash at hand, {self._text(at_hand)}"

    def _short(self, position: Position) -> str:
        held = max(0, position.lots)
        free = max(0, position.lots - position.selling)
        working = "" if free == held else f", {held - free:,} of them in sell orders"
        return f"would sell short, and allow_short is off: lots held: {held:,}{working}"

    def _text(self, units: int) -> str:
        return f"{self._scale.amount(units):,.2f}"


def _reach_with(position: Position, sign: int, opening: int) -> int:
    # What closes a position first does not add to what is held: only the lots that open count.
    long = max(0, position.lots + position.buying)
    short = max(0, position.selling - position.lots)
    return max(long + opening, short) if sign > 0 else max(long, short + opening)
