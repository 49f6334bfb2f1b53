"""Symbols with a dot but without quotes: the error suggests the right spelling."""

from __future__ import annotations

import pytest

from tapedeck.engine.conditions import Condition
from tapedeck.engine.conditions.reading import read_condition
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import ConditionError
from tapedeck.engine.intervals import MINUTE

WORDS = Vocabulary(symbols=("SPY", "BRK.B"), intervals=(MINUTE,), indicators=(), historical=())


def fault_of(text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        Condition.parse(text, WORDS)
    return caught.value


@pytest.mark.parametrize(
    ("text", "column", "suggestion"),
    [
        ("BRK.B.close > 115", 1, '"BRK.B".close'),
        ("SPY.close > 3 and BRK.B.1m.close > 115", 19, '"BRK.B".1m.close'),
        ("115 < BRK.B.close", 7, '"BRK.B".close'),
    ],
)
def test_a_symbol_that_needs_quotes_is_suggested_with_them(text: str, column: int, suggestion: str) -> None:
    fault = fault_of(text)
    assert (fault.column, fault.suggestion) == (column, suggestion)
    assert "symbol 'BRK.B' has a dot" in fault.message
    assert Condition.parse(text.replace("BRK.B", '"BRK.B"'), WORDS)


@pytest.mark.parametrize("text", ["SPY.close.high > 3", '"BRK.B".close.x > 3'])
def test_other_dots_are_unexpected(text: str) -> None:
    assert "unexpected '.'" in fault_of(text).message


def test_where_symbols_are_not_known_any_such_word_may_be_one() -> None:
    with pytest.raises(ConditionError, match=r"Did you mean \"BF.B\".close\?"):
        read_condition("BF.B.close > 1")
