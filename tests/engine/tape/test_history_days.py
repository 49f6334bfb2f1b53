"""History: depth by symbol, daily and weekly bars before a day."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.intervals import DAY, MINUTE, WEEK, Interval
from tapedeck.engine.tape.bar_grid import FIELDS, VOLUME, BarGrid
from tapedeck.engine.tape.history import DailyHistory, History, HistoryDay, IntradayHistory, fold_days
from tests.support.naive import in_order
from tests.support.tapes import random_values, same_bits, sessions_of

SESSIONS = sessions_of("2013-10-01", "2013-12-31")


def day_of(number: int, symbols: int = 3, columns: int = 4, missing: float = 0.2) -> HistoryDay:
    """Return the n-th session's bars, different for every session."""
    values = random_values(symbols, columns, seed=number, missing=missing)
    return HistoryDay.of(SESSIONS[number], np.arange(columns), BarGrid.loaded(values))


def daily_history(
    start: str, end: str, symbols: int = 2, missing: float = 0.0, exchange: str = "XNYS"
) -> DailyHistory:
    """Return daily bars of a span."""
    history = DailyHistory(symbols, sessions_of(start, end, exchange))
    history.values[:] = random_values(symbols, len(history.days), seed=7, missing=missing)
    return history


def test_a_day_counts_the_bars_of_each_symbol() -> None:
    day = day_of(0, columns=50)
    assert day.counts.tolist() == (~np.isnan(day.grid.values[3])).sum(axis=1).tolist()
    full = day_of(1, missing=0.0)
    assert full.counts.tolist() == [4, 4, 4]
    assert full.counts.dtype == np.int64


def test_a_narrowed_day_keeps_the_given_rows_and_can_be_narrowed_again() -> None:
    day = day_of(0, symbols=5)
    narrow = day.narrowed(np.array([1, 3, 4]))
    assert [narrow.row_of(row) for row in range(5)] == [None, 0, None, 1, 2]
    assert same_bits(narrow.grid.values, day.grid.values[:, [1, 3, 4]])
    narrower = narrow.narrowed(np.array([3]))
    assert [narrower.row_of(row) for row in range(5)] == [None, None, None, 0, None]
    assert same_bits(narrower.grid.values, day.grid.values[:, [3]])
    assert narrower.counts.tolist() == [day.counts[3]]
    assert not np.shares_memory(narrow.grid.values, day.grid.values)
    assert [day.row_of(row) for row in (0, 4)] == [0, 4]


def test_a_day_narrowed_to_zero_symbols_has_no_rows() -> None:
    narrow = day_of(0).narrowed(np.array([], dtype=np.int64))
    assert narrow.row_of(0) is None
    assert narrow.grid.shape == (0, 4)


@given(
    depths=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    days=st.integers(0, 10),
)
@settings(deadline=None)
def test_each_symbol_keeps_as_many_sessions_as_its_depth(depths: list[int], days: int) -> None:
    history = IntradayHistory(MINUTE, np.array(depths))
    for number in range(days):
        history.add(day_of(number, symbols=len(depths)))
    assert history.depth == max(depths)
    assert history.common_depth == min(depths)
    kept = history.last(100)
    assert len(kept) == min(days, max(depths))
    for row, depth in enumerate(depths):
        own = [(held, at) for held in kept if (at := held.row_of(row)) is not None]
        expected = list(range(max(0, days - depth), days))
        assert [held.session.trading_day for held, _ in own] == [SESSIONS[n].trading_day for n in expected]
        for (held, at), number in zip(own, expected, strict=True):
            plain = random_values(len(depths), 4, seed=number, missing=0.2)
            assert same_bits(held.grid.values[:, at].copy(), plain[:, row].copy())
            assert held.counts[at] == (~np.isnan(plain[3, row])).sum()


def test_the_last_sessions_come_oldest_first() -> None:
    history = IntradayHistory(MINUTE, np.array([5, 5, 5]))
    for number in range(4):
        history.add(day_of(number))
    assert [held.session for held in history.last(2)] == list(SESSIONS[2:4])
    assert history.last(0) == ()
    assert len(history.last(9)) == 4


def test_history_of_depth_zero_keeps_no_sessions() -> None:
    history = IntradayHistory(MINUTE, np.zeros(3, dtype=np.int64))
    history.add(day_of(0))
    assert history.last(5) == ()
    assert IntradayHistory(MINUTE, np.array([], dtype=np.int64)).depth == 0


def test_days_before_a_day_never_include_the_day_itself() -> None:
    history = daily_history("2013-10-01", "2013-10-31")
    for session in history.days[1:]:
        found = history.before(session.trading_day)
        assert found is not None
        assert found.session.trading_day < session.trading_day
        labels = pd.to_datetime(found.opened_at, unit="s").date
        assert all(label < session.trading_day for label in labels)
        assert len(labels) == len([day for day in history.days if day.trading_day < session.trading_day])
    assert history.before(history.days[0].trading_day) is None


