"""A second, slow model of the paper account: plain Python over lists, with fractions.

It keeps orders and fills only, and works everything else out anew from these, each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction as F
from math import ceil, floor

OHLCV = tuple[float, float, float, float, float]


@dataclass
class SlowTerms:
    """Terms as numbers in text; `commission` and `slippage` as pairs of kind and number."""

    cash: str
    digits: int
    lot: str
    tick: str | None
    participation: str | None
    commission: tuple[str, str] | None
    minimum: str | None
    slippage: tuple[str, str] | None
    allow_short: bool
    per_trade: str | None
    per_symbol: str | None
    most_symbols: int | None


@dataclass
class SlowOrder:
    number: int
    strategy: int
    symbol: str
    sign: int
    lots: int
    on_close: bool
    day_only: bool
    session: int
    slot: int
    close: F
    opening: int
    state: str = "working"


@dataclass
class SlowFill:
    order: SlowOrder
    lots: int
    price: F
    value: int
    fee: int
    session: int
    slot: int


class SlowAccount:
    def __init__(self, terms: SlowTerms) -> None:
        self.terms = terms
        self.per_lot = F(terms.lot) * 10**terms.digits
        self.orders: list[SlowOrder] = []
        self.fills: list[SlowFill] = []

    def units(self, amount: F) -> int:
        return round(amount * 10**self.terms.digits)

    # What follows from orders and fills

    def filled(self, order: SlowOrder) -> int:
        return sum(fill.lots for fill in self.fills if fill.order is order)

    def rest(self, order: SlowOrder) -> int:
        return order.lots - self.filled(order) if order.state == "working" else 0

    def of(self, strategy: int, symbol: str) -> list[SlowFill]:
        return [one for one in self.fills if (one.order.strategy, one.order.symbol) == (strategy, symbol)]

    def lots(self, strategy: int, symbol: str) -> int:
        return sum(fill.order.sign * fill.lots for fill in self.of(strategy, symbol))

    def cash(self) -> int:
        spent = sum(fill.order.sign * fill.value + fill.fee for fill in self.fills)
        return self.units(F(self.terms.cash)) - spent

    def pairs(self) -> list[tuple[int, str]]:
        return sorted({(order.strategy, order.symbol) for order in self.orders})

    def value(self, strategy: int, symbol: str, closes: Mapping[str, F]) -> int:
        held = self.lots(strategy, symbol)
        return round(closes[symbol] * held * self.per_lot) if held else 0

    def equity(self, closes: Mapping[str, F]) -> int:
        return self.cash() + sum(self.value(*key, closes) for key in self.pairs())

    def working_lots(self, strategy: int, symbol: str, sign: int) -> int:
        return sum(
            self.rest(one)
            for one in self.orders
            if (one.strategy, one.symbol, one.sign) == (strategy, symbol, sign)
        )

    def reach(self, strategy: int, symbol: str) -> int:
        held = self.lots(strategy, symbol)
        return max(
            held + self.working_lots(strategy, symbol, 1), self.working_lots(strategy, symbol, -1) - held
        )

    def at_hand(self, closes: Mapping[str, F]) -> int:
        bound = sum(round(one.close * min(one.opening, self.rest(one)) * self.per_lot) for one in self.orders)
        shorts = sum(min(0, self.value(*key, closes)) for key in self.pairs())
        return self.cash() - bound + 2 * shorts

    def history(self, strategy: int, symbol: str) -> tuple[int, int, list[tuple[int, ...]]]:
        """Return cost, realised profit and round trips, going through the fills once more."""
        cost = held = realised = 0
        trips: list[list[tuple[bool, int, int, int, SlowFill]]] = [[]]
        for fill in self.of(strategy, symbol):
            sign = fill.order.sign
            closing = min(fill.lots, max(0, -sign * held))
            closing_value = round(F(fill.value * closing, fill.lots))
            closing_fee = round(F(fill.fee * closing, fill.lots))
            if closing:
                released = round(F(cost * closing, abs(held)))
                realised += -sign * closing_value - released
                cost -= released
                held += sign * closing
                trips[-1].append((False, closing, closing_value, closing_fee, fill))
                if held == 0:
                    trips.append([])
            if fill.lots > closing:
                held += sign * (fill.lots - closing)
                cost += sign * (fill.value - closing_value)
                entry = (fill.lots - closing, fill.value - closing_value, fill.fee - closing_fee)
                trips[-1].append((True, *entry, fill))
        return cost, realised, [_trip(trip) for trip in trips[:-1]]

    # What happens

    def refuses(self, order: SlowOrder, slots: int, closes: Mapping[str, F]) -> bool:
        """Whether the order is refused; else it works."""
        key = (order.strategy, order.symbol)
        if order.slot >= slots - 1 and (order.on_close or order.day_only):
            return True
        ahead = self.lots(*key) + order.sign * self.working_lots(*key, order.sign)
        closing = min(order.lots, max(0, -order.sign * ahead))
        order.opening = order.lots - closing
        if order.opening and self._exceeds(order, closing, closes):
            return True
        self.orders.append(order)
        return False

    def _exceeds(self, order: SlowOrder, closing: int, closes: Mapping[str, F]) -> bool:
        terms, symbol = self.terms, order.symbol
        if order.sign < 0 and not terms.allow_short:
            return True
        opening = round(order.close * order.opening * self.per_lot)
        if terms.per_trade is not None and opening > self.units(F(terms.per_trade)):
            return True
        before = self.at_hand(closes)
        strategies = {one.strategy for one in self.orders} | {order.strategy}
        active = {one for key, one in self.pairs() if self.reach(key, one)}
        self.orders.append(order)
        reach = sum(self.reach(one, symbol) for one in strategies)
        self.orders.pop()
        held = round(order.close * reach * self.per_lot)
        if terms.per_symbol is not None and held > self.units(F(terms.per_symbol)):
            return True
        if terms.most_symbols is not None and len(active | {symbol}) > max(terms.most_symbols, len(active)):
            return True
        return opening > before + round(order.close * closing * self.per_lot)

    def play(
        self, session: int, slot: int, slots: int, bars: Mapping[str, OHLCV], rows: Sequence[str]
    ) -> list[SlowFill]:
        """Fill what works in the bars of a slot."""
        fills = []
        used: dict[str, int] = {}
        for order in sorted(self.orders, key=lambda one: (one.strategy, rows.index(one.symbol), one.number)):
            is_later = (session, slot) > (order.session, order.slot)
            if order.state != "working" or not is_later or (order.on_close and slot != slots - 1):
                continue
            bar = bars.get(order.symbol)
            if bar is None:
                order.state = "expired" if order.on_close else "working"
                continue
            lots = self.rest(order)
            if self.terms.participation is not None:
                share = F(repr(bar[4])) * F(self.terms.participation) / 100 / F(self.terms.lot)
                lots = min(lots, floor(share) - used.get(order.symbol, 0))
                used[order.symbol] = used.get(order.symbol, 0) + lots
            if lots > 0:
                fills.append(self._fill(order, lots, bar, session, slot))
        return fills

    def _fill(self, order: SlowOrder, lots: int, bar: OHLCV, session: int, slot: int) -> SlowFill:
        price = self._price(order, [F(repr(one)) for one in bar])
        value = round(price * lots * self.per_lot)
        earlier = [fill for fill in self.fills if fill.order is order]
        all_lots = lots + sum(fill.lots for fill in earlier)
        all_value = value + sum(fill.value for fill in earlier)
        fee = self._commission(all_lots, all_value) - sum(fill.fee for fill in earlier)
        fill = SlowFill(order, lots, price, value, fee, session, slot)
        self.fills.append(fill)
        if all_lots == order.lots:
            order.state = "filled"
        return fill

    def _price(self, order: SlowOrder, bar: Sequence[F]) -> F:
        terms = self.terms
        price = bar[3] if order.on_close else bar[0]
        if terms.slippage is None:
            return price
        kind, number = terms.slippage
        tick = 0 if terms.tick is None else F(terms.tick) * 10**terms.digits
        base = self.units(price)
        if kind == "ticks":
            slipped = F(number) * tick
        elif kind == "percent":
            slipped = F(round(base * F(number) / 100))
        else:
            slipped = F(round((self.units(bar[1]) - self.units(bar[2])) * F(number)))
        if slipped == 0:
            return price
        if tick:
            slipped = ceil(slipped / tick) * tick
        return max(F(0), base + order.sign * slipped) / 10**terms.digits

    def _commission(self, lots: int, value: int) -> int:
        if self.terms.commission is None:
            return 0
        kind, number = self.terms.commission
        amount = {
            "per_share": lambda: round(F(number) * lots * self.per_lot),
            "per_trade": lambda: self.units(F(number)),
            "percent": lambda: round(value * F(number) / 100),
        }[kind]()
        return amount if self.terms.minimum is None else max(amount, self.units(F(self.terms.minimum)))

    def end(self, session: int) -> list[int]:
        """Expire the orders that end with the session; return their numbers."""
        ended = []
        for order in self.orders:
            if order.state == "working" and order.session == session and (order.on_close or order.day_only):
                order.state = "expired"
                ended.append(order.number)
        return ended


def _trip(parts: list[tuple[bool, int, int, int, SlowFill]]) -> tuple[int, ...]:
    """Return side, lots, entry and exit value, commission, profit, and the first and last order."""
    sign = parts[0][4].order.sign
    entry = sum(value for enters, _, value, _, _ in parts if enters)
    leave = sum(value for enters, _, value, _, _ in parts if not enters)
    fees = sum(fee for _, _, _, fee, _ in parts)
    lots = sum(lots for enters, lots, _, _, _ in parts if enters)
    profit = sign * (leave - entry) - fees
    return (sign, lots, entry, leave, fees, profit, parts[0][4].order.number, parts[-1][4].order.number)


def days(count: int) -> list[date]:
    return [date(2013, 10, day + 1) for day in range(count)]
