"""Changed keys in texts, the end of the filter line, and the list's cursor."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tapedeck.console.app.screens.breakpoints import BreakpointsScreen
from tapedeck.console.app.screens.main import FilterLine
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, drive, press, until

CHANGED = {"panel_symbols": "f9", "panel_events": "f6", "bookmark": "f7", "breakpoint": "f8"}


def test_panel_names_come_with_their_changed_keys(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        assert main.symbols.heading.startswith("f9 symbols +4 columns")
        assert main.chart.heading == "2 chart"
        assert (main.events.key("bookmark"), main.events.key("breakpoint")) == ("f7", "f8")
        assert main.events.heading.startswith("f6 events")
        await press(pilot, "z")
        await until(pilot, lambda: "f6 events" in console.text("#tabs"), "the tab")
        assert " 6 events" not in console.text("#tabs")

    with console_run(console_store, tmp_path, key_changes=CHANGED) as console:
        drive(console, act)


def test_a_click_on_another_panel_closes_the_filter_line_and_keeps_the_filter(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        line = console.app.main.query_one(FilterLine)
        await press(pilot, "slash", "B")
        await until(pilot, lambda: console.app.main.symbols.search == "B", "the filter")
        await pilot.click("#chart", offset=(4, 0))
        await until(pilot, lambda: not line.display, "the line to close")
        assert console.app.main.panel_layout.active == "chart"
        assert console.app.main.symbols.search == "B"
        await press(pilot, "slash")
        assert line.display
        assert line.has_focus

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_enter_in_the_filter_line_does_not_choose_an_event(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await press(pilot, "o", "6")
        await until(pilot, lambda: console.frontier == 60 and console.is_paused, "an hour")
        await until(pilot, lambda: main.events.list.count > 3, "the gaps")
        for key in ("escape", "enter"):
            await press(pilot, "slash", "g", "a", "p")
            await until(pilot, lambda: main.events.search == "gap", "the filter")
            await press(pilot, key)
            await until(pilot, lambda: main.events.list.has_focus, "the focus of the list")
            assert main.events.search == ("gap" if key == "enter" else "")
            assert console.past_frontier is None
        await press(pilot, "home", "enter")
        await until(pilot, lambda: console.past_frontier is not None, "a gap")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_palette_prompts_for_the_breakpoint_to_remove(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("breakpoint", "AAA.close > 1000000")
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: bool(console.app.screen.query("#--container")), "the palette")
        await pilot.press(*"unbreak")
        await pilot.pause()
        await until(pilot, lambda: bool(console.app.screen.query_one("CommandList").option_count), "it")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        if not isinstance(console.app.screen, BreakpointsScreen):
            await press(pilot, "enter")
        await until(pilot, lambda: isinstance(console.app.screen, BreakpointsScreen), "the breakpoints")
        await press(pilot, "down", "x")
        assert console.system.breakpoints() == ()

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_list_cursor_stays_on_its_event_when_a_bookmark_is_added_above_it(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for note in ("first", "second", "third"):
            await press(pilot, "m")
            await until(pilot, lambda: console.system.snapshot().steps_left == 0, "a minute")
            await console.app.do("bookmark", note)
        events = console.app.main.events
        await press(pilot, "6")
        await until(pilot, lambda: any(event.text == "third" for event in events._listed), "three marks")
        at = [event.text for event in events._listed].index("second")
        events.list.go_to(at)
        console.system.add_bookmark("before all", 0)
        await until(
            pilot, lambda: any(event.text == "before all" for event in events._listed), "a mark above"
        )
        chosen = events._listed[events.list.cursor]
        assert (chosen.kind, chosen.text) == (EventKind.BOOKMARK, "second")
        assert events.list.cursor == at + 1

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
