"""Appearance of the console: fixed positions, no repetition, and access to all panels."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from textual.app import App
from textual.geometry import Region
from textual.notifications import Notification
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.widgets._toast import Toast, ToastRack

from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.grid_text import counted, figure, grid, milliseconds, number, percent
from tapedeck.console.app.layout import Layout
from tapedeck.console.app.panels.key_line import footer_actions, key_line
from tapedeck.console.app.panels.session_bar import falls_short, session_parts
from tapedeck.console.app.panels.tab_line import fitted_tabs, tabs_of
from tapedeck.console.app.screens.coverage import CoverageScreen
from tapedeck.console.app.screens.help import help_text
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.screens.why import WhyScreen, _figure
from tapedeck.console.app.toasts import Toasts
from tapedeck.console.app.widgets import StyledLines, TickKind
from tapedeck.engine.conditions.condition import Condition
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.metrics.performance import Step
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, type_line, until
from tests.support.markets import fill_store, open_new_store


def bar_of(console: ConsoleRun, **changes: object) -> str:
    """Return the bar's parts for a snapshot with changes, on one line of any length."""
    view_state = console.app.view_state()
    view_state = replace(view_state, snapshot=replace(view_state.snapshot, **changes))  # type: ignore[arg-type]
    slow = falls_short(view_state.snapshot)
    return "|".join(part.plain for _, part in session_parts(view_state, is_slow=slow))


def heading(console: ConsoleRun, name: str) -> str:
    """Return the heading of a panel."""
    panel = console.app.main.panels[name]
    (strip,) = panel.render_lines(Region(0, 0, panel.outer_size.width, 1))
    return strip.text.strip("─━")


async def click_heading(pilot: Pilot[None], name: str, times: int = 1) -> None:
    """Click the name in a panel's heading."""
    await pilot.click(f"#{name}", offset=(4, 0), times=times)
    await pilot.pause()


# Figures


def test_figures_have_the_same_decimals_and_zero_has_no_sign() -> None:
    assert [number(value) for value in (-0.001, -0.01, 1234.5)] == ["0.00", "-0.01", "1,234.50"]
    assert [figure(value) for value in (31_125.0, 97_686_220.4, float("nan"))] == [
        "31,125.00",
        "97,686,220",
        "–",
    ]


def test_durations_take_few_cells_of_any_size() -> None:
    seconds = (0.000_03, 0.036_06, 0.17678, 1.346)
    assert [milliseconds(each) for each in seconds] == ["0.03", "36.06", "176.78", "1,346"]


def test_columns_have_a_smaller_gap_if_they_do_not_fit() -> None:
    rows = [("first", "12.50")]
    assert grid(["step", "ms"], rows, right="lr", width=12).plain.splitlines()[1] == "first  12.50"
    assert grid(["step", "ms"], rows, right="lr", width=11).plain.splitlines()[1] == "first 12.50"


def test_one_bar_is_singular() -> None:
    assert [counted(count, "bar") for count in (0, 1, 1200)] == ["0 bars", "1 bar", "1,200 bars"]


def test_a_percentage_is_truncated() -> None:
    assert (percent(99.939), percent(99.939, 2), percent(100.0, 2)) == ("99.9%", "99.93%", "100.00%")


def test_counts_have_no_decimals_in_why() -> None:
    counts = [_figure(name, 31_125.0) for name in ("volume", "bars present", "slots elapsed", "gaps")]
    assert counts == ["31,125"] * 4
    assert (_figure("volume", 0.25), _figure("last", 100.0)) == ("0.2500", "100.0000")


# Choosing panels


