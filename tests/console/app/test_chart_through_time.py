"""The chart through time: earlier bars on every interval, the forming bar, window and crosshair."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from textual.pilot import Pilot

from tapedeck.console.app.widgets import ChartData, MarkKind
from tapedeck.engine.intervals import Interval
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.session_view import SessionView
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, until
from tests.support.runs import play_recorded

INTERVALS: Final = ("5m", "1h", "1d")
TUESDAY, WEDNESDAY = date(2013, 11, 26), date(2013, 11, 27)
FIELDS: Final = ("open", "high", "low", "close", "volume")


def session_file(**backtest: Any) -> dict[str, Any]:
    """Return a session file with an overlay on five minutes."""
    made = document(**backtest)
    data = made["session_data_config"]
    data["streams"] = ["1m", *INTERVALS]
    data["indicators"]["ema_5m"] = {"type": "EMA", "interval": "5m", "timeperiod": 5}
    return made


def session_alone(store: BarStore, day: str) -> SessionView:
    """Return a session as a run over it alone shows it at its close."""
    config = parse_session_config(session_file(start_date=day, end_date=day), "one day").config
    return SessionView(play_recorded(config, store).records[0].tape)


@pytest.fixture(scope="module")
def monday(console_store: BarStore) -> SessionView:
    return session_alone(console_store, "2013-11-25")


def shown(console: ConsoleRun) -> ChartData:
    """Return the data that the chart shows."""
    data = console.app.main.chart.chart.data
    assert data is not None
    return data


async def on_interval(console: ConsoleRun, pilot: Pilot[None], text: str) -> ChartData:
    """Show an interval, and return its data with the earlier bars."""
    await console.app.do("interval", text)
    await until(pilot, lambda: shown(console).title.endswith(f" {text}"), text)
    key = (console.app.playback.view_state().view.trading_day, "AAA", Interval.parse(text))  # type: ignore[union-attr]
    await until(pilot, lambda: not console.app.playback.histories.lacks(key, 1), "earlier bars")  # type: ignore[arg-type]
    return shown(console)


async def played_to(console: ConsoleRun, pilot: Pilot[None], slots: int) -> None:
    """Step to a frontier of the first session."""
    for _ in range(slots - console.frontier):
        await press(pilot, "full_stop")
    await until(pilot, lambda: console.frontier == slots and console.is_settled(), f"slot {slots}")


def test_a_minute_after_the_first_open_every_interval_has_earlier_bars_and_the_forming_one(
    console_store: BarStore, tmp_path: Path, monday: SessionView
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await played_to(console, pilot, 2)
        view = console.app.playback.view_state().view
        assert view is not None
        last = float(view.last_prices()[0])
        for text in INTERVALS:
            data, interval = await on_interval(console, pilot, text), Interval.parse(text)
            own = monday.bars("AAA", interval)
            for name in FIELDS:
                earlier = getattr(data, name)[data.today - len(own) : data.today]
                assert np.array_equal(earlier, getattr(own, name), equal_nan=True), (text, name)
            assert len(data) == data.today, "nothing of today is over"
            assert (data.opened_at < view.slot_times.opened_at[0]).all()
            assert data.forming is not None
            assert data.forming.close == data.last == last
            assert any("◂" in line for line in lines(console))
        day = await on_interval(console, pilot, "1d")
        assert len(day) == 4, "all days of the store before"
        hours = await on_interval(console, pilot, "1h")
        assert hours.today > len(monday.bars("AAA", Interval.parse("1h")))

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act)


def lines(console: ConsoleRun) -> list[str]:
    """Return the lines of the chart."""
    canvas = console.app.main.chart.chart._current_canvas()
    return [canvas.line(y) for y in range(canvas.height)]


def test_yesterdays_candles_have_the_values_that_were_shown_then(
    console_store: BarStore, tmp_path: Path, monday: SessionView
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: TUESDAY in console.app.playback.openings, "the values of Monday")
        data = await on_interval(console, pilot, "5m")
        line = next(line for line in data.overlays if line.name == "ema_5m")
        expected = monday.indicator_grid("ema_5m")[monday.row("AAA")]
        assert np.array_equal(line.values[data.today - len(expected) : data.today], expected, equal_nan=True)
        assert line.values[data.today - 1] == line.before

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act)


def test_keys_pan_zoom_and_point_and_one_key_returns(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        panel = console.app.main.chart
        await played_to(console, pilot, 3)
        await on_interval(console, pilot, "5m")
        place = panel.chart.place
        assert place is not None
        assert shown(console).window.behind == 0
        await press(pilot, "shift+left")
        assert shown(console).window.behind == 5
        assert not any("now " in line for line in lines(console)), "the forming candle is off the screen"
        await press(pilot, "left", "left")
        assert shown(console).window.cursor == 1
        at = shown(console).today - 1 - 5 - 1
        text = lines(console)[0]
        assert f"C {shown(console).close[at]:.2f}" in text
        assert "Mon 25 Nov 15:25" in text
        await press(pilot, "ctrl+left")
        behind = shown(console).window.behind
        assert behind > 50
        frontier = console.frontier
        await press(pilot, "full_stop", "full_stop")
        await until(pilot, lambda: console.frontier == frontier + 2 and console.is_settled(), "two slots")
        assert shown(console).window.behind == behind + 1, "it stays at its bars when a new one comes"
        await press(pilot, "shift+up")
        closer = panel.chart.place
        assert closer is not None
        assert closer.stride == place.stride + 1
        assert len(closer.columns) < len(place.columns)
        await press(pilot, "backspace")
        assert shown(console).window.behind == 0
        assert shown(console).window.cursor is None
        await press(pilot, "backspace")
        assert shown(console).window.candles is None

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act)


def test_the_mouse_points_drags_and_turns_the_wheel(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        chart = console.app.main.chart.chart
        await on_interval(console, pilot, "5m")
        place = chart.place
        assert place is not None
        column = int(place.columns[-4])
        await pilot.click(chart, offset=(column, 6))
        await pilot.pause()
        assert shown(console).window.cursor == 3
        await pilot.mouse_down(chart, offset=(10, 6))
        await pilot.hover(chart, offset=(10 + 7 * place.stride, 6))
        await pilot.mouse_up(chart, offset=(10 + 7 * place.stride, 6))
        await pilot.pause()
        assert shown(console).window.behind == 7
        chart._turned(_Wheel(shift=False), 1)  # type: ignore[arg-type]
        await pilot.pause()
        closer = chart.place
        assert closer is not None
        assert closer.stride == place.stride + 1
        chart._turned(_Wheel(shift=True), 1)  # type: ignore[arg-type]
        await pilot.pause()
        assert shown(console).window.behind > 7

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act)


class _Wheel:
    """A turn of the wheel."""

    def __init__(self, *, shift: bool) -> None:
        self.shift = shift

    def stop(self) -> None:
        """Do nothing."""

    def prevent_default(self) -> None:
        """Do nothing."""


def test_in_the_past_the_chart_is_cut_at_the_view(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await played_to(console, pilot, 13)
        await on_interval(console, pilot, "5m")
        await press(pilot, *["comma"] * 5)
        await until(pilot, lambda: console.past_frontier == 8, "the past")
        view = console.app.playback.view_state().view
        assert view is not None
        data = shown(console)
        assert len(data) - data.today == 1
        assert data.forming is not None
        base = view.bars("AAA", view.base_interval)
        assert data.forming.close == base.close[5:8][np.isfinite(base.close[5:8])][-1]
        assert data.last == data.forming.close

    with console_run(console_store, tmp_path, config=session_file()) as console:
        drive(console, act)


def test_sessions_early_closes_and_bookmarks_are_marks(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await played_to(console, pilot, 7)
        await console.app.do("bookmark", "here")
        await press(pilot, "full_stop", "full_stop", "full_stop")
        await until(pilot, lambda: console.frontier == 10 and console.is_settled(), "two bars")
        data = await on_interval(console, pilot, "5m")
        at = {kind: [mark.candle for mark in data.marks if mark.kind is kind] for kind in MarkKind}
        friday = data.today - 1
        assert at[MarkKind.EARLY_CLOSE] == [friday]
        close = data.opened_at[friday] + 300
        assert datetime.fromtimestamp(int(close), data.zone).strftime("%a %H:%M") == "Fri 13:00"
        assert data.today in at[MarkKind.SESSION]
        days = [datetime.fromtimestamp(int(second), data.zone).date() for second in data.opened_at]
        changes = [candle for candle in range(1, len(days)) if days[candle] != days[candle - 1]]
        assert at[MarkKind.SESSION] == changes
        assert at[MarkKind.BOOKMARK] == [data.today + 1], "the second bar of the day"
        assert "★" in lines(console)[-2]
        assert "◖" in lines(console)[-2]

    only = session_file(start_date="2013-12-02", end_date="2013-12-02")
    with console_run(console_store, tmp_path, config=only) as console:
        drive(console, act, size=(200, 60))
