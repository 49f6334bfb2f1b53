"""Laws of rule strategies: any cut gives the same, nothing later is read, and a slow walk agrees.

The slow walk visits every slot and symbol in plain Python, without columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import time
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.commission import AtLeast, PerShare
from tapedeck.engine.broker.figures import AccountFigures
from tapedeck.engine.broker.orders import OrderRecord, Side
from tapedeck.engine.broker.records import Fill, Trade
from tapedeck.engine.broker.slippage import PercentSlippage
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize, PercentSize, RiskSize, ShareSize, Size
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.earlier_values import NoEarlierValues, Series
from tapedeck.engine.tape.tape import Tape
from tests.support.slow_walk import Moment, SlowStrategy, SlowWalk, Truth, bars_of, last_of
from tests.support.tapes import random_values, slots_of, tape_over

SYMBOLS: Final = ("AAA", "BBB", "CCC")
DAYS: Final = ("2013-11-27", "2013-11-29", "2013-12-02")
"""The second one closes early."""


class EarlierTape(NoEarlierValues):
    """The end of the session before."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def at_end(self, series: Series, back: int) -> np.ndarray:
        """Return the last values of a bar field."""
        assert not back
        symbols = self._tape.symbols[series.first : series.stop]
        found = [last_of(bars_of(self._tape, symbol), series.name) for symbol in symbols]
        return np.array([math.nan if value is None else value for value in found])


def market(seed: int, missing: float) -> list[Tape]:
    """Return the tapes of sessions of 13, 7 and 13 slots."""
    tapes: list[Tape] = []
    for number, day in enumerate(DAYS):
        slots = slots_of(day, "30m")
        values = random_values(len(SYMBOLS), len(slots), seed=seed + number, missing=missing)
        tapes.append(tape_over(slots, values, symbols=SYMBOLS, measure_quality=False))
        if number:
            tapes[-1].earlier = EarlierTape(tapes[-2])
    return tapes


class Rule(NamedTuple):
    """A rule as text and as a function."""

    text: str
    holds: Truth


def compared(text: str, left: Callable[[Moment], float | None], sign: str, right: float) -> Rule:
    def holds(moment: Moment) -> bool | None:
        value = left(moment)
        return None if value is None else value > right if sign == ">" else value <= right

    return Rule(f"{text} {sign} {right}", holds)


def quantified(word: str) -> Rule:
    fold = any if word == "any" else all
    return Rule(
        f"{word}.position > 0",
        lambda moment: fold(moment.of(symbol).account("position") > 0 for symbol in SYMBOLS),
    )


def crossing(direction: str, symbol: str | None) -> Rule:
    def holds(moment: Moment) -> bool | None:
        other = moment if symbol is None else moment.of(symbol)
        now = moment.now("close"), other.now("open")
        before = moment.one_before("close"), other.one_before("open")
        sign = 1 if direction == "above" else -1
        parts = [
            None if None in now else sign * now[0] > sign * now[1],  # type: ignore[operator]
            None if None in before else sign * before[0] <= sign * before[1],  # type: ignore[operator]
        ]
        return False if False in parts else None if None in parts else True

    right = "open" if symbol is None else f"{symbol}.open"
    return Rule(f"close crosses {direction} {right}", holds)


def inverted(rule: Rule) -> Rule:
    def holds(moment: Moment) -> bool | None:
        found = rule.holds(moment)
        return None if found is None else not found

    return Rule(f"not ({rule.text})", holds)


def joined(word: str, left: Rule, right: Rule) -> Rule:
    decisive = word == "or"

    def holds(moment: Moment) -> bool | None:
        parts = [left.holds(moment), right.holds(moment)]
        return decisive if decisive in parts else None if None in parts else not decisive

    return Rule(f"(({left.text}) {word} ({right.text}))", holds)


def difference(moment: Moment) -> float | None:
    close, opening = moment.now("close"), moment.now("open")
    return None if close is None or opening is None else close - opening


def word(name: str) -> Callable[[Moment], float | None]:
    return lambda moment: moment.minutes(name) if name.startswith("minutes") else moment.account(name)


def spread(moment: Moment) -> float | None:
    close = moment.now("close")
    return None if close is None else close * 20 - moment.account("unrealised")


