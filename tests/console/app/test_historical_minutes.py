"""Historical indicators by the minute: one value for all readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from textual.pilot import Pilot

from tapedeck.console.app.playback import ViewState
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape
from tests.support.console_runs import ConsoleRun, console_run, document, drive, until
from tests.support.markets import fill_store, open_new_store


def seconds_document() -> dict[str, Any]:
    """Return a session file over one day of one-second bars."""
    file = document()
    file["backtest_config"]["end_date"] = "2013-11-26"
    file["session_data_config"] |= {"symbols": ["AAA"], "streams": ["1s", "1m"], "indicators": {}}
    return file


def read_everywhere(console: ConsoleRun, symbol: str, frontier: int) -> list[float]:
    """Return `usual` on the panel, in why, in conditions and in the table at a frontier; NaN if missing."""
    tape = console.system.session_data.tape
    assert tape is not None
    view = SessionView(tape, frontier)
    panel = console.app.main.panels["indicators"]
    panel.symbol = symbol
    view_state = ViewState(console.system.snapshot(), view, view, is_past=True)
    (shown,) = [row[4] for row in panel.as_table(view_state).rows if row[1] == "usual"]
    explained = console.system.explain(symbol, "usual", frontier).value
    known = KnownValues(tape, frontier, frontier).value(
        "usual", slice(view.row(symbol), view.row(symbol) + 1)
    )
    column = console.app.main.symbols.columns.rows(view).figures["usual"].values[view.row(symbol)]
    return [np.nan if value is None else float(value) for value in (shown, explained, known[0, 0], column)]  # type: ignore[arg-type]


def minute_value(tape: Tape, symbol: str, minute: int) -> float:
    return float(tape.historical["usual"].values[tape.symbols.index(symbol), minute])


def test_panel_why_and_conditions_read_the_minute_of_the_last_bar(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.step(60)
        await until(pilot, lambda: console.frontier == 60, "an hour")
        tape = console.system.session_data.tape
        assert tape is not None
        missing = 0
        for symbol in tape.symbols:
            there = tape.base.present[tape.symbols.index(symbol)]
            for frontier in range(61):
                last = np.flatnonzero(there[:frontier])
                minute = int(last[-1]) if len(last) else 0
                missing += frontier > 0 and not there[frontier - 1]
                expected = [minute_value(tape, symbol, minute)] * 4
                np.testing.assert_array_equal(read_everywhere(console, symbol, frontier), expected)
        assert missing, "a last bar that is not there is what this is about"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_on_bars_of_a_second_the_minute_is_that_of_the_last_second(tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.step(3601)
        await until(pilot, lambda: console.frontier == 3601, "an hour and a second")
        tape = console.system.session_data.tape
        assert tape is not None
        for seconds, minute in ((0, 0), (1, 0), (60, 0), (61, 1), (120, 1), (3601, 60)):
            expected = minute_value(tape, "AAA", minute)
            assert np.isfinite(expected)
            assert read_everywhere(console, "AAA", seconds) == [expected] * 4, seconds

    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2013-11-20", "2013-11-25")
        fill_store(store, ["AAA"], "2013-11-21", "2013-11-26", interval=Interval.parse("1s"))
        with console_run(store, tmp_path, config=seconds_document()) as console:
            drive(console, act)
