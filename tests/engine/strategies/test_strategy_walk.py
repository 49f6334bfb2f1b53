"""Walks of rule strategies over small sessions made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.errors import EngineError
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize, ShareSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import slots_of, tape_over

DAYS = ("2013-11-27", "2013-12-02")
NAN = float("nan")


def session(day: str, closes: Sequence[Sequence[float]], symbols: Sequence[str] = ("AAA",)) -> Tape:
    """Return a session of 7 slots by closes; a bar opens 0.25 below its close. Later ones are missing."""
    slots = slots_of(day, "1h")
    assert len(slots) == 7
    values = np.full((5, len(closes), 7), np.nan)
    for row, own in enumerate(closes):
        values[1:4, row, : len(own)] = own
        values[0, row] = values[3, row] - 0.25
        values[2, row] = values[0, row]
        values[4, row] = np.where(np.isnan(values[3, row]), np.nan, 1e6)
    return tape_over(slots, values, symbols=symbols, measure_quality=False)


def walk_of(tape: Tape, enter: str, leave: str | None, **fields: Any) -> StrategyWalk:
    """Return a walk of one strategy that orders 10 shares."""
    definition = RuleDefinition("one", enter, leave, fields.pop("size", ShareSize(10)), **fields)
    return StrategyWalk([definition], AccountTerms(participation_pct=None), Vocabulary.of(tape))


def played(walk: StrategyWalk, *tapes: Tape) -> list[tuple[int, str, float]]:
    """Walk whole sessions; return slot, reason and price of each fill."""
    fills = []
    for tape in tapes:
        walk.begin_session(tape)
        fills += walk.advance(tape, 0, len(tape))
        walk.end_session()
    return [(fill.slot, fill.reason, fill.price) for fill in fills]


def test_an_order_of_the_last_slot_fills_at_the_first_bar_of_the_next_session() -> None:
    first = session(DAYS[0], [[10, 10, 10, 10, 10, 10, 11]])
    second = session(DAYS[1], [[NAN, 12, 12, 12]])
    assert played(walk_of(first, "close > 10.5", None), first, second) == [(1, "enter", 11.75)]


def test_exit_beats_enter_and_cancels_what_is_left_of_the_entry() -> None:
    tape = session(DAYS[0], [[10, 11, NAN, 11, 11], [1, 1, 2, 1, 1]], ("AAA", "BBB"))
    walk = walk_of(tape, "close > 10.5", "BBB.close > 1.5", symbols=("AAA",))
    assert played(walk, tape) == [(4, "enter", 10.75)]
    cancelled, filled = walk.broker.session_orders
    assert (cancelled.slot, cancelled.state_reason) == (1, "exit, before all of it had filled")
    assert filled.slot == 3


def test_a_loss_is_stopped_at_the_close_that_has_exactly_lost_it() -> None:
    tape = session(DAYS[0], [[10, 100.25, 93.01, 93, 50, 50, 50]])
    walk = walk_of(tape, "minutes_since_open == 60", None, stop_loss=7)
    assert played(walk, tape) == [(1, "enter", 100.0), (4, "stop_loss", 49.75)]


def test_what_is_flat_at_the_close_sells_on_the_close_and_enters_no_more_before_it() -> None:
    tape = session(DAYS[0], [[10, 11, 12, 13, 14, 15, 16]])
    walk = walk_of(tape, "close > 10.5", "close == 13", flat_at_close=True)
    fills = [(2, "enter", 11.75), (4, "exit", 13.75), (5, "enter", 14.75), (6, "flat_at_close", 16.0)]
    assert played(walk, tape) == fills


def test_what_had_no_bar_to_close_at_is_sold_at_the_first_bar_of_the_next_session() -> None:
    first = session(DAYS[0], [[10, 11, 12, 13, 14, 15, NAN]])
    second = session(DAYS[1], [[NAN, 9, 9, 9]])
    walk = walk_of(first, "close > 10.5", None, flat_at_close=True)
    assert played(walk, first, second) == [(2, "enter", 11.75), (1, "flat_at_close", 8.75)]


def test_an_exit_in_the_last_slot_takes_the_place_of_the_order_that_had_no_bar_to_close_at() -> None:
    first = session(DAYS[0], [[10, 11, 12, 13, 14, 15, NAN]])
    second = session(DAYS[1], [[NAN, 9, 9, 9]])
    walk = walk_of(first, "close > 10.5", "minutes_to_close == 0", flat_at_close=True)
    assert played(walk, first, second) == [(2, "enter", 11.75), (1, "exit", 8.75)]


def test_bars_held_count_the_bar_that_filled_and_reach_over_the_night() -> None:
    first = session(DAYS[0], [[9, 9, 9, 9, 11, 10, NAN]])
    second = session(DAYS[1], [[10, NAN, 10, 10, 10]])
    walk = walk_of(first, "close > 10.5", "bars_held >= 3")
    # Held in bar 5, and in bars 0 and 2 of the next session.
    assert played(walk, first, second) == [(5, "enter", 9.75), (3, "exit", 9.75)]


def test_strategies_share_cash_and_the_first_one_comes_first() -> None:
    tape = session(DAYS[0], [[10, 10, 10], [20, 20, 20]], ("AAA", "BBB"))
    size = CashSize(600)
    definitions = [RuleDefinition(name, "cash > 500", None, size) for name in ("one", "two")]
    terms = AccountTerms(initial_cash=1250, participation_pct=None)
    walk = StrategyWalk(definitions, terms, Vocabulary.of(tape))
    walk.begin_session(tape)
    walk.advance(tape, 0, 1)
    refused = [(order.strategy, order.symbol, order.state.value) for order in walk.broker.session_orders]
    assert refused == [
        ("one", "AAA", "working"),
        ("one", "BBB", "working"),
        ("two", "AAA", "refused"),
        ("two", "BBB", "refused"),
    ]


def test_a_symbol_that_leaves_keeps_its_position_and_rows_may_move() -> None:
    tape = session(DAYS[0], [[11, 11, 11, 12, 13, 14, 15], [1, 1, 1, 11, 11, 9, 9]], ("AAA", "BBB"))
    walk = walk_of(tape, "close > 10.5", "close < 10")
    walk.begin_session(tape)
    assert [fill.symbol for fill in walk.advance(tape, 0, 3)] == ["AAA"]
    change = SymbolChange(ChangeKind.LEFT, "AAA", 3)
    other = tape.with_symbols(np.array([1]), None, [change])
    assert [(fill.symbol, fill.slot) for fill in walk.advance(other, 3, 7)] == [("BBB", 4), ("BBB", 6)]
    assert walk.broker.account.lots("one", "AAA") == 10
    # Cash, and 10 shares of AAA at the last close that was walked.
    assert walk.equity[-1] == walk.broker.account.cash + 110_000_000


def test_a_walk_goes_on_where_it_stands() -> None:
    tape = session(DAYS[0], [[10, 11, 12]])
    walk = walk_of(tape, "close > 10.5", None)
    walk.begin_session(tape)
    walk.advance(tape, 0, 2)
    with pytest.raises(EngineError, match="the walk stands at slot 2: cannot walk from 0 to 3"):
        walk.advance(tape, 0, 3)


def test_orders_of_a_symbol_that_leaves_are_cancelled() -> None:
    tape = session(DAYS[0], [[11, NAN, NAN, NAN, 11], [1, 1, 1, 1, 1]], ("AAA", "BBB"))
    walk = walk_of(tape, "close > 10.5", None)
    walk.begin_session(tape)
    walk.advance(tape, 0, 3)
    other = tape.with_symbols(np.array([1]), None, [SymbolChange(ChangeKind.LEFT, "AAA", 3)])
    assert walk.advance(other, 3, 7) == ()
    [order] = walk.broker.session_orders
    assert (order.state.value, order.state_reason, order.ended_slot) == ("cancelled", "left the session", 2)


def test_an_interrupted_walk_ends_before_the_slot_and_its_record_is_as_of_there() -> None:
    tape = session(DAYS[0], [[10, 11, 12, 9, 11, 11, 11]])
    walk = walk_of(tape, "close > 10.5", "close < 10 and position > 0")
    walk.begin_session(tape)
    assert walk.record().walked == 0
    asked: list[int] = []

    def is_interrupted() -> bool:
        asked.append(walk.walked)
        return walk.walked == 3

    fills = walk.advance(tape, 0, 7, is_interrupted)
    assert ([fill.slot for fill in fills], walk.walked, asked) == ([2], 3, [1, 2, 3])
    record = walk.record()
    assert (record.walked, record.fills, len(record.equity)) == (3, fills, 3)
    assert [fill.slot for fill in walk.advance(tape, 3, 7)] == [4, 5]
    whole = walk_of(tape, "close > 10.5", "close < 10")
    whole.begin_session(tape)
    whole.advance(tape, 0, 7)
    assert walk.record().equity.tolist() == whole.record().equity.tolist()
    assert walk.record().fills == whole.record().fills
