"""Bounds of a trading day: each session within its own, and no two overlap."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from recorder_kit import MONDAY, slots_of

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.day_bounds import LONGEST_REST_S, day_bounds


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "24/7", "CMES"])
def test_days_of_an_exchange_hold_their_sessions_and_follow_each_other(exchange):
    sessions = TimeManager(exchange).trading_sessions(date(2013, 1, 1), date(2014, 12, 31))
    bounds = [day_bounds(session) for session in sessions]
    for session, (since, until) in zip(sessions, bounds, strict=True):
        assert since <= epoch_seconds(session.regular_open) < epoch_seconds(session.regular_close) <= until
        assert until - since <= 25 * 3600 + 1
    for (_, until), (since, _) in pairwise(bounds):
        assert until <= since <= until + LONGEST_REST_S + 86400


def test_a_day_in_new_york_is_its_calendar_day():
    assert day_bounds(slots_of(MONDAY).session) == (1381118400, 1381204800)  # 04:00 UTC to 04:00 UTC
    longest = day_bounds(slots_of(date(2013, 3, 8)).session)
    assert longest[1] - longest[0] == 86400


def test_a_day_of_a_market_that_opens_on_the_evening_before_is_its_session():
    session = slots_of(MONDAY, exchange="CMES").session
    assert day_bounds(session) == (epoch_seconds(session.regular_open), epoch_seconds(session.regular_close))
