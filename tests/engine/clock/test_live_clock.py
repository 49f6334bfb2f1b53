"""Live clock: never back, whatever happens to the machine's clocks; steps are reported, slews followed."""

from __future__ import annotations

import math
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.clock.live_clock import LONGEST_WAIT_S, STEP_S, ClockStep, LiveClock
from tapedeck.engine.errors import ClockError

# 2013-10-07 13:30 UTC, the open in New York; and a wall time of another year.
OPEN = 1_381_152_600.0
WALL = 1_795_000_000.0


class Machine:
    """A machine's two clocks, by hand."""

    def __init__(self, wall: float = WALL, monotonic: float = 5000.0) -> None:
        self.wall_time = wall
        self.monotonic_time = monotonic

    def wall(self) -> float:
        return self.wall_time

    def monotonic(self) -> float:
        return self.monotonic_time

    def pass_time(self, seconds: float) -> None:
        self.wall_time += seconds
        self.monotonic_time += seconds

    def set_wall(self, seconds: float) -> None:
        self.wall_time += seconds

    def suspend(self, seconds: float, *, monotonic_runs: bool) -> None:
        self.wall_time += seconds
        self.monotonic_time += seconds if monotonic_runs else 0.0

    def clock(self, speed: float = 1.0, start: float | None = None, anchor: float | None = None) -> LiveClock:
        return LiveClock(speed=speed, start=start, anchor=anchor, wall=self.wall, monotonic=self.monotonic)


def test_the_present_is_the_wall_clock() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == WALL
    machine.pass_time(12.5)
    assert clock.now() == WALL + 12.5
    assert clock.check() is None


def test_a_replay_at_60_times_passes_an_hour_in_a_minute() -> None:
    machine = Machine()
    clock = machine.clock(60, start=OPEN)
    machine.pass_time(60)
    assert clock.now() == OPEN + 3600
    assert clock.real_seconds(30) == 0.5


def test_a_wall_clock_set_back_makes_the_time_wait_until_it_has_caught_up() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == WALL
    machine.set_wall(-10)
    machine.pass_time(1)
    assert clock.check() == ClockStep(-10)
    stands = clock.now()
    assert stands == WALL
    machine.pass_time(8.5)
    assert clock.now() == stands
    assert clock.check() is None
    machine.pass_time(1)
    assert clock.now() == WALL + 0.5


def test_a_wall_clock_that_jumped_ahead_is_followed_and_reported_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.set_wall(3600)
    assert clock.now() == WALL
    step = clock.check()
    assert step == ClockStep(3600)
    assert step.is_ahead
    assert clock.now() == WALL + 3600
    assert clock.check() is None


def test_a_suspended_machine_is_a_step_ahead_where_monotonic_time_stood_still() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.suspend(900, monotonic_runs=False)
    assert clock.now() == WALL  # until it is checked
    assert clock.check() == ClockStep(900)
    assert clock.now() == WALL + 900


def test_a_suspended_machine_whose_monotonic_time_ran_on_has_the_right_time_at_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.suspend(900, monotonic_runs=True)
    assert clock.now() == WALL + 900
    assert clock.check() is None


def test_a_suspended_replay_is_scaled_too() -> None:
    machine = Machine()
    clock = machine.clock(60, start=OPEN)
    machine.suspend(10, monotonic_runs=False)
    assert clock.check() == ClockStep(10)
    assert clock.now() == OPEN + 600


def test_a_slewed_wall_clock_is_followed_without_a_report() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(3600):  # 500 ppm, the fastest that a time service slews by
        machine.pass_time(1)
        machine.set_wall(0.0005)
        assert clock.check() is None
    assert clock.now() == machine.wall_time
    assert machine.wall_time == pytest.approx(WALL + 3600 + 1.8, abs=0.01)


@pytest.mark.parametrize(("step", "is_reported"), [(STEP_S, True), (STEP_S - 0.5, False), (-STEP_S, True)])
def test_a_step_is_reported_from_two_seconds_on(step: float, is_reported: bool) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.set_wall(step)
    assert (clock.check() is not None) == is_reported


def test_a_program_that_stood_still_between_two_readings_is_no_step() -> None:
    machine = Machine()
    clock = machine.clock()
    reads = 0

    def stalled_wall() -> float:
        nonlocal reads
        reads += 1
        wall = machine.wall()
        if reads == 1:
            machine.pass_time(30)  # stopped by a signal, right after the reading
        return wall

    clock._wall = stalled_wall
    assert clock.check() is None
    assert clock.now() == WALL + 30


def test_a_replay_goes_on_after_a_restart_with_the_stored_start_and_anchor() -> None:
    machine = Machine()
    first = machine.clock(3600, start=OPEN)
    machine.pass_time(2)
    before = first.now()
    # The program is killed; the machine boots, and has another monotonic time.
    machine.wall_time += 5
    machine.monotonic_time = 17.0
    again = machine.clock(first.speed, start=first.start, anchor=first.anchor)
    assert again.now() == before + 5 * 3600


