"""Saved scripts: actions of the script and of keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tapedeck.console.actions.key_script import Script
from tapedeck.console.cli.script_lines import ScriptLines
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, type_line, until

PLAYED = """\
speed x36000
break time >= 10:00
resume
bookmark at ten
unbreak 1
step 7
faster
break "AAA".close > 1000000
day_on
export csv {out}
minute_on
panel_events
goto next open
bookmark
pause
"""


def state_of(system: SystemManager) -> tuple[object, ...]:
    """Return the result of a script: time, settings and bookmarks of the run."""
    now = system.snapshot()
    marks = [
        (event.trading_day, event.frontier, event.text)
        for event in system.events()
        if event.kind is EventKind.BOOKMARK
    ]
    breaks = [(known.number, known.text) for known in system.breakpoints()]
    return now.session, now.frontier, now.stamp, now.speed, marks, breaks


def play_in_console(
    script: Script, store: BarStore, folder: Path, then: Callable[[ConsoleRun, Pilot[None]], Any]
) -> tuple[object, ...]:
    """Run a script in the console to its end, then more actions, and return the state."""
    reached: list[tuple[object, ...]] = []

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: console.app._script is None, "the script's end")
        await then(console, pilot)
        reached.append(state_of(console.system))

    with console_run(store, folder, script=script) as console:
        drive(console, act)
    return reached[0]


def play_in_batch(
    script: Script, store: BarStore, config: dict[str, Any] | None = None
) -> tuple[object, ...]:
    lines = ScriptLines(script, Terminal())
    replayed = parse_session_config(config or document(), "replay").config
    system = SystemManager(replayed, store, tape_cache_bytes=MEMORY_BYTES)
    try:
        system.start(paused=True)
        while not lines.advance(system):
            system.wait_for(lines.can_advance, 0.1)
        return state_of(system)
    finally:
        system.stop()


def test_a_saved_script_has_actions_of_the_script_and_of_keys(
    console_store: BarStore, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.keys"

    async def go_on_by_keys(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "m", "m", "apostrophe")
        await type_line(pilot, "by key")
        await until(pilot, lambda: console.frontier == 2, "two minutes")
        await console.app.do("save_script", str(saved))

    async def nothing(_console: ConsoleRun, _pilot: Pilot[None]) -> None:
        return

    played = Script.parse(PLAYED.format(out=tmp_path / "out"))
    first = play_in_console(played, console_store, tmp_path / "one", go_on_by_keys)
    text = saved.read_text()
    for line in ("break time >= 10:00", "bookmark at ten", "unbreak 1", "step 7", "faster", "panel_events"):
        assert f"\n{line}\n" in text, text
    again = Script.load(saved)
    assert play_in_console(again, console_store, tmp_path / "two", nothing) == first, text
    assert play_in_batch(again, console_store) == first, text


def test_a_failed_line_of_a_script_is_not_saved(console_store: BarStore, tmp_path: Path) -> None:
    saved = tmp_path / "saved.keys"

    async def save(console: ConsoleRun, _pilot: Pilot[None]) -> None:
        await console.app.do("save_script", str(saved))

    play_in_console(Script.parse("step 3\nrun_to 9:00\n"), console_store, tmp_path, save)
    assert saved.read_text() == "step 3\n"


def test_breakpoints_of_the_command_line_are_part_of_a_saved_script(
    console_store: BarStore, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.keys"
    reached: list[tuple[object, ...]] = []

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("breakpoint", "time >= 12:00")
        await console.app.do("unbreak", "2")
        await press(pilot, "space")
        await until(pilot, lambda: console.frontier == 90, "half past ten and an hour")
        await console.app.do("breakpoint", "time >= 11:30")
        await console.app.do("save_script", str(saved))
        reached.append(state_of(console.system))

    with console_run(console_store, tmp_path, breaks=("time >= 11:00",)) as console:
        drive(console, act)
    assert saved.read_text().startswith("break time >= 11:00\n")
    assert play_in_batch(Script.load(saved), console_store) == reached[0], saved.read_text()
