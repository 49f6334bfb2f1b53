"""Symbols that join and leave by key: prompts, selection, the past, saved scripts, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from tapedeck.console.actions.key_script import Script
from tapedeck.console.app.screens.symbol import SymbolScreen
from tapedeck.console.cli.script_lines import ScriptLines
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.console_runs import (
    ConsoleRun,
    Drive,
    console_run,
    document,
    drive,
    press,
    type_line,
    until,
)


def of_two_symbols() -> dict[str, Any]:
    """Return a session file over two of the three stored symbols, and two sessions."""
    two = document(end_date="2013-11-27")
    two["session_data_config"]["symbols"] = ["AAA", "BBB"]
    return two


def play(store: BarStore, folder: Path, act: Drive, **setup: Any) -> None:
    with console_run(store, folder, config=of_two_symbols(), memory_bytes=MEMORY_BYTES, **setup) as console:
        drive(console, act)


async def on_prompt(console: ConsoleRun, pilot: Pilot[None], key: str) -> SymbolScreen:
    """Press a key, and wait until the prompt that it opens has its symbols."""
    await press(pilot, key)
    screen = console.app.screen
    assert isinstance(screen, SymbolScreen)
    await until(pilot, lambda: screen.names is not None, "the symbols to choose from")
    return screen


async def settled(console: ConsoleRun, pilot: Pilot[None], symbols: tuple[str, ...]) -> None:
    """Wait until a session with these symbols is shown."""
    main = console.app.main
    await until(pilot, lambda: not console.app.symbol_changes.is_busy, "the change")
    await until(pilot, lambda: main.shown_symbols == symbols, f"{symbols} on the screen")


def notices(console: ConsoleRun) -> str:
    return "\n".join(notice.message for notice in console.app._notifications)


def test_a_symbol_joins_is_selected_and_leaves_to_its_neighbour(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await press(pilot, "m", "m")
        prompt = await on_prompt(console, pilot, "a")
        assert prompt.names == ("CCC",)
        await press(pilot, "c", "tab")
        assert prompt.query_one(Input).value == "CCC"
        assert console.text("#meaning") == "→ CCC joins this session"
        await press(pilot, "enter")
        await settled(console, pilot, ("AAA", "BBB", "CCC"))
        assert main.symbol == main.symbols.table.focused_symbol == "CCC"
        await until(pilot, lambda: "2013-11-26 09:32 EST: CCC joins" in notices(console), "the notice")
        await press(pilot, "comma", "1", "3")  # before it joined
        view = console.app.view_state().view
        assert view is not None
        assert view.frontier == 1
        assert main.symbols.columns.rows(view).later == {"CCC": "joins at 09:32"}
        assert console.text("#indicators StyledLines").startswith("CCC   + joins at 09:32")
        await press(pilot, "end", "shift+tab")
        assert main.symbol == "BBB"
        prompt = await on_prompt(console, pilot, "r")
        assert prompt.query_one(Input).value == "BBB"
        await press(pilot, "enter")
        await settled(console, pilot, ("AAA", "CCC"))
        assert main.symbol == main.symbols.table.focused_symbol == "CCC"
        await press(pilot, "m", "comma", "comma")  # while it was there
        await settled(console, pilot, ("AAA", "BBB", "CCC"))
        await press(pilot, "end")
        await settled(console, pilot, ("AAA", "CCC"))
        await press(pilot, "a")
        await type_line(pilot, "bbb keep")
        await settled(console, pilot, ("AAA", "CCC", "BBB"))
        assert main.symbol == "BBB"
        await press(pilot, "9")
        report = console.text("#report")
        assert "CCC joined 09:32, BBB left 09:32, BBB joined 09:33" in report

    play(console_store, tmp_path, act)


def test_a_refused_change_is_told_and_changes_nothing(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await on_prompt(console, pilot, "a")
        await type_line(pilot, "CCD")
        assert console.text("#meaning") == "! unknown symbol 'CCD'. Did you mean 'CCC'?"
        await press(pilot, "escape")
        for action, symbol, why in (
            ("add", "AAA", "in the session already"),
            ("add", "CCD", "CCD"),
            ("remove", "CCC", "unknown symbol 'CCC'"),
        ):
            await console.app.do(action, symbol)
            await until(pilot, lambda why=why: why in notices(console), why)  # type: ignore[misc]
            await settled(console, pilot, ("AAA", "BBB"))
        await console.app.do("remove", "AAA")  # in the order of the keys
        await console.app.do("remove", "BBB")
        await until(pilot, lambda: "a session needs at least one symbol" in notices(console), "the refusal")
        await settled(console, pilot, ("BBB",))
        assert [line for line in console.app.done if line[0] in ("add", "remove")] == [("remove", "AAA")]
        await console.app.do("restart")
        await press(pilot, "y")
        await settled(console, pilot, ("AAA", "BBB"))

    play(console_store, tmp_path, act)


def test_a_change_in_the_past_is_one_of_the_present(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "m", "m", "m", "comma", "comma")
        await console.app.do("add", "CCC")
        await settled(console, pilot, ("AAA", "BBB", "CCC"))
        assert console.past_frontier == 1
        assert console.app.main.symbol == "AAA"
        told = "09:33 EST: CCC joins (the screen shows an earlier time)"
        await until(pilot, lambda: told in notices(console), "the notice")

    play(console_store, tmp_path, act)


def in_batch(script: Script, store: BarStore) -> Snapshot:
    """Run a script in batch, and return the end of the run."""
    lines = ScriptLines(script, Terminal())
    system = SystemManager(parse_session_config(of_two_symbols(), "replay").config, store)
    try:
        system.start(paused=True)
        while not lines.advance(system):
            system.wait_for(lines.can_advance, 0.1)
        return system.snapshot()
    finally:
        system.stop()


def test_a_saved_script_has_changes_at_their_times(console_store: BarStore, tmp_path: Path) -> None:
    saved, reached = tmp_path / "saved.keys", list[str]()

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "m")
        await console.app.do("add", "CCC keep")
        await console.app.do("speed", "3600")
        await press(pilot, "space")
        await until(pilot, lambda: console.frontier > 30, "half an hour")
        await console.app.do("remove", "AAA")  # while it plays
        await console.app.do("minute_on")
        await settled(console, pilot, ("BBB", "CCC"))
        await console.app.do("max_speed")
        await press(pilot, "space")
        await until(pilot, lambda: console.state.is_over, "the end")
        await console.app.do("add", "AAA")
        await until(pilot, lambda: "the run is over" in notices(console), "the refusal")
        await console.app.do("save_script", str(saved))
        reached.append(console.system.snapshot().stamp)

    play(console_store, tmp_path, act)
    lines = [line.partition(" ")[0] for line in saved.read_text().splitlines()]
    assert [word for word in lines if word != "run_to"][:4] == ["step", "add", "speed", "remove"]
    assert in_batch(Script.load(saved), console_store).stamp == reached[0], saved.read_text()


def test_a_script_on_the_screen_waits_for_its_changes_and_stops_at_a_refused_one(
    console_store: BarStore, tmp_path: Path
) -> None:
    script = Script.parse("step 2\nadd CCC\nsymbol CCC\nstep\nadd CCC\nstep 5\n")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "line 5" in notices(console), "the refusal")
        assert "CCC: in the session already" in notices(console)
        assert console.frontier == 3
        assert console.app.main.symbol == "CCC"
        lines = [line for line in console.app.done if line[0] != "symbol"]
        assert lines == [("step", "2"), ("add", "CCC"), ("step", "")]

    play(console_store, tmp_path, act, script=script)
