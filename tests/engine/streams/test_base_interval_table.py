"""Base intervals and sources of history: the table of STRM1."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import DataMissingError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.streams.base_interval import choose_base, choose_source, sources_of


def intervals(text: str) -> frozenset[Interval]:
    """Return intervals written with spaces between."""
    return frozenset(Interval.parse(word) for word in text.split())


@pytest.mark.parametrize(
    ("requested", "stored", "base"),
    [
        # seconds, minutes and days are stored
        ("1s 1m", "1s 1m 1d", "1s"),
        ("1m 5m", "1s 1m 1d", "1m"),
        ("5m", "1s 1m 1d", "1m"),
        ("1m 1d", "1s 1m 1d", "1m"),
        ("1d", "1s 1m 1d", "1d"),
        ("5s", "1s 1m 1d", "1s"),
        ("90s", "1s 1m 1d", "1s"),
        ("7m 1h", "1s 1m 1d", "1m"),
        ("5s 1d", "1s 1m 1d", "1s"),
        # some are not
        ("5m", "1s", "1s"),
        ("5m", "1s 1d", "1s"),
        ("1d", "1s 1m", "1m"),
        ("1d", "1s", "1s"),
        ("1m", "1s", "1s"),
        ("1m 5m", "1m 1d", "1m"),
        ("1m 1d", "1m", "1m"),
        ("1h", "1m", "1m"),
    ],
)
def test_the_coarsest_base_that_makes_all_is_streamed(requested: str, stored: str, base: str) -> None:
    availability = {"SPY": intervals(stored), "IBM": intervals(stored)}
    assert choose_base(intervals(requested), ["SPY", "IBM"], availability) == Interval.parse(base)


def test_the_base_is_stored_for_every_symbol() -> None:
    stored = {"SPY": intervals("1s 1m 1d"), "IBM": intervals("1s 1m"), "BAC": intervals("1s")}
    assert choose_base(intervals("1d"), ["SPY"], stored) == Interval.parse("1d")
    assert choose_base(intervals("1d"), ["SPY", "IBM"], stored) == Interval.parse("1m")
    assert choose_base(intervals("1d"), ["SPY", "IBM", "BAC"], stored) == Interval.parse("1s")


@pytest.mark.parametrize(
    ("requested", "stored", "needed"),
    [("1s 1m", "1m 1d", "1s"), ("5s", "1m", "1s"), ("1m 5m", "1d", "1m or 1s"), ("5m", "1d", "1m or 1s")],
)
def test_without_a_base_the_error_names_what_is_wanted_stored_and_needed(
    requested: str, stored: str, needed: str
) -> None:
    with pytest.raises(DataMissingError) as caught:
        choose_base(intervals(requested), ["SPY"], {"SPY": intervals(stored)})
    first, second, third = str(caught.value).splitlines()
    intervals_text = ", ".join(requested.split())
    assert first == (
        f"SPY: no stored bars that can make {intervals_text} (needed: {needed}, the same for all symbols)."
    )
    assert second == f"  SPY: stored: {', '.join(stored.split())}"
    assert third.startswith("Import them: `tapedeck import lean PATH --store STORE`")
    assert caught.value.symbols == ("SPY",)


def test_a_misspelt_symbol_is_distinguished_from_one_without_bars() -> None:
    stored = {
        "SPY": intervals("1m"),
        "IBM": intervals("1d"),
        "SPYY": frozenset[Interval](),
        "QQQQ": frozenset[Interval](),
    }
    with pytest.raises(DataMissingError) as caught:
        choose_base(intervals("5m"), ["SPY", "IBM", "SPYY", "QQQQ"], stored)
    text = str(caught.value)
    assert text.startswith("IBM, SPYY, QQQQ: no stored bars that can make 5m")
    assert "  IBM: stored: 1d\n" in text
    assert "  SPYY: no bars stored; did you mean SPY?\n" in text
    assert "  QQQQ: no bars stored\n" in text
    assert caught.value.symbols == ("IBM", "SPYY", "QQQQ")


def test_symbols_without_a_common_base_are_compared_with_the_most_common_one() -> None:
    stored = {"SPY": intervals("1m"), "IBM": intervals("1m"), "BAC": intervals("1s")}
    with pytest.raises(DataMissingError) as caught:
        choose_base(intervals("5m"), ["SPY", "IBM", "BAC"], stored)
    assert caught.value.symbols == ("BAC",)
    assert caught.value.interval == "1m"
    assert "  BAC: stored: 1s" in str(caught.value)


def test_a_symbol_without_bars_beside_seconds_is_asked_for_seconds() -> None:
    stored = {"SPY": intervals("1s"), "IBM": intervals("1s"), "BAC": frozenset[Interval]()}
    with pytest.raises(DataMissingError) as caught:
        choose_base(intervals("5m"), ["SPY", "IBM", "BAC"], stored)
    assert (caught.value.symbols, caught.value.interval) == (("BAC",), "1s")


def test_minutes_beside_seconds_are_not_said_to_be_unable_to_make_minutes() -> None:
    stored = {"SPY": intervals("1s"), "IBM": intervals("1s"), "BAC": intervals("1m")}
    with pytest.raises(DataMissingError) as caught:
        choose_base(intervals("5m"), ["SPY", "IBM", "BAC"], stored)
    assert str(caught.value).startswith(
        "BAC: no stored 1s bars, which the other symbols have (needed: 1m or 1s, the same for all symbols)."
    )
    assert "  BAC: stored: 1m" in str(caught.value)


_STORED = st.frozensets(st.sampled_from(["1s", "1m", "1d"])).map(lambda names: intervals(" ".join(names)))


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["AAA", "BBB", "CCC", "DDD"]), _STORED, min_size=1),
    st.lists(st.sampled_from(["1s", "5s", "1m", "5m", "1d"]), min_size=1),
)
def test_bars_of_the_named_interval_for_the_named_symbols_are_what_was_missing(
    stored: dict[str, frozenset[Interval]], requested: list[str]
) -> None:
    wanted = intervals(" ".join(requested))
    fault: DataMissingError | None = None
    try:
        choose_base(wanted, list(stored), stored)
    except DataMissingError as error:
        fault = error
    if fault is not None:
        named = Interval.parse(fault.interval or "")
        assert fault.symbols
        assert not any(named in stored[symbol] for symbol in fault.symbols)
        filled = {s: kept | {named} if s in fault.symbols else kept for s, kept in stored.items()}
        assert choose_base(wanted, list(filled), filled) == named


def test_of_many_symbols_the_first_five_are_explained() -> None:
    names = [f"X{number}" for number in range(9)]
    with pytest.raises(DataMissingError) as caught:
        choose_base(intervals("5m"), names, dict.fromkeys(names, frozenset[Interval]()))
    assert caught.value.symbols == tuple(names)
    assert str(caught.value).count("no bars stored") == 5


@pytest.mark.parametrize(
    ("interval", "sources"),
    [("1d", "1d 1m 1s"), ("1w", "1d 1m 1s"), ("5m", "1m 1s"), ("1m", "1m 1s"), ("90s", "1s"), ("1s", "1s")],
)
def test_sources_come_coarsest_first(interval: str, sources: str) -> None:
    assert [str(source) for source in sources_of(Interval.parse(interval))] == sources.split()


@pytest.mark.parametrize(
    ("interval", "stored", "source"),
    [
        ("1m", "1s 1m", "1m"),
        ("1m", "1s", "1s"),
        ("1d", "1m 1d", "1d"),
        ("1d", "1s 1m", "1m"),
        ("15m", "1s 1m 1d", "1m"),
        ("15m", "1s 1d", "1s"),
        ("1w", "1m 1d", "1d"),
        ("5s", "1s 1m", "1s"),
    ],
)
def test_history_comes_from_the_store_before_it_is_made(interval: str, stored: str, source: str) -> None:
    assert choose_source(Interval.parse(interval), "SPY", {"SPY": intervals(stored)}) == Interval.parse(
        source
    )


def test_history_that_cannot_be_made_is_an_error_with_both_ways_out() -> None:
    with pytest.raises(DataMissingError) as caught:
        choose_source(Interval.parse("5m"), "SPY", {"SPY": intervals("1d")})
    assert str(caught.value) == (
        "no source for the 5m history of SPY: it needs one of 1s, 1m, stored: 1d. "
        "Import such bars, or delete 5m from historical.data."
    )
    assert (caught.value.symbols, caught.value.interval) == (("SPY",), "5m")
