"""Pause, step, run-to, speed and stop, from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.data_quality_manager import DataQualityManager
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.runs import LIMIT_S, at_frontier, play

Config = Callable[..., SessionConfig]


@pytest.fixture
def paused(session_config: Config, gapped_store: BarStore):
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=MEMORY_BYTES)
    system.start(paused=True)
    assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
    yield system
    system.stop(LIMIT_S)
    assert not [t for t in threading.enumerate() if t.name.startswith("tapedeck")]


def test_a_run_that_starts_paused_is_at_the_open(paused):
    now = paused.snapshot()
    assert now.clock == datetime(2013, 11, 26, 14, 30, tzinfo=UTC)
    assert now.session_active
    assert now.achieved_speed is None


def test_steps_move_the_clock_slot_by_slot(paused):
    paused.step()
    assert paused.wait_for(at_frontier(paused, 1, 1), LIMIT_S)
    assert paused.snapshot().clock == datetime(2013, 11, 26, 14, 31, tzinfo=UTC)
    paused.step(9)
    assert paused.wait_for(at_frontier(paused, 1, 10), LIMIT_S)


def test_steps_continue_in_the_next_session(paused):
    paused.step(390)
    assert paused.wait_for(at_frontier(paused, 1, 390), LIMIT_S)
    assert paused.snapshot().trading_day.isoformat() == "2013-11-26"
    paused.step(1)
    assert paused.wait_for(at_frontier(paused, 2, 1), LIMIT_S)
    # Thursday is Thanksgiving; Friday closes at 13:00.
    paused.step(389 + 210)
    assert paused.wait_for(at_frontier(paused, 3, 210), LIMIT_S)
    assert paused.snapshot().is_early_close


def test_running_to_a_time_pauses_at_exactly_that_slot(paused):
    paused.run_to(datetime(2013, 11, 26, 15, 0, tzinfo=UTC))
    assert paused.wait_for(at_frontier(paused, 1, 30), LIMIT_S)
    # Half-way through a slot: the first slot that is over by then.
    paused.run_to(datetime(2013, 11, 26, 15, 0, 30, tzinfo=UTC))
    assert paused.wait_for(at_frontier(paused, 1, 31), LIMIT_S)


def test_running_to_a_time_outside_hours_pauses_at_the_next_open(paused):
    paused.run_to(datetime(2013, 11, 27, 3, 0, tzinfo=UTC))
    assert paused.wait_for(at_frontier(paused, 2, 0), LIMIT_S)


def test_running_to_the_close_pauses_there_and_not_at_the_next_open(paused):
    paused.run_to(datetime(2013, 11, 26, 21, 0, tzinfo=UTC))
    assert paused.wait_for(at_frontier(paused, 1, 390), LIMIT_S)


def test_the_engine_never_runs_back(paused):
    with pytest.raises(EngineError, match="is not after the clock"):
        paused.run_to(datetime(2013, 11, 26, 14, 30, tzinfo=UTC))


def test_a_time_without_zone_is_refused(paused):
    with pytest.raises(EngineError, match="has no time zone"):
        paused.run_to(datetime(2013, 11, 26, 14, 30))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("slots", [0, -1])
def test_a_step_is_at_least_one_slot(paused, slots):
    with pytest.raises(EngineError, match=f"invalid step count {slots}: it must be at least 1"):
        paused.step(slots)


@pytest.mark.parametrize("speed", [-1.0, float("inf"), float("nan")])
def test_an_impossible_speed_is_refused(paused, speed):
    with pytest.raises(EngineError, match=r"invalid speed .*: use 0 \(maximum speed\)"):
        paused.set_speed(speed)


def test_a_resumed_run_plays_to_its_end(paused):
    paused.resume()
    assert paused.wait(LIMIT_S)
    assert paused.state is RunState.COMPLETED
    assert [s.played for s in paused.summary().sessions] == [390, 390, 210, 390]


def test_the_data_of_the_last_day_are_still_there_after_the_run(paused):
    paused.resume()
    assert paused.wait(LIMIT_S)
    now = paused.snapshot()
    assert now.trading_day.isoformat() == "2013-12-02"
    assert not now.session_active
    assert paused.session_data.get_symbol_data("AAA").totals is not None


def test_pause_takes_effect_while_the_clock_drives(session_config, gapped_store):
    system = SystemManager(session_config(speed_multiplier=600.0), gapped_store)
    system.start()
    try:
        assert system.wait_for(lambda: system.snapshot().frontier > 2, LIMIT_S)
        system.pause()
        assert system.wait_for(lambda: system.state is RunState.PAUSED, LIMIT_S)
        stood = system.snapshot().frontier
        system.step()
        assert system.wait_for(at_frontier(system, 1, stood + 1), LIMIT_S)
    finally:
        system.stop(LIMIT_S)


def test_the_clock_drives_at_the_given_speed(session_config, gapped_store):
    # A slot at 6000 times real time takes 10 ms: however late any thread is, none is seen too early.
    system = SystemManager(session_config(speed_multiplier=6000.0), gapped_store)
    began = time.monotonic()
    system.start()
    try:
        for slots in (11, 21, 31):
            assert system.wait_for(lambda slots=slots: system.snapshot().frontier >= slots, LIMIT_S)
            seen = system.snapshot().frontier
            assert time.monotonic() - began >= (seen - 1) * 0.01
    finally:
        system.stop(LIMIT_S)


def test_speed_can_be_changed_while_running(session_config, gapped_store):
    def drive(system: SystemManager) -> None:
        system.set_speed(1.0)
        system.resume()
        system.set_speed(36_000.0)
        assert system.wait_for(lambda: system.snapshot().frontier > 5, LIMIT_S)
        assert system.snapshot().speed == 36_000.0
        system.set_speed(0)

    system = play(session_config(), gapped_store, drive)
    assert system.summary().stamp == play(session_config(), gapped_store).summary().stamp


def test_stop_is_safe_before_the_start_and_twice(session_config, gapped_store):
    system = SystemManager(session_config(), gapped_store)
    system.stop()
    assert system.state is RunState.STOPPED
    system.start(paused=True)
    system.stop(LIMIT_S)
    system.stop(LIMIT_S)
    assert system.state is RunState.STOPPED


def test_a_run_is_started_once(paused):
    with pytest.raises(EngineError, match="started before"):
        paused.start()


def test_commands_need_a_run(session_config, gapped_store):
    with pytest.raises(EngineError, match="has not been started"):
        SystemManager(session_config(), gapped_store).pause()


def test_a_stopped_run_keeps_what_was_played(paused):
    paused.step(37)
    assert paused.wait_for(at_frontier(paused, 1, 37), LIMIT_S)
    paused.stop(LIMIT_S)
    (session,) = paused.summary().sessions
    assert (session.played, session.slots) == (37, 390)
    assert not paused.summary().complete


def test_a_start_in_mid_session_has_what_precedes_it(session_config, gapped_store):
    system = SystemManager(session_config(start_time="10:30"), gapped_store)
    system.start(paused=True)
    try:
        assert system.wait_for(at_frontier(system, 1, 60), LIMIT_S)
        assert system.snapshot().clock == datetime(2013, 11, 26, 15, 30, tzinfo=UTC)
        assert system.session_data.get_indicator("AAA", "ema_5") is not None
    finally:
        system.stop(LIMIT_S)


def test_a_run_is_paused_at_its_start_time_not_before_whatever_is_asked_meanwhile(
    session_config, gapped_store, monkeypatch
):
    from tapedeck.engine.run.data_processor import DataProcessor

    asked, release, process = threading.Event(), threading.Event(), DataProcessor.process

    def held_up(self, work):
        asked.set()
        release.wait(LIMIT_S)
        process(self, work)

    monkeypatch.setattr(DataProcessor, "process", held_up)
    system = SystemManager(session_config(start_time="10:30"), gapped_store)
    system.start(paused=True)
    try:
        assert asked.wait(LIMIT_S)
        system.set_speed(60)
        assert system.mark().wait(LIMIT_S)
        assert system.state is RunState.STARTING
        release.set()
        assert system.wait_for(lambda: system.state is RunState.PAUSED, LIMIT_S)
        assert system.snapshot().frontier == 60
    finally:
        release.set()
        system.stop(LIMIT_S)


def test_a_session_is_waited_for_no_longer_than_allowed(session_config, gapped_store, monkeypatch):
    release = threading.Event()
    from tapedeck.engine.run.session_loader import SessionLoader

    load = SessionLoader.load

    def held_up(self, sessions):
        release.wait(LIMIT_S)
        return load(self, sessions)

    monkeypatch.setattr(SessionLoader, "load", held_up)
    system = SystemManager(session_config(), gapped_store, load_timeout_s=0.05)
    system.start()
    try:
        assert system.wait_for(lambda: system.error is not None, LIMIT_S)
    finally:
        release.set()
        assert system.wait(LIMIT_S)
    assert system.state is RunState.ERROR
    assert "not loaded within 0.05 s" in str(system.error)


def test_a_pause_while_the_next_sessions_are_read_takes_effect_at_the_close(
    session_config, gapped_store, monkeypatch
):
    from tapedeck.engine.run.session_loader import SessionLoader

    load, calls, second, release = SessionLoader.load, list[int](), threading.Event(), threading.Event()

    def held_up(self, sessions):
        calls.append(len(sessions))
        if len(calls) == 2:
            second.set()
            release.wait(LIMIT_S)
        return load(self, sessions)

    monkeypatch.setattr(SessionLoader, "load", held_up)
    system = SystemManager(session_config(), gapped_store, tape_cache_bytes=MEMORY_BYTES)
    system.start()
    try:
        assert second.wait(LIMIT_S)
        assert system.wait_for(lambda: system.snapshot().frontier == 390, LIMIT_S)
        system.pause()
        assert system.wait_for(lambda: system.state is RunState.PAUSED, LIMIT_S)
        played = system.session_data.played()
        assert played is not None, "the session that has ended can be looked back into"
        assert (played.trading_day.isoformat(), played.frontier) == ("2013-11-26", 390)
        release.set()
        system.step()
        assert system.wait_for(at_frontier(system, 2, 1), LIMIT_S)
    finally:
        release.set()
        system.stop(LIMIT_S)


def test_snapshots_are_ordered_by_their_version(paused):
    before = paused.snapshot()
    paused.step()
    assert paused.wait_for(at_frontier(paused, 1, 1), LIMIT_S)
    after = paused.snapshot()
    assert after.version > before.version
    assert before.view is not None
    assert before.view.frontier == 0
    assert after.clock - before.clock == timedelta(minutes=1)


def test_a_worker_is_waited_for_until_its_work_is_done_or_the_time_is_over():
    release = threading.Event()

    class Slow(Worker[int]):
        def process(self, work):
            release.wait(LIMIT_S)

    worker = Slow("slow", lambda message: None)
    worker.start()
    try:
        assert worker.wait_until_ready(LIMIT_S)
        worker.hand_over(1)
        assert not worker.wait_until_ready(0.01)
        release.set()
        assert worker.wait_until_ready(LIMIT_S)
    finally:
        release.set()
        worker.stop()
        worker.join(LIMIT_S)
    worker.hand_over(2)
    assert not worker.wait_until_ready(LIMIT_S), "a thread that has ended does nothing more"


def test_an_export_of_a_paused_run_has_everything_played(paused, tmp_path, monkeypatch):
    process = DataQualityManager.process
    late = threading.Event()

    def held_up(self, work):
        late.wait(0.2)
        process(self, work)

    monkeypatch.setattr(DataQualityManager, "process", held_up)
    paused.step(37)
    assert paused.wait_for(at_frontier(paused, 1, 37), LIMIT_S)
    manifest = paused.export_csv(tmp_path / "out")
    assert [session.played for session in manifest.sessions] == [37]
