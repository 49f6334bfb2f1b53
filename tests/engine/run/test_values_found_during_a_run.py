"""Values of earlier sessions that a breakpoint needs in mid-run: found while commands still take effect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import pytest

from tapedeck.engine.errors import StoreError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run import earlier_sessions
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier

CONFIG = session_file(
    ["AAA", "BBB"],
    ["1m"],
    "2024-03-04",
    "2024-03-05",
    indicators={"fast": {"type": "SMA", "interval": "1m", "timeperiod": 5}},
)
ALWAYS = "AAA.fast[1] > 0 or time >= 00:00"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("found") / "bars.db") as store:
        fill_store(store, ["AAA", "BBB"], "2024-02-26", "2024-03-05")
        yield store


class Gate:
    """Holds each computation of an earlier session until it is opened, or the computation is cancelled."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def hold(self, original: Any, *arguments: Any, **named: Any) -> Any:
        self.reached.set()
        cancelled = named["cancelled"]
        while not self.opened.wait(0.005):
            if cancelled():
                return
        yield from original(*arguments, **named)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made, original = Gate(), earlier_sessions.recomputed_sessions
    monkeypatch.setattr(earlier_sessions, "recomputed_sessions", lambda *a, **n: made.hold(original, *a, **n))
    yield made
    made.opened.set()


@pytest.fixture
def system(store: BarStore) -> Iterator[SystemManager]:
    made = SystemManager(CONFIG, store)
    made.start(paused=True)
    assert made.wait_for(at_frontier(made, 1, 0), LIMIT_S)
    yield made
    made.stop(LIMIT_S)


def test_a_pause_takes_effect_while_values_are_found(system: SystemManager, gate: Gate) -> None:
    system.set_speed(60.0)
    system.resume()
    system.add_breakpoint(ALWAYS)
    system.step()
    assert gate.reached.wait(LIMIT_S)
    system.pause()
    assert system.wait_for(lambda: system.state is RunState.PAUSED, 2.0)
    assert system.snapshot().frontier == 0, "no slot is passed unsearched"
    gate.opened.set()
    system.resume()
    system.set_speed(0.0)
    assert system.wait_for(lambda: system.snapshot().stopped_at is not None, LIMIT_S)
    assert system.snapshot().frontier == 1


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_stop_cancels_the_search_for_values(store: BarStore, gate: Gate, is_begun: bool) -> None:
    system = SystemManager(CONFIG, store)
    if not is_begun:
        system.add_breakpoint(ALWAYS)
    system.start(paused=True)
    if is_begun:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        system.add_breakpoint(ALWAYS)
        system.resume()
    assert gate.reached.wait(LIMIT_S)
    system.stop(5.0)
    assert (system.state, system.error) == (RunState.STOPPED, None)


def test_a_store_that_cannot_be_read_ends_the_run_with_its_cause(
    system: SystemManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any, **_named: Any) -> Any:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(earlier_sessions, "recomputed_sessions", broken)
    system.add_breakpoint(ALWAYS)
    system.resume()
    assert system.wait(LIMIT_S)
    assert (system.state, str(system.error)) == (RunState.ERROR, "the disk is gone")


def test_a_stop_ends_the_searches_of_other_threads(system: SystemManager, gate: Gate) -> None:
    session = system.session_data.played()
    assert session is not None
    system.add_breakpoint(ALWAYS)
    with ThreadPoolExecutor(1) as pool:
        searched = pool.submit(system.past_hits, session, system.conditions())
        try:
            assert gate.reached.wait(LIMIT_S)
            system.stop(5.0)
            assert isinstance(searched.exception(5.0), CancelledError)
        finally:
            gate.opened.set()
    assert [hit.frontier for hit in system.past_hits(session, system.conditions())] == [0]
