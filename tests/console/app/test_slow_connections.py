"""Slow lines: frames are skipped, and the whole screen is not repainted."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, drive, press, until


def bar(console: ConsoleRun) -> str:
    return console.text("#session-line")


def test_frames_wait_while_the_line_is_busy(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        line = console.app.link
        assert not line.is_slow
        line.is_busy = True
        console.system.step(60)
        await until(pilot, lambda: console.frontier == 60 and line.is_slow, "an hour, and a slow line")
        assert "09:30" in bar(console)
        line.is_busy = False
        await until(pilot, lambda: "10:30" in bar(console), "the hour on screen")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_dialog_dims_the_screen_below_it_but_not_on_a_slow_line(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "question_mark")
        await until(pilot, lambda: console.app.screen is not console.app.main, "help")
        assert 0 < console.app.screen.styles.background.a < 1
        await press(pilot, "escape")
        console.app.link.is_slow = True
        await until(pilot, lambda: console.app.has_class("-slow-line"), "the class")
        for key in ("question_mark", "g", "b", "w", "q"):
            await press(pilot, key)
            await until(pilot, lambda: console.app.screen is not console.app.main, key)
            assert console.app.screen.styles.background.a == 0
            await press(pilot, "escape")
            await until(pilot, lambda: console.app.screen is console.app.main, "the panels")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
