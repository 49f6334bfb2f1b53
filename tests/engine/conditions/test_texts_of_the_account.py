"""Texts of conditions over the account of a run's strategies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.errors import ConditionError
from tapedeck.engine.intervals import MINUTE
from tests.support.tapes import random_values, slots_of, tape_over

MARKET = Vocabulary(("SPY", "BAC"), (MINUTE,), ("vwap",), ())
WORDS = replace(MARKET, account=True)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("SPY.position > 0", True),
        ("any.unrealised < -50 and time >= 10:30", True),
        ("equity < 99_000 or cash > 2 * SPY.close", True),
        ("not (cash - equity > 0)", True),
        ("any.close * 100 > equity and all.position < 3", True),
        ("SPY.close > SPY.vwap", False),
    ],
)
def test_a_condition_says_whether_it_reads_the_account(text: str, reads: bool) -> None:
    assert Condition.parse(text, WORDS).reads_account is reads


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("SPY.equity > 3", 1, "equity is of the whole account: use it without a symbol", "equity"),
        ("any.cash > 3", 1, "cash is of the whole account: use it without a symbol", "cash"),
        ("position > 3", 1, "'position' needs a symbol: SPY.position, any.position or all.position", None),
        ("equity crosses below 3", 1, "equity cannot cross a value: compare it, as in equity > 0", None),
        ("SPY.close crosses above SPY.unrealised", 25, "unrealised cannot cross a value", None),
        ("equity[1] > 3", 7, "equity has no bars to count back: use it without [n]", None),
        ("SPY.position[2] > 3", 13, "position has no bars to count back: use it without [n]", None),
        ("eqity > 3", 1, "unknown name 'eqity': use time, equity, cash, or a value of a symbol", "equity"),
        ("SPY.positon > 3", 5, "unknown value 'positon'", "position"),
        ("SPY.bars_held > 3", 5, "unknown value 'bars_held'", None),
        ("equity > 10:30", 1, "a time cannot be compared with a number", None),
    ],
)
def test_a_wrong_text_is_told_with_its_place(
    text: str, column: int, message: str, suggestion: str | None
) -> None:
    with pytest.raises(ConditionError, match=r"\n") as caught:
        Condition.parse(text, WORDS)
    assert message in str(caught.value)
    assert (caught.value.column, caught.value.suggestion) == (column, suggestion)


def test_without_strategies_these_are_no_words() -> None:
    for text in ("SPY.position > 0", "equity < 3"):
        with pytest.raises(ConditionError, match="unknown"):
            Condition.parse(text, MARKET)


def test_on_a_tape_without_an_account_its_words_are_missing() -> None:
    slots = slots_of("2013-11-27", "1h")
    tape = tape_over(slots, random_values(2, len(slots), seed=1), symbols=("SPY", "BAC"))
    for text in ("SPY.position == 0", "equity != 3"):
        assert not np.any(Condition.parse(text, WORDS).holds(tape, 0, len(slots)))
