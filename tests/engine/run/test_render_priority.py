"""Threads that stand aside while somebody draws a screen: all that work long, and not for long."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.run import render_priority
from tapedeck.engine.run.render_priority import RenderPriority
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager

LIMIT_S = 20.0


def test_who_asks_waits_until_the_outermost_holder_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_priority, "_MAX_WAIT_S", LIMIT_S)
    held = RenderPriority()
    held.yield_to_rendering()  # nobody holds it
    with held.held():
        with held.held():
            pass
        thread = threading.Thread(target=held.yield_to_rendering)
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
    thread.join(LIMIT_S)
    assert not thread.is_alive()


def test_one_that_forgets_itself_is_not_waited_for_long() -> None:
    held = RenderPriority()
    with held.held():
        thread = threading.Thread(target=held.yield_to_rendering)
        thread.start()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def test_what_is_held_is_not_let_go_by_who_asked_before() -> None:
    held = RenderPriority()
    held.request()
    with held.held():
        held.release()
        assert not held.is_free
    assert held.is_free


def test_every_thread_of_a_run_that_works_long_asks(
    gapped_store: BarStore, session_config: Callable[..., SessionConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    monkeypatch.setattr(
        RenderPriority,
        "yield_to_rendering",
        lambda _render_priority: asked.add(threading.current_thread().name),
    )
    system = SystemManager(session_config(), gapped_store)
    system.start()
    assert system.wait(LIMIT_S)
    workers = {"data-processor", "session-coordinator", "session-recorder"}
    assert {f"tapedeck-{name}" for name in workers} < asked
    assert any(name.startswith("tapedeck-prefetch") for name in asked)
