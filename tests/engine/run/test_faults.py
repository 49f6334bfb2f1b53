"""Faults injected in every worker end in state error with their cause, and leave no thread behind."""

from __future__ import annotations

import threading

import pytest

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.data_processor import DataProcessor
from tapedeck.engine.run.data_quality_manager import DataQualityManager
from tapedeck.engine.run.session_loader import SessionLoader
from tapedeck.engine.run.session_recorder import SessionRecorder
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.stamp import session_digest
from tests.support.runs import LIMIT_S, KeepRecords, play_recorded


class InjectedError(RuntimeError):
    """The error injected by the tests."""


PLACES = [
    (DataProcessor, "setup"),
    (DataProcessor, "teardown"),
    (DataProcessor, "process"),
    (DataQualityManager, "setup"),
    (DataQualityManager, "teardown"),
    (DataQualityManager, "process"),
    (SessionRecorder, "process"),
    (SessionLoader, "load"),
    (SessionLoader, "load_history"),
    (TimeManager, "set_backtest_time"),
    (TimeManager, "enter_session"),
]


@pytest.fixture(scope="module")
def undisturbed(session_config, gapped_store):
    """The sessions of a run without a fault."""
    return play_recorded(session_config(), gapped_store).records


@pytest.mark.parametrize(("call", "speed"), [(1, 0.0), (3, 360_000.0)])
@pytest.mark.parametrize(("owner", "method"), PLACES, ids=lambda p: p if isinstance(p, str) else p.__name__)
def test_a_fault_ends_the_run_in_order(
    session_config, gapped_store, undisturbed, monkeypatch, owner, method, call, speed
):
    if method == "load_history" and call > 1:
        call = 1
    if method == "load" and call > 2:
        call = 2
    original = getattr(owner, method)
    calls = []

    def broken(self, *arguments):
        calls.append(method)
        if len(calls) == call:
            raise InjectedError(f"injected in {method}")
        return original(self, *arguments)

    monkeypatch.setattr(owner, method, broken)
    kept = KeepRecords()
    system = SystemManager(session_config(speed_multiplier=speed), gapped_store, sinks=[kept])
    system.start()
    try:
        assert system.wait(LIMIT_S)
    finally:
        system.stop(LIMIT_S)
    assert system.state is RunState.ERROR
    assert isinstance(system.error, InjectedError)
    assert system.snapshot().error == f"injected in {method}"
    assert not system.session_data.is_session_active()
    assert not [t for t in threading.enumerate() if t.name.startswith("tapedeck")]
    for record, whole in zip(kept.records, undisturbed, strict=False):
        assert record.tape.session == whole.tape.session
        played = session_digest(record.tape, record.frontier)
        assert played == session_digest(whole.tape, record.frontier), (
            "what was played is as it would have been"
        )


def test_what_was_played_before_a_fault_is_recorded(session_config, gapped_store, monkeypatch):
    process = DataProcessor.process

    def broken(self, work):
        if self._session_data.require_tape().session.trading_day.isoformat() == "2013-11-29":
            raise InjectedError("on Friday")
        process(self, work)

    monkeypatch.setattr(DataProcessor, "process", broken)
    kept = KeepRecords()
    system = SystemManager(session_config(), gapped_store, sinks=[kept])
    system.start()
    assert system.wait(LIMIT_S)
    days = [(r.tape.session.trading_day.isoformat(), r.frontier, r.state) for r in kept.records]
    assert days == [
        ("2013-11-26", 390, "running"),
        ("2013-11-27", 390, "running"),
        ("2013-11-29", 0, "error"),
    ]
    assert kept.records[-1].error == "on Friday"


def test_the_thread_table_names_the_worker_that_failed(session_config, gapped_store, monkeypatch):
    def broken(self, work):
        raise InjectedError("here")

    monkeypatch.setattr(DataQualityManager, "process", broken)
    system = SystemManager(session_config(), gapped_store)
    system.start()
    assert system.wait(LIMIT_S)
    table = {status.name: status for status in system.snapshot().threads}
    assert table["data-quality-manager"].error == "InjectedError: here"
    assert table["data-quality-manager"].state.value == "failed"
    assert table["data-processor"].state.value == "ended"


def test_a_worker_that_hangs_is_named(session_config, gapped_store, monkeypatch):
    import tapedeck.engine.run.session_coordinator as coordinator

    release = threading.Event()
    started = threading.Event()

    def hang(self, work):
        started.set()
        release.wait(LIMIT_S)

    monkeypatch.setattr(coordinator, "_JOIN_S", 0.01)
    monkeypatch.setattr(coordinator, "_JOIN_CANCELLED_S", 0.01)
    monkeypatch.setattr(DataProcessor, "process", hang)
    system = SystemManager(session_config(), gapped_store)
    system.start()
    assert started.wait(LIMIT_S)
    try:
        system.stop(LIMIT_S)
        assert isinstance(system.error, EngineError)
        assert "tapedeck-data-processor did not end within" in str(system.error)
    finally:
        release.set()


def test_a_clock_that_would_run_back_stops_the_session(session_config, gapped_store, monkeypatch):
    set_time = TimeManager.set_backtest_time

    def backwards(self, instant):
        set_time(self, instant.replace(hour=3))

    monkeypatch.setattr(TimeManager, "set_backtest_time", backwards)
    system = SystemManager(session_config(), gapped_store)
    system.start()
    assert system.wait(LIMIT_S)
    assert system.state is RunState.ERROR
    assert "which is before the clock" in str(system.error)
