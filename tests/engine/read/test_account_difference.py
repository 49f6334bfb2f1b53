"""The first difference of two plays is where they first differ: by its slot, then as a slot goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.account_record import AccountRecord, StrategyNote
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import OrderKind, OrderRecord, OrderState, Side, TimeInForce
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.read.account_difference import first_difference

DAY = date(2013, 10, 7)
SLOTS = 12
PLACES = {"fills": 0, "equity": 1, "orders": 2, "notes": 3}


def order(number: int, slot: int, **fields: Any) -> OrderRecord:
    """Return an order of 10 shares, decided in a slot and filled in the next one."""
    return OrderRecord(
        number, "s", "SPY", Side.BUY, 10, OrderKind.MARKET, TimeInForce.GTC, DAY, slot, 50.0, "why",
        OrderState.FILLED, "", 10, 500_000_000, 0, DAY, slot + 1,
    )._replace(**fields)  # fmt: skip


def fill(number: int, slot: int, **fields: Any) -> Fill:
    """Return the fill of an order."""
    return Fill(
        number, "s", "SPY", Side.BUY, 10, 50.0, 500_000_000, 0, DAY, slot, "why", 0, 10 * number, 0, 10**11
    )._replace(**fields)


RECORD = AccountRecord(
    day=DAY, scale=MoneyScale(), strategies=("s",), walked=SLOTS, opening_cash=10**11, opening_equity=10**11,
    opening_realised=0, opening_commission=0, opening_positions=(),
    orders=tuple(order(number, 3 * number - 2) for number in (1, 2, 3)),
    fills=tuple(fill(number, 3 * number - 1) for number in (1, 2, 3)),
    trades=(),
    notes=tuple(StrategyNote("s", slot, "seen", float("nan")) for slot in (0, 4, 8)),
    equity=np.arange(SLOTS, dtype=np.int64) * 10_000 + 10**11,
)  # fmt: skip


def with_fill(record: AccountRecord, at: int) -> tuple[AccountRecord, int]:
    changed = record.fills[at]._replace(price=51.0)
    return replace(record, fills=(*record.fills[:at], changed, *record.fills[at + 1 :])), changed.slot


def with_order(record: AccountRecord, at: int) -> tuple[AccountRecord, int]:
    changed = record.orders[at]._replace(lots=11)
    return replace(record, orders=(*record.orders[:at], changed, *record.orders[at + 1 :])), changed.slot


def with_note(record: AccountRecord, at: int) -> tuple[AccountRecord, int]:
    changed = record.notes[at]._replace(text="other")
    return replace(record, notes=(*record.notes[:at], changed, *record.notes[at + 1 :])), changed.slot


def with_equity(record: AccountRecord, at: int) -> tuple[AccountRecord, int]:
    equity = record.equity.copy()
    equity[4 * at] += 1
    return replace(record, equity=equity), 4 * at


CHANGES: dict[str, Callable[[AccountRecord, int], tuple[AccountRecord, int]]] = {
    "fills": with_fill, "equity": with_equity, "orders": with_order, "notes": with_note,
}  # fmt: skip


def test_equal_accounts_have_no_difference_and_a_missing_value_is_itself() -> None:
    notes = tuple(note._replace(value=float("nan")) for note in RECORD.notes)
    assert first_difference(RECORD.at(SLOTS), replace(RECORD, notes=notes).at(SLOTS)) is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(CHANGES)), st.integers(0, 2)), min_size=1, max_size=4))
def test_the_first_of_several_differences_is_named(changes: list[tuple[str, int]]) -> None:
    record, places = RECORD, []
    for kind, at in dict.fromkeys(changes):
        record, slot = CHANGES[kind](record, at)
        places.append((slot, PLACES[kind], kind))
    slot, _, kind = min(places)
    for pair in ((RECORD, record), (record, RECORD)):
        found = first_difference(*(one.at(SLOTS) for one in pair))
        assert found is not None
        assert (found.day, found.slot, found.kind) == (DAY, slot, kind)


CANCELLED = order(3, 7, state=OrderState.CANCELLED, state_reason="exit", ended_slot=9)


@pytest.mark.parametrize(
    ("changes", "slot", "kind", "texts"),
    [
        ({"fills": RECORD.fills[:2]}, 8, "fills", ("s buy 10 SPY at 50.0, order 3", None)),
        ({"orders": RECORD.orders[:1]}, 4, "orders", ("order 2, s buy 10 SPY (why)", None)),
        (
            {"orders": (*RECORD.orders[:2], CANCELLED)},
            8, "orders", ("order 3, s buy 10 SPY (why)", "order 3, s buy 10 SPY (why): cancelled, exit"),
        ),
        ({"notes": (*RECORD.notes, StrategyNote("s", 10, "late", 2.5))}, 10, "notes", (None, "s 'late' 2.5")),
        ({"equity": RECORD.equity[:11]}, 11, "equity", ("100,000.11", None)),
    ],
)  # fmt: skip
def test_a_difference_says_what_each_had(changes: dict[str, Any], slot: int, kind: str, texts: tuple) -> None:
    found = first_difference(RECORD.at(SLOTS), replace(RECORD, **changes).at(SLOTS))
    assert found is not None
    assert (found.slot, found.kind, (found.first, found.second)) == (slot, kind, texts)


def test_what_comes_after_the_frontier_is_not_compared() -> None:
    later, slot = with_fill(RECORD, 2)
    assert first_difference(RECORD.at(slot), later.at(slot)) is None
    assert first_difference(RECORD.at(slot + 1), later.at(slot + 1)) is not None
