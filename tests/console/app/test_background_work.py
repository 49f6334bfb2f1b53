"""Background work: errors are reported and logged, and end nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tapedeck.console.actions.key_script import Script
from tapedeck.console.app.screens.coverage import CoverageScreen
from tapedeck.console.app.screens.why import WhyScreen
from tapedeck.console.cli.script_lines import ScriptLines
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.console_runs import LIMIT_S, ConsoleRun, console_run, document, drive, press, until

pytestmark = pytest.mark.usefixtures("no_opening_values")


def notices(console: ConsoleRun) -> str:
    return "\n".join(f"{note.title}: {note.message}" for note in console.app._notifications)


def no_memory(*_arguments: object, **_options: object) -> None:
    raise MemoryError("there is no more")


async def play_two_days(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Play to the third open, after two sessions."""
    for session in (2, 3):
        await press(pilot, "n")
        await until(pilot, lambda wanted=session: console.system.snapshot().session == wanted, "the next day")
    await until(pilot, lambda: len(console.system.snapshot().finished) == 2, "both are recorded")


async def assert_it_plays_on(console: ConsoleRun, pilot: Pilot[None]) -> None:
    before = console.frontier
    await press(pilot, "full_stop")
    await until(pilot, lambda: console.frontier == before + 1, "a step")
    assert console.app.failure is None


@pytest.fixture
def failing(console_store: BarStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Makes all later reads of the store raise an unexpected error."""
    with monkeypatch.context() as patch:
        yield patch


def test_any_error_of_a_recompute_is_reported(
    console_store: BarStore, tmp_path: Path, failing: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await play_two_days(console, pilot)
        failing.setattr(type(console_store), "scan", no_memory)
        await press(pilot, "D")
        await until(
            pilot, lambda: "unexpected MemoryError: there is no more" in notices(console), "the reason"
        )
        failing.undo()
        await assert_it_plays_on(console, pilot)
        lines = [line.text for line in console.app.main.panels["log"]._lines.lines()]  # type: ignore[attr-defined]
        assert any("recomputing 2013-11-27 failed: there is no more" in line for line in lines)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_why_shows_any_error_of_a_recompute(
    console_store: BarStore, tmp_path: Path, failing: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await play_two_days(console, pilot)
        await press(pilot, "D")
        await until(pilot, lambda: console.past_frontier is not None, "the day before")
        failing.setattr(type(console_store), "scan", no_memory)
        await press(pilot, "w")
        await until(pilot, lambda: isinstance(console.app.screen, WhyScreen), "why")
        await until(pilot, lambda: "! unexpected MemoryError" in console.text("#why-text"), "the reason")
        failing.undo()
        await press(pilot, "escape", "end")
        await assert_it_plays_on(console, pilot)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_coverage_shows_any_error_of_the_store(
    console_store: BarStore, tmp_path: Path, failing: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        failing.setattr(type(console_store), "scan", no_memory)
        await press(pilot, "8")
        screen = console.app.screen
        assert isinstance(screen, CoverageScreen)
        await until(pilot, lambda: "unexpected MemoryError" in str(screen.map._notice), "the reason")
        failing.undo()
        await press(pilot, "escape")
        await assert_it_plays_on(console, pilot)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_quit_waits_for_an_export_and_reports_its_failure(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = threading.Event()
    stop = SystemManager.stop

    def fail_late(*_arguments: object) -> None:
        assert left.wait(LIMIT_S)
        raise MemoryError("there is no more")

    def stop_and_say_so(system: SystemManager, *arguments: float) -> None:
        stop(system, *arguments)
        left.set()

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop", "e")
        assert console.app.data.is_exporting
        await press(pilot, "ctrl+c")
        await until(pilot, lambda: not console.app.is_running, "the end")
        assert not console.app.data.is_exporting
        assert "unexpected MemoryError: there is no more" in notices(console)

    monkeypatch.setattr(SystemManager, "export_csv", fail_late)
    monkeypatch.setattr(SystemManager, "stop", stop_and_say_so)
    with console_run(console_store, tmp_path) as console:
        drive(console, act)
        assert console.state is RunState.STOPPED


# Files of the console


def test_a_second_save_keeps_the_first_script(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.frontier == 1, "a step")
        await console.app.do("save_script")
        await console.app.do("bookmark", "one more")
        await console.app.do("save_script")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    saved = {path.name: path.read_text() for path in (tmp_path / "exports").iterdir()}
    assert saved == {
        "console-test-2013-11-26-093100.keys": "step 1\n",
        "console-test-2013-11-26-093100-2.keys": "step 1\nbookmark one more\n",
    }


def test_a_save_to_a_given_path_replaces_the_file_and_says_so(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("bookmark", "here")
        await console.app.do("save_script", "~/mine.keys")
        await until(pilot, lambda: "1 line saved to ~/mine.keys" in notices(console), "the first")
        await console.app.do("save_script", "~/mine.keys")
        await until(pilot, lambda: "1 line saved, replacing ~/mine.keys" in notices(console), "the second")

    monkeypatch.setenv("HOME", str(tmp_path))
    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    assert (tmp_path / "mine.keys").read_text() == "bookmark here\n"


@pytest.mark.parametrize(("named", "written"), [("state", "state"), ("there", "there/session.json")])
def test_export_json_writes_the_same_path_in_console_and_batch(
    console_store: BarStore, tmp_path: Path, named: str, written: str
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await console.app.do("export_json", str(tmp_path / "console" / named))
        await pilot.app.workers.wait_for_complete()

    for side in ("console", "batch"):
        (tmp_path / side / "there").mkdir(parents=True)
    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    play_in_batch(Script.parse(f"step\nexport json {tmp_path / 'batch' / named}\n"), console_store)
    for side in ("console", "batch"):
        assert (tmp_path / side / written).read_text().startswith("{")


def play_in_batch(script: Script, store: BarStore) -> None:
    system = SystemManager(
        parse_session_config(document(), "batch").config, store, tape_cache_bytes=MEMORY_BYTES
    )
    lines = ScriptLines(script, Terminal())
    try:
        system.start(paused=True)
        while not lines.advance(system):
            system.wait_for(lines.can_advance, 0.1)
    finally:
        system.stop()


def test_log_and_metrics_can_be_copied_before_a_session_is_loaded(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert console.app.view_state().view is None
        for panel, sentence in (
            ("log", "rows copied"), ("metrics", "rows copied"), ("symbols", "cannot copy yet")
        ):  # fmt: skip
            await console.app.do(f"panel_{panel}")
            console.app.clear_notifications()
            await console.app.do("copy", "csv")
            await until(pilot, lambda sentence=sentence: sentence in notices(console), sentence)

    async def run(console: ConsoleRun) -> None:
        async with console.app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: console.state is RunState.ERROR, "the fault")
            await act(console, pilot)

    monkeypatch.setattr(type(console_store), "scan", no_memory)
    with console_run(console_store, tmp_path) as console:
        asyncio.run(run(console))
