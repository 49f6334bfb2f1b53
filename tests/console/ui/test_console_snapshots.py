"""Pictures of the console's states, in three sizes and two themes: fixed bars, fixed slots, no wall clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.ui.remembered import Remembered
from console.ui.screens.report import ReportScreen
from engine.monitoring.status import RunState
from engine.store.bar_store import BarStore
from tests.support.console_runs import Watched, document, press, until, watched

SIZES = [(80, 24), (120, 36), (200, 60)]
# What they show differs from run to run: durations, and the order of two threads' lines.
HIDDEN = ("log", "metrics")


@pytest.fixture
def open_console(console_store: BarStore, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Makes a console, paused at the first open."""
    opened = []

    def make(theme: str = "tapedeck-dark", panel: str = "symbols", **backtest: Any) -> Watched:
        remembered = Remembered(theme=theme, hidden=HIDDEN, panel=panel)
        made = watched(console_store, tmp_path, config=document(**backtest), remembered=remembered)
        console = made.__enter__()
        opened.append(made)
        return console

    yield make
    for made in opened:
        made.__exit__(None, None, None)


def stands(console: Watched, frontier: int) -> bool:
    now = console.system.snapshot()
    tape = console.system.tape
    settled = tape is not None and tape.settled() == frontier
    return now.state is RunState.PAUSED and now.frontier == frontier and settled


def shows(console: Watched, *words: str) -> bool:
    return all(word in console.text("#session-line") for word in words)


def two_hours(console: Watched, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def act(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: stands(console, 0), "the open")
        await press(pilot, "o", "o")
        await until(pilot, lambda: stands(console, 120), "two hours")
        await press(pilot, *keys)
        await until(
            pilot, lambda: shows(console, "PAST") if "comma" in keys else shows(console, "11:30"), "shown"
        )
        await pilot.pause(0.6)

    return act


@pytest.mark.parametrize("theme", ["tapedeck-dark", "tapedeck-light"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_paused_after_two_hours(
    open_console: Callable[..., Watched], snap_compare: Any, size: tuple[int, int], theme: str
) -> None:
    console = open_console(theme)
    assert snap_compare(console.app, terminal_size=size, run_before=two_hours(console))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_looking_back(open_console: Callable[..., Watched], snap_compare: Any, size: tuple[int, int]) -> None:
    console = open_console()
    assert snap_compare(console.app, terminal_size=size, run_before=two_hours(console, "O", "comma"))


@pytest.mark.parametrize("panel", ["chart", "indicators", "quality", "events"])
def test_each_panel_alone(open_console: Callable[..., Watched], snap_compare: Any, panel: str) -> None:
    console = open_console(panel=panel)
    assert snap_compare(console.app, terminal_size=(80, 24), run_before=two_hours(console))


def test_at_the_open_nothing_is_known_yet(open_console: Callable[..., Watched], snap_compare: Any) -> None:
    console = open_console()

    async def act(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: stands(console, 0) and shows(console, "09:30"), "the open")
        await pilot.pause(0.6)

    assert snap_compare(console.app, terminal_size=(120, 36), run_before=act)


def test_an_early_close_is_said(open_console: Callable[..., Watched], snap_compare: Any) -> None:
    console = open_console(start_date="2013-11-29")

    async def act(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: stands(console, 0), "the open")
        await press(pilot, "o")
        await until(pilot, lambda: stands(console, 60) and shows(console, "early close", "10:30"), "an hour")
        await pilot.pause(0.6)

    assert snap_compare(console.app, terminal_size=(120, 36), run_before=act)


@pytest.mark.parametrize("keys", [("g",), ("b",), ("question_mark",), ("w",), ("q",)], ids="".join)
def test_what_opens_over_the_panels(
    open_console: Callable[..., Watched], snap_compare: Any, keys: tuple[str]
) -> None:
    console = open_console()

    async def act(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: stands(console, 0), "the open")
        await press(pilot, "o")
        await until(pilot, lambda: stands(console, 60) and shows(console, "10:30"), "an hour")
        await press(pilot, *keys)
        for line in console.app.screen.query("Input"):
            line.cursor_blink = False  # type: ignore[attr-defined]
        await pilot.pause(0.3)

    assert snap_compare(console.app, terminal_size=(120, 36), run_before=act)


def test_the_run_is_over(open_console: Callable[..., Watched], snap_compare: Any) -> None:
    console = open_console()

    async def act(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: stands(console, 0), "the open")
        await press(pilot, "space")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        await press(pilot, "escape")
        await until(pilot, lambda: shows(console, "completed", "16:00"), "the close")
        await pilot.pause(0.6)

    assert snap_compare(console.app, terminal_size=(120, 36), run_before=act)
