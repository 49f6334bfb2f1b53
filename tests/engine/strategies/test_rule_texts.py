"""Rules of strategies as texts, sizes and definitions: what is refused, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.errors import ConditionError, EngineError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize, PercentSize, RiskSize, ShareSize, SizeInputs
from tapedeck.engine.strategies.strategy_rules import StrategyRule, parse_row_value
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.strategies.symbol_state import CloseLevels

WORDS = Vocabulary(("SPY", "AIG"), (MINUTE,), ("vwap",), ())


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("position crosses above 0", 1, "position cannot cross a value: compare it, as in position", None),
        ("close > vwap and not 5 crosses below minutes_to_close", 38, "minutes_to_close cannot cross", None),
        ("SPY.cash > 5", 1, "cash is of the whole account: use it without a symbol", "cash"),
        ("any.minutes_to_close > 5", 1, "minutes_to_close is of the session: use it", "minutes_to_close"),
        ("unrealised[2] > 5", 11, "unrealised has no bars to count back: use it without [n]", None),
        ("bars_hold > 5", 1, "unknown value 'bars_hold'", "bars_held"),
        ("SPX.position > 5", 1, "unknown symbol 'SPX'", "SPY"),
    ],
)  # fmt: skip
def test_faults_of_rules_say_where_and_what_was_probably_meant(
    text: str, column: int, message: str, suggestion: str | None
) -> None:
    with pytest.raises(ConditionError) as caught:
        StrategyRule.parse(text, WORDS)
    assert (caught.value.column, caught.value.suggestion) == (column, suggestion)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "reads_account"),
    [
        ("close > vwap and minutes_to_close > 5", False),
        ("close > vwap and bars_held < 5", True),
        ("SPY.position > 0 or cash < 100", True),
    ],
)
def test_only_rules_with_words_of_the_account_read_it(text: str, reads_account: bool) -> None:
    assert StrategyRule.parse(text, WORDS).reads_account is reads_account


def test_a_stop_reads_the_market_and_not_the_account() -> None:
    parse_row_value("2 * (high - low)", WORDS)
    with pytest.raises(ConditionError, match="unknown value 'equity'"):
        parse_row_value("close * equity", WORDS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ShareSize(0), "shares of a size must be a number above 0, not 0"),
        (lambda: CashSize(float("nan")), "cash of a size must be a number above 0, not nan"),
        (lambda: PercentSize(-1), "percent of a size must be a number above 0, not -1"),
        (lambda: RiskSize(1, 0), "stop of a size must be a number above 0, not 0"),
        (lambda: definition(stop_loss=0.0), "stop_loss must be a percentage above 0, not 0.0"),
        (lambda: definition(take_profit=float("inf")), "take_profit must be a percentage above 0, not inf"),
        (lambda: definition(max_entries_per_day=0), "max_entries_per_day must be at least 1, not 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_symbol_of_a_strategy_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(EngineError, match=r"strategy one: .*'SPX'.* Did you mean 'SPY'"):
        StrategyWalk([definition(symbols=("SPX",))], AccountTerms(), WORDS)


def definition(**fields: Any) -> RuleDefinition:
    return RuleDefinition("one", "close > vwap", None, ShareSize(1), **fields)


@pytest.mark.parametrize(
    ("size", "lots"),
    [
        (ShareSize(249.9), 2),  # lots of 100 shares
        (CashSize(10_000), 4),  # 400 shares cost 9,800.00
        (CashSize(2449.99), 0),
        (PercentSize(50), 20),  # 50,000.00 are 2,040 shares
        (RiskSize(1, 2), 20),  # 1,000.00 are 2 % of 50,000.00
        (RiskSize(0.1, "stop"), 3),  # 100.00 at 0.31 a share are 322 shares
        (RiskSize(0.1, "missing"), 0),
    ],
)
def test_sizes_are_rounded_down_to_lots(
    size: ShareSize | CashSize | PercentSize | RiskSize, lots: int
) -> None:
    values = {"stop": 0.31, "missing": float("nan")}
    inputs = SizeInputs(MoneyScale(6, 100.0), 24.5, lambda: 100_000_000_000, values.__getitem__)
    assert size.lots(inputs) == lots


@pytest.mark.parametrize(
    ("side", "price", "falls_to", "rises_to"),
    [
        (Side.BUY, 100, 93.0, 110.0),
        (Side.SELL, -100, 90.0, 107.0),
        (Side.BUY, 0.3, 0.279, 0.33),
        (Side.BUY, 1.11, 1.0323, 1.221),
    ],
)
def test_a_close_that_has_lost_or_won_exactly_the_percentage_is_at_the_level(
    side: Side, price: float, falls_to: float, rises_to: float
) -> None:
    levels = CloseLevels(MoneyScale(6), side, 7, 10)
    lots = 3 if price > 0 else -3
    assert levels.of(round(price * 3_000_000), lots) == (falls_to, rises_to)
