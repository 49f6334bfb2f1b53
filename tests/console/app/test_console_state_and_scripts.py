"""Key changes, scripts, faults, signals and saved state of the console."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tapedeck.console.actions.key_script import Script
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.ui_state import KeptLayout, UiState
from tapedeck.engine.errors import ExportError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.session_record import SessionRecord
from tests.support.console_runs import ConsoleRun, console_run, drive, press, until


def notices(console: ConsoleRun) -> str:
    return "\n".join(f"{note.title} {note.message}" for note in console.app._notifications)


def test_a_changed_key_replaces_the_default(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop", "f7")
        await until(pilot, lambda: console.system.snapshot().frontier == 1, "one step, not two")
        assert console.system.snapshot().steps_left == 0
        assert "f7 step" in console.text("#keys")

    with console_run(console_store, tmp_path, key_changes={"step": "f7"}) as console:
        drive(console, act)


def test_invalid_key_changes_are_reported(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert "unknown action 'setp'. Did you mean 'step'?" in notices(console)
        assert "key 'm' is used by both" in notices(console)
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.system.snapshot().frontier == 1, "a step")

    with console_run(console_store, tmp_path, key_changes={"setp": "right", "step": "m"}) as console:
        drive(console, act)


def test_a_script_runs_and_its_actions_are_saved(console_store: BarStore, tmp_path: Path) -> None:
    script = Script.parse("step 5\nbookmark five\npanel_events\ngoto 10:30\n")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: console.system.snapshot().frontier == 60, "the script's end")
        assert console.app.main.panel_layout.active == "events"
        await press(pilot, "full_stop", "comma", "g", "escape")
        await console.app.do("goto", "11:00")
        await until(pilot, lambda: console.system.snapshot().frontier == 90, "11:00")
        await console.app.do("save_script", str(tmp_path / "mine.keys"))

    with console_run(console_store, tmp_path, script=script) as console:
        drive(console, act)
    assert (tmp_path / "mine.keys").read_text().splitlines()[-3:] == [
        "run_to 2013-11-26 10:30",
        "step 1",
        "run_to 2013-11-26 11:00",
    ]
    assert Script.load(tmp_path / "mine.keys").lines


def test_an_error_in_a_script_has_its_line_number(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "line 2" in notices(console), "the fault")

    with console_run(console_store, tmp_path, script=Script.parse("step\nunbreak 4\n")) as console:
        drive(console, act)


def test_impossible_actions_are_reported_and_nothing_breaks(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for action, argument, sentence in (
            ("step_back", "", "this is the start of the run"),
            ("step", "many", "invalid distance 'many'"),
            ("speed", "quick", "invalid speed 'quick'"),
            ("symbol", "AAB", "Did you mean 'AAA'?"),
            ("interval", "7m", "this run has 1m, 5m, 1d"),
            ("theme", "paper-tap", "Did you mean 'paper-tape'?"),
            ("copy", "xml", "unknown format 'xml'"),
            ("goto", "2013-12-03", "after the last session of the run, 2013-12-02"),
            ("goto", "2013-11-25", "is before the start of this run"),
            ("breakpoint", "AAA.closs < 1", "close"),
            ("unbreak", "one", "invalid breakpoint number 'one'"),
            ("next_event", "", "no later event yet"),
            ("save_script", "/proc/none/x", "cannot be written"),
        ):
            await console.app.do(action, argument)
            await until(pilot, lambda sentence=sentence: sentence in notices(console), sentence)
        assert console.app.done == []
        assert console.system.snapshot().frontier == 0

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_actions_with_arguments_open_no_prompt(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        for action, argument in (
            ("symbol", "bb"), ("speed", "x60"), ("interval", "5m"), ("theme", "paper-tape"), ("sort", "last"),
            ("filter", "b"), ("sort", "none"),
        ):  # fmt: skip
            await console.app.do(action, argument)
        await until(pilot, lambda: console.system.snapshot().speed == 60, "x60")
        assert (main.symbol, str(main.chart.interval), console.app.theme) == ("BBB", "5m", "paper-tape")
        assert main.symbols.table.sort[0] is None
        for action in ("symbol", "speed"):
            await console.app.do(action)
            await press(pilot, "escape")
        await console.app.do("resume")
        await until(pilot, lambda: console.state is RunState.RUNNING, "running")
        kept = console.app.ui_state()
        assert (kept.theme, kept.symbol, kept.interval) == ("paper-tape", "BBB", "5m")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_saved_state_of_the_screen_is_restored(console_store: BarStore, tmp_path: Path) -> None:
    before = UiState("paper-tape", ("log",), "events", "last", True, "CCC", "5m", {"step": "right"})

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: console.app.main.symbol == "CCC", "the symbol")
        after = console.app.ui_state()
        assert after.layout == KeptLayout("chart", "events", ("events",), ("log",))
        assert replace(after, layout=before.layout) == before

    with console_run(console_store, tmp_path, ui_state=before) as console:
        drive(console, act)


def test_a_fault_of_the_engine_reaches_the_screen_with_its_cause(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(record: SessionRecord, digest: str) -> None:
        raise ExportError("the disk is full. Free some space.")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "space")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        assert console.state is RunState.ERROR
        assert "the disk is full" in notices(console)
        assert "the disk is full" in console.text("#report")
        await press(pilot, "escape", "5")

    with console_run(console_store, tmp_path) as console:
        monkeypatch.setattr(console.app.playback.tape_cache, "write_session", fail)
        drive(console, act)


def test_a_signal_ends_the_run_from_within_a_frame(console_store: BarStore, tmp_path: Path) -> None:
    seen: list[bool] = []

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        seen.append(True)
        await until(pilot, lambda: console.state is RunState.STOPPED, "the end")

    with console_run(console_store, tmp_path, interrupted=lambda: bool(seen)) as console:
        drive(console, act)


def test_a_failed_export_is_reported(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.system.snapshot().frontier == 1, "a step")
        (tmp_path / "exports").write_text("in the way")
        await press(pilot, "e")
        await pilot.app.workers.wait_for_complete()
        await until(pilot, lambda: "The export failed" in notices(console), "the fault")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
