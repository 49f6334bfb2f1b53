"""Confirmed-empty slots in the console: no gap, no shade, and counted beside the missing bars."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
from textual.pilot import Pilot

from tapedeck.console.app.widgets import StyledLines
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.intervals import MINUTE
from tests.support.console_runs import ConsoleRun, console_run, drive, press, until
from tests.support.markets import fill_store, open_new_store


def test_the_quality_panel_counts_them_apart(tmp_path: Path) -> None:
    slots = SessionSlots(TimeManager("XNYS").get_trading_session(date(2013, 11, 26)), MINUTE).opened_at[:60]

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        panel = console.app.main.panels["quality"]
        await press(pilot, "o", "4")
        await until(pilot, lambda: console.frontier == 60 and console.is_paused, "an hour")
        assert console.system.wait_for(console.is_settled, 20)
        await until(pilot, lambda: "confirmed empty" in panel.query_one(StyledLines).text, "the panel")
        assert "1 bar missing" in panel.query_one(StyledLines).text
        assert f"{len(gone) - 1} slots confirmed empty" in panel.query_one(StyledLines).text
        table = panel.as_table(console.app.view_state())
        assert len([row for row in table.rows if (row[0], row[2]) == ("AAA", "gap")]) == 1

    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ("AAA", "BBB", "CCC"), "2013-11-20", "2013-12-03", missing=0.1)
        stored = store.read("AAA", MINUTE, int(slots[0]), int(slots[-1]) + 1).opened_at
        gone = slots[~np.isin(slots, stored)]
        store.confirm_empty("AAA", MINUTE, gone[1:])
        with console_run(store, tmp_path) as console:
            drive(console, act)
