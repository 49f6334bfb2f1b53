"""Intervals: spelling, order, and sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.intervals import BASE_INTERVALS, COMMON_SPELLINGS, DAY, MINUTE, SECOND, WEEK, Interval


@pytest.mark.parametrize(
    ("text", "seconds", "shortest"),
    [
        ("1s", 1, "1s"),
        ("5s", 5, "5s"),
        ("60s", 60, "1m"),
        ("90s", 90, "90s"),
        ("1m", 60, "1m"),
        ("7m", 420, "7m"),
        ("60m", 3600, "1h"),
        ("90m", 5400, "90m"),
        ("1h", 3600, "1h"),
        ("4h", 14400, "4h"),
        ("1d", 86400, "1d"),
        ("1w", 604800, "1w"),
        (" 15m ", 900, "15m"),
    ],
)
def test_an_interval_is_written_in_its_shortest_form(text: str, seconds: int, shortest: str) -> None:
    interval = Interval.parse(text)
    assert interval.seconds == seconds
    assert str(interval) == shortest
    assert repr(interval) == f"Interval('{shortest}')"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "5",
        "0m",
        "05m",
        "-1m",
        "1.5h",
        "1M",
        "5min",
        "1mo",
        "1 m",
        "５m",
        "1m\n2m",
        "100000s",
        "tick",
    ],
)
def test_an_invalid_interval_is_refused_with_examples(text: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"invalid interval .*: use a whole number and s, m, h, d or w, such as 1m, 15m",
    ):
        Interval.parse(text)


@pytest.mark.parametrize("text", ["2d", "5d", "2w", "52w"])
def test_days_and_weeks_come_singly(text: str) -> None:
    with pytest.raises(ValueError, match=f"interval '{text}': days and weeks must be single, 1d or 1w"):
        Interval.parse(text)


@pytest.mark.parametrize("text", ["24h", "1440m", "86400s", "48h"])
def test_a_day_is_not_written_in_hours(text: str) -> None:
    with pytest.raises(ValueError, match=f"invalid interval '{text}': a day or longer must be 1d or 1w"):
        Interval.parse(text)


def test_seconds_minutes_and_days_are_the_base_intervals() -> None:
    assert [str(interval) for interval in BASE_INTERVALS] == ["1s", "1m", "1d"]
    assert [text for text in COMMON_SPELLINGS if Interval.parse(text).is_base] == ["1s", "1m", "1d"]


def test_days_and_weeks_are_not_intraday() -> None:
    assert [text for text in COMMON_SPELLINGS if not Interval.parse(text).is_intraday] == ["1d", "1w"]


def test_intervals_sort_by_length() -> None:
    assert sorted([WEEK, MINUTE, DAY, SECOND]) == [SECOND, MINUTE, DAY, WEEK]
    assert max(MINUTE, Interval.parse("5m")) == Interval(300)
    assert MINUTE <= Interval.parse("60s") < Interval.parse("61s")


@pytest.mark.parametrize(
    ("made", "finer", "possible"),
    [
        ("1m", "1s", True),
        ("5m", "1m", True),
        ("90s", "1m", False),
        ("5s", "1m", False),
        ("1m", "1m", True),
        ("1d", "1d", True),
        ("1d", "1m", True),
        ("1w", "1d", True),
        ("1w", "1m", True),
        ("1m", "1d", False),
        ("1d", "1w", False),
        ("1h", "7m", False),
    ],
)
def test_coarser_bars_are_made_only_of_whole_finer_ones(made: str, finer: str, possible: bool) -> None:
    assert Interval.parse(made).can_be_made_from(Interval.parse(finer)) is possible


@given(st.integers(1, 86399))
def test_every_length_below_a_day_survives_being_written_and_read(seconds: int) -> None:
    interval = Interval(seconds)
    assert Interval.parse(str(interval)) == interval
