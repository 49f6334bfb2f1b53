"""First difference between two plays of the same session, in what strategies did and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Final, Literal, NamedTuple, TypeVar

from tapedeck.engine.broker.account_record import AccountAt, StrategyNote
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import OrderRecord, OrderState
from tapedeck.engine.broker.records import Fill

T = TypeVar("T")
Kind = Literal["fills", "equity", "orders", "notes"]
_WITHIN_A_SLOT: Final[tuple[Kind, ...]] = ("fills", "equity", "orders", "notes")
"""The order in which they come about in a slot: orders fill, the account is valued, strategies decide."""
_OWN_OUTCOME: Final = {"state", "state_reason", "filled", "value", "commission", "ended_day", "ended_slot"}


@dataclass(frozen=True, slots=True)
class AccountDifference:
    """A difference in a slot of a session, -1 before the first. `first`, `second`: in words, None without."""

    day: date
    slot: int
    kind: Kind
    first: str | None
    second: str | None


class _Found(NamedTuple):
    slot: int
    rank: int
    difference: AccountDifference


def first_difference(first: AccountAt, second: AccountAt) -> AccountDifference | None:
    """Return the first difference of two accounts in the same session, None if they are equal."""
    found = sorted(_differences(first, second), key=lambda one: one[:2])
    return found[0].difference if found else None


def _differences(first: AccountAt, second: AccountAt) -> Iterator[_Found]:
    """Yield the first difference of each kind."""
    day, scale = first.record.day, first.record.scale

    def found(kind: Kind, slot: int, texts: tuple[str | None, str | None]) -> _Found:
        return _Found(slot, _WITHIN_A_SLOT.index(kind), AccountDifference(day, slot, kind, *texts))

    fills = _first_pair(first.fills, second.fills)
    if fills is not None:
        slot = min(fill.slot for fill in fills if fill is not None)
        yield found("fills", slot, _texts(fills, lambda fill: _fill_text(fill, scale)))
    orders = _first_pair(first.orders, second.orders)
    if orders is not None:
        yield found("orders", _order_slot(orders, day), _texts(orders, lambda one: _order_text(one, scale)))
    notes = _first_pair(first.notes, second.notes)
    if notes is not None:
        yield found("notes", min(note.slot for note in notes if note is not None), _texts(notes, _note_text))
    units: list[list[int]] = [one.equity_so_far.tolist() for one in (first, second)]
    for slot, (here, there) in enumerate(zip_longest(*units)):
        if here != there:
            yield found("equity", slot, _texts((here, there), lambda unit: f"{scale.amount(unit):,}"))
            return


def _first_pair(first: Sequence[T], second: Sequence[T]) -> tuple[T | None, T | None] | None:
    # Compared as text: a note of a missing value, NaN, is the same as another one.
    pairs = zip_longest(first, second)
    return next((pair for pair in pairs if pair[0] is not pair[1] and repr(pair[0]) != repr(pair[1])), None)


def _texts(pair: tuple[T | None, T | None], text: Callable[[T], str]) -> tuple[str | None, str | None]:
    first, second = (None if one is None else text(one) for one in pair)
    return first, second


def _order_slot(pair: tuple[OrderRecord | None, OrderRecord | None], day: date) -> int:
    """Return the slot at which two orders become different: that of a decision, or of an end."""
    orders = [one for one in pair if one is not None]
    if len(orders) == 2 and _decision(orders[0]) == _decision(orders[1]):
        ends = [one.ended_slot for one in orders if one.ended_day is not None and one.ended_slot is not None]
        if ends:
            return min(ends)
    return min(one.slot if one.day == day else -1 for one in orders)


def _decision(order: OrderRecord) -> str:
    return repr([value for name, value in order._asdict().items() if name not in _OWN_OUTCOME])


def _fill_text(fill: Fill, scale: MoneyScale) -> str:
    quantity = f"{scale.shares(fill.lots):,g}"
    return f"{fill.strategy} {fill.side.value} {quantity} {fill.symbol} at {fill.price}, order {fill.order}"


def _order_text(order: OrderRecord, scale: MoneyScale) -> str:
    quantity = f"{scale.shares(order.lots):,g}"
    text = f"order {order.number}, {order.strategy} {order.side.value} {quantity} {order.symbol}"
    if order.reason:
        text += f" ({order.reason})"
    if order.state in (OrderState.WORKING, OrderState.FILLED):
        return text
    return f"{text}: {order.state.value}" + (f", {order.state_reason}" if order.state_reason else "")


def _note_text(note: StrategyNote) -> str:
    return f"{note.strategy} {note.text!r}" + ("" if note.value is None else f" {note.value}")
