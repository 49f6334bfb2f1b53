"""Periods against pandas' DateOffset and plain counting."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config import Period
from tapedeck.engine.streams.periods import period_sessions, period_start
from tests.support.tapes import sessions_of

SESSIONS = sessions_of("2012-01-03", "2014-12-31")


def offset_of(text: str) -> pd.DateOffset:
    """Return pandas' offset of a calendar period."""
    unit = {"w": "weeks", "m": "months", "y": "years"}[text[-1]]
    return pd.DateOffset(**{unit: int(text[:-1])})  # type: ignore[arg-type]  # which of its arguments is not known


def days_of(positions: list[int], sessions: tuple[TradingSession, ...] = SESSIONS) -> list[date]:
    """Return the trading days at positions."""
    return [sessions[at].trading_day for at in positions]


@given(st.dates(date(1975, 1, 1), date(2100, 12, 31)), st.integers(1, 60), st.sampled_from("wmy"))
def test_a_calendar_period_starts_where_pandas_says(day: date, count: int, unit: str) -> None:
    text = f"{min(count, 5) if unit == 'y' else count}{unit}"
    assert period_start(Period.parse(text), day) == (pd.Timestamp(day) - offset_of(text)).date()


@pytest.mark.parametrize(
    ("text", "day", "start"),
    [
        ("52w", "2013-10-07", "2012-10-08"),
        ("1y", "2013-10-07", "2012-10-07"),
        ("1y", "2024-02-29", "2023-02-28"),
        ("4y", "2024-02-29", "2020-02-29"),
        ("6m", "2013-08-31", "2013-02-28"),
        ("6m", "2012-08-31", "2012-02-29"),
        ("1m", "2013-03-31", "2013-02-28"),
        ("1m", "2013-01-15", "2012-12-15"),
        ("13m", "2013-01-31", "2011-12-31"),
        ("12m", "2013-12-01", "2012-12-01"),
    ],
)
def test_months_keep_their_day_or_end_with_the_month(text: str, day: str, start: str) -> None:
    assert period_start(Period.parse(text), date.fromisoformat(day)) == date.fromisoformat(start)


@given(
    st.integers(0, len(SESSIONS) - 1),
    st.sampled_from(["1w", "3w", "52w", "1m", "6m", "1y", "2y"]),
    st.booleans(),
)
def test_a_calendar_period_holds_the_sessions_from_its_start_to_the_day_before(
    position: int, text: str, skip: bool
) -> None:
    day = SESSIONS[position].trading_day
    start = (pd.Timestamp(day) - offset_of(text)).date()
    expected = [
        session.trading_day
        for session in SESSIONS
        if start <= session.trading_day < day and not (skip and session.is_early_close)
    ]
    found = period_sessions(Period.parse(text), position, SESSIONS, skip_early_close=skip)
    assert days_of(found) == expected


@given(st.integers(0, len(SESSIONS) - 1), st.integers(1, 400), st.booleans())
def test_a_period_in_trading_days_counts_back_over_the_days_it_takes(
    position: int, count: int, skip: bool
) -> None:
    earlier = [at for at in range(position) if not (skip and SESSIONS[at].is_early_close)]
    found = period_sessions(Period(count, "d"), position, SESSIONS, skip_early_close=skip)
    assert found == earlier[-count:]


def test_ten_days_before_the_6th_of_december_2013_skip_the_friday_after_thanksgiving() -> None:
    days = [session.trading_day for session in SESSIONS]
    position = days.index(date(2013, 12, 6))
    plain = days_of(period_sessions(Period.parse("10d"), position, SESSIONS))
    full = days_of(period_sessions(Period.parse("10d"), position, SESSIONS, skip_early_close=True))
    assert (plain[0], len(plain)) == (date(2013, 11, 21), 10)
    assert (full[0], len(full)) == (date(2013, 11, 20), 10)
    assert date(2013, 11, 29) in plain
    assert date(2013, 11, 29) not in full