@pytest.mark.parametrize("speed", [0, -1, math.inf, math.nan])
def test_a_speed_must_be_above_0(speed: float) -> None:
    with pytest.raises(ClockError, match="must be above 0"):
        LiveClock(speed=speed)


class TestWaits:
    def test_a_wait_is_as_long_as_the_market_needs_at_its_speed(self) -> None:
        clock = Machine().clock(3600, start=OPEN)
        assert clock.wait_seconds(OPEN + 60) == pytest.approx(60 / 3600)

    def test_a_time_that_has_come_takes_no_wait(self) -> None:
        machine = Machine()
        clock = machine.clock(60, start=OPEN)
        assert clock.wait_seconds(OPEN) == 0
        machine.pass_time(1)
        assert clock.wait_seconds(OPEN + 60) == 0

    def test_a_long_wait_is_cut(self) -> None:
        clock = Machine().clock()
        assert clock.wait_seconds(WALL + 3600) == LONGEST_WAIT_S
        assert clock.wait_seconds(math.inf) == LONGEST_WAIT_S

    def test_while_the_time_stands_still_the_wait_includes_what_the_wall_clock_must_catch_up(self) -> None:
        machine = Machine()
        clock = machine.clock(60, start=OPEN)
        machine.pass_time(1)
        assert clock.now() == OPEN + 60
        machine.set_wall(-3)
        clock.check()
        assert clock.wait_seconds(OPEN + 61) == LONGEST_WAIT_S
        machine.pass_time(2.5)
        clock.check()
        assert clock.now() == OPEN + 60
        assert clock.wait_seconds(OPEN + 60) == 0  # it has been that late before
        assert clock.wait_seconds(OPEN + 90) == pytest.approx(1.0)
        machine.pass_time(0.75)
        assert clock.wait_seconds(OPEN + 90) == pytest.approx(0.25)


# Events of a machine, with their seconds.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0, 120)),
        st.tuples(st.just("set"), st.floats(-7200, 7200)),
        st.tuples(st.just("slew"), st.floats(-0.01, 0.01)),
        st.tuples(st.just("sleep"), st.floats(0, 90_000)),
        st.tuples(st.just("sleep, counted"), st.floats(0, 90_000)),
        st.tuples(st.just("check"), st.just(0.0)),
    ),
    max_size=40,
)


def happen(machine: Machine, event: str, seconds: float) -> None:
    match event:
        case "pass":
            machine.pass_time(seconds)
        case "set" | "slew":
            machine.set_wall(seconds)
        case "sleep":
            machine.suspend(seconds, monotonic_runs=False)
        case "sleep, counted":
            machine.suspend(seconds, monotonic_runs=True)


@given(events=EVENTS, speed=st.sampled_from([0.5, 1.0, 60.0, 3600.0]))
def test_whatever_happens_to_the_clocks_the_time_never_runs_back(
    events: list[tuple[str, float]], speed: float
) -> None:
    machine = Machine()
    clock = machine.clock(speed, start=OPEN)
    latest = clock.now()
    for event, seconds in events:
        happen(machine, event, seconds)
        if event == "check":
            clock.check()
        now = clock.now()
        assert now >= latest
        assert 0 <= clock.wait_seconds(now + 1) <= LONGEST_WAIT_S
        assert clock.wait_seconds(now) == 0
        latest = now


@given(events=EVENTS, speed=st.sampled_from([1.0, 60.0]))
def test_after_a_check_the_time_is_the_wall_clocks_or_stands_where_it_was(
    events: list[tuple[str, float]], speed: float
) -> None:
    """The market's time is the latest that the wall clock has shown at a reading, scaled."""
    machine = Machine()
    clock = machine.clock(speed, start=OPEN)
    latest = clock.now()
    for event, seconds in events:
        happen(machine, event, seconds)
        reported = clock.check()
        scaled = OPEN + (machine.wall_time - WALL) * speed
        latest = max(latest, scaled)
        assert clock.now() == pytest.approx(latest, abs=1e-3)
        is_step = event in ("set", "sleep") and abs(seconds) >= STEP_S + 1e-6
        if is_step:
            assert reported is not None
            assert reported.seconds == pytest.approx(seconds, abs=1e-3)
            assert reported.is_ahead == (seconds > 0)
        elif event not in ("set", "sleep") or abs(seconds) < STEP_S - 1e-6:
            assert reported is None


def test_threads_that_read_at_once_get_times_that_never_run_back() -> None:
    clock = LiveClock(speed=1000)
    barrier, ran_back = Barrier(4), []

    def read() -> None:
        barrier.wait(5)
        latest = -math.inf
        for _ in range(2000):
            now = clock.now()
            if now < latest:
                ran_back.append((latest, now))
            latest = now

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert ran_back == []
