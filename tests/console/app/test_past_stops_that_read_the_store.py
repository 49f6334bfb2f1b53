"""Breakpoints that look back, in a past that plays: the store is read in a thread, and may fail."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tapedeck.engine.errors import StoreError
from tapedeck.engine.run import earlier_sessions
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, drive, press, until

LOOKS_BACK = "AAA.ema_5[500] > 0 and time >= 09:40"


async def to_the_past(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Show a past moment, 09:32, of a run that is paused at 10:30; then set a breakpoint."""
    await press(pilot, "o")
    await until(pilot, lambda: console.frontier == 60 and console.is_paused, "an hour")
    await console.app.do("speed", "600")
    await press(pilot, "O", "full_stop", "full_stop")
    assert console.past_frontier == 2
    await console.app.do("breakpoint", LOOKS_BACK)


def test_the_past_stops_there_and_the_store_is_read_in_a_thread(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    original = earlier_sessions.recomputed_sessions

    def noting(*arguments: Any, **named: Any) -> Any:
        threads.append(threading.current_thread())
        return original(*arguments, **named)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        monkeypatch.setattr(console.app.playback.system, "count_moments", lambda *_, **__: None)
        await to_the_past(console, pilot)
        monkeypatch.setattr(earlier_sessions, "recomputed_sessions", noting)
        await press(pilot, "space")
        await until(pilot, lambda: "◆" in console.text("#session-line"), "the breakpoint")
        assert console.past_frontier == 10

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    assert threads
    assert threading.main_thread() not in threads


def test_a_store_that_cannot_be_read_stops_the_past_with_a_notice(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any, **_named: Any) -> Any:
        raise StoreError("the disk is gone")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        monkeypatch.setattr(console.app.playback.system, "count_moments", lambda *_, **__: None)
        await to_the_past(console, pilot)
        monkeypatch.setattr(earlier_sessions, "recomputed_sessions", broken)
        notices: list[str] = []
        monkeypatch.setattr(console.app, "notify", lambda text, **_: notices.append(text))
        await press(pilot, "space")
        await until(pilot, lambda: notices == ["the disk is gone"], "the notice")
        await until(pilot, lambda: not console.app.playback.past_play.is_playing, "the stop")
        assert console.past_frontier == 2
        assert console.is_paused

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
