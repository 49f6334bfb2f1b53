"""Events of fills and notes, and orders, of an account at any time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.account_record import AccountRecord, SessionAccount, StrategyNote
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.read.account_events import plain_number
from tapedeck.engine.read.events import EventKind, EventLog, events_known_at
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import ShareSize
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape
from tests.support.recorded_walk import play_rules
from tests.support.tapes import random_values, slots_of, tape_over

DAYS = ("2013-11-27", "2013-11-29")
NOTES = tuple(StrategyNote("one", slot, f"note {slot}", None) for slot in (3, 4, 9))
KINDS = {Side.BUY: EventKind.BUY, Side.SELL: EventKind.SELL}


@cache
def traded() -> list[Tape]:
    """Return two sessions of 15-minute bars, with what a rule did in them, and notes."""
    tapes = [
        tape_over(slots_of(day, "15m"), random_values(3, len(slots_of(day, "15m")), seed=seed, missing=0.2))
        for seed, day in enumerate(DAYS, 1)
    ]
    for tape in tapes:
        tape.frontier = tape.processed = tape.scored = len(tape)
    rule = RuleDefinition("one", "close > open", "close < open", ShareSize(15))
    play_rules([rule], AccountTerms(participation_pct=1.0), tapes)
    for tape in tapes:
        record = record_of(tape)
        tape.account = SessionAccount(replace(record, notes=NOTES))
        assert len(record.fills) > 10
    return tapes


def record_of(tape: Tape) -> AccountRecord:
    assert tape.account is not None
    return tape.account.record


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sets(st.integers(0, 26), max_size=4), min_size=2, max_size=2))
def test_fills_and_notes_are_events_in_their_order_for_any_frequency_of_updates(
    updates: list[set[int]],
) -> None:
    log, expected = EventLog(), []
    for tape, read_at in zip(traded(), updates, strict=True):
        tape.frontier = 0
        log.begin_session(tape)
        for frontier in [*sorted(read_at), len(tape)]:
            tape.frontier = min(frontier, len(tape))
            log.events()
        log.end_session()
        record = record_of(tape)
        happened = [(fill.slot, 0, fill.symbol, KINDS[fill.side]) for fill in record.fills]
        happened += [(note.slot, 1, None, EventKind.NOTE) for note in record.notes]
        days = [(tape.session.trading_day, *one) for one in sorted(happened, key=lambda one: one[:2])]
        expected += days
        view = SessionView(tape, min(read_at, default=5))
        known = [event for event in events_known_at(log.events(), view) if event.kind in KINDS.values()]
        here = [event for event in known if event.trading_day == view.trading_day]
        assert len(here) == sum(fill.slot < view.frontier for fill in record.fills)
    events = [event for event in log.events() if event.kind in (*KINDS.values(), EventKind.NOTE)]
    assert [(event.trading_day, event.slot, event.symbol, event.kind) for event in events] == [
        (day, slot, symbol, kind) for day, slot, _, symbol, kind in expected
    ]
    assert len({event.number for event in events}) == len(events)


@given(st.integers(0, 26), st.integers(0, 60))
def test_the_latest_orders_are_the_last_ones_of_all(frontier: int, count: int) -> None:
    account = record_of(traded()[1]).at(frontier)
    assert account.latest_orders(count) == (account.orders[-count:] if count else ())


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234.50"), (0.123456789, "0.123457"), (-3.0, "-3.00"), (51.125, "51.125")],
)
def test_prices_have_at_least_two_decimals_and_at_most_six(value: float, text: str) -> None:
    assert plain_number(value) == text
