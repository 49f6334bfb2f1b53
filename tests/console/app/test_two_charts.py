"""Two charts side by side on the real engine: of two intervals or symbols, with one clock."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from textual.pilot import Pilot

from tapedeck.console.app.panels.chart import ChartPanel
from tapedeck.console.app.panels.panel import Frame
from tapedeck.console.app.ui_state import KeptChart, UiState, load_ui_state, save_ui_state
from tapedeck.console.app.widgets import ChartData
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, until

WIDE = (160, 50)
MEDIUM = (120, 36)


def session_file(**backtest: Any) -> dict[str, Any]:
    """Return a session file with four intervals, and an indicator on five minutes."""
    made = document(**backtest)
    data = made["session_data_config"]
    data["streams"] = ["1m", "5m", "1h", "1d"]
    data["indicators"]["ema_5m"] = {"type": "EMA", "interval": "5m", "timeperiod": 5}
    return made


def shown(console: ConsoleRun) -> list[str]:
    """Return the charts on the screen, from left to right."""
    found = [panel for panel in console.app.main.charts.open if panel.display]
    return [panel.NAME for panel in sorted(found, key=lambda panel: panel.region.x)]


def data_of(panel: ChartPanel) -> ChartData:
    assert panel.chart.data is not None
    return panel.chart.data


def titles(console: ConsoleRun) -> list[str]:
    return [data_of(panel).title for panel in console.app.main.charts.open]


def notices(console: ConsoleRun) -> str:
    return "\n".join(notice.message for notice in console.app._notifications)


async def opened(console: ConsoleRun, pilot: Pilot[None], minutes: int = 12) -> None:
    """Play some minutes, and open the second chart."""
    console.system.step(minutes)
    await until(pilot, lambda: console.frontier == minutes and console.is_settled(), "some minutes")
    await press(pilot, "C")
    await until(pilot, lambda: titles(console) == ["AAA 1m", "AAA 5m"], "the second chart")


def test_a_key_opens_a_second_chart_whose_keys_leave_the_first_alone(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        first, second = main.charts.first, main.charts.second
        before = {name: panel.region for name, panel in main.panels.items() if panel.display}
        await opened(console, pilot)
        await until(pilot, lambda: second.region.width > 0, "its place")
        assert shown(console) == ["chart", "second_chart"]
        assert first.region.union(second.region) == before["chart"]
        assert main.chart is second
        assert second.frame is Frame.ACTIVE
        await press(pilot, "i", "shift+up", "left")
        assert titles(console) == ["AAA 1m", "AAA 1h"]
        assert data_of(second).window.candles is not None
        assert data_of(second).window.cursor is not None
        assert (data_of(first).window.candles, data_of(first).window.cursor) == (None, None)
        await console.app.do("lines", "none")
        assert (first.lines.chosen, second.lines.chosen) == ((), ("none",))
        await pilot.click(first.chart, offset=(first.chart.size.width - 4, 8))
        await until(pilot, lambda: main.chart is first, "the chart clicked")
        await press(pilot, "i", "i")
        assert titles(console) == ["AAA 1h", "AAA 1h"]
        await press(pilot, "2")
        assert main.active_panel is second
        await press(pilot, "1", "i")  # the charts' keys are for the one that had the focus last
        assert (first.frame, second.frame) == (Frame.PLAIN, Frame.CHART)
        assert titles(console) == ["AAA 1h", "AAA 1d"]
        await pilot.click(first, offset=(4, 0))
        await until(pilot, lambda: main.active_panel is first, "the heading clicked")
        await press(pilot, "C")
        await until(pilot, lambda: first.region == before["chart"], "the whole place")
        assert {name: p.region for name, p in main.panels.items() if p.display} == before
        assert console.app.done[-1] == ("second_chart", "")

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act, size=WIDE)


def test_a_pinned_chart_keeps_its_symbol_until_that_leaves(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        first, second = main.charts.first, main.charts.second
        await opened(console, pilot)
        await press(pilot, "down")
        assert titles(console) == ["BBB 1m", "BBB 5m"], "both follow"
        await press(pilot, "P", "down")
        assert titles(console) == ["CCC 1m", "BBB 5m"]
        assert (first.heading, second.heading) == ("2 chart", "2 second chart pinned to BBB")
        assert (main.symbol, main.panels["indicators"].symbol) == ("CCC", "CCC")
        view = console.app.view_state().view
        assert view is not None
        await console.app.do("copy", "csv")
        rows = list(csv.DictReader(io.StringIO(console.app.clipboard)))
        bars = view.bars("BBB", second.interval)
        there = np.isfinite(bars.close)
        assert [float(row["close"]) for row in rows] == bars.close[there].tolist()
        assert [int(datetime.fromisoformat(row["timestamp"]).timestamp()) for row in rows] == (
            bars.opened_at[there].tolist()
        )
        await press(pilot, "P")
        assert titles(console) == ["CCC 1m", "CCC 5m"]
        assert second.heading == "2 second chart"
        await press(pilot, "P", "up")
        assert titles(console) == ["BBB 1m", "CCC 5m"]
        await console.app.do("remove", "CCC")
        await until(pilot, lambda: "no longer pinned to CCC" in notices(console), "the note")
        assert titles(console) == ["BBB 1m", "BBB 5m"]
        assert not second.is_pinned

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act, size=WIDE)


def test_below_160_columns_or_maximised_the_chart_that_had_the_focus_last_is_shown(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        place = main.chart.region
        assert "second chart" not in console.text("#tabs")
        await opened(console, pilot, 2)
        assert shown(console) == ["second_chart"]
        await until(pilot, lambda: main.charts.second.region == place, "the place of the chart")
        assert "2 shows the other chart; they stand side by side from 160 columns on" in notices(console)
        await press(pilot, "2")
        assert shown(console) == ["chart"]
        await press(pilot, "1", "2")
        assert shown(console) == ["chart"]
        await press(pilot, "2")
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: shown(console) == ["chart", "second_chart"], "both")
        await press(pilot, "z")
        assert shown(console) == ["second_chart"]
        await press(pilot, "2")
        assert shown(console) == ["chart"]
        await press(pilot, "z")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: shown(console) == ["chart"], "one")
        assert "2 chart" in console.text("#tabs")
        assert "second" not in console.text("#tabs")
        await pilot.click("#tabs", offset=(console.text("#tabs").index("chart"), 0))
        await until(pilot, lambda: shown(console) == ["second_chart"], "the other chart")
        await until(pilot, lambda: "2 second chart" in console.text("#tabs"), "its name")
        await press(pilot, "x")
        assert shown(console) == ["chart"]
        assert not main.panel_layout.has_second_chart

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act, size=MEDIUM)


def test_both_charts_read_earlier_bars_and_are_cut_at_the_same_time(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, playback = console.app.main, console.app.playback
        first, second = main.charts.first, main.charts.second
        await opened(console, pilot, 33)
        await press(pilot, "P", "down")  # two symbols, and two intervals
        await until(
            pilot,
            lambda: console.app.history_fetch.lacking(main.view_state, main.charts.open) is None,
            "the earlier bars",
        )
        minutes, five = data_of(first), data_of(second)
        assert five.today > 78, "more than the session before"
        assert minutes.today > 0
        state = playback.view_state()
        kept = [playback.history(state, panel.symbol, panel.interval) for panel in (first, second)]
        again = [playback.history(state, panel.symbol, panel.interval) for panel in (first, second)]
        assert all(one is other for one, other in zip(kept, again, strict=True)), "joined once for both"
        await console.app.do("step_back", "15")
        await until(pilot, lambda: console.past_frontier == 18, "the past")
        view = playback.view_state().view
        assert view is not None
        for panel, symbol in ((first, "BBB"), (second, "AAA")):
            data, own = data_of(panel), view.bars(symbol, panel.interval)
            assert data.as_of == playback.view_state().clock_text
            np.testing.assert_array_equal(data.close[data.today :], own.close)
            closes = view.bars(symbol, view.base_interval).close
            assert data.last == closes[np.isfinite(closes)][-1]
        assert len(data_of(second)) - data_of(second).today == 3
        assert data_of(second).forming is not None

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act, size=WIDE)


def test_two_charts_are_saved_with_the_session_and_in_named_layouts(
    console_store: BarStore, tmp_path: Path
) -> None:
    kept = (KeptChart("1m"), KeptChart("1h", "BBB", ("ema_5m",)))

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await opened(console, pilot, 2)
        await console.app.do("symbol", "BBB")
        await press(pilot, "i", "P")
        await console.app.do("lines", "ema_5m")
        await console.app.do("symbol", "CCC")
        assert titles(console) == ["CCC 1m", "BBB 1h"]
        await console.app.do("save_layout", "mine")
        await press(pilot, "C")
        assert console.app.ui_state().layout.charts == ()
        await press(pilot, "C")
        assert titles(console) == ["CCC 1m", "CCC 5m"]
        await console.app.do("interval", "1d")
        await console.app.do("layout", "mine")
        assert titles(console) == ["CCC 1m", "BBB 1h"]
        saved = console.app.ui_state()
        assert saved.layout.charts == saved.layouts["mine"].charts == kept
        assert (saved.interval, saved.lines) == ("1m", {})
        assert saved.second_lines == {"Console test": ("ema_5m",)}
        assert save_ui_state(tmp_path, saved) is None
        await console.app.do("layout", "chart")
        assert not main.panel_layout.has_second_chart

    with console_run(console_store, tmp_path, config=session_file(), ui_state=UiState()) as console:
        drive(console, act, size=WIDE)

    async def again(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await until(pilot, lambda: shown(console) == ["chart", "second_chart"], "both")
        assert (main.symbol, main.charts.second.symbol, str(main.chart.interval)) == ("CCC", "BBB", "1h")
        assert main.charts.second.heading == "2 second chart pinned to BBB"
        assert main.charts.second.lines.chosen == ("ema_5m",)
        assert console.app.ui_state().layout.charts == kept

    loaded, notice = load_ui_state(tmp_path)
    assert notice is None
    with console_run(console_store, tmp_path, config=session_file(), ui_state=loaded) as console:
        drive(console, again, size=WIDE)
