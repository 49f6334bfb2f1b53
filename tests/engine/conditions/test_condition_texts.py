"""Texts of conditions, and errors of invalid ones."""

from __future__ import annotations

from dataclasses import replace

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
        ("", 1, "it is empty; an example is", None),
        ("SPY.clse > 3", 5, "unknown value 'clse'", "close"),
        ("SPY.rsi_15 > 3", 5, "unknown value 'rsi_15'", "rsi_14"),
        ("SPY.gap < -1", 5, "quality, missing, gaps, ", "gap_pct"),  # own indicators are listed, too
        ("SPX.close > 3", 1, "unknown symbol 'SPX' (this session has SPY, BAC, BRK.B, ALL)", "SPY"),
        ("spy.close > 3", 1, "unknown symbol 'spy'", "SPY"),
        ("anny.close > 3", 1, "unknown symbol 'anny'", "any"),
        ("close > 3", 1, "'close' needs a symbol: SPY.close, any.close or all.close", None),
        ("tmie > 10:30", 1, "unknown name 'tmie': use time, or a value of a symbol", "time"),
        ("SPY.15m.close > 3", 1, "unknown interval 15m (this session has 1m, 5m, 1d)", None),
        ("SPY.5m.vwap > 3", 8, "unknown bar field 'vwap'", None),
        ("SPY.5m.vollume > 3", 8, "unknown bar field 'vollume'", "volume"),
        ("SPY.90h.close > 3", 5, "invalid interval '90h': a day or longer", None),
        ("time > 25:00", 8, "invalid time of day '25:00': hours are 0 to 23", None),
        ("time > 3", 1, "a time cannot be compared with a number", None),
        ("SPY.close > time", 1, "a time cannot be compared with a number", None),
        ("time + 1 > 3", 1, "arithmetic with a time is not possible", None),
        ("abs(10:30) > 3", 5, "arithmetic with a time is not possible", None),
        ("any.close > all.open", 1, "any and all are mixed in one comparison", None),
        ("1 < 2", 1, "it never changes", None),
        ("SPY.close", 10, "unexpected end; expected a comparison (<, <=, >, >=, ==, !=)", None),
        ("SPY.close >", 12, "unexpected end; expected a value such as SPY.close", None),
        ("SPY.", 5, "unexpected end; expected a name such as close or an interval such as 5m", None),
        ("SPY.close > 3 adn time > 10:30", 15, "unexpected 'adn'; expected and, or or the end", "and"),
        ("SPY.close > 3 3", 15, "unexpected '3'; expected and, or or the end", None),
        ("SPY.close $ 3", 11, "unexpected '$'", None),
        ("(SPY.close) and 3 < 4", 13, "missing comparison before 'and'", None),
        ("(SPY.close > 3", 15, "unexpected end; expected ", None),
        ("min(SPY.close, 3 > 1", 18, "unexpected '>'; expected ", None),
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


def test_examples_have_a_symbol_of_the_session() -> None:
    words = Vocabulary(("BRK.B", "IBM"), (MINUTE,), (), ())
    for text, message in (
        ("", 'an example is "BRK.B".close > 30 and time >= 10:30'),
        ("IBM.close >", 'expected a value such as "BRK.B".close'),
        ("tmie > 10:30", 'a value of a symbol, such as "BRK.B".close'),
    ):
        with pytest.raises(ConditionError) as caught:
            Condition.parse(text, words)
        assert message in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "not " * 1000 + "SPY.close > 1",
        "(" * 4000 + "-" * 200 + "SPY.close" + ")" * 4000 + "> 1",
        "SPY.close > " + "-" * 3000 + "1",
        "SPY.close > " + "+".join(["1"] * 3000),
        "abs(" * 1500 + "SPY.close" + ")" * 1500 + " > 1",
    ],
    ids=["not", "brackets", "signs", "terms", "calls"],
)
def test_deep_conditions_are_errors_in_words(text: str) -> None:
    with pytest.raises(ConditionError, match="it is nested too deeply: use at most"):
        read_condition(text)


def test_a_long_condition_is_an_error_that_shows_a_part_of_it() -> None:
    with pytest.raises(ConditionError, match="too long: use at most 10,000 characters, not 20,011") as caught:
        read_condition("(" * 10_000 + "SPY.close>1" + ")" * 10_000)
    assert max(map(len, str(caught.value).splitlines())) < 200


def test_the_mark_stands_below_the_fault_of_a_long_condition() -> None:
    text = "SPY.close > 1 and " * 100 + "SPY.close § 3"
    with pytest.raises(ConditionError) as caught:
        read_condition(text)
    _, shown, mark = str(caught.value).splitlines()
    assert shown[mark.index("^")] == "§"


def test_a_hundred_terms_and_conditions_are_read() -> None:
    read_condition(" or ".join(["SPY.close + 1" + "+ 1" * 100 + " > 3"] * 20))


@pytest.mark.parametrize("name", ["bid", "ask", "spread", "bid_size", "ask_size"])
def test_values_of_quotes_need_the_stream_of_quotes(name: str) -> None:
    """Without it the error says how to get it; rules over the universe have no quotes in any case."""
    for text, column in ((f"SPY.{name} > 1", 5), (f"any.{name}[2] crosses above 1", 5), (f"{name} > 1", 1)):
        with pytest.raises(ConditionError) as caught:
            Condition.parse(text, WORDS)
        message = f"{name} needs quotes: add quotes to streams, as in streams: [1m, quotes]"
        assert (caught.value.column, caught.value.message) == (column, message)
        with pytest.raises(ConditionError, match=f"{name} is not available: the universe has no quotes"):
            Condition.parse(text, replace(WORDS, of_universe=True))
    streamed = replace(WORDS, quotes=True)
    for text in (f"SPY.{name} > 1", f"any.{name}[2] crosses above SPY.{name}"):
        assert Condition.parse(text, streamed).text == text
    with pytest.raises(ConditionError, match=rf"'{name}' needs a symbol: SPY\.{name}, any\.{name}"):
        Condition.parse(f"{name} > 1", streamed)
    with pytest.raises(ConditionError, match=f"unknown bar field '{name}': after an interval use open"):
        Condition.parse(f"SPY.5m.{name} > 1", streamed)


def test_an_indicator_may_have_the_name_of_a_size_where_no_quotes_are_streamed() -> None:
    words = replace(WORDS, indicators=("bid_size",))
    assert Condition.parse("SPY.bid_size > 1", words).symbols == ("SPY",)
