"""Bars that no session plays, found bar by bar in the schedule of exchange_calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.unplayed_bars import UnplayedBars, describe_unplayed, unplayed_bars
from tapedeck.engine.config import ChangedSession
from tapedeck.engine.intervals import DAY, MINUTE

# Exchange → the hours by which its days begin before midnight.
EVENINGS = {"XNYS": 0, "XHKG": 0, "XBOM": 0, "24/7": 0, "24/5": 0, "CMES": 7, "IEPA": 4}
FIRST, LAST = date(2024, 11, 1), date(2025, 2, 10)
PLACES = ("no_session", "after_early_close", "at_close", "in_break", "outside_hours")


@cache
def schedule(exchange: str) -> tuple[pd.DataFrame, frozenset[date], ZoneInfo]:
    """Return the library's schedule, its early closes, and the zone."""
    calendar = exchange_calendars.get_calendar(exchange, start="2024-10-01", end="2025-03-10")
    early = frozenset(stamp.date() for stamp in calendar.early_closes)
    return calendar.schedule, early, ZoneInfo(calendar.tz.key)


def place_of(exchange: str, at: datetime) -> str:
    """Return the place of one bar, by walking through all sessions."""
    table, early, zone = schedule(exchange)
    hours = {
        stamp.date(): (row.open, row.close, row.break_start, row.break_end)
        for stamp, row in zip(table.index, table.itertuples(), strict=True)
    }
    for opened, closed, pause, resumption in hours.values():
        if opened <= at < closed:
            return "in_break" if not pd.isna(pause) and pause <= at < resumption else "played"
    if any(at == closed for _, closed, _, _ in hours.values()):
        return "at_close"
    own = (at.astimezone(zone).replace(tzinfo=None) + timedelta(hours=EVENINGS[exchange])).date()
    if own not in hours:
        return "no_session"
    return "after_early_close" if own in early and at > hours[own][1] else "outside_hours"


def instants(exchange: str) -> st.SearchStrategy[datetime]:
    """Return minutes of the winter, many of them at opens, closes and breaks."""
    table, _, _ = schedule(exchange)
    known = [at.to_pydatetime() for name in table for at in table[name].dropna()]
    known = [at for at in known if FIRST <= at.date() <= LAST]
    minutes = int(timedelta(days=(LAST - FIRST).days).total_seconds()) // 60
    anywhere = st.integers(0, minutes).map(
        lambda n: datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(minutes=n)
    )
    near = st.builds(lambda at, n: at + timedelta(minutes=n), st.sampled_from(known), st.integers(-1, 1))
    return st.one_of(anywhere, near)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(sorted(EVENINGS)), st.booleans())
def test_each_bar_is_counted_in_the_place_where_the_schedule_has_it(
    data: st.DataObject, exchange: str, extended: bool
) -> None:
    bars = data.draw(st.lists(instants(exchange), unique=True, min_size=1, max_size=12))
    found = unplayed_bars(
        np.array([int(at.timestamp()) for at in bars], dtype=np.int64),
        exchange=exchange,
        interval=MINUTE,
        extended=extended,
    )
    places = [place_of(exchange, at) for at in bars]
    assert {name: getattr(found, name) for name in PLACES} == {name: places.count(name) for name in PLACES}
    told = {"no_session", "in_break"}
    if not extended and "outside_hours" not in places:
        told |= {"after_early_close", "at_close"}
    assert found.count == sum(place in told for place in places) == sum(found.reasons.values())
    assert (found.first is None) == (found.count == 0)


def minutes(start: str, count: int, zone: str = "America/New_York") -> np.ndarray:
    begin = int(pd.Timestamp(start, tz=zone).timestamp())
    return np.arange(begin, begin + 60 * count, 60, dtype=np.int64)


def of_new_york(*parts: np.ndarray, extended: bool = False) -> UnplayedBars:
    return unplayed_bars(np.concatenate(parts), exchange="XNYS", interval=MINUTE, extended=extended)


