"""Breakpoints kept with a session file, switched off and on, saved to and loaded from files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tapedeck.console.actions.arguments import RunWords
from tapedeck.console.actions.key_script import Script
from tapedeck.console.app.breakpoint_files import (
    MOST,
    WORDS,
    SavedBreakpoint,
    SavedBreakpoints,
    kept_path,
    load_kept,
    load_named,
    save_kept,
)
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.errors import ConfigError, EngineError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tests.console.app.test_saved_scripts import play_in_batch, state_of
from tests.support.console_runs import ConsoleRun, console_run, document, drive, enter_line, press, until


def listed(console: ConsoleRun) -> list[tuple[str, bool]]:
    """Return the breakpoints of the engine: text, and whether they are switched on."""
    return [(known.text, known.enabled) for known in console.system.breakpoints()]


def toasts(console: ConsoleRun) -> list[str]:
    return [toast.message for toast in console.app._notifications]


def write(path: Path, breakpoints: list[dict[str, object]], **fields: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"breakpoints": breakpoints, **fields}))


def test_breakpoints_are_there_again_when_the_file_is_opened_again(
    console_store: BarStore, tmp_path: Path
) -> None:
    path, named = kept_path(tmp_path / "state", tmp_path / "october.yaml"), tmp_path / "mine.json"

    async def first(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert listed(console) == [("time >= 15:00", True)]  # of the command line
        await console.app.do("save_breakpoints", str(named))
        await until(pilot, lambda: "no breakpoints to save: set one first" in toasts(console), "an error")
        for condition in ("AAA.ema_5 > 1000000", "time >= 10:00", "time >= 11:00"):
            await press(pilot, "b")
            await enter_line(pilot, condition)
            await until(pilot, lambda text=condition: (text, True) in listed(console), condition)
        await press(pilot, "b", "down", "s")
        line = console.app.screen.query_one(Input)
        assert line.value.endswith("exports/console-test.breakpoints.json")
        await enter_line(pilot, str(named))
        await until(pilot, lambda: any("3 breakpoints saved to" in text for text in toasts(console)), "it")
        await press(pilot, "b", "down", "down", "down", "space")
        assert listed(console)[2] == ("time >= 10:00", False)
        options = console.app.screen.query_one("#breakpoints", OptionList)
        assert str(options.get_option_at_index(2).prompt) == "3  time >= 10:00  (off)"
        await press(pilot, "escape", "o")
        await until(pilot, lambda: console.frontier == 60, "an hour: it did not stop at 10:00")

    with console_run(console_store, tmp_path, breaks=["time >= 15:00"], breakpoints_file=path) as console:
        drive(console, first, toasts=True)
    kept = [("AAA.ema_5 > 1000000", True), ("time >= 10:00", False), ("time >= 11:00", True)]
    assert load_kept(path) == (SavedBreakpoints(tuple(SavedBreakpoint(*one) for one in kept)), None)

    async def second(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert listed(console) == kept
        assert console.app.breakpoints.notices == ()
        await press(pilot, "space")
        await until(pilot, lambda: console.is_paused and console.frontier == 90, "11:00")
        await press(pilot, "b", "down", "x")
        assert listed(console) == kept[1:]
        await press(pilot, "l")
        await enter_line(pilot, str(named))
        await until(
            pilot, lambda: listed(console) == [*kept[1:], kept[0]], "each once, those there as they are"
        )
        await console.app.do("load_breakpoints", str(tmp_path / "none.json"))
        fault = "none.json cannot be loaded: it does not exist"
        await until(pilot, lambda: any(fault in text for text in toasts(console)), fault)

    with console_run(console_store, tmp_path, breakpoints_file=path) as console:
        drive(console, second, toasts=True)
    assert [saved.text for saved in load_kept(path)[0].breakpoints] == [kept[1][0], kept[2][0], kept[0][0]]


def test_kept_breakpoints_that_are_no_longer_valid_are_switched_off(
    console_store: BarStore, tmp_path: Path
) -> None:
    path, without = tmp_path / "kept.json", document()
    del without["session_data_config"]["indicators"]["ema_5"]
    conditions = ("AAA.ema_5 > 3", "AAA.ema_5 > 4", "AAA.change < -1", "time > 10:00")
    write(path, [{"condition": text} for text in conditions])

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert listed(console) == [("AAA.change < -1", True), ("time > 10:00", True)]
        off, changed = console.app.breakpoints.notices
        assert off.startswith("2 breakpoints switched off: AAA.ema_5 > 3: unknown value 'ema_5'")
        assert "AAA.change < -1" in changed
        assert "change_open_pct" in changed
        assert set(toasts(console)) >= {off, changed}
        await press(pilot, "b", "down", "up", "space")  # it stays off
        assert len(listed(console)) == 2
        await press(pilot, "x", "escape")

    with console_run(console_store, tmp_path, config=without, breakpoints_file=path) as console:
        drive(console, act, toasts=True)
    remaining = SavedBreakpoints(
        (
            SavedBreakpoint("AAA.change < -1"),
            SavedBreakpoint("time > 10:00"),
            SavedBreakpoint("AAA.ema_5 > 3", enabled=False),
        ),
        WORDS,  # so that the changed word is told once
    )
    assert load_kept(path) == (remaining, None)
    with console_run(console_store, tmp_path, config=without, breakpoints_file=path) as console:
        assert console.app.breakpoints.notices == ()


def test_a_kept_breakpoint_waits_for_a_symbol_of_the_store_that_has_not_joined(
    console_store: BarStore, tmp_path: Path
) -> None:
    path, without = tmp_path / "kept.json", document()
    without["session_data_config"]["symbols"] = ["AAA"]
    waiting, unknown, script = "BBB.close > BBB.ema_5", "ZZZ.close > 0", tmp_path / "saved.keys"
    reached: list[tuple[object, ...]] = []
    write(path, [{"condition": waiting}, {"condition": unknown}])

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert listed(console) == [(waiting, True)]
        off, waits = console.app.breakpoints.notices
        assert off.startswith("1 breakpoint switched off: ZZZ.close > 0: unknown symbol 'ZZZ'")
        assert waits == f"1 breakpoint waits for BBB to join: {waiting}"
        assert set(toasts(console)) >= {off, waits}
        await press(pilot, "b")
        options = console.app.screen.query_one("#breakpoints", OptionList)
        assert str(options.get_option_at_index(0).prompt) == f"1  {waiting}  (0 hits, waits for BBB)"
        await press(pilot, "escape")
        await console.app.do("step", "30")
        await until(pilot, lambda: console.is_paused and console.frontier == 30, "it waits")
        await console.app.do("add", "BBB")
        await until(pilot, lambda: "BBB" in console.system.session_data.get_active_symbols(), "BBB")
        assert console.system.breakpoints()[0].waits_for == ()
        await press(pilot, "space")
        await until(pilot, lambda: console.system.breakpoints()[0].hits == 1 and console.is_paused, "a hit")
        await console.app.do("save_script", str(script))
        reached.append(state_of(console.system)[:2])

    with console_run(console_store, tmp_path, config=without, breakpoints_file=path) as console:
        drive(console, act, toasts=True)
    kept = (SavedBreakpoint(waiting), SavedBreakpoint(unknown, enabled=False))
    assert load_kept(path) == (SavedBreakpoints(kept, WORDS), None)
    saved, words = Script.load(script), RunWords(Vocabulary(("AAA",), (MINUTE,), ("ema_5",), ()))
    assert [line.argument for line in saved.lines if line.action == "break"] == [waiting]
    saved.check(replace(words, joinable=lambda: ("AAA", "BBB")))
    with pytest.raises(ConfigError, match="unknown symbol 'BBB'"):
        saved.check(replace(words, joinable=lambda: ("AAA",)))
    assert play_in_batch(saved, console_store, config=without)[:2] == reached[0]


def test_a_saved_script_stops_where_the_breakpoints_did(console_store: BarStore, tmp_path: Path) -> None:
    """Numbers of a script count its own lines, without the breakpoints that were switched off."""
    path, script = tmp_path / "kept.json", tmp_path / "saved.keys"
    write(path, [{"condition": "time >= 12:00", "enabled": False}, {"condition": "time >= 13:00"}])
    reached: list[tuple[object, ...]] = []

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "b")
        await enter_line(pilot, "time >= 10:00")
        await press(pilot, "b", "down", "space")  # 12:00 on
        await press(pilot, "down", "down", "space", "up", "x", "escape")  # 10:00 off, 13:00 deleted
        assert listed(console) == [("time >= 12:00", True), ("time >= 10:00", False)]
        await press(pilot, "space")
        await until(pilot, lambda: console.is_paused and console.frontier == 150, "12:00")
        await console.app.do("save_script", str(script))
        reached.append(state_of(console.system)[:4])

    with console_run(console_store, tmp_path, breakpoints_file=path) as console:
        drive(console, act)
    lines = script.read_text().splitlines()
    assert [line for line in lines if "break" in line] == [
        "break time >= 13:00",
        "break time >= 10:00",
        "break time >= 12:00",
        "unbreak 2",
        "unbreak 1",
    ]
    replayed = play_in_batch(Script.load(script), console_store)
    assert replayed[:4] == reached[0]
    assert replayed[5] == [(3, "time >= 12:00")]


@settings(max_examples=20, deadline=None)
@given(
    breakpoints=st.lists(
        st.builds(SavedBreakpoint, st.text(st.characters(exclude_categories=["Z", "C"]), max_size=20)),
        max_size=5,
    )
)
def test_what_is_kept_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, breakpoints: list[SavedBreakpoint]
) -> None:
    path = tmp_path_factory.mktemp("kept") / "folder" / "kept.json"
    assert save_kept(path, breakpoints) is None
    assert load_kept(path) == (SavedBreakpoints(tuple(breakpoints), WORDS), None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[1]", "expected a mapping with a list of breakpoints"),
        ('{"breakpoints": [3]}', "a breakpoint must be a mapping with a condition"),
        ('{"breakpoints": [], "words": true}', "words must be a whole number"),
        ('{"breakpoints": [', "Expecting value"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps({"breakpoints": [{"condition": "a"}] * (MOST + 1)}), "at most 500"),
        (" " * (1 << 20) + "{}", "larger than 1,048,576 bytes"),
    ],
)
def test_an_unusable_file_is_set_aside(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "kept.json"
    path.write_text(content)
    with pytest.raises(EngineError, match="cannot be loaded"):
        load_named(path)
    found, notice = load_kept(path)
    assert found == SavedBreakpoints()
    assert notice is not None
    assert reason in notice
    assert notice.endswith("the file is kept as kept.unusable.json.")
    assert (tmp_path / "kept.unusable.json").read_text() == content
    assert load_kept(path) == (SavedBreakpoints(), None)


def test_links_and_relative_paths_of_a_session_file_have_the_same_breakpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "october.yaml").touch()
    (tmp_path / "link.yaml").symlink_to(tmp_path / "october.yaml")
    monkeypatch.chdir(tmp_path)
    paths = {
        kept_path(tmp_path, Path(name))
        for name in ("october.yaml", "./link.yaml", str(tmp_path / "link.yaml"))
    }
    assert len(paths) == 1
    assert kept_path(tmp_path, tmp_path / "else" / "october.yaml") not in paths


def test_too_many_breakpoints_leave_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    assert save_kept(path, [SavedBreakpoint("time > 10:00")]) is None
    notice = save_kept(path, [SavedBreakpoint("time > 10:00")] * (MOST + 1))
    assert notice is not None
    assert "delete some" in notice
    assert len(load_kept(path)[0].breakpoints) == 1
