"""Words of the wait for the next session."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.console.cli.opening_times import duration_text, next_session_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min"),
        (61, "2 min"),
        (3600, "1 h"),
        (13 * 3600 + 24 * 60, "13 h 24 min"),
        (86_400, "1 day"),
        (61 * 3600 + 1, "2 days 14 h"),
    ],
)
def test_durations_have_two_units_and_are_rounded_up(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


_UNITS = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "days": 86_400}


@given(st.integers(0, 40 * 86_400))
def test_a_duration_is_never_shorter_than_the_wait_and_at_most_one_unit_longer(seconds: int) -> None:
    words = duration_text(seconds).split()
    told = sum(int(number) * _UNITS[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    finest = 3600 if seconds > 86_400 - 60 else 60 if seconds > 59 else 1
    assert seconds <= told < seconds + finest


def test_the_sentence_has_the_day_of_the_week_the_date_and_the_wait() -> None:
    opens = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
    now = opens - timedelta(hours=13, minutes=24)
    assert (
        next_session_text(date(2013, 10, 7), opens, now)
        == "next session Monday 2013-10-07, opens in 13 h 24 min"
    )
