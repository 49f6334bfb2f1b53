"""Status of a strategy of a run."""

from __future__ import annotations

from dataclasses import dataclass

from tapedeck.engine.broker.account_record import AccountRecord
from tapedeck.engine.broker.orders import OrderState


@dataclass(frozen=True, slots=True)
class StrategyStatus:
    """One strategy in the session that plays. `kind`: rule or class.

    `orders`, `fills`, `trades`: of the session; `working`: orders that work now; `held`: symbols with a
    position; `notes`: of the session. `lag`: slots that were revealed and are not walked yet, in a live
    session. `error`: what ended the run, if it was this strategy.
    """

    name: str
    kind: str
    orders: int
    working: int
    fills: int
    trades: int
    held: int
    notes: int
    lag: int
    error: str | None

    @classmethod
    def of(
        cls, name: str, kind: str, record: AccountRecord | None, frontier: int, error: str | None
    ) -> StrategyStatus:
        """Return the status of a strategy by the account of the session; None: before the first session."""
        if record is None:
            return cls(name, kind, 0, 0, 0, 0, 0, 0, 0, error)
        orders = [order for order in record.orders if order.strategy == name]
        return cls(
            name,
            kind,
            orders=len(orders),
            working=sum(order.state is OrderState.WORKING for order in orders),
            fills=sum(fill.strategy == name for fill in record.fills),
            trades=sum(trade.strategy == name for trade in record.trades),
            held=sum(one.strategy == name for one in record.at(record.walked).positions),
            notes=sum(note.strategy == name for note in record.notes),
            lag=max(0, frontier - record.walked),
            error=error,
        )
