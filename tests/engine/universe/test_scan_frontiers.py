"""Schedules of scanners: each moment is the first frontier whose clock has reached it, as by hand."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import ScanSchedule
from tapedeck.engine.config.scanners import ScanMoment
from tapedeck.engine.universe.schedule import scan_frontiers
from tests.support.tapes import slots_of

TIMES = st.times(min_value=time(8), max_value=time(18)).map(lambda one: one.replace(microsecond=0))
SCHEDULES = st.builds(
    lambda start, end, every: ScanSchedule.model_validate({"from": start, "to": end, "every": every}),
    st.none() | TIMES,
    st.none() | TIMES,
    st.sampled_from(["45s", "7m", "1h"]),
)
MOMENTS = st.lists(st.just("pre_session") | TIMES | SCHEDULES, min_size=1, max_size=4)
DAYS = {"2013-10-16": "16:00", "2013-11-29": "13:00"}
"""A usual day, and an early close."""


def by_hand(at: list[ScanMoment], day: str, minutes: int) -> tuple[int, ...]:
    """Return the frontiers, with naive times of New York."""
    noon = date.fromisoformat(day)
    opened = datetime.combine(noon, time(9, 30))
    closed = datetime.combine(noon, time.fromisoformat(DAYS[day]))
    instants = []
    for moment in at:
        if isinstance(moment, ScanSchedule):
            one = opened if moment.start is None else datetime.combine(noon, moment.start)
            last = closed if moment.end is None else datetime.combine(noon, moment.end)
            while one <= last:
                instants.append(one)
                one += timedelta(seconds=moment.every.seconds)
        else:
            instants.append(opened if moment == "pre_session" else datetime.combine(noon, moment))
    found = set()
    for instant in instants:
        if instant <= closed:
            frontier, clock = 0, opened
            while clock < instant:
                frontier, clock = frontier + 1, min(closed, clock + timedelta(minutes=minutes))
            found.add(frontier)
    return tuple(sorted(found))


@settings(max_examples=25, deadline=None)
@given(at=MOMENTS, day=st.sampled_from(list(DAYS)), minutes=st.sampled_from([1, 5, 7]))
def test_each_moment_is_the_first_frontier_that_reaches_it(
    at: list[ScanMoment], day: str, minutes: int
) -> None:
    assert scan_frontiers(at, slots_of(day, f"{minutes}m")) == by_hand(at, day, minutes)


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        ("2013-10-16", ["pre_session", time(9, 35), time(10)], (0, 5, 30)),
        ("2013-10-16", [time(4), time(9, 30), time(16), time(16, 0, 1)], (0, 390)),
        ("2013-11-29", [time(12, 59), time(13), time(15)], (209, 210)),
    ],
)
def test_moments_of_one_day(day: str, at: list[ScanMoment], expected: tuple[int, ...]) -> None:
    assert scan_frontiers(at, slots_of(day)) == expected


def test_a_time_within_a_break_is_reached_by_the_first_slot_behind_it() -> None:
    slots = slots_of("2024-03-13", exchange="XHKG")  # 9:30 to 12:00, 13:00 to 16:00
    assert scan_frontiers([time(12), time(12, 30), time(13, 1)], slots) == (150, 151)


def test_a_session_over_midnight() -> None:
    slots = slots_of("2024-03-13", "1h", exchange="CMES")  # 17:00 to 16:00 in Chicago
    assert scan_frontiers([time(18), time(1), time(15)], slots) == (1, 8, 22)