SIGNS: Final = st.sampled_from([">", "<="])
OF_MARKET: Final = st.one_of(
    st.builds(compared, st.just("close - open"), st.just(difference), SIGNS, st.sampled_from([0.0, 0.02])),
    st.builds(crossing, st.sampled_from(["above", "below"]), st.sampled_from([None, *SYMBOLS])),
    st.builds(
        lambda name, sign, most: compared(name, word(name), sign, most),
        st.sampled_from(["minutes_since_open", "minutes_to_close"]), SIGNS, st.sampled_from([60, 150]),
    ),
)  # fmt: skip
OF_ACCOUNT: Final = st.one_of(
    st.builds(
        lambda named, sign: compared(named[0], word(named[0]), sign, named[1]),
        st.sampled_from([
            ("bars_held", 1), ("bars_held", 4), ("unrealised", 0), ("unrealised", -1.5), ("position", 0),
            ("cash", 95_000), ("equity", 100_000),
        ]),
        SIGNS,
    ),
    st.builds(quantified, st.sampled_from(["any", "all"])),
    st.builds(lambda sign: compared("close * 20 - unrealised", spread, sign, 1000), SIGNS),
    st.builds(
        lambda symbol, sign: compared(
            f"{symbol}.position", lambda moment: moment.of(symbol).account("position"), sign, 0
        ),
        st.sampled_from(SYMBOLS), SIGNS,
    ),
)  # fmt: skip
RULES: Final = st.recursive(
    st.one_of(OF_MARKET, OF_MARKET, OF_ACCOUNT),
    lambda rules: st.one_of(
        st.builds(joined, st.sampled_from(["and", "or"]), rules, rules), st.builds(inverted, rules)
    ),
    max_leaves=4,
)


class Sized(NamedTuple):
    """A size, and its lots in fractions; a lot is 1 share."""

    size: Size
    lots: Callable[[Fraction, Fraction, Moment], int]


def by_range(close: Fraction, equity: Fraction, moment: Moment) -> int:
    bar = [moment.now("high"), moment.now("low")]
    if None in bar or bar[0] == bar[1]:
        return 0
    distance = Fraction(repr(bar[0] - bar[1]))  # type: ignore[operator]
    return math.floor(equity / 100 / distance)


BY_CLOSE: Final = (
    Sized(ShareSize(7.5), lambda *_: 7),
    Sized(ShareSize(100), lambda *_: 100),
    Sized(CashSize(10_000), lambda close, *_: math.floor(10_000 / close)),
)
SIZES_BY_CLOSE: Final = st.sampled_from(BY_CLOSE)
SIZES: Final = st.sampled_from(
    [
        *BY_CLOSE,
        Sized(PercentSize(30), lambda close, equity, _: math.floor(equity * 3 / 10 / close)),
        Sized(RiskSize(1, 2.5), lambda close, equity, _: math.floor(equity * 2 / 5 / close)),
        Sized(RiskSize(1, "high - low"), by_range),
    ]
)


@st.composite
def slow_strategies(draw: st.DrawFn, name: str) -> SlowStrategy:
    enter, leave, sized = draw(RULES), draw(st.none() | RULES | RULES), draw(SIZES)
    definition = RuleDefinition(
        name,
        enter.text,
        None if leave is None else leave.text,
        sized.size,
        symbols=draw(st.sampled_from([None, None, ("CCC", "AAA")])),
        side=draw(st.sampled_from([Side.BUY, Side.BUY, Side.SELL])),
        flat_at_close=draw(st.booleans()),
        no_entry_after=draw(st.sampled_from([None, None, time(12, 30), time(15, 45)])),
        max_entries_per_day=draw(st.sampled_from([None, None, 1, 2])),
        stop_loss=draw(st.sampled_from([None, None, 0.05, 0.1])),
        take_profit=draw(st.sampled_from([None, None, 0.05, 0.07])),
    )
    return SlowStrategy(definition, enter.holds, None if leave is None else leave.holds, sized.lots)


@st.composite
def plain_strategies(draw: st.DrawFn, name: str) -> SlowStrategy:
    """Draw a strategy whose orders follow from the market alone, so that they are worked out at once."""
    rules = st.one_of(OF_MARKET, st.builds(inverted, OF_MARKET))
    enter, leave, sized = draw(rules), draw(st.none() | rules | rules), draw(SIZES_BY_CLOSE)
    definition = RuleDefinition(
        name,
        enter.text,
        None if leave is None else leave.text,
        sized.size,
        symbols=draw(st.sampled_from([None, None, ("CCC", "AAA")])),
        no_entry_after=draw(st.sampled_from([None, None, time(12, 30)])),
    )
    return SlowStrategy(definition, enter.holds, None if leave is None else leave.holds, sized.lots)


TERMS: Final = st.builds(
    AccountTerms,
    participation_pct=st.sampled_from([None, 2.5, 0.4]),
    allow_short=st.sampled_from([True, True, False]),
    max_open_positions=st.sampled_from([None, None, 1]),
)
MARKETS: Final = st.builds(market, st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.7]))
STRATEGIES: Final = st.tuples(slow_strategies("one"), slow_strategies("two"))


