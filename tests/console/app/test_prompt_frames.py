"""What keeps a key from waiting: pictures give way to it and are drawn at once, garbage waits for rest."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Resize
from textual.geometry import Size
from textual.message import Message
from textual.pilot import Pilot

from tapedeck.console.app import garbage
from tapedeck.console.app.gc_scheduler import GcScheduler, no_collections
from tapedeck.console.textual_ext.terminal_driver import TerminalLink, resilient
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
            patch.setattr(main, "look", interrupted)
            console.system.step()
            assert console.system.wait_for(lambda: console.frontier == 1, LIMIT_S)
            await until(pilot, lambda: shown_frontier(console) == 1, "it was looked at")
        assert drawn == []
        await press(pilot, "full_stop")
        await until(pilot, lambda: drawn[-1:] == [2], "the key's own picture is drawn")

    with watched(console_store, tmp_path) as console:
        drive(console, act)


@pytest.mark.parametrize(
    ("message", "is_input"), [(Key("a", "a"), True), (Resize(Size(1, 1), Size(1, 1)), False)]
)
def test_the_thread_that_reads_the_terminal_says_that_a_key_waits(
    message: Message, is_input: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Message] = []
    monkeypatch.setattr(LinuxDriver, "process_message", lambda _driver, message: sent.append(message))
    keys: list[Message] = []
    line = TerminalLink(on_key=lambda: keys.append(message))

    async def read() -> None:  # a driver asks for the loop that runs
        resilient(LinuxDriver, line)(App[None](), size=(80, 24)).process_message(message)

    asyncio.run(read())
    assert sent == [message]
    assert line.has_input is is_input
    assert keys == ([message] if is_input else [])


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


def test_what_takes_other_room_is_laid_out_and_drawn_at_once(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        main = console.app.main
        await press(pilot, "m")
        await until(pilot, lambda: main.panels["quality"].map.size.height > 3, "the map")
        main.panels["quality"].map.styles.max_height = 3
        main.draw_now()
        assert main.panels["quality"].map.size.height == 3

    with watched(console_store, tmp_path) as console:
        drive(console, act, size=(200, 60))


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
    knots = [Knot() for _ in range(garbage._DUE)]
    assert gc.isenabled() is False
    del knots
    collections.asked()
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
        collections.asked()
        collections.collect_if_due()
        piles.append(gc.get_count()[0])
    assert max(piles) < garbage._OVERDUE + 10_000
    assert min(piles[100:]) < 10_000


def test_now_and_then_everything_is_looked_through(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_FULL_EVERY", 3)
    collections, old = GcScheduler(clock), Knot()
    gc.collect()  # it is among the oldest now
    del old
    clock.now += 1
    left = []
    for _ in range(3):
        knots = [Knot() for _ in range(garbage._DUE)]
        del knots
        assert collections.collect_if_due()
        left.append(sum(isinstance(known, Knot) for known in gc.get_objects()))
    assert left == [1, 1, 0]


def test_elsewhere_garbage_is_left_to_python() -> None:
    assert gc.isenabled()
    knots = [Knot() for _ in range(garbage._DUE)]
    del knots
    assert not GcScheduler(lambda: 0.0).collect_if_due()
    with no_collections():
        assert not gc.isenabled()
        gc.freeze()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
