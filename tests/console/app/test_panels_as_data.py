"""Tables of copies and of `--view`: the same table for the same name and time."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tapedeck.console.panel_data.views import view_table
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, drive, press, until
from tests.support.naive import gaps_by_walking

SHARED = ("symbols", "indicators", "quality", "events", "metrics")


@pytest.mark.parametrize("minutes", [0, 60])
def test_a_panel_has_the_columns_and_the_rows_of_its_view(
    console_store: BarStore, tmp_path: Path, minutes: int
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        if minutes:
            await press(pilot, "o")
            await until(pilot, lambda: console.frontier == minutes and console.is_paused, "an hour")
            assert console.system.wait_for(console.is_settled, 20)
        panels = console.app.main.panels
        for name in SHARED:
            panel, view = panels[name].as_table(console.app.view_state()), view_table(console.system, name)
            assert panel.headings == view.headings, name
            if name == "indicators":  # of the focused symbol
                assert panel.rows == tuple(row for row in view.rows if row[0] == console.app.main.symbol)
            elif name == "symbols":
                assert sorted(panel.rows, key=str) == sorted(view.rows, key=str)
            else:
                assert panel.rows == view.rows, name

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_copied_quality_has_each_gap_with_its_first_and_last_minute(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "4")
        await until(pilot, lambda: console.frontier == 60 and console.is_paused, "an hour")
        assert console.system.wait_for(console.is_settled, 20)
        await console.app.do("copy", "csv")
        rows = list(csv.DictReader(io.StringIO(console.app.clipboard)))
        tape = console.system.session_data.tape
        assert tape is not None
        minute = "2013-11-26T{:02}:{:02}:00-05:00"
        for symbol, there in zip(SYMBOLS, tape.base.present[:, :60].tolist(), strict=True):
            expected = [
                (minute.format(*divmod(570 + first, 60)), minute.format(*divmod(570 + last, 60)), str(count))
                for first, last, count in gaps_by_walking(there)
            ]
            found = [
                (row["first"], row["last"], row["missing"])
                for row in rows
                if (row["symbol"], row["kind"]) == (symbol, "gap")
            ]
            assert found == expected, symbol

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_copy_in_the_past_has_the_values_of_that_time(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.frontier == 1 and console.is_paused, "a minute")
        assert console.system.wait_for(console.is_settled, 20)
        panel = console.app.main.symbols
        then = panel.as_table(console.app.view_state())
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 61 and console.is_paused, "an hour")
        await press(pilot, "O")
        await until(pilot, lambda: console.past_frontier == 1, "the past")
        assert panel.as_table(console.app.view_state()).rows == then.rows

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
