"""Render priority: busy threads yield while a frame renders, for a limited time."""

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


def test_a_thread_waits_until_the_outermost_holder_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_priority, "_MAX_WAIT_S", LIMIT_S)
    held = RenderPriority()
    held.yield_to_rendering()  # no thread holds it
    with held.held():
        with held.held():
            pass
        thread = threading.Thread(target=held.yield_to_rendering)
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
    thread.join(LIMIT_S)
    assert not thread.is_alive()


def test_a_holder_that_never_releases_delays_threads_by_the_limit_only() -> None:
    held = RenderPriority()
    with held.held():
        thread = threading.Thread(target=held.yield_to_rendering)
        thread.start()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def test_a_release_of_a_request_does_not_end_holding() -> None:
    held = RenderPriority()
    held.request()
    with held.held():
        held.release()
        assert not held.is_free
    assert held.is_free


def test_every_busy_thread_of_a_run_yields(
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
