"""Texts of rules over rows and of values that rank, and errors of invalid ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.conditions.row_rules import RowRule, RowValue
from tapedeck.engine.errors import ConditionError
from tapedeck.engine.intervals import MINUTE

WORDS = Vocabulary(("SPY", "BRK.B"), (MINUTE,), ("vwap",), ("high_52w",), ("pre_high", "avg_volume_to_now"))


def fault_of(parse: type[RowRule] | type[RowValue], text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        parse.parse(text, WORDS)
    return caught.value


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("  ", 1, "it is empty; an example is gap_pct > 2", None),
        ("gap > 1", 1, "unknown value 'gap' (rules read open, high", "gap_pct"),
        ("gap_pct > 1 and avg_volume > 3", 17, "unknown value 'avg_volume'", "avg_volume_to_now"),
        ("clse[1] > 3", 1, "unknown value 'clse'", "close"),
        ("tmie > 10:30", 1, "unknown value 'tmie'", "time"),
        ("SPY > 3", 1, "SPY is a symbol: use one of its values, such as SPY.close", None),
        ("SPX.close > 3", 1, "unknown symbol 'SPX'", "SPY"),
        ("SPY.pre_hihg > 3", 5, "unknown value 'pre_hihg'", "pre_high"),
        ("any.close > close", 1, "close and any are mixed in one comparison: use two comparisons", None),
        ("close crosses above all.vwap", 1, "close and all are mixed in one comparison", None),
        ("pre_high[1] > 3", 9, "pre_high has no bars to count back: use it without [n]", None),
        ("high_52w[0] > 3", 9, "high_52w has no bars to count back, as it is computed before", None),
        ("gap_pct", 8, "unexpected end; expected a comparison", None),
        ("close > 10:30", 1, "a time cannot be compared with a number", None),
        ("1 < 2", 1, "it never changes", None),
    ],
)
def test_an_error_of_a_rule_says_where_what_and_what_is_near(
    text: str, column: int, message: str, suggestion: str | None
) -> None:
    error = fault_of(RowRule, text)
    assert (error.column, error.suggestion) == (column, suggestion)
    assert message in error.message


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("", 1, "it is empty; an example is gap_pct", None),
        ("gap_pct > 1", 9, "unexpected '>'; expected", None),
        ("gap_pc", 1, "unknown value 'gap_pc'", "gap_pct"),
        ("-SPY.close", 1, "it is the same for every symbol: use a value of each", None),
        ("7", 1, "it is the same for every symbol", None),
        ("time", 1, "a time ranks no symbols", None),
        ("gap_pct - any.gap_pct", 11, "any is of all symbols at once: use gap_pct alone", "gap_pct"),
        ("gap_pct + 10:30", 11, "arithmetic with a time is not possible", None),
    ],
)
def test_an_error_of_a_value_that_ranks_says_so_too(
    text: str, column: int, message: str, suggestion: str | None
) -> None:
    error = fault_of(RowValue, text)
    assert (error.column, error.suggestion) == (column, suggestion)
    assert message in error.message


def test_a_value_may_be_arithmetic_also_with_another_symbol() -> None:
    value = RowValue.parse("change_pct -  SPY.change_pct", WORDS)
    assert (value.text, value.looked_at) == ("change_pct - SPY.change_pct", ("change_pct",))


def test_bare_names_are_of_rules_alone() -> None:
    with pytest.raises(ConditionError, match="'close' needs a symbol"):
        Condition.parse("close > 3", WORDS)


def test_where_symbols_are_not_known_yet_all_are_allowed_but_no_other_name() -> None:
    words = replace(WORDS, symbols=(), any_symbol=True)
    assert RowRule.parse("close > 3 and QQQ.close > 5", words).looked_at == ("close",)
    with pytest.raises(ConditionError, match="unknown value 'clse'"):
        RowRule.parse("QQQ.clse > 5", words)
