"""Prompt keys: frames yield to them, and garbage is collected at rest."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tapedeck.console.app import gc_scheduler
from tapedeck.console.app.gc_scheduler import GcScheduler, no_collections
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import LIMIT_S, ConsoleRun, console_run, drive, press, until

# Frames


def shown_frontier(console: ConsoleRun) -> int:
    view = console.app.main._view_state.view if console.app.main._view_state else None
    return -1 if view is None else view.frontier


def test_an_unrequested_frame_yields_to_a_key(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: shown_frontier(console) == 1, "the first slot is shown")
        console.app.link.has_input = True  # as the thread that reads the terminal sets it
        console.system.step()
        assert console.system.wait_for(lambda: console.frontier == 2, LIMIT_S)
        for _ in range(5):
            console.app._frame()
            await pilot.pause(0.1)
        assert shown_frontier(console) == 1
        await press(pilot, "full_stop")
        assert not console.app.link.has_input
        await until(pilot, lambda: shown_frontier(console) == 3, "all that was played is shown")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_key_during_an_update_cancels_its_drawing(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, drawn = console.app.main, list[int]()
        update, draw = main.update, main.draw_now

        def interrupted(*arguments: object) -> None:
            update(*arguments)  # type: ignore[arg-type]
            console.app.link.has_input = True

        def counted() -> None:
            drawn.append(console.frontier)
            draw()

        monkeypatch.setattr(main, "draw_now", counted)
        with monkeypatch.context() as patch:
            patch.setattr(main, "update", interrupted)
            console.system.step()
            assert console.system.wait_for(lambda: console.frontier == 1, LIMIT_S)
            await until(pilot, lambda: shown_frontier(console) == 1, "an update")
        assert drawn == []
        await press(pilot, "full_stop")
        await until(pilot, lambda: drawn[-1:] == [2], "the frame of the key")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


@pytest.mark.parametrize("key", ["full_stop", "f12"])
def test_the_engine_yields_to_a_key_only_while_it_is_handled(
    console_store: BarStore, tmp_path: Path, key: str
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.app.link.on_key()  # as the thread that reads the terminal does
        assert not console.system.render_priority.is_free
        await press(pilot, key)
        assert console.system.render_priority.is_free
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.frontier > 0, "play")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


# Garbage


class Cycle:
    """A reference cycle, which only the garbage collector frees."""

    def __init__(self) -> None:
        self.own = self


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    with no_collections():
        gc.collect()
        yield Clock()


def test_garbage_is_collected_at_rest_once_there_is_enough(clock: Clock) -> None:
    collections = GcScheduler(clock)
    clock.now += 1
    assert not collections.collect_if_due()
    knots = [Cycle() for _ in range(gc_scheduler._DUE)]
    assert gc.isenabled() is False
    del knots
    collections.note_input()
    clock.now += 0.1
    assert not collections.collect_if_due()
    clock.now += 0.2
    assert collections.collect_if_due()
    assert not any(isinstance(known, Cycle) for known in gc.get_objects())
    assert not collections.collect_if_due()


def test_garbage_is_collected_while_a_key_repeats(clock: Clock) -> None:
    collections = GcScheduler(clock)
    piles = []
    for _ in range(300):
        knots = [Cycle() for _ in range(1_000)]
        del knots
        collections.note_input()
        collections.collect_if_due()
        piles.append(gc.get_count()[0])
    assert max(piles) < gc_scheduler._OVERDUE + 10_000
    assert min(piles[100:]) < 10_000


def test_a_full_collection_runs_now_and_then(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc_scheduler, "_FULL_EVERY", 3)
    collections, old = GcScheduler(clock), Cycle()
    gc.collect()  # it is among the oldest now
    del old
    clock.now += 1
    left = []
    for _ in range(3):
        knots = [Cycle() for _ in range(gc_scheduler._DUE)]
        del knots
        assert collections.collect_if_due()
        left.append(sum(isinstance(known, Cycle) for known in gc.get_objects()))
    assert left == [1, 1, 0]


def test_outside_the_console_python_collects_garbage() -> None:
    assert gc.isenabled()
    knots = [Cycle() for _ in range(gc_scheduler._DUE)]
    del knots
    assert not GcScheduler(lambda: 0.0).collect_if_due()
    with no_collections():
        assert not gc.isenabled()
        gc.freeze()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
