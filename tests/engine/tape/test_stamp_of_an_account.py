"""Determinism stamp of a session with strategies: their account, cut where the tape is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tapedeck.engine.broker.account_record import AccountRecord, SessionAccount, StrategyNote
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import ShareSize
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape
from tests.support.recorded_walk import play_rules
from tests.support.tapes import random_values, slots_of, tape_over

SLOTS = 42


def walked(frontier: int, side: Side = Side.BUY) -> Tape:
    """Return the tape of a second session, walked up to a frontier; orders fill in parts, some never."""
    tapes = []
    for day in ("2013-11-27", "2013-11-29"):
        slots = slots_of(day, "5m")
        values = random_values(2, len(slots), seed=len(slots), missing=0.2)
        values[4] = values[4] % 1000
        tapes.append(tape_over(slots, values, symbols=("A", "B"), measure_quality=False))
        tapes[-1].frontier = len(slots)
    rules = [RuleDefinition("up", "close > open", "close < open", ShareSize(20), side=side)]
    play_rules(rules, AccountTerms(allow_short=True), tapes, frontier)
    return tapes[-1]


@cache
def whole() -> Tape:
    """Return the same tape, walked to its end; with notes, one of them at each slot."""
    tape = walked(SLOTS)
    notes = tuple(StrategyNote("up", slot, "noted", None) for slot in range(SLOTS))
    assert tape.account is not None
    tape.account.record = replace(tape.account.record, notes=notes)
    return tape


def with_account(record: AccountRecord | None) -> Tape:
    tape = walked(0)
    tape.account = None if record is None else SessionAccount(record)
    return tape


def record_of(tape: Tape) -> AccountRecord:
    assert tape.account is not None
    return tape.account.record


@pytest.mark.parametrize("frontier", [0, 1, 7, 20, 41])
def test_an_account_is_hashed_as_it_stood_at_the_frontier(frontier: int) -> None:
    cut = walked(frontier)
    cut_record = replace(record_of(cut), notes=record_of(whole()).notes[:frontier])
    assert session_digest(with_account(cut_record), frontier) == session_digest(whole(), frontier)


def test_the_account_of_the_test_has_all_that_is_hashed() -> None:
    record = record_of(whole())
    assert all((record.opening_positions, record.orders, record.fills, record.trades))
    assert any(0 < order.filled < order.lots for order in record.orders)


def test_other_sides_and_no_account_have_other_stamps() -> None:
    others = (whole(), walked(SLOTS, Side.SELL), with_account(None), walked(SLOTS - 1))
    assert len({session_digest(tape, SLOTS) for tape in others}) == 4


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("orders", {"state_reason": "another"}),
        ("orders", {"reason": "another"}),
        ("orders", {"close": 1.5}),
        ("fills", {"price": 1.5}),
        ("fills", {"commission": 1}),
        ("trades", {"profit": 1}),
        ("notes", {"value": 0.5}),
        ("notes", {"text": "noted\nnote"}),
        ("opening_positions", {"cost": 1}),
    ],
)
def test_any_change_of_the_account_changes_the_stamp(part: str, changes: dict[str, Any]) -> None:
    record = record_of(whole())
    first, *rest = getattr(record, part)
    changed: Any = replace(record, **{part: (first._replace(**changes), *rest)})
    assert session_digest(with_account(changed), SLOTS) != session_digest(whole(), SLOTS)


@pytest.mark.parametrize(
    "name", ["opening_cash", "opening_equity", "opening_realised", "opening_commission", "equity"]
)
def test_any_change_of_its_money_changes_the_stamp(name: str) -> None:
    record = record_of(whole())
    changed: Any = replace(record, **{name: getattr(record, name) + 1})
    assert session_digest(with_account(changed), SLOTS) != session_digest(whole(), SLOTS)
