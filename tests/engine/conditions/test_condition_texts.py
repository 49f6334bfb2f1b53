"""What can be said in a condition, and what is said about a condition that cannot be used."""

from __future__ import annotations

import pytest

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.conditions.reading import read_condition
from tapedeck.engine.errors import ConditionError, TapedeckError
from tapedeck.engine.intervals import DAY, MINUTE, Interval

WORDS = Vocabulary(
    symbols=("SPY", "BAC", "BRK.B", "ALL"),
    intervals=(MINUTE, Interval.parse("5m"), DAY),
    indicators=("rsi_14", "macd_macd", "vwap"),
    historical=("avg_volume_minute", "high_52w"),
)


@pytest.mark.parametrize(
    "text",
    [
        "SPY.rsi_14 < 30",
        "any.quality < 95",
        "all.volume > 0",
        "time >= 10:30",
        "time >= 10:30:15 and time < 16:00",
        "BAC.volume > 3 * BAC.avg_volume_minute",
        '"BRK.B".close > 300',
        "'BRK.B'.close > 300",
        "SPY.close > SPY.vwap or not (SPY.gaps > 3)",
        "30 < SPY.rsi_14 < 70",
        "abs(SPY.change) >= 1.5 and max(SPY.high, BAC.high, 10) != 1e3",
        "SPY.5m.close > SPY.1d.open",
        "(SPY.close + 1) * 2 - -SPY.open / 4 > 0",
        "SPY.close = 168.5",
        "not not SPY.last > 1_000",
        # The words of the grammar are in small letters; these are symbols.
        "ALL.close > 3",
        "SPY.close>1and SPY.close<2",
    ],
)
def test_what_a_trader_may_write(text: str) -> None:
    assert Condition.parse(text, WORDS).text == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("", 1, "it is empty; write one such as", None),
        ("SPY.clse > 3", 5, "'clse' is no value of this session", "close"),
        ("SPY.rsi_15 > 3", 5, "'rsi_15' is no value", "rsi_14"),
        ("SPX.close > 3", 1, "'SPX' is no symbol of this session (SPY, BAC, BRK.B, ALL)", "SPY"),
        ("spy.close > 3", 1, "'spy' is no symbol", "SPY"),
        ("anny.close > 3", 1, "'anny' is no symbol", "any"),
        ("close > 3", 1, "'close' needs a symbol: SPY.close, any.close or all.close", None),
        ("tmie > 10:30", 1, "'tmie' is neither time nor a value of a symbol", "time"),
        ("SPY.15m.close > 3", 1, "15m bars are not in this session (1m, 5m, 1d)", None),
        ("SPY.5m.vwap > 3", 8, "'vwap' is no field of a bar", None),
        ("SPY.5m.vollume > 3", 8, "'vollume' is no field of a bar", "volume"),
        ("SPY.90h.close > 3", 5, "invalid interval '90h': a day or longer", None),
        ("time > 25:00", 8, "'25:00' is no time of day: hours go to 23", None),
        ("time > 3", 1, "a time is compared with a number", None),
        ("SPY.close > time", 1, "a time is compared with a number", None),
        ("time + 1 > 3", 1, "nothing can be computed with a time", None),
        ("abs(10:30) > 3", 5, "nothing can be computed with a time", None),
        ("any.close > all.open", 1, "any and all stand in one comparison", None),
        ("1 < 2", 1, "it is the same at every moment", None),
        ("SPY.close", 10, "it ends too early; a comparison (<, <=, >, >=, ==, !=) may follow", None),
        ("SPY.close >", 12, "it ends too early; a value such as SPY.close", None),
        ("SPY.", 5, "it ends too early; a name such as close or an interval such as 5m may follow", None),
        ("SPY.close > 3 adn time > 10:30", 15, "'adn' cannot stand here; and, or or the end can", "and"),
        ("SPY.close > 3 3", 15, "'3' cannot stand here; and, or or the end can", None),
        ("SPY.close $ 3", 11, "'$' cannot stand here", None),
        ("(SPY.close) and 3 < 4", 13, "a comparison is missing before 'and'", None),
        ("(SPY.close > 3", 15, "a closing bracket may follow", None),
        ("min(SPY.close, 3 > 1", 18, "'>' cannot stand here; ", None),
    ],
)  # fmt: skip
def test_an_error_says_where_what_and_what_is_near(
    text: str, column: int, message: str, suggestion: str | None
) -> None:
    with pytest.raises(ConditionError) as caught:
        Condition.parse(text, WORDS)
    error = caught.value
    assert (error.column, error.suggestion) == (column, suggestion)
    assert message in error.message
    assert isinstance(error, TapedeckError)


def test_the_place_of_an_error_is_marked_below_the_text() -> None:
    with pytest.raises(ConditionError) as caught:
        Condition.parse("SPY.close > 3 and\tSPY.clse < 4", WORDS)
    head, shown, mark = str(caught.value).splitlines()
    assert head.endswith("Did you mean 'close'?")
    assert shown[mark.index("^") : mark.rindex("^") + 1] == "clse"


def test_a_long_list_of_names_is_cut() -> None:
    many = Vocabulary(tuple(f"S{n}" for n in range(50)), (MINUTE,), (), ())
    with pytest.raises(ConditionError, match=r"S11 and 38 more\)"):
        Condition.parse("X.close > 1", many)


def test_a_session_without_symbols_still_shows_how_it_is_written() -> None:
    with pytest.raises(ConditionError, match=r"SPY\.close, any\.close"):
        Condition.parse("close > 1", Vocabulary((), (MINUTE,), (), ()))


@pytest.mark.parametrize(
    "text", ["__import__('os').system('true') > 1", "SPY.close.__class__ > 1", "x = 1; y > 1", "SPY[0] > 1"]
)
def test_nothing_but_conditions_can_be_said(text: str) -> None:
    with pytest.raises(ConditionError):
        Condition.parse(text, WORDS)


def test_a_product_binds_more_than_a_sum_and_both_go_from_left_to_right() -> None:
    assert read_condition("SPY.a - 2 - 3 * 4 / 5 > 0") != read_condition("SPY.a - (2 - 3) * 4 / 5 > 0")