def test_a_dialog_gives_the_chart_the_keyboard_back(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "2", "question_mark", "escape", "g", "escape")
        await pilot.pause()
        assert console.app.main.panel_layout.active == "chart"
        assert console.app.main.chart.display
        before = console.app.main.symbol
        await press(pilot, "down")
        assert console.app.main.symbol != before

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_a_click_on_a_heading_activates_its_panel_and_two_maximise_it(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await click_heading(pilot, "symbols")
        assert main.panel_layout.active == "symbols"
        await click_heading(pilot, "indicators", times=2)
        assert (main.panel_layout.active, main.panel_layout.maximised) == ("indicators", True)
        await click_heading(pilot, "indicators", times=2)
        assert not main.panel_layout.maximised
        assert ("panel_symbols", "") in console.app.done

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_last_panel_cannot_be_hidden_and_hidden_ones_have_brackets(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "x")
        assert "  (2 chart)  3 indicators" in console.text("#tabs")
        await press(pilot, *"xxxxx")
        assert len(console.app._notifications) == 0
        await press(pilot, "x")
        assert [notice.message for notice in console.app._notifications] == [
            "the last panel cannot be hidden: show another one first"
        ]

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_a_wide_screen_gives_the_chart_the_most(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        assert main.chart.size.width > 100
        others = [panel.size.area for name, panel in main.panels.items() if name != "chart"]
        assert main.chart.size.area > max(others)
        headings = main.symbols.table.render_line(0).text.split()
        assert headings[-1] == "trend"
        assert {"rsi_5", "ema_5"} <= set(headings)
        await press(pilot, "7", "x")
        assert main.events.size.width > main.panels["quality"].size.width

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(200, 60))


# Filters


def test_a_filter_is_in_the_heading_until_escape(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        table = console.app.main.symbols.table
        await press(pilot, "slash")
        await type_line(pilot, "b")
        assert heading(console, "symbols").startswith("1 symbols +")
        assert heading(console, "symbols").endswith(" /b")
        assert table.shown_symbols == ("BBB",)
        await press(pilot, "escape")
        assert "/b" not in heading(console, "symbols")
        assert len(table.shown_symbols) == 3
        for key, name in (("6", "events"), ("7", "log")):
            await press(pilot, key, "slash")
            await type_line(pilot, "session")
            assert f"{name} /session" in heading(console, name)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_end_at_the_present_and_a_cleared_filter_keep_the_symbol(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "down", "end")
        assert console.app.main.symbol == "BBB"
        await press(pilot, "slash", "c")
        await until(pilot, lambda: console.app.main.symbol == "CCC", "the filtered symbol")
        await press(pilot, "escape")
        assert console.app.main.symbol == "BBB"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


# Panels not on the screen


def test_tabs_name_the_panels_not_on_the_screen_and_a_click_shows_one(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(
            pilot,
            lambda: console.text("#tabs") == "4 quality  5 metrics  7 log  8 coverage  9 report",
            "panels without a place, and the pages",
        )
        await pilot.click("#tabs", offset=(len("4 quality  5 m"), 0))
        await until(pilot, lambda: console.app.main.panel_layout.active == "metrics", "the panel")
        await until(
            pilot, lambda: console.text("#tabs").startswith("4 quality  6 events"), "the hidden panels"
        )
        assert ("panel_metrics", "") in console.app.done
        await press(pilot, "x")
        await until(pilot, lambda: "(5 metrics)" in console.text("#tabs"), "a hidden one in brackets")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


@pytest.mark.parametrize("size", [(100, 30), (200, 60)])
def test_tabs_do_not_cover_a_heading(console_store: BarStore, tmp_path: Path, size: tuple[int, int]) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        for keys in ("2x", "7", "z", "z", "6x", "1x"):
            await press(pilot, *keys)
            tabs = main.query_one("#tabs").region
            under = [panel for panel in main.panels.values() if panel.display and panel.region.overlaps(tabs)]
            assert len(under) == 1
            assert tabs.height == 1
            assert tabs.x >= under[0].region.x + len("─") + len(under[0].heading)

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=size)


def test_tabs_shrink_with_the_width_down_to_keys() -> None:
    def line(width: int, layout: Layout = Layout()) -> str:  # noqa: B008 - frozen
        return fitted_tabs(tabs_of(layout, {"log": "/disk"}, {"report": "f9"}, ()), width).plain

    assert line(120).endswith("6 events  7 log /disk  8 coverage  f9 report")
    assert line(95).endswith("6 events 7 log /disk 8 coverage f9 report")
    assert line(78).endswith("6 events  7 log /disk")
    assert line(40) == "1 2 chart 3 4 5 6 7"


# Toasts


def test_the_latest_three_notices_are_shown_and_errors_stay_longest() -> None:
    toasts = Toasts()
    for text, severity in (("disk full", "error"), ("a", "information"), ("b", "information")):
        toasts.add(Notification(text, severity=severity))  # type: ignore[arg-type]
    toasts.add(Notification("c")).add(Notification("d", severity="warning"))
    assert [toast.message for toast in toasts] == ["disk full", "c", "d"]
    toasts.add(Notification("e"))
    assert [toast.message for toast in toasts] == ["disk full", "d", "e"]


def regions(screen: Screen[object]) -> list[Region]:
    """Return the regions of notices on a screen."""
    return [toast.region for toast in screen.query(Toast) if toast.region]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_notices_do_not_cover_an_input_line(
    console_store: BarStore, tmp_path: Path, size: tuple[int, int]
) -> None:
    async def run(console: ConsoleRun) -> None:
        app = console.app
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: console.system.session_data.tape is not None, "a session")
            for hour in range(10, 16):
                console.system.add_breakpoint(f"time >= {hour}:00")
            for key in "bgyq":
                await press(pilot, key)
                await until(pilot, lambda: app.screen is not app.main, "the dialog")
                for name in ("first", "second"):
                    app.notify(f"exported to ~/tapedeck/exports/{name}", timeout=60)
                await until(pilot, lambda: bool(regions(app.screen)), "a notice")
                notices = regions(app.screen)
                typed = next(iter(app.screen.query("Input, OptionList, Button"))).region
                assert len(notices) == 1
                assert typed
                assert not notices[0].overlaps(typed)
                await press(pilot, "escape")
                await until(
                    pilot, lambda: sum(bool(toast.region) for toast in app.main.query(Toast)) == 2, "both"
                )
                app.clear_notifications()
                await until(pilot, lambda: not app.main.query(Toast), "none")

    with console_run(console_store, tmp_path) as console:
        asyncio.run(run(console))


def test_a_repeated_notice_is_shown_once() -> None:
    class Teller(App[None]):
        def __init__(self) -> None:
            super().__init__()
            self._notifications = Toasts()

    async def run() -> None:
        app = Teller()
        async with app.run_test(notifications=True) as pilot:
            for text in ("no such time", "no such time", "disk full", "no such time"):
                app.notify(text, severity="error")
                await pilot.pause()
            app.notify("no such time", severity="warning")
            await until(pilot, lambda: len(app.screen.query(Toast)) == 3, "one of each")
            notices = [(toast.message, toast.severity) for toast in app._notifications]
            assert notices == [("disk full", "error"), ("no such time", "error"), ("no such time", "warning")]

    asyncio.run(run())


def test_a_notice_names_the_export_or_copy(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "1", "e", "j")
        await console.app.do("copy", "csv")

        def notices() -> str:
            return " ".join(f"{toast.title} {toast.message}" for toast in console.app._notifications)

        for words in ("CSV exported to", "session.json exported to", "3 rows copied as CSV"):
            await until(pilot, lambda words=words: words in notices(), words)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


# The session bar


def test_nothing_on_the_bar_moves_when_figures_change(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.state is RunState.PAUSED, "an hour")
        paused = bar_of(console, speed=60.0)
        running = bar_of(console, speed=3600.0, state=RunState.RUNNING, achieved_speed=2900.0)
        assert "x3,600 actual x2.9k" in running
        await press(pilot, "comma")
        past = bar_of(console, speed=60.0)
        assert past.startswith(" ◂ PAST ‖ ")
        assert "paused x60" in past
        assert "slot  59/390" in past
        bounds = [[at for at, sign in enumerate(text) if sign == "|"] for text in (paused, running, past)]
        assert bounds[0] == bounds[1] == bounds[2]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_actual_speed_is_shown_only_below_nine_tenths(console_store: BarStore, tmp_path: Path) -> None:
    with console_run(console_store, tmp_path) as console:
        now = replace(console.system.snapshot(), state=RunState.RUNNING, speed=60.0)
        assert falls_short(replace(now, achieved_speed=53.0))
        assert not falls_short(replace(now, achieved_speed=55.0))
        assert not falls_short(replace(now, achieved_speed=None))
        assert not falls_short(replace(now, achieved_speed=53.0, state=RunState.PAUSED))
        assert "session 0" not in bar_of(console)


def test_the_bar_shows_the_condition_of_the_breakpoint_hit(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.add_breakpoint("time >= 10:00")
        await press(pilot, "space")
        await until(pilot, lambda: "◆ time >= 10:00" in console.text("#session-line"), "the condition")
        await press(pilot, "full_stop")
        await until(pilot, lambda: "◆" not in console.text("#session-line"), "the step on")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_an_early_close_has_priority_over_the_note_on_a_narrow_bar(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "early close" in console.text("#session-line"), "the early close")
        assert "Fri 2013-11-29" in console.text("#session-line")

    early = document(start_date="2013-11-29")
    with console_run(console_store, tmp_path, config=early, note="synthetic") as console:
        drive(console, act, size=(80, 24))


# Events


async def play_an_hour(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Play an hour, with gaps to list."""
    await press(pilot, "6", "o")
    await until(pilot, lambda: console.frontier == 60 and console.state is RunState.PAUSED, "an hour")
    await until(pilot, lambda: console.app.main.events.list.count > 3, "the gaps")


def test_events_are_in_the_order_of_the_market_clock(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await play_an_hour(console, pilot)
        console.system.add_bookmark("early", 10)
        console.system.add_bookmark("late", 60)
        events = console.app.main.events
        await until(
            pilot, lambda: "early" in str(events.as_table(console.app.view_state()).rows), "the marks"
        )
        rows = events.as_table(console.app.view_state()).rows
        times = [str(row[3]) for row in rows]
        assert times == sorted(times)
        assert times[[row[5] for row in rows].index("early")] == "2013-11-26T09:40:00-05:00"
        assert rows[-1][5] == "late"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_unlisted_gaps_are_counted_in_the_first_line_and_have_ticks(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await play_an_hour(console, pilot)
        panel, tape = console.app.main.events, console.system.session_data.tape
        assert tape is not None
        missing = ~tape.base.present[:, :60]
        begun = missing & ~np.pad(missing, ((0, 0), (1, 0)))[:, :-1]
        note = f"{begun.sum() - 3} earlier missing runs are not listed: see 4 quality"
        await until(pilot, lambda: panel.list.render_line(0).text.startswith(note), "the note")
        view_state = console.app.view_state()
        assert panel.as_table(view_state).rows[0] == (None, "note", None, None, None, note)
        ticks = {tick.slot for tick in panel.ticks(view_state) if tick.kind is TickKind.GAP}
        assert ticks == set(np.flatnonzero(begun.any(axis=0)).tolist())
        await press(pilot, "home", "enter")
        assert console.past_frontier is None
        await press(pilot, "down", "enter")
        assert console.past_frontier is not None
        await press(pilot, "O")
        await until(
            pilot,
            lambda: "missing bars of this time are not listed" in panel.list.render_line(0).text,
            "past",
        )

    with console_run(console_store, tmp_path) as console:
        console.system._events._gaps_kept = 3
        drive(console, act)


# Panels


def test_the_chart_has_vwap_and_averages_before_bands(console_store: BarStore, tmp_path: Path) -> None:
    config = document()
    config["session_data_config"]["indicators"] = {
        "bands": {"type": "BBANDS", "interval": "1m", "timeperiod": 5},
        "top": {"type": "SESSION_HIGH", "interval": "1m"},
        "sma": {"type": "SMA", "interval": "1m", "timeperiod": 5},
        "ema": {"type": "EMA", "interval": "1m", "timeperiod": 5},
        "vwap": {"type": "VWAP", "interval": "1m"},
    }

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        chart = console.app.main.chart
        await press(pilot, "o")
        await until(pilot, lambda: "5─bands_upperband" in chart.chart.render_line(1).text, "the legend")
        names = chart.as_table(console.app.view_state()).headings[6:]
        assert list(names[:4]) == ["vwap", "sma", "ema", "top"]
        bands = ["bands_upperband", "bands_middleband", "bands_lowerband"]
        assert list(names[4:7]) == bands
        legend = " ".join(chart.chart.render_line(y).text for y in (1, 2))
        assert all(f"{at}─{name} " in legend for at, name in enumerate(names[:7], 1))

    with console_run(console_store, tmp_path, config=config) as console:
        drive(console, act, size=(160, 45))


def test_no_figure_of_the_metrics_is_cut(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for seconds in (0.0004, 1.25, 12.5):
            started = console.system.metrics.start_timer() - seconds
            console.system.metrics.record(Step.FIRST_HISTORICAL_LOAD, started)
        await press(pilot, "5")
        figures = console.app.main.metrics.query_one(StyledLines)
        await until(pilot, lambda: "first historical load" in figures.text, "the timers")
        for width, height in ((80, 24), (120, 36), (200, 60)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda width=width: console.app.main.size.width == width, "the width")
            lines = figures.text.splitlines()
            assert max(map(len, lines)) <= figures.size.width
            assert any(line.startswith("first historical load") and " 12,500" in line for line in lines)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_unmeasured_gaps_are_not_shown_as_zero(console_store: BarStore, tmp_path: Path) -> None:
    config = document()
    config["session_data_config"]["gap_filler"] = {"enable_session_quality": False}

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        symbols = console.app.main.symbols
        await until(pilot, lambda: "52." in symbols.table.render_line(1).text, "the prices")
        await console.app.do("columns", "last quality missing")
        assert symbols.table.render_line(1).text.split()[-2:] == ["–", "–"]
        table = symbols.as_table(console.app.view_state())
        assert table.rows[0][table.headings.index("gaps")] is None

    with console_run(console_store, tmp_path, config=config) as console:
        drive(console, act)


def test_the_open_has_no_quality(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, _pilot: Pilot[None]) -> None:
        view = console.app.view_state().view
        assert view is not None
        assert np.isnan(console.app.main.symbols.columns.rows(view).figures["quality"].values).all()

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_frame_time_changes_only_for_large_differences(console_store: BarStore, tmp_path: Path) -> None:
    with console_run(console_store, tmp_path) as console:
        metrics = console.app.main.metrics
        seen = set()
        for frame_ms in (12.0, 12.7, 11.3, 13.4, 12.2, 10.9):
            metrics.frame_ms = frame_ms
            seen.add(metrics._frame_text())
        assert seen == {"12 ms"}


def test_the_gap_map_has_the_height_of_its_rows(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "4", "z", "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        quality = console.app.main.panels["quality"]
        await until(pilot, lambda: quality.map.size.height == 4, "three rows and the axis")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_no_score_of_a_symbol_is_cut_however_long_its_name_is(tmp_path: Path) -> None:
    name = "A-RATHER-LONG-NAME.OF-A-SYMBOL"
    config = document(end_date="2013-11-27")
    data = config["session_data_config"]
    data["symbols"] = [name]
    data["historical"] = {"data": [{"trailing_days": 1, "intervals": ["1m", "5m", "1d"]}]}
    del data["indicators"]

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "4", "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        figures = console.app.main.panels["quality"].query_one(StyledLines)
        await until(pilot, lambda: "1d" in figures.text, "the scores")
        for width in (80, 100, 160, 200):
            await pilot.resize_terminal(width, 36)
            await until(pilot, lambda width=width: console.app.main.size.width == width, "the width")
            lines = figures.text.splitlines()
            assert max(map(len, lines)) <= figures.scrollable_content_region.width
            assert figures.virtual_size.height == len(lines)
            said = " ".join(lines)
            words = (name, "session 100.0%", "0 bars missing", "history 1m", "history 1d")
            assert all(word in said for word in words)

    with open_new_store(tmp_path / "bars") as store:
        fill_store(store, (name,), "2013-11-20", "2013-12-03", missing=0.0)
        with console_run(store, tmp_path, config=config) as console:
            drive(console, act, size=(130, 36))


# Pages and dialogs


def test_the_footer_of_a_page_begins_with_escape_and_coverage_has_a_legend(
    console_store: BarStore, tmp_path: Path
) -> None:
    def line(mode: str, width: int) -> str:
        return key_line(mode, {}, footer_actions(mode, lambda action: BY_ID[action].label), width).plain

    assert all(line(mode, 80).startswith("escape panels  ") for mode in ("report", "coverage"))
    assert not line("main", 80).startswith("escape")
    assert len(line("report", 40)) <= 40

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for key, screen in (("9", ReportScreen), ("8", CoverageScreen)):
            await press(pilot, key)
            await until(pilot, lambda kind=screen: isinstance(console.app.screen, kind), "the page")
            if screen is CoverageScreen:
                assert console.text("#coverage-legend") == "─ full   ░▒▓ partial   █ missing"
            await pilot.click("#keys", offset=(3, 0))
            await until(pilot, lambda: console.app.main.is_current, "the panels")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_whole_report_fits_a_small_terminal(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "0", "space")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        assert len(console.system.snapshot().finished) == 5
        assert console.app.screen.query_one("#report").max_scroll_y == 0

    week = document(start_date="2013-11-25")
    with console_run(console_store, tmp_path, config=week) as console:
        drive(console, act, size=(80, 24))


def test_prompts_show_one_hint_with_a_symbol_of_the_run(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for key in ("g", "b"):
            await press(pilot, key)
            screen = console.app.screen
            assert screen.query_one(Input).placeholder == ""
            assert str(screen.query_one("#meaning", Static).render())
            if key == "b":
                assert console.text("#meaning").startswith("AAA.change_pct < -1")
                await type_line(pilot, "AAA.change_pct < -1")
                await until(pilot, lambda: len(console.system.breakpoints()) == 1, "the example is good")
            else:
                await press(pilot, "escape")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_help_has_the_palette_words_of_actions_without_keys() -> None:
    lines = help_text({}, 80).plain.splitlines()
    assert any(line.split("  ")[0] == "ctrl+p speed" and "Set speed" in line for line in lines)
    assert any(line.split("  ")[0] == "ctrl+p" and "palette" in line for line in lines)


@pytest.mark.parametrize("width", [40, 60, 72])
def test_a_long_help_text_is_folded_in_its_column(width: int) -> None:
    lines = help_text({}, width).plain.splitlines()
    assert max(map(len, lines)) <= width
    at = next(number for number, line in enumerate(lines) if "Share of the" in line)
    begin = lines[at].index("Share of the")
    assert lines[at + 1][:begin].isspace()
    assert not lines[at + 1][begin].isspace()


def test_the_palette_is_no_wider_than_a_page(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: bool(console.app.screen.query("#--container")), "the palette")
        line = console.app.screen.query_one("#--input")
        await until(pilot, lambda: line.region.width > 0, "its place")
        assert line.region.width <= 100

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(200, 60))


def test_why_explains_the_volume_of_the_table_and_that_of_the_bar_apart(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.state is RunState.PAUSED, "an hour")
        view = console.app.view_state().view
        assert view is not None
        shown = console.app.main.symbols.columns.rows(view).figures["day_volume"].values[0]
        await console.app.do("why", "day_volume")
        await until(pilot, lambda: isinstance(console.app.screen, WhyScreen), "why")
        await until(pilot, lambda: number(shown, 4) in console.text("#why-text"), "the session's volume")
        assert "sum of the volumes" in console.text("#why-text")
        await press(pilot, "down", "down")
        await until(pilot, lambda: "last bar that is over" in console.text("#why-text"), "the bar's volume")
        assert ", 1 bar;" in console.text("#why-text")
        await press(pilot, "escape")
        await console.app.do("why", "prev_close")
        await until(pilot, lambda: "close of the 15:" in console.text("#why-text"), "the prior close")
        await press(pilot, "escape")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_missing_is_the_number_of_bars_in_table_why_copy_and_conditions(
    console_store: BarStore, tmp_path: Path
) -> None:
    """`gaps` is the number of their runs, everywhere."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.step(300)
        await until(pilot, lambda: console.frontier == 300 and console.is_settled(), "five hours")
        view = console.app.view_state().view
        assert view is not None
        symbols = console.app.main.symbols
        shown = symbols.columns.rows(view).figures["missing"].values
        row = int(np.argmax(shown))
        symbol, missing = view.symbols[row], int(shown[row])
        runs = len(view.gaps(symbol))
        assert missing == int((~view.present_grid(MINUTE)[row]).sum()) != runs
        await console.app.do("symbol", symbol)
        for word, count, formula in (
            ("missing", missing, "slots elapsed"),
            ("gaps", runs, "runs of elapsed"),
        ):
            await console.app.do("why", word)
            await until(pilot, lambda formula=formula: formula in console.text("#why-text"), word)
            assert console.text("#why-text").splitlines()[0].split() == ["value", str(count)]
            await press(pilot, "escape")
        table = symbols.as_table(console.app.view_state())
        copied = dict(zip(table.headings, table.rows[row], strict=True))
        assert (copied["gaps"], copied["missing"]) == (runs, missing)
        text = f"{symbol}.missing == {missing} and {symbol}.gaps == {runs}"
        tape = console.system.session_data.tape
        assert tape is not None
        assert Condition.parse(text, Vocabulary.of(tape)).holds(tape, 300, 300).tolist() == [True]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_gap_on_the_screen_is_that_of_the_market(console_store: BarStore, tmp_path: Path) -> None:
    """Bars that are not there are called missing in each panel and page."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.step(300)
        await until(pilot, lambda: console.frontier == 300 and console.is_settled(), "five hours")
        seen = []
        for key in ("", *"456789", "question_mark"):
            if key:
                await press(pilot, key)
            await pilot.pause()
            strips = console.app.screen._compositor.render_strips()
            seen.append("\n".join(strip.text for strip in strips))
            if len(console.app.screen_stack) > 1:
                await press(pilot, "escape")
        text = "\n".join(seen).replace("gap %", "")
        assert "missing" in text
        assert [line for line in text.splitlines() if "gap" in line] == []

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(200, 60))


def test_only_the_screen_on_top_shows_toasts(console_store: BarStore, tmp_path: Path) -> None:
    def racks(console: ConsoleRun) -> list[bool]:
        return [screen.get_child_by_type(ToastRack).display for screen in console.app.screen_stack[1:]]

    async def run(console: ConsoleRun) -> None:
        async with console.app.run_test(size=(120, 36), notifications=True) as pilot:
            await until(pilot, lambda: console.system.session_data.tape is not None, "a session")
            console.app.notify("a word", timeout=60)
            await press(pilot, "b")
            await until(pilot, lambda: racks(console) == [False, True], "the rack of the dialog")
            await press(pilot, "escape")
            await until(pilot, lambda: racks(console) == [True], "the panels' again")

    with console_run(console_store, tmp_path) as console:
        asyncio.run(run(console))


def test_a_terminal_resized_below_a_dialog_finds_the_panels_laid_out_for_it(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        def tabs() -> str:
            return console.app.main.query_one("#tabs", Static).render().plain  # type: ignore[union-attr]

        wide = tabs()
        for key in ("question_mark", "g"):
            await press(pilot, key)
            await pilot.resize_terminal(20, 5)
            await pilot.pause()
            await pilot.resize_terminal(120, 36)
            await press(pilot, "escape")
            await until(pilot, lambda: tabs() == wide, "all panels named")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
