"""Texts of crosses and of values some bars back, and errors of invalid ones."""

from __future__ import annotations

import pytest

from tapedeck.engine.conditions import Condition
from tapedeck.engine.errors import ConditionError
from tests.engine.conditions.test_condition_texts import WORDS


@pytest.mark.parametrize(
    "text",
    [
        "SPY.rsi_14 crosses above 30",
        "SPY.close crosses  below SPY.vwap * 0.99 - 1",
        "any.close crosses above any.close[1] and time >= 10:30",
        "not SPY.5m.close[3] crosses below 2 * SPY.1d.open[1] or (SPY.last) crosses above BAC.last",
        "SPY.close[0] > SPY.close[1000]",
        '"BRK.B".volume [ 2 ] > max(BAC.quality[5], SPY.gaps[1])',
        "BAC.volume crosses above BAC.avg_volume_minute",
    ],
)
def test_crosses_and_bars_back_are_read(text: str) -> None:
    assert Condition.parse(text, WORDS).text == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("SPY.close cross above 3", 11, "unexpected 'cross'; expected a comparison", "crosses"),
        ("SPY.close croses below 3", 11, "expected a comparison (<, <=, >, >=, ==, !=) or cr", "crosses"),
        ("SPY.close crossover 3", 11, "unexpected 'crossover'", "crosses above"),
        ("SPY.close crosses_below 3", 11, "unexpected 'crosses_below'", "crosses below"),
        ("SPY.close above 3", 11, "unexpected 'above'", "crosses above"),
        ("SPY.close crosses over 3", 19, "unexpected 'over'; expected above or below", "above"),
        ("SPY.close crosses blow 3", 19, "unexpected 'blow'; expected above or below", "below"),
        ("SPY.close crosses 3", 19, "unexpected '3'; expected above or below", None),
        ("SPY.close crosses", 18, "unexpected end; expected above or below", None),
        ("SPY.close crosses above", 24, "unexpected end; expected a value", None),
        ("3 < SPY.close crosses above 3", 15, "unexpected 'crosses'", None),
        ("time crosses above 10:30", 1, "a time cannot cross a value: compare it, as in time >= 10:30", None),
        ("SPY.close crosses above 10:30", 25, "a time cannot cross a value", None),
        ("any.close crosses above all.close", 1, "any and all are mixed in one comparison", None),
        ("1 crosses above 2", 1, "it never changes", None),
        ("SPY.clse[1] > 3", 5, "unknown value 'clse'", "close"),
        ("close[1] > 3", 1, "'close' needs a symbol", None),
        ("SPY.close[1001] > 3", 10, "invalid number of bars back 1001: use a whole number from 0 to", None),
        ("SPY.close[-1] > 3", 10, "invalid number of bars back -1: use a whole number", None),
        ("SPY.close[1.5] > 3", 10, "invalid number of bars back 1.5: use a whole number", None),
        (f"SPY.close[{'9' * 5000}] > 3", 10, "invalid number of bars back 999999999999…: use", None),
        ("SPY.close[x] > 3", 11, "unexpected 'x'; expected a whole number of bars", None),
        ("SPY.close[3 > 3", 13, "unexpected '>'; expected a closing bracket", None),
        ("(SPY.close + 1)[3] > 3", 16, "bars back are counted of one value of a symbol, such as SPY", None),
        ("time[1] > 10:30", 5, "time has no bars to count back: use it without [n]", None),
        ("SPY.high_52w[1] > 3", 13, "high_52w has no bars to count back, as it is computed before", None),
        ("SPY.avg_volume_minute[0] > 3", 22, "avg_volume_minute has no bars to count back", None),
    ],
)  # fmt: skip
def test_an_error_of_them_says_where_what_and_what_is_near(
    text: str, column: int, message: str, suggestion: str | None
) -> None:
    with pytest.raises(ConditionError) as caught:
        Condition.parse(text, WORDS)
    assert (caught.value.column, caught.value.suggestion) == (column, suggestion)
    assert message in caught.value.message
