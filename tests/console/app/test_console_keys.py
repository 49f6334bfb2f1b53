"""Keys of the console with the real engine: commands and screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tapedeck.console.actions.table import screen_actions
from tapedeck.console.app.layout import Arrangement
from tapedeck.console.app.palette import ConsoleCommands
from tapedeck.console.app.panels.key_line import KeyLine
from tapedeck.console.app.panels.panel import Frame
from tapedeck.console.app.screens.breakpoints import BreakpointsScreen
from tapedeck.console.app.screens.confirm import ConfirmScreen
from tapedeck.console.app.screens.coverage import CoverageScreen
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.screens.text_page import TextPage
from tapedeck.console.app.screens.why import WhyScreen
from tapedeck.console.panel_data.registry import panel_ids
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import (
    SYMBOLS,
    ConsoleRun,
    console_run,
    document,
    drive,
    press,
    type_line,
    until,
)


def at(console: ConsoleRun, frontier: int) -> bool:
    now = console.system.snapshot()
    return (now.state, now.frontier, now.steps_left) == (RunState.PAUSED, frontier, 0)


def clock(console: ConsoleRun) -> str:
    return console.text("#session-line")


def test_a_full_stop_steps_one_slot_m_a_minute_and_o_an_hour(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for key, frontier, shown in (
            ("full_stop", 1, "09:31 EST"),
            ("m", 2, "09:32 EST"),
            ("o", 62, "10:32 EST"),
        ):
            await press(pilot, key)
            await until(pilot, lambda frontier=frontier: at(console, frontier), key)
            await until(pilot, lambda shown=shown: shown in clock(console), shown)
        assert "paused" in clock(console)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_step_back_shows_the_past_and_end_returns(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "o")
        await until(pilot, lambda: at(console, 120), "two hours")
        for keys, past in (
            (["comma"], 119),
            (["M"], 118),
            (["O"], 58),
            (["full_stop"], 59),
            (["o"], 119),
        ):
            await press(pilot, *keys)
            assert console.past_frontier == past
        await until(pilot, lambda: "PAST" in clock(console) and "11:29 EST" in clock(console), "PAST")
        assert console.app.main.active_panel.frame is Frame.PAST
        assert at(console, 120), "the engine does not run back"
        await press(pilot, "end")
        await until(pilot, lambda: "PAST" not in clock(console), "the present")
        assert console.past_frontier is None

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_steps_forward_in_the_past_end_at_the_present(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        await press(pilot, "comma", "comma", "o")
        assert console.past_frontier is None
        assert at(console, 60)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_space_plays_and_pauses_and_the_speed_climbs_its_ladder(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "plus")
        await until(pilot, lambda: console.system.snapshot().speed == 60, "x60")
        await press(pilot, "space")
        await until(pilot, lambda: console.state is RunState.RUNNING, "running")
        await until(pilot, lambda: "x60" in clock(console), "x60 shown")
        await press(pilot, "space")
        await until(pilot, lambda: console.state is RunState.PAUSED, "paused")
        await press(pilot, "minus")
        await until(pilot, lambda: console.system.snapshot().speed == 10, "x10")
        await press(pilot, "0")
        await until(pilot, lambda: console.system.snapshot().speed == 0, "max")

    with console_run(console_store, tmp_path, config=document(speed_multiplier=10)) as console:
        drive(console, act)


def test_go_to_plays_to_a_future_time_and_shows_a_past_one(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "g")
        await type_line(pilot, "10:30")
        await until(pilot, lambda: at(console, 60), "10:30")
        await until(pilot, lambda: console.system.snapshot().speed == 10, "the speed comes back")
        await press(pilot, "g")
        await type_line(pilot, "9h45")
        await until(pilot, lambda: console.past_frontier == 15, "9:45")
        await press(pilot, "g")
        await pilot.press(*"rubbish")
        await pilot.pause()
        assert "invalid time or date" in console.text("#meaning")
        await press(pilot, "enter", "escape")
        assert console.app.screen is console.app.main

    with console_run(console_store, tmp_path, config=document(speed_multiplier=10)) as console:
        drive(console, act)


def test_n_goes_to_the_next_open_and_D_shows_the_day_before(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "n")
        await until(
            pilot, lambda: console.system.snapshot().session == 2 and at(console, 0), "the second open"
        )
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        await until(pilot, lambda: len(console.app.playback.tape_cache.days()) == 1, "the first day is kept")
        await press(pilot, "D")
        await until(
            pilot, lambda: "Tue 2013-11-26" in clock(console) and "PAST" in clock(console), "the day before"
        )
        assert console.past_frontier == 60
        await press(pilot, "d")
        assert console.past_frontier is None
        await press(pilot, "d")
        await until(
            pilot, lambda: console.system.snapshot().session == 3 and at(console, 60), "the third day"
        )
        await until(pilot, lambda: "early close" in clock(console), "29 November 2013 closes at 13:00")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(200, 60))


def test_brackets_go_from_event_to_event(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        gaps = sorted(
            {e.frontier for e in console.system.events() if e.kind is EventKind.GAP and e.frontier < 60}
        )
        await press(pilot, "left_square_bracket", "left_square_bracket")
        assert console.past_frontier == gaps[-2]
        await press(pilot, "right_square_bracket")
        assert console.past_frontier == gaps[-1]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_tab_moves_to_the_next_symbol_in_every_panel(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await press(pilot, "full_stop", "2", "tab")
        assert {main.symbol, main.panels["indicators"].symbol, main.panels["quality"].symbol} == {"BBB"}
        assert main.symbols.table.focused_symbol == "BBB"
        await press(pilot, "shift+tab", "shift+tab")
        assert main.symbol == SYMBOLS[-1]
        await press(pilot, "1", "up")
        assert main.symbol == "BBB"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_numbers_show_panels_z_one_alone_and_x_hides_it(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        panels = console.app.main.panels

        def shown() -> set[str]:
            return {name for name, panel in panels.items() if panel.display}

        assert shown() == {"symbols", "chart", "indicators", "events"}
        await press(pilot, "7")
        assert shown() == {"symbols", "chart", "log", "indicators"}
        await press(pilot, "z")
        assert shown() == {"log"}
        await press(pilot, "z", "3", "x")
        assert "indicators" not in shown()
        await press(pilot, "3")
        assert "indicators" in shown()
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: shown() == {"indicators"}, "one panel")
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        await pilot.resize_terminal(250, 60)
        await until(pilot, lambda: shown() == {*panels} - {"metrics", "second_chart"}, "the rest")
        await press(pilot, "5")
        assert "metrics" in shown()

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_interval_sort_theme_and_filter_change_the_screen_only(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, table = console.app.main, console.app.main.symbols.table
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        await press(pilot, "i")
        assert str(main.chart.interval) == "5m"
        await press(pilot, "1", "s")
        assert table.sort == ("symbol", False)
        await press(pilot, "S")
        assert table.shown_symbols == ("CCC", "BBB", "AAA")
        before = console.app.theme
        await press(pilot, "t")
        assert console.app.theme != before
        await press(pilot, "slash", "b", "enter")
        assert table.shown_symbols == ("BBB",)
        await press(pilot, "slash", "escape")
        assert len(table.shown_symbols) == 3
        await press(pilot, "6", "slash", "c", "c", "c")
        await until(pilot, lambda: main.events.search == "ccc", "the search")
        assert at(console, 60)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_breakpoint_pauses_at_its_slot_and_can_be_removed(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "b")
        assert isinstance(console.app.screen, BreakpointsScreen)
        await pilot.press(*"AAA")
        await pilot.press("full_stop", *"closs", "less_than_sign", "1")
        await pilot.pause()
        assert "close" in console.text("#meaning"), "the nearest word is named"
        console.app.screen.query_one(Input).value = "time >= 11:00"
        await press(pilot, "enter")
        await until(pilot, lambda: len(console.system.breakpoints()) == 1, "the breakpoint")
        await press(pilot, "space")
        await until(pilot, lambda: at(console, 90), "11:00 is 90 minutes after the open")
        await press(pilot, "b", "down", "x")
        assert console.system.breakpoints() == ()
        await press(pilot, "escape")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_bookmark_is_an_event_at_the_time_shown(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        await press(pilot, "comma", "apostrophe")
        await type_line(pilot, "check again")
        marks = [event for event in console.system.events() if event.kind is EventKind.BOOKMARK]
        assert [(mark.text, mark.frontier) for mark in marks] == [("check again", 59)]
        await press(pilot, "end", "6")
        events = console.app.main.events
        listed = [event.text for event in events._listed]
        assert len(listed) > 1
        events.list.go_to(listed.index("check again"))
        await press(pilot, "enter")
        await until(pilot, lambda: console.past_frontier == 59, "the bookmarked time")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_why_help_coverage_and_report_open_and_close(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        await press(pilot, "w")
        assert isinstance(console.app.screen, WhyScreen)
        names = console.app.screen.query_one("#why-names", OptionList)
        for number in range(names.option_count):
            names.highlighted = number
            await pilot.pause()
            assert "formula" in console.text("#why-text"), number
        await press(pilot, "escape", "question_mark")
        assert isinstance(console.app.screen, TextPage)
        for action in screen_actions():
            assert (action.help in console.text("#page-text")) == console.app.offers(action.id)
        await press(pilot, "escape", "8")
        assert isinstance(console.app.screen, CoverageScreen)
        await until(pilot, lambda: "partial" in console.text("#coverage-summary"), "the coverage")
        await press(pilot, "escape", "9")
        assert isinstance(console.app.screen, ReportScreen)
        await press(pilot, "escape")
        assert console.app.screen is console.app.main

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_e_writes_a_valid_export_of_the_run_so_far(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "n")
        await until(
            pilot, lambda: console.system.snapshot().session == 2 and at(console, 0), "the second open"
        )
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        tape = console.system.session_data.require_tape()
        await until(pilot, lambda: tape.computed_frontier() == 60, "computed")
        await press(pilot, "e", "j")
        await pilot.app.workers.wait_for_complete()

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    folder = tmp_path / "exports" / "console-test-2013-11-27-103000"
    assert {path.name for path in folder.iterdir()} >= {
        "bars.csv",
        "session.csv",
        "session.json",
        "manifest.json",
    }
    assert not validate_export(folder).findings
    last = json.loads((folder / "session.json").read_text())["last_session"]
    assert (last["trading_day"], last["frontier"]) == ("2013-11-27", 60)


def test_every_panel_can_be_copied_in_every_format(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        await press(pilot, "1", "y", "down", "down", "enter")
        await until(pilot, lambda: bool(console.app.clipboard), "the clipboard")
        assert [row["symbol"] for row in json.loads(console.app.clipboard)] == list(SYMBOLS)
        for panel in panel_ids(parts=()):
            await console.app.do(f"panel_{panel}")
            await console.app.do("copy", "csv")
            assert "," in console.app.clipboard, panel
            await console.app.do("copy", "markdown")
            assert console.app.clipboard.startswith("| "), panel

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_palette_finds_symbols_and_commands(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for typed, reached in (
            ("CCC", lambda: console.app.main.symbol == "CCC"),
            ("hour forward", lambda: at(console, 60)),
        ):
            await press(pilot, "ctrl+p")
            console.app.screen.query_one(Input).value = typed
            commands = console.app.screen.query_one("CommandList", OptionList)
            await until(
                pilot, lambda commands=commands: commands.option_count > 0 and commands.display, "hits"
            )
            await press(pilot, "enter", *(["enter"] if console.app.screen is not console.app.main else []))
            await until(pilot, reached, typed)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_palette_offers_symbols_and_layouts_only_on_the_main_screen(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def found(console: ConsoleRun, text: str) -> dict[str, Any]:
        return {str(hit.text): hit async for hit in ConsoleCommands(console.app.screen).search(text)}

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        assert "CCC" in await found(console, "CCC")
        await (await found(console, "watch"))["Layout: watch"].command()
        assert main.panel_layout.arrangement is Arrangement.WATCH
        await press(pilot, "9")
        assert isinstance(console.app.screen, ReportScreen)
        assert "CCC" not in await found(console, "CCC")
        assert "Layout: watch" not in await found(console, "watch")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_q_confirms_while_the_run_is_not_over_and_ends_it_in_order(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "q")
        assert isinstance(console.app.screen, ConfirmScreen)
        await press(pilot, "n")
        assert console.state is RunState.PAUSED
        await press(pilot, "q", "y")
        await until(pilot, lambda: console.state is RunState.STOPPED, "the end")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
    assert console.system.wait(0)


@pytest.mark.parametrize("opened", ["", "question_mark", "g"])
def test_ctrl_c_ends_in_order_with_any_screen_open(
    console_store: BarStore, tmp_path: Path, opened: str
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, *([opened] if opened else []), "ctrl+c")
        await until(pilot, lambda: console.state is RunState.STOPPED, "the end")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_run_at_a_speed_pauses_while_the_console_is_suspended(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        app = console.app
        await press(pilot, "space")
        await until(pilot, lambda: console.state is RunState.RUNNING, "running")
        app.app_suspend_signal.publish(app)
        await until(pilot, lambda: console.state is RunState.PAUSED, "the pause")
        app.app_resume_signal.publish(app)
        await until(pilot, lambda: console.state is RunState.RUNNING, "running again")
        await press(pilot, "space")
        await until(pilot, lambda: console.state is RunState.PAUSED, "paused")
        app.app_suspend_signal.publish(app)
        app.app_resume_signal.publish(app)
        stood, taken = console.frontier, console.system.mark()
        await until(pilot, taken.is_set, "the commands")
        assert console.state is RunState.PAUSED
        assert console.frontier == stood
        await press(pilot, "ctrl+z")
        assert "quit with q" in next(iter(app._notifications)).message, "no shell is behind a test"

    with console_run(console_store, tmp_path, config=document(speed_multiplier=10)) as console:
        drive(console, act)


def test_the_end_of_a_run_shows_its_report_and_steps_back_still_work(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "space")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        assert console.state is RunState.COMPLETED
        assert console.system.snapshot().stamp in console.text("#report")
        await press(pilot, "escape", "comma")
        assert console.past_frontier == 389
        await press(pilot, "D")
        await until(pilot, lambda: "Fri 2013-11-29" in clock(console), "the day before")
        await press(pilot, "space")
        assert console.state is RunState.COMPLETED

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_clicks_on_timeline_footer_and_tabs_act_as_their_keys(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "o")
        await until(pilot, lambda: at(console, 120), "two hours")
        await pilot.click("TapeStrip", offset=(12, 0))
        await until(pilot, lambda: console.past_frontier is not None, "the past")
        assert console.past_frontier is not None
        assert 0 < console.past_frontier < 120
        await press(pilot, "end")
        line = console.app.main.query_one(KeyLine)
        await pilot.click(line, offset=(str(line.render()).index("step") + 1, 0))
        await until(pilot, lambda: at(console, 121), "a step")
        await pilot.click("#tabs", offset=(console.text("#tabs").index("chart"), 0))
        await until(pilot, lambda: console.app.main.panel_layout.active == "chart", "the chart")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))
