"""Strategy classes, as users write them: base class, what it is told, and how it gives orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from math import nan
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel

from tapedeck.engine.broker.orders import BUY, SELL
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.strategies.bar import Bar
from tapedeck.engine.strategies.desk import Desk
from tapedeck.engine.strategies.slice import Slice
from tapedeck.engine.strategies.strategy_data import StrategyData
from tapedeck.engine.strategies.strategy_order import StrategyOrder
from tapedeck.engine.user_code.class_parameters import NoParameters


class Strategy:
    """Base class of strategies. The instance lives for one run; its methods run one at a time, in one thread.

    A class with parameters has a class `Parameters` of its own, a pydantic model; `self.parameters` is an
    instance of it, made of the `parameters` in the session file. In each slot the orders that work are tried
    against its bars; then `on_order` is called for those that changed, then `on_bar` for each bar, then
    `on_slice`. An order works from the next slot on. All that can be read ends at the slot of the call. A
    method that raises stops the run.
    """

    Parameters: ClassVar[type[BaseModel]] = NoParameters
    _desk: Desk

    def __init__(self, parameters: BaseModel) -> None:
        """Keep the parameters. Override `on_session_start`, not this."""
        self.parameters: Any = parameters

    # What it is told

    def on_session_start(self) -> None:
        """Prepare for a session, before its first slot. Orders work from its first slot on."""

    def on_bar(self, bar: Bar) -> None:
        """Decide on a bar that has just ended. Bars of one moment come in the order of symbols."""

    def on_slice(self, bars: Slice) -> None:
        """Decide on all bars that have just ended, also if no symbol has one."""

    def on_order(self, order: StrategyOrder) -> None:
        """Take note of an order that filled, in part or in whole, expired, or left with its symbol."""

    def on_session_end(self) -> None:
        """Finish a session, after its last slot. Orders fill in the next session."""

    # Orders

    def buy(
        self,
        symbol: str,
        quantity: float | None = None,
        *,
        cash: float | None = None,
        percent: float | None = None,
        on_close: bool = False,
        reason: str = "",
    ) -> StrategyOrder:
        """Buy at the open of the symbol's next bar, or with `on_close` at the close of the session.

        One of `quantity` (shares), `cash` (for as much as that buys at the last close) and `percent` (of the
        equity, likewise), rounded down to whole lots. An order that is refused says so in its `state`, and
        why in `state_reason`: also one for an unknown symbol, or for a quantity that makes no sense.
        """
        return self._desk.order(BUY, symbol, quantity, cash, percent, on_close=on_close, reason=reason)

    def sell(
        self,
        symbol: str,
        quantity: float | None = None,
        *,
        cash: float | None = None,
        percent: float | None = None,
        on_close: bool = False,
        reason: str = "",
    ) -> StrategyOrder:
        """Sell as `buy` buys. Selling what it does not hold needs `allow_short`."""
        return self._desk.order(SELL, symbol, quantity, cash, percent, on_close=on_close, reason=reason)

    def flatten(
        self, symbol: str | None = None, *, on_close: bool = False, reason: str = "flatten"
    ) -> tuple[StrategyOrder, ...]:
        """Close the position in a symbol, or in all, and cancel its other orders; return the closing orders.

        An order that already closes all of it stays.
        """
        desk = self._desk
        if symbol is not None:
            closing = desk.flatten(symbol, on_close=on_close, reason=reason)
            return () if closing is None else (closing,)
        symbols = sorted({*desk.working, *desk.positions()})
        found = [desk.flatten(one, on_close=on_close, reason=reason) for one in symbols]
        return tuple(order for order in found if order is not None)

    def cancel(self, order: StrategyOrder | int, reason: str = "") -> bool:
        """Cancel what is left of an order of its own, or of its number; return whether it still worked."""
        return self._desk.cancel(order, reason)

    def note(self, text: str, value: float | None = None) -> None:
        """Note a text, and a number, at this moment: it is shown among the events, and exported."""
        self._desk.note(text, value)

    # What it has

    @property
    def name(self) -> str:
        """Its name in the session file."""
        return self._desk.strategy

    @property
    def random(self) -> Random:
        """Random numbers, the same ones in each run."""
        return self._desk.random

    @property
    def data(self) -> StrategyData:
        """Bars, indicators and history of the session, up to this moment."""
        return self._desk.data

    @property
    def cash(self) -> float:
        """Cash of the account, which strategies share, in the currency."""
        return self._desk.cash()

    @property
    def equity(self) -> float:
        """Cash and positions of the account by the last closes, in the currency."""
        return self._desk.equity()

    @property
    def positions(self) -> Mapping[str, float]:
        """Shares that it holds, below 0 if short, by symbol; only where there are any."""
        return self._desk.positions()

    def position(self, symbol: str) -> float:
        """Return the shares that it holds of a symbol, below 0 if short; EngineError for an unknown one."""
        desk = self._desk
        return desk.scale.shares(desk.lots(symbol))

    def average_price(self, symbol: str) -> float:
        """Return the average price of its position in a symbol; NaN without one."""
        held = self._desk.holding(symbol)
        return nan if held is None else held.average_price

    def unrealised(self, symbol: str) -> float:
        """Return the profit of its position in a symbol by the last close, before commission; else 0."""
        held = self._desk.holding(symbol)
        return 0.0 if held is None else self._desk.scale.amount(held.unrealised)

    def orders(self, symbol: str | None = None) -> tuple[StrategyOrder, ...]:
        """Return its working orders by number: all, or those of a symbol."""
        return self._desk.orders(symbol)

    # The moment

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols whose bars it gets, in the order of the rows."""
        return self._desk.symbols

    @property
    def trading_day(self) -> date:
        """The date of the session."""
        return self._desk.market.tape.session.trading_day

    @property
    def slot(self) -> int:
        """Number of the slot that is over, from 0; -1 before the first."""
        return self._desk.market.slot

    @property
    def clock(self) -> datetime:
        """The time at the end of this slot, at the open before the first; in the zone of the exchange."""
        slots = self._desk.market.tape.slots
        return utc_from_epoch(slots.clock(self.slot + 1)).astimezone(slots.session.zone)

    @property
    def minutes_since_open(self) -> float:
        """Minutes of the clock since the session's open; a break counts, too."""
        slots = self._desk.market.tape.slots
        return (slots.clock(self.slot + 1) - slots.clock(0)) / 60.0

    @property
    def minutes_to_close(self) -> float:
        """Minutes of the clock to the session's close."""
        slots = self._desk.market.tape.slots
        return (slots.clock(len(slots)) - slots.clock(self.slot + 1)) / 60.0

    def value(self, symbol: str, name: str) -> float:
        """Return a value as rules read it: the last one known now, NaN where there is none yet.

        `name`: an indicator, a bar field, `last`, `change_pct` and so on. EngineError for an unknown one, and
        for an unknown symbol.
        """
        return self._desk.value(symbol, name)
