"""Session clock: set, bounded by its session, never running backwards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.clock.time_manager import TimeManager, wall_clock_now
from tapedeck.engine.errors import ClockError

MONDAY, TUESDAY = date(2013, 10, 7), date(2013, 10, 8)
OPEN = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
CLOSE = datetime(2013, 10, 7, 20, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> TimeManager:
    """A backtest's clock at the open of 2013-10-07 in New York."""
    clock = TimeManager("XNYS")
    clock.enter_session(clock.get_trading_session(MONDAY))
    return clock


def test_entering_a_session_sets_the_time_to_its_regular_open(clock):
    assert clock.get_current_time() == OPEN
    assert clock.current_session == clock.get_trading_session(MONDAY)


def test_time_is_what_was_set(clock):
    clock.set_backtest_time(OPEN + timedelta(minutes=1))
    assert clock.get_current_time() == OPEN + timedelta(minutes=1)
    assert clock.get_current_time() == OPEN + timedelta(minutes=1)


def test_the_open_and_the_close_both_belong_to_the_session(clock):
    clock.set_backtest_time(OPEN)
    clock.set_backtest_time(CLOSE)
    assert clock.get_current_time() == CLOSE


def test_time_given_in_another_zone_is_kept_as_utc(clock):
    clock.set_backtest_time(datetime(2013, 10, 7, 10, 0, tzinfo=ZoneInfo("America/New_York")))
    assert clock.get_current_time().isoformat() == "2013-10-07T14:00:00+00:00"


@given(st.lists(st.integers(-600, 30_000), min_size=1, max_size=30))
def test_time_only_moves_forward_within_the_session(seconds):
    clock = TimeManager("XNYS")
    clock.enter_session(clock.get_trading_session(MONDAY))
    before = clock.get_current_time()
    for second in seconds:
        asked = OPEN + timedelta(seconds=second)
        if before <= asked <= CLOSE:
            clock.set_backtest_time(asked)
            before = asked
        else:
            with pytest.raises(ClockError):
                clock.set_backtest_time(asked)
        assert clock.get_current_time() == before


def test_time_that_runs_back_is_an_error_that_says_so(clock):
    clock.set_backtest_time(CLOSE)
    with pytest.raises(ClockError) as caught:
        clock.set_backtest_time(OPEN)
    assert str(caught.value) == (
        "XNYS 2013-10-07: invalid session time 2013-10-07 13:30:00 UTC, which is before the clock, "
        "2013-10-07 20:00:00 UTC. The session must stop; everything played so far is valid"
    )


def test_time_past_the_close_is_an_error_and_not_clamped(clock):
    with pytest.raises(
        ClockError, match="outside the hours, 2013-10-07 13:30:00 UTC to 2013-10-07 20:00:00 UTC"
    ):
        clock.set_backtest_time(CLOSE + timedelta(seconds=1))
    assert clock.get_current_time() == OPEN


def test_the_close_of_an_early_close_bounds_the_time():
    clock = TimeManager("XNYS")
    clock.enter_session(clock.get_trading_session(date(2013, 11, 29)))
    clock.set_backtest_time(datetime(2013, 11, 29, 18, 0, tzinfo=UTC))
    with pytest.raises(ClockError, match="outside the hours"):
        clock.set_backtest_time(datetime(2013, 11, 29, 18, 1, tzinfo=UTC))


def test_the_next_session_is_entered_forwards(clock):
    clock.set_backtest_time(CLOSE)
    clock.enter_session(clock.get_trading_session(TUESDAY))
    assert clock.get_current_time() == datetime(2013, 10, 8, 13, 30, tzinfo=UTC)


def test_an_earlier_session_cannot_be_entered(clock):
    with pytest.raises(
        ClockError, match=r"session of 2013-10-04 opens at .*, before the clock, 2013-10-07 13:30:00"
    ):
        clock.enter_session(clock.get_trading_session(date(2013, 10, 4)))
    assert clock.get_current_time() == OPEN


