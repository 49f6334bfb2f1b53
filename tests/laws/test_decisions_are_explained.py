"""Laws of explained decisions: rules are true where a slow walk finds them true, and explain its orders.

The slow walk visits every slot and symbol in plain Python. Nothing is read that was decided later.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.account_record import SessionAccount
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.read.explain.decision_explanation import DecisionExplanation
from tapedeck.engine.read.explain.decisions import DecisionReader
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape
from tests.laws.test_rule_strategies_of_any_cut import MARKETS, STRATEGIES, SYMBOLS, TERMS
from tests.support.slow_walk import Moment, SlowStrategy, SlowWalk
from tests.support.tapes import random_values, tape_over

SCALE = MoneyScale()
TRUTHS = {True: "true", False: "false", None: "missing"}


class Seen(NamedTuple):
    """What a slow walk saw at the close of a slot: truths, position, orders given, orders that had worked."""

    enter: bool | None
    leave: bool | None
    lots: int
    bars_held: float
    reasons: list[str]
    numbers: list[int]
    working: list[int]
    cancelled: list[int]


class WatchedWalk(SlowWalk):
    """A slow walk that notes what it saw."""

    def __init__(self, strategies: Sequence[SlowStrategy], terms: AccountTerms) -> None:
        super().__init__(strategies, terms)
        self.seen: dict[tuple[date, int, str, str], Seen] = {}
        self.account: dict[tuple[date, int], tuple[int, int, list[int], list[float]]] = {}

    def _slot(self, slot: int) -> None:
        super()._slot(slot)
        account = self.broker.account
        names = [strategy.definition.name for strategy in self.strategies]
        lots = [sum(account.lots(name, symbol) for name in names) for symbol in SYMBOLS]
        profits = []
        for symbol in SYMBOLS:
            held = [account.holding(name, symbol) for name in names]
            profits.append(sum(one.unrealised for one in held if one is not None))
        day = self.tape.session.trading_day
        self.account[day, slot] = account.cash, account.figures().equity, lots, profits

    def _decide(self, strategy: SlowStrategy, symbol: str, slot: int) -> None:
        name = strategy.definition.name
        moment = Moment(self, strategy, symbol, slot)
        enter, leave = strategy.enter(moment), None if strategy.leave is None else strategy.leave(moment)
        known = {order.number for order in self.broker.session_orders}
        working = [order.number for order in self._works(strategy, symbol)]
        lots, held = self._lots(strategy, symbol), float(strategy.held[symbol])
        super()._decide(strategy, symbol, slot)
        given = [order for order in self.broker.session_orders if order.number not in known]
        left = [order.number for order in self._works(strategy, symbol)]
        self.seen[self.tape.session.trading_day, slot, name, symbol] = Seen(
            enter,
            leave,
            lots,
            held,
            [order.reason for order in given],
            [order.number for order in given],
            working,
            [number for number in working if number not in left],
        )


def reader_of(strategies: Sequence[SlowStrategy], terms: AccountTerms, tape: Tape) -> DecisionReader:
    return DecisionReader([one.definition for one in strategies], terms, Vocabulary.of(tape))


def walk_all(tapes: Sequence[Tape], strategies: Sequence[SlowStrategy], terms: AccountTerms) -> None:
    """Walk whole sessions, and give each tape its account."""
    walk = StrategyWalk([one.definition for one in strategies], terms, Vocabulary.of(tapes[0]))
    for tape in tapes:
        walk.begin_session(tape)
        walk.advance(tape, 0, len(tape))
        walk.end_session()
        tape.account = SessionAccount(walk.record())


def agrees(explained: DecisionExplanation, seen: Seen, symbols: Sequence[str] | None) -> None:
    assert (explained.lots, explained.bars_held) == (seen.lots, seen.bars_held)
    decided = [one.order.number for one in explained.orders if one.is_decided]
    assert decided == seen.numbers
    assert [one.order.number for one in explained.orders if one.is_cancelled] == seen.cancelled
    if symbols is not None and explained.symbol not in symbols:
        assert not explained.rules
        return
    outcomes = {rule.name: rule.outcome.value for rule in explained.rules}
    assert outcomes["enter"] == TRUTHS[seen.enter]
    assert outcomes.get("exit") == (TRUTHS[seen.leave] if "exit" in outcomes else None)
    if seen.reasons or not seen.cancelled:
        assert explained.decided_by == "".join(seen.reasons)
    if explained.decided_by != "enter":
        assert seen.enter is not True or explained.held_back
    for rule in explained.rules:
        assert not rule.parts or rule.parts[0].outcome is rule.outcome


@settings(max_examples=6)
@given(MARKETS, STRATEGIES, TERMS, st.sampled_from(SYMBOLS))
def test_rules_are_true_where_a_slow_walk_finds_them_true_and_explain_its_orders(
    tapes: list[Tape], strategies: tuple[SlowStrategy, ...], terms: AccountTerms, symbol: str
) -> None:
    slow = WatchedWalk(strategies, terms)
    for tape in tapes:
        slow.play(tape)
    walk_all(tapes, strategies, terms)
    reader = reader_of(strategies, terms, tapes[0])
    for tape in tapes:
        for frontier in range(1, len(tape) + 1):
            for explained in reader.explain(tape, symbol, frontier):
                day, name = tape.session.trading_day, explained.strategy
                definition = next(one.definition for one in strategies if one.definition.name == name)
                seen = slow.seen.get((day, frontier - 1, name, symbol))
                if seen is not None:
                    agrees(explained, seen, definition.symbols)
                else:
                    assert definition.symbols is not None
                    assert explained.held_back
        for strategy in strategies:
            entries_are_found(reader, slow, tape, strategy, symbol)


def entries_are_found(
    reader: DecisionReader, slow: WatchedWalk, tape: Tape, strategy: SlowStrategy, symbol: str
) -> None:
    """Check that the entry rule becomes true where it is true and was not one slot before."""
    name, chosen = strategy.definition.name, strategy.definition.symbols
    if chosen is not None and symbol not in chosen:
        return
    day = tape.session.trading_day
    true = [slow.seen[day, slot, name, symbol].enter is True for slot in range(len(tape))]
    expected = [False, *(now and not before for before, now in pairwise([False, *true]))]
    entries = reader.entries(name, symbol)
    assert entries.becomes_true(tape, 0, len(tape)).tolist() == expected
    middle = len(tape) // 2
    assert entries.becomes_true(tape, middle, len(tape)).tolist() == expected[middle:]


@settings(max_examples=6)
@given(MARKETS, STRATEGIES, TERMS, st.integers(1, 12), st.integers(0, 10**6))
def test_what_comes_after_a_slot_does_not_change_its_explanation(
    tapes: list[Tape], strategies: tuple[SlowStrategy, ...], terms: AccountTerms, frontier: int, seed: int
) -> None:
    walk_all(tapes, strategies, terms)
    last = tapes[-1]
    reader = reader_of(strategies, terms, last)
    whole = [reader.explain(last, symbol, frontier) for symbol in SYMBOLS]
    values = random_values(len(SYMBOLS), len(last), seed=seed, missing=0.3) * 3
    values[:, :, :frontier] = last.base.values[:, :, :frontier]
    poisoned = tape_over(last.slots, values, symbols=SYMBOLS, measure_quality=False)
    poisoned.earlier = last.earlier
    walk = StrategyWalk([one.definition for one in strategies], terms, Vocabulary.of(last))
    for tape in tapes[:-1]:
        walk.begin_session(tape)
        walk.advance(tape, 0, len(tape))
        walk.end_session()
    walk.begin_session(poisoned)
    walk.advance(poisoned, 0, frontier)
    poisoned.account = SessionAccount(walk.record())
    assert [known(reader.explain(poisoned, symbol, frontier)) for symbol in SYMBOLS] == list(
        map(known, whole)
    )


def known(explained: Sequence[DecisionExplanation]) -> list[DecisionExplanation]:
    """Return explanations with one scale, as scales are compared by identity."""
    return [replace(one, scale=SCALE) for one in explained]


@settings(max_examples=6)
@given(MARKETS, STRATEGIES, TERMS)
def test_conditions_read_the_account_as_it_stood_at_each_frontier(
    tapes: list[Tape], strategies: tuple[SlowStrategy, ...], terms: AccountTerms
) -> None:
    slow = WatchedWalk(strategies, terms)
    for tape in tapes:
        slow.play(tape)
    walk_all(tapes, strategies, terms)
    words = replace(Vocabulary.of(tapes[0]), account=True)
    scale = slow.broker.scale
    for tape in tapes:
        day = tape.session.trading_day
        seen = [slow.account[day, slot] for slot in range(len(tape))]
        for name, of in (("cash", 0), ("equity", 1)):
            amounts = [scale.amount(one[of]) for one in seen]
            middle = sorted(amounts)[len(amounts) // 2]
            expected = [amount > middle for amount in amounts]
            assert holds(f"{name} > {middle!r}", words, tape) == expected
        for row, symbol in enumerate(SYMBOLS):
            for lots in {one[2][row] for one in seen}:
                expected = [one[2][row] == lots for one in seen]
                assert holds(f"{symbol}.position == {lots * scale.lot:g}", words, tape) == expected
            profits = [scale.amount(one[3][row]) for one in seen]
            for profit in (min(profits), max(profits)):
                expected = [math.isclose(one, profit, abs_tol=1e-9) for one in profits]
                assert holds(f"{symbol}.unrealised == {profit:.6f}", words, tape) == expected


def holds(text: str, words: Vocabulary, tape: Tape) -> list[bool]:
    condition = Condition.parse(text, words)
    assert condition.reads_account
    whole: list[bool] = condition.holds(tape, 1, len(tape)).tolist()
    assert whole == [bool(condition.holds(tape, at, at)[0]) for at in range(1, len(tape) + 1)]
    return whole
