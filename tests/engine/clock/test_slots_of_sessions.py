"""Slots: they tile the trading hours that the calendar library gives, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots, day_label, epoch_seconds, utc_from_epoch
from tests.support.tapes import slots_of

DAYS = [
    ("XNYS", "2013-10-07"),
    ("XNYS", "2013-11-29"),
    ("XTKS", "2023-06-01"),
    ("XHKG", "2023-06-01"),
    ("XHKG", "2024-12-24"),
    ("XLON", "2023-12-22"),
    ("24/7", "2023-06-03"),
    ("CMES", "2023-06-01"),
]


def _library_minutes(exchange: str, day: str) -> np.ndarray:
    calendar = exchange_calendars.get_calendar(exchange, start="2013-01-01", end="2024-12-31", side="left")
    minutes: pd.DatetimeIndex = calendar.session_minutes(day)
    return minutes.astype("datetime64[s, UTC]").astype(np.int64).to_numpy()


@pytest.mark.parametrize(("exchange", "day"), DAYS)
def test_minute_slots_are_the_trading_minutes_of_the_calendar_library(exchange: str, day: str) -> None:
    slots = slots_of(day, "1m", exchange)
    assert slots.opened_at.tolist() == _library_minutes(exchange, day).tolist()
    assert (slots.closed_at - slots.opened_at == 60).all()


@pytest.mark.parametrize(
    ("exchange", "day", "interval", "count"),
    [
        ("XNYS", "2013-10-07", "1m", 390),
        ("XNYS", "2013-11-29", "1m", 210),
        ("XNYS", "2013-10-07", "1s", 23400),
        ("XNYS", "2013-10-07", "1h", 7),
        ("XNYS", "2013-10-07", "7m", 56),
        ("XNYS", "2013-10-07", "1d", 1),
        ("XTKS", "2023-06-01", "1m", 300),
        ("XTKS", "2023-06-01", "1h", 6),
        ("XHKG", "2023-06-01", "1m", 330),
        ("XHKG", "2024-12-24", "1m", 150),
        ("24/7", "2023-06-03", "1m", 1440),
        ("24/7", "2023-06-03", "1d", 1),
    ],
)
def test_a_session_has_so_many_slots(exchange: str, day: str, interval: str, count: int) -> None:
    assert len(slots_of(day, interval, exchange)) == count


def test_the_last_hour_of_a_new_york_day_is_half_an_hour() -> None:
    slots = slots_of("2013-10-07", "1h")
    assert (slots.closed_at - slots.opened_at).tolist() == [3600] * 6 + [1800]
    assert utc_from_epoch(slots.closed_at[-1]) == datetime(2013, 10, 7, 20, 0, tzinfo=UTC)


def test_an_hour_of_tokyo_ends_with_the_morning_and_starts_again_after_lunch() -> None:
    slots = slots_of("2023-06-01", "1h", "XTKS")
    local = pd.to_datetime(slots.opened_at, unit="s", utc=True).tz_convert("Asia/Tokyo").strftime("%H:%M")
    assert list(local) == ["09:00", "10:00", "11:00", "12:30", "13:30", "14:30"]
    assert (slots.closed_at - slots.opened_at).tolist() == [3600, 3600, 1800, 3600, 3600, 1800]
    assert slots.segments == ((0, 3), (3, 6))


def test_a_day_is_one_slot_across_the_lunch_break() -> None:
    slots = slots_of("2023-06-01", "1d", "XTKS")
    assert slots.segments == ((0, 1),)
    assert slots.closed_at[0] - slots.opened_at[0] == 6 * 3600


def test_a_new_york_morning_opens_an_hour_later_in_utc_after_the_clocks_went_back() -> None:
    summer, winter = slots_of("2013-11-01"), slots_of("2013-11-04")
    assert utc_from_epoch(summer.opened_at[0]).hour == 13
    assert utc_from_epoch(winter.opened_at[0]).hour == 14
    assert len(summer) == len(winter) == 390


def test_the_clock_is_the_open_and_then_the_close_of_each_slot() -> None:
    slots = slots_of("2013-10-07")
    assert slots.clock(0) == epoch_seconds(slots.session.regular_open)
    assert slots.clock(1) == slots.clock(0) + 60
    assert slots.clock(390) == epoch_seconds(slots.session.regular_close)
    assert slots.clock_times().tolist() == [slots.clock(k) for k in range(391)]


def test_the_clock_of_tokyo_jumps_over_lunch() -> None:
    slots = slots_of("2023-06-01", "1m", "XTKS")
    assert slots.clock(151) - slots.clock(150) == 3660
    assert (slots.paced_seconds()[[0, 150, 151, 300]]).tolist() == [0, 9000, 9060, 18000]


@given(st.integers(-7200, 7200 + 23400))
def test_slots_over_and_frontier_reaching_agree_with_the_clock(offset: int) -> None:
    slots = slots_of("2013-10-07", "7m")
    clock = slots.clock_times()
    instant = int(clock[0]) + offset
    assert slots.slots_over_at(instant) == max(0, int((clock <= instant).sum()) - 1)
    reaching = np.flatnonzero(clock >= instant)
    assert slots.frontier_reaching(instant) == (reaching[0] if len(reaching) else len(slots))


def test_no_slot_is_over_during_tokyos_lunch_that_was_not_before_it() -> None:
    slots = slots_of("2023-06-01", "1m", "XTKS")
    assert slots.slots_over_at(slots.clock(150) + 1800) == 150
    assert slots.frontier_reaching(slots.clock(150) + 1800) == 151


def test_days_are_stored_under_midnight_utc_of_their_trading_day() -> None:
    slots = slots_of("2013-10-07", "1d")
    midnight = int(datetime(2013, 10, 7, tzinfo=UTC).timestamp())
    assert slots.stored_labels.tolist() == [midnight]
    assert day_label(datetime(2013, 10, 7, tzinfo=UTC).toordinal()) == midnight
    minutes = slots_of("2013-10-07", "1m")
    assert minutes.stored_labels is minutes.opened_at


def test_a_futures_day_is_labelled_by_its_trading_day_though_it_opens_the_evening_before() -> None:
    slots = slots_of("2023-06-01", "1d", "CMES")
    assert utc_from_epoch(slots.opened_at[0]).date().isoformat() == "2023-05-31"
    assert utc_from_epoch(slots.stored_labels[0]).date().isoformat() == "2023-06-01"


def test_instants_and_seconds_are_two_spellings_of_one_thing() -> None:
    instant = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
    assert epoch_seconds(instant) == 1381152600
    assert utc_from_epoch(1381152600) == instant


def test_slots_of_one_layout_are_shared_but_not_their_times() -> None:
    monday, tuesday = slots_of("2013-10-07"), slots_of("2013-10-08")
    assert isinstance(monday, SessionSlots)
    assert (tuesday.opened_at - monday.opened_at == 86400).all()