def test_a_session_that_has_been_played_cannot_be_entered_again(clock):
    clock.set_backtest_time(OPEN + timedelta(minutes=1))
    with pytest.raises(ClockError, match="sessions must follow each other"):
        clock.enter_session(clock.get_trading_session(MONDAY))


def test_round_the_clock_the_next_session_opens_as_the_last_one_closes():
    crypto = TimeManager("24/7")
    crypto.enter_session(crypto.get_trading_session(MONDAY))
    crypto.set_backtest_time(datetime(2013, 10, 8, tzinfo=UTC))
    crypto.enter_session(crypto.get_trading_session(TUESDAY))
    assert crypto.get_current_time() == datetime(2013, 10, 8, tzinfo=UTC)


def test_a_session_of_another_exchange_cannot_be_entered(clock):
    with pytest.raises(
        ClockError, match=r"session of XLON \(2013-10-08\) cannot be entered on the clock of XNYS"
    ):
        clock.enter_session(TimeManager("XLON").get_trading_session(TUESDAY))


def test_a_new_backtest_window_resets_the_time(clock):
    clock.set_backtest_time(CLOSE)
    clock.set_backtest_window(MONDAY, TUESDAY)
    assert clock.current_session is None
    with pytest.raises(
        ClockError, match="the backtest clock of XNYS has not been set: enter a session first"
    ):
        clock.get_current_time()
    clock.enter_session(clock.get_trading_session(MONDAY))
    assert clock.get_current_time() == OPEN


def test_before_the_first_session_time_can_be_set_freely():
    clock = TimeManager("XNYS")
    clock.set_backtest_time(CLOSE)
    clock.set_backtest_time(OPEN - timedelta(hours=1))
    clock.enter_session(clock.get_trading_session(MONDAY))
    assert clock.get_current_time() == OPEN


def test_an_instant_without_a_zone_is_refused(clock):
    with pytest.raises(ClockError, match="2013-10-07 14:00:00 has no time zone"):
        clock.set_backtest_time(datetime(2013, 10, 7, 14, 0))  # noqa: DTZ001 - what is tested


def test_times_are_shown_in_the_zone_of_the_exchange(clock):
    assert clock.to_exchange_time(OPEN).isoformat() == "2013-10-07T09:30:00-04:00"
    assert clock.zone == ZoneInfo("America/New_York")


def test_another_name_of_an_exchange_is_resolved_to_its_code():
    assert TimeManager("nasdaq").exchange == "XNYS"


def test_a_live_clock_reads_the_wall_clock_it_was_given():
    ticks = iter([OPEN, datetime(2013, 10, 7, 15, 30, 5, tzinfo=ZoneInfo("Europe/Berlin"))])
    live = TimeManager("XNYS", wall_clock=lambda: next(ticks))
    assert live.get_current_time() == OPEN
    assert live.get_current_time().isoformat() == "2013-10-07T13:30:05+00:00"


def test_a_live_clock_cannot_be_set():
    live = TimeManager("XNYS", wall_clock=lambda: OPEN)
    with pytest.raises(
        ClockError, match="clock of XNYS is live: its time cannot be set to 2013-10-07 20:00:00 UTC"
    ):
        live.set_backtest_time(CLOSE)


def test_a_live_session_is_entered_late_and_leaves_the_time_alone():
    late = OPEN + timedelta(hours=2)
    live = TimeManager("XNYS", wall_clock=lambda: late)
    live.enter_session(live.get_trading_session(MONDAY))
    assert live.get_current_time() == late
    live.enter_session(live.get_trading_session(TUESDAY))
    with pytest.raises(ClockError, match="sessions must follow each other"):
        live.enter_session(live.get_trading_session(MONDAY))


def test_the_wall_clock_is_utc():
    assert wall_clock_now().utcoffset() == timedelta(0)
