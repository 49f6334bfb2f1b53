"""What keeps a key from waiting: pictures give way to it and are drawn at once, garbage waits for rest."""

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

# Pictures


def shown_frontier(console: Watched) -> int:
    view = console.app.main._view_state.view if console.app.main._view_state else None
    return -1 if view is None else view.frontier


def test_a_picture_that_nobody_asked_for_gives_way_to_a_key(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: shown_frontier(console) == 1, "the first slot is shown")
        console.app.link.has_input = True  # as the thread that reads the terminal says it
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


def test_a_key_that_comes_while_a_picture_is_made_has_it_not_drawn(
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
            await until(pilot, lambda: shown_frontier(console) == 1, "it was looked at")
        assert drawn == []
        await press(pilot, "full_stop")
        await until(pilot, lambda: drawn[-1:] == [2], "the key's own picture is drawn")

    with watched(console_store, tmp_path) as console:
        drive(console, act)


@pytest.mark.parametrize("key", ["full_stop", "f12"])
def test_a_key_has_the_engine_stand_still_no_longer_than_it_takes_whatever_it_does(
    console_store: BarStore, tmp_path: Path, key: str
) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        console.app.link.on_key()  # as the thread that reads the terminal does
        assert not console.system.render_priority.is_free
        await press(pilot, key)
        assert console.system.render_priority.is_free
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.frontier > 0, "it plays on")

    with watched(console_store, tmp_path) as console:
        drive(console, act)


# Garbage


class Knot:
    """An object that only the garbage collector can let go."""

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


def test_garbage_is_collected_once_there_is_enough_and_nobody_waits(clock: Clock) -> None:
    collections = GcScheduler(clock)
    clock.now += 1
    assert not collections.collect_if_due()
    knots = [Knot() for _ in range(gc_scheduler._DUE)]
    assert gc.isenabled() is False
    del knots
    collections.note_input()
    clock.now += 0.1
    assert not collections.collect_if_due()
    clock.now += 0.2
    assert collections.collect_if_due()
    assert not any(isinstance(known, Knot) for known in gc.get_objects())
    assert not collections.collect_if_due()


def test_garbage_does_not_pile_up_while_a_key_is_kept_pressed(clock: Clock) -> None:
    collections = GcScheduler(clock)
    piles = []
    for _ in range(300):
        knots = [Knot() for _ in range(1_000)]
        del knots
        collections.note_input()
        collections.collect_if_due()
        piles.append(gc.get_count()[0])
    assert max(piles) < gc_scheduler._OVERDUE + 10_000
    assert min(piles[100:]) < 10_000


def test_now_and_then_everything_is_looked_through(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc_scheduler, "_FULL_EVERY", 3)
    collections, old = GcScheduler(clock), Knot()
    gc.collect()  # it is among the oldest now
    del old
    clock.now += 1
    left = []
    for _ in range(3):
        knots = [Knot() for _ in range(gc_scheduler._DUE)]
        del knots
        assert collections.collect_if_due()
        left.append(sum(isinstance(known, Knot) for known in gc.get_objects()))
    assert left == [1, 1, 0]


def test_elsewhere_garbage_is_left_to_python() -> None:
    assert gc.isenabled()
    knots = [Knot() for _ in range(gc_scheduler._DUE)]
    del knots
    assert not GcScheduler(lambda: 0.0).collect_if_due()
    with no_collections():
        assert not gc.isenabled()
        gc.freeze()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