class Walked(NamedTuple):
    """What a walk gives; of orders all but the texts of cancellations. `left`: cash at hand at the end."""

    orders: list[tuple[Any, ...]]
    fills: list[Fill]
    equity: list[int]
    trades: list[Trade]
    figures: AccountFigures
    left: int


def told(orders: Sequence[OrderRecord]) -> list[tuple[Any, ...]]:
    return [one._replace(state_reason="") for one in orders]


def of_slow_walk(slow: SlowWalk) -> Walked:
    account = slow.broker.account
    return Walked(
        told(slow.orders), slow.fills, slow.equity, slow.trades, account.figures(), account.at_hand()
    )


def walked(
    tapes: Sequence[Tape], strategies: Sequence[SlowStrategy], terms: AccountTerms, cuts: Sequence[int]
) -> Walked:
    definitions = [one.definition for one in strategies]
    walk = StrategyWalk(definitions, terms, Vocabulary.of(tapes[0]))
    orders: list[OrderRecord] = []
    fills: list[Fill] = []
    equity: list[int] = []
    trades: list[Trade] = []
    for tape in tapes:
        walk.begin_session(tape)
        edges = sorted({0, len(tape), *(min(cut, len(tape)) for cut in cuts)})
        for start, stop in pairwise(edges):
            fills += walk.advance(tape, start, stop)
            assert walk.broker.account.equity() == walk.equity[-1]
        walk.end_session()
        orders += walk.broker.session_orders
        equity += walk.equity.tolist()
        trades += walk.broker.session_trades
    account = walk.broker.account
    return Walked(told(orders), fills, equity, trades, account.figures(), account.at_hand())


@settings(max_examples=50)
@given(MARKETS, STRATEGIES, TERMS, st.lists(st.integers(0, 13), max_size=13))
def test_any_cut_gives_what_a_slow_walk_gives(
    tapes: list[Tape], strategies: tuple[SlowStrategy, ...], terms: AccountTerms, cuts: list[int]
) -> None:
    slow = SlowWalk(strategies, terms)
    for tape in tapes:
        slow.play(tape)
    assert walked(tapes, strategies, terms, cuts) == of_slow_walk(slow)


COSTLY: Final = st.builds(
    AccountTerms,
    initial_cash=st.sampled_from([100_000.0, 100_000.0, 25_000.0]),
    participation_pct=st.sampled_from([None, None, 2.5]),
    max_per_trade=st.sampled_from([None, None, None, 9_995.0]),
    max_open_positions=st.sampled_from([None, None, 3, 2]),
    commission=st.sampled_from([None, AtLeast(1.0, PerShare(0.005))]),
    slippage=st.sampled_from([None, PercentSlippage(0.01)]),
)


@settings(max_examples=40)
@given(
    st.builds(market, st.integers(0, 10**6), st.sampled_from([0.0, 0.0, 0.1, 0.3])),
    st.lists(plain_strategies("one"), min_size=1, max_size=1)
    | st.tuples(plain_strategies("one"), plain_strategies("two")),
    COSTLY,
    st.lists(st.integers(0, 13), max_size=4),
)
def test_orders_that_are_worked_out_at_once_are_those_of_a_slow_walk(
    tapes: list[Tape], strategies: Sequence[SlowStrategy], terms: AccountTerms, cuts: list[int]
) -> None:
    slow = SlowWalk(strategies, terms)
    for tape in tapes:
        slow.play(tape)
    assert walked(tapes, strategies, terms, cuts) == of_slow_walk(slow)


@settings(max_examples=20)
@given(MARKETS, STRATEGIES, TERMS, st.integers(0, 12), st.integers(0, 10**6))
def test_what_comes_after_a_slot_changes_no_decision_and_no_fill_before_it(
    tapes: list[Tape], strategies: tuple[SlowStrategy, ...], terms: AccountTerms, slot: int, seed: int
) -> None:
    last = tapes[-1]
    values = random_values(len(SYMBOLS), len(last), seed=seed, missing=0.3) * 3
    values[:, :, :slot] = last.base.values[:, :, :slot]
    poisoned = tape_over(last.slots, values, symbols=SYMBOLS, measure_quality=False)
    poisoned.earlier = last.earlier

    def known(found: Walked) -> tuple[list[Any], list[Fill], list[int]]:
        day = last.session.trading_day
        orders = [one[:11] for one in found.orders if (one[7], one[8]) < (day, slot)]
        fills = [fill for fill in found.fills if (fill.day, fill.slot) < (day, slot)]
        return orders, fills, found.equity[: len(found.equity) - len(last) + slot]

    whole = walked(tapes, strategies, terms, [])
    assert known(walked([*tapes[:-1], poisoned], strategies, terms, [])) == known(whole)