def test_later_days_do_not_change_those_before_a_day() -> None:
    history = daily_history("2013-10-01", "2013-10-31")
    day = date(2013, 10, 16)
    before = history.before(day, 5)
    assert before is not None
    bits = before.grid.values.tobytes()
    history.values[:, :, history.column_of(day) :] = 1e9
    after = history.before(day, 5)
    assert after is not None
    assert after.grid.values.tobytes() == bits


def test_the_last_days_before_a_weekend_day() -> None:
    history = daily_history("2013-10-01", "2013-10-31")
    found = history.before(date(2013, 10, 20), 3)
    assert found is not None
    labels = [label.isoformat() for label in pd.to_datetime(found.opened_at, unit="s").date]
    assert labels == ["2013-10-16", "2013-10-17", "2013-10-18"]
    assert history.before(date(2013, 10, 20), 0) is None


@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_folded_days_are_first_highest_lowest_last_and_sum(missing: float) -> None:
    values = random_values(30, 5, seed=1, missing=missing)
    folded = fold_days(values)
    for row in range(30):
        frame = pd.DataFrame(values[:, row].T, columns=list(FIELDS)).dropna()
        if frame.empty:
            assert np.isnan(folded[:, row]).all()
            continue
        expected = [
            frame.open.iloc[0],
            frame.high.max(),
            frame.low.min(),
            frame.close.iloc[-1],
            in_order(frame.volume),
        ]
        assert folded[:, row].tolist() == expected


def _weeks_by_hand(history: DailyHistory, day: date, sessions: int) -> list[list[int]]:
    """Return the columns of the whole weeks, by the calendar alone."""
    everything = sessions_of("2013-01-01", "2014-12-31", history.days[0].exchange)
    by_week: dict[tuple[int, int], list[date]] = defaultdict(list)
    for session in everything:
        by_week[session.trading_day.isocalendar()[:2]].append(session.trading_day)
    earlier = [session.trading_day for session in history.days if session.trading_day < day][-sessions:]
    positions = {session.trading_day: at for at, session in enumerate(history.days)}
    this_week = day.isocalendar()[:2]
    return [
        [positions[one] for one in days]
        for week, days in sorted(by_week.items())
        if week < this_week and all(one in earlier for one in days)
    ]


@given(
    start=st.dates(date(2013, 9, 9), date(2013, 9, 27)),
    offset=st.integers(0, 70),
    sessions=st.integers(1, 60),
    exchange=st.sampled_from(["XNYS", "24/7"]),
)
@settings(deadline=None, max_examples=150)
def test_weeks_run_from_monday_to_sunday_and_are_whole(
    start: date, offset: int, sessions: int, exchange: str
) -> None:
    history = daily_history(start.isoformat(), "2013-12-31", exchange=exchange)
    day = start + timedelta(days=offset)
    expected = _weeks_by_hand(history, day, sessions)
    found = history.weeks_before(day, sessions)
    if not expected:
        assert found is None
        return
    assert found is not None
    assert found.grid.shape[1] == len(expected)
    for column, days in enumerate(expected):
        week = history.values[:, :, days]
        assert same_bits(found.grid.values[:, :, column].copy(), fold_days(week))
        assert found.opened_at[column] == history.labels()[days[0]]
    assert found.session == history.days[expected[-1][-1]]


def test_the_week_of_thanksgiving_has_four_days_and_is_whole() -> None:
    history = daily_history("2013-11-18", "2013-12-06", symbols=1)
    found = history.weeks_before(date(2013, 12, 2), 9)
    assert found is not None
    assert found.grid.shape == (1, 2)
    assert found.grid.values[VOLUME, 0, 1] == in_order(history.values[VOLUME, 0, 5:9])
    assert history.weeks_before(date(2013, 11, 29), 3) is None
    assert history.weeks_before(date(2014, 1, 6), 0) is None


def test_a_week_held_in_part_gives_no_weekly_bar() -> None:
    history = daily_history("2013-10-02", "2013-10-31")
    assert history.weeks_before(date(2013, 10, 7), 3) is None
    found = history.weeks_before(date(2013, 10, 14), 8)
    assert found is not None
    assert found.grid.shape == (2, 1)


def test_history_has_days_of_any_interval() -> None:
    intraday = IntradayHistory(MINUTE, np.array([2, 2]))
    for number in range(3):
        intraday.add(day_of(number, symbols=2))
    daily = daily_history("2013-10-01", "2013-10-31")
    history = History({MINUTE: intraday}, daily)
    monday = date(2013, 10, 14)
    assert [held.session for held in history.days(MINUTE, 2, monday)] == list(SESSIONS[1:3])
    assert history.days(Interval.parse("5m"), 2, monday) == ()
    [days] = history.days(DAY, 4, monday)
    assert days.grid.shape == (2, 4)
    [weeks] = history.days(WEEK, 9, monday)
    assert weeks.grid.shape == (2, 1)
    assert history.days(WEEK, 3, monday) == ()
    assert History({}, None).days(DAY, 3, monday) == ()
