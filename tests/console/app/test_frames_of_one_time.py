"""Frames of one time: all parts show the snapshot, while the engine continues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from tapedeck.console.panel_data.views import view_table
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.session_view import SessionView
from tests.support.console_runs import ConsoleRun, console_run, drive, until


async def step_to_90(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Step on to frontier 90, with a bookmark there."""
    console.system.step(30)
    await until(pilot, lambda: console.frontier == 90 and console.is_settled(), "another half hour")
    console.system.add_bookmark("later")


def test_a_frame_ends_at_its_snapshot(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system, playback, main = console.system, console.app.playback, console.app.main
        system.step(60)
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        system.add_bookmark("then")
        snapshot, events = system.snapshot(), system.events()
        tables = {name: view_table(system, name) for name in ("symbols", "indicators", "quality", "events")}
        ticks = main.events.ticks(playback.view_state(snapshot))
        await step_to_90(console, pilot)
        state = playback.view_state(snapshot)
        assert state.view is not None
        assert state.played is not None
        assert (state.view.frontier, state.played.frontier) == (60, 60) == (snapshot.frontier,) * 2
        assert state.view.clock == snapshot.clock
        assert playback.events_until(state) == events
        assert main.events.ticks(state) == ticks
        assert {name: view_table(system, name, snapshot) for name in tables} == tables
        for name in ("quality", "events"):
            assert main.panels[name].as_table(state).rows == tables[name].rows, name
        main.bar.update(state, ticks)
        main.bar.update(state, ticks)
        assert main.bar.strip._data is not None
        assert main.bar.strip._data.frontier == 60

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_past_has_the_timeline_of_its_snapshot(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system, playback = console.system, console.app.playback
        system.step(60)
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        await console.app.do("step_back", "20")
        snapshot = system.snapshot()
        await step_to_90(console, pilot)
        state = playback.view_state(snapshot)
        assert state.is_past
        assert state.view is not None
        assert state.played is not None
        assert (state.view.frontier, state.played.frontier) == (40, 60)
        assert all(event.frontier <= 40 for event in playback.events_until(state))
        ticks = console.app.main.events.ticks(state)
        assert all(tick.slot < 60 for tick in ticks)
        later = [event for event in system.events() if event.kind is EventKind.BOOKMARK]
        assert [event.text for event in later] == ["later"]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_headed_view_has_the_clock_of_its_rows(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system = console.system
        system.step(60)
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        snapshot = system.snapshot()
        session = dict(view_table(system, "session", snapshot).rows)
        await step_to_90(console, pilot)
        assert dict(view_table(system, "session", snapshot).rows) == session
        assert session["slots_over"] == 60
        bars = [row for row in view_table(system, "bars", snapshot).rows if row[1] == "1m"]
        assert max(str(row[2]) for row in bars) < str(session["clock"])

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_frame_of_a_playing_run_ends_at_the_last_complete_slot(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system, playback = console.system, console.app.playback
        system.step(60)
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        tape, snapshot = system.session_data.require_tape(), system.snapshot()
        tape.processed = 58  # a clock reveals slots, and their indicators follow
        behind = SessionView(tape, 60)
        tape.processed = 60
        playing = replace(snapshot, view=behind, state=RunState.RUNNING, speed=3600.0)
        for found, expected in ((playing, 58), (replace(playing, state=RunState.PAUSED), 60)):
            state = playback.view_state(found)
            assert state.view is not None
            assert state.view.frontier == expected
        state = playback.view_state(playing)
        assert state.view is not None
        assert state.view.bars_grid(tape.base_interval).shape[-1] == 58
        assert state.view.computed_frontier == 58

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