def test_a_full_day_of_minutes_on_christmas_is_counted() -> None:
    found = of_new_york(minutes("2024-12-24 09:30", 210), minutes("2024-12-25 09:30", 390))
    assert found == UnplayedBars(390, date(2024, 12, 25), no_session=390)
    assert describe_unplayed({"AAA": found}, MINUTE) == (
        "390 1m bars of AAA lie outside all sessions, first on 2024-12-25: 390 on days without a session"
    )


def test_minutes_to_sixteen_hours_behind_an_early_close_are_counted() -> None:
    found = of_new_york(minutes("2013-11-29 09:30", 390))
    assert (found.count, found.first) == (180, date(2013, 11, 29))
    assert found.reasons == {"after an early close": 179, "at the close itself": 1}


def test_labels_of_the_close_leave_one_bar_at_each_close() -> None:
    found = of_new_york(minutes("2024-06-11 09:31", 390), minutes("2024-06-12 09:31", 390))
    assert found == UnplayedBars(2, date(2024, 6, 11), at_close=2)
    text = describe_unplayed({"AAA": found}, MINUTE)
    assert text is not None
    assert text.endswith("bars at the close may be labelled by their close: import them with --label close")


@pytest.mark.parametrize("extended", [False, True])
def test_pre_and_post_market_are_ordinary_on_early_closes_too(extended: bool) -> None:
    found = of_new_york(minutes("2024-07-02 04:00", 960), minutes("2024-07-03 04:00", 780), extended=extended)
    assert (found.count, found.first, found.reasons) == (0, None, {})
    assert describe_unplayed({"AAA": found}, MINUTE) is None


def test_a_saturday_beside_pre_market_is_counted_all_the_same() -> None:
    found = of_new_york(minutes("2024-07-02 04:00", 960), minutes("2024-07-06 09:30", 390))
    assert (found.count, found.first) == (390, date(2024, 7, 6))


def test_the_special_saturday_of_bombay_is_a_session() -> None:
    bars = minutes("2025-02-01 09:15", 375, "Asia/Kolkata")
    assert unplayed_bars(bars, exchange="XBOM", interval=MINUTE, extended=False).count == 0


def test_the_evening_before_a_holiday_of_futures_belongs_to_the_holiday() -> None:
    # Good Friday 2024: the evening of Thursday would be its session; its first minute is at Thursday's close.
    evening = minutes("2024-03-28 17:00", 120, "America/Chicago")
    sunday = minutes("2024-03-31 17:00", 60, "America/Chicago")
    found = unplayed_bars(np.concatenate([sunday, evening]), exchange="CMES", interval=MINUTE, extended=False)
    assert found == UnplayedBars(120, date(2024, 3, 28), no_session=119, at_close=1)


def test_daily_bars_are_compared_by_their_date() -> None:
    days = np.array(pd.date_range("2024-12-20", "2024-12-26").astype("datetime64[s]"), dtype=np.int64)
    found = unplayed_bars(days, exchange="XNYS", interval=DAY, extended=False)
    assert found == UnplayedBars(3, date(2024, 12, 21), no_session=3)


def test_bars_of_a_changed_day_go_by_the_change() -> None:
    changes = {
        date(2024, 12, 25): ChangedSession.model_validate({"open": "09:30", "close": "16:00"}),
        date(2024, 12, 24): ChangedSession.model_validate({"holiday": True}),
    }
    bars = np.concatenate([minutes("2024-12-24 09:30", 210), minutes("2024-12-25 09:30", 390)])
    found = unplayed_bars(bars, exchange="XNYS", interval=MINUTE, extended=False, changes=changes)
    assert found == UnplayedBars(210, date(2024, 12, 24), no_session=210)


def test_bars_beyond_the_calendar_and_no_bars_are_not_counted() -> None:
    for labels in ([], [-3_000_000_000]):
        bars = np.array(labels, dtype=np.int64)
        assert unplayed_bars(bars, exchange="XNYS", interval=MINUTE, extended=False).count == 0
