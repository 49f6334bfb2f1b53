"""Fast response to keys: frames yield to keys and are drawn at once; garbage is collected when idle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tapedeck.console.app import gc_scheduler
from tapedeck.console.app.gc_scheduler import GcScheduler, no_collections
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import LIMIT_S, Watched, drive, press, until, watched

# Frames


def shown_frontier(console: Watched) -> int:
    view = console.app.main._view_state.view if console.app.main._view_state else None
    return -1 if view is None else view.frontier


def test_an_unrequested_frame_yields_to_a_key(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: shown_frontier(console) == 1, "the first slot is shown")
        console.app.link.has_input = True  # as set by the thread that reads the terminal
        console.system.step()
        assert console.system.wait_for(lambda: console.frontier == 2, LIMIT_S)
        for _ in range(5):
            console.app._frame()
            await pilot.pause(0.1)
        assert shown_frontier(console) == 1
        await press(pilot, "full_stop")
        assert not console.app.link.has_input
        await until(pilot, lambda: shown_frontier(console) == 3, "all that was played is shown")

    with watched(console_store, tmp_path) as console:
        drive(console, act)


def test_a_key_during_an_update_cancels_its_drawing(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
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
            await until(pilot, lambda: shown_frontier(console) == 1, "the update")
        assert drawn == []
        await press(pilot, "full_stop")
        await until(pilot, lambda: drawn[-1:] == [2], "the key's own frame is drawn")

    with watched(console_store, tmp_path) as console:
        drive(console, act)


@pytest.mark.parametrize("key", ["full_stop", "f12"])
def test_the_engine_yields_only_until_a_key_is_handled(
    console_store: BarStore, tmp_path: Path, key: str
) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        console.app.link.on_key()  # as called by the thread that reads the terminal
        assert not console.system.render_priority.is_free
        await press(pilot, key)
        assert console.system.render_priority.is_free
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.frontier > 0, "the step")

    with watched(console_store, tmp_path) as console:
        drive(console, act)


# Garbage


class Cycle:
    """An object in a reference cycle, freed only by the garbage collector."""

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


def test_garbage_is_collected_when_due_and_idle(clock: Clock) -> None:
    scheduler = GcScheduler(clock)
    clock.now += 1
    assert not scheduler.collect_if_due()
    cycles = [Cycle() for _ in range(gc_scheduler._DUE)]
    assert gc.isenabled() is False
    del cycles
    scheduler.note_input()
    clock.now += 0.1
    assert not scheduler.collect_if_due()
    clock.now += 0.2
    assert scheduler.collect_if_due()
    assert not any(isinstance(known, Cycle) for known in gc.get_objects())
    assert not scheduler.collect_if_due()


def test_garbage_does_not_accumulate_while_a_key_is_held_down(clock: Clock) -> None:
    scheduler = GcScheduler(clock)
    counts = []
    for _ in range(300):
        cycles = [Cycle() for _ in range(1_000)]
        del cycles
        scheduler.note_input()
        scheduler.collect_if_due()
        counts.append(gc.get_count()[0])
    assert max(counts) < gc_scheduler._OVERDUE + 10_000
    assert min(counts[100:]) < 10_000


def test_a_full_collection_runs_at_regular_intervals(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc_scheduler, "_FULL_EVERY", 3)
    scheduler, old_cycle = GcScheduler(clock), Cycle()
    gc.collect()  # it is among the oldest now
    del old_cycle
    clock.now += 1
    left = []
    for _ in range(3):
        cycles = [Cycle() for _ in range(gc_scheduler._DUE)]
        del cycles
        assert scheduler.collect_if_due()
        left.append(sum(isinstance(known, Cycle) for known in gc.get_objects()))
    assert left == [1, 1, 0]


def test_outside_the_console_garbage_collection_is_pythons() -> None:
    assert gc.isenabled()
    cycles = [Cycle() for _ in range(gc_scheduler._DUE)]
    del cycles
    assert not GcScheduler(lambda: 0.0).collect_if_due()
    with no_collections():
        assert not gc.isenabled()
        gc.freeze()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
