"""Added panel: one file and one line; the program shows it and reads it as data.

A separate program, as the action table assigns keys to the registry on import.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.content import Content

from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import StyledLines
from tapedeck.console.panel_data.registry import PanelEntry, register
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.system import SystemManager

register(PanelEntry("slots", f"{__name__}:SlotsPanel", table=f"{__name__}:slots_table", title="slots played"))

from tapedeck.console.app.panels.panel import Panel  # noqa: E402 - which loads the action table


def slots_table(_system: SystemManager, now: Snapshot) -> Table:
    return Table.of(["slots", "of"], [(now.frontier, now.slots)])


class SlotsPanel(Panel):
    """Number of slots over."""

    NAME: ClassVar[str] = "slots"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self._lines = StyledLines()

    def content(self) -> ComposeResult:
        yield self._lines

    def show(self, view_state: ViewState) -> None:
        self.fill()
        self._lines.show([Content(f"{view_state.snapshot.frontier} slots over")])


def main(folder: Path) -> None:
    """Show the panel, copy it, and have it written by `--view` and by a key script."""
    from typer.testing import CliRunner

    from tapedeck.console.actions.keys import key_table_markdown
    from tapedeck.console.app.screens.help import help_text
    from tapedeck.console.cli.main import app
    from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, document, drive, press, until
    from tests.support.markets import fill_store, open_new_store

    async def on_screen(console: ConsoleRun, pilot: Any) -> None:
        main = console.app.main
        panel = main.panels["slots"]
        assert "f5 slots played" in console.text("#tabs")
        await press(pilot, "m", "f5")
        await until(pilot, lambda: console.frontier == 1 and console.is_paused, "a minute")
        assert panel.display
        assert panel.heading == "f5 slots played"
        await until(pilot, lambda: "1 slots over" in panel.query_one(StyledLines).text, "its content")
        assert not main.panels["events"].display  # replaced by it
        await console.app.do("copy", "csv")
        assert console.app.clipboard == "slots,of\n1,390\n"
        await press(pilot, "x")
        assert not panel.display

    async def on_a_wide_screen(console: ConsoleRun, _pilot: Any) -> None:
        panels = console.app.main.panels
        assert {name for name, panel in panels.items() if panel.display} == {*panels} - {
            "metrics",
            "log",
            "second_chart",
        }

    assert "`f5` | Show symbols, " in key_table_markdown()
    assert ", orders, slots played |" in key_table_markdown()
    assert "Show slots played" in help_text({}, 80).plain
    with open_new_store(folder / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-03", missing=0.1)
        with console_run(store, folder) as console:
            drive(console, on_screen)
        with console_run(store, folder) as console:
            drive(console, on_a_wide_screen, size=(250, 60))
    session, script = folder / "session.json", folder / "view.keys"
    session.write_text(json.dumps(document()))
    script.write_text("step 7\nview slots json\nquit\n")
    run = ["run", str(session), "--store", str(folder / "bars.db"), "--no-ui"]
    assert CliRunner().invoke(app, [*run, "--view", "slots"]).stdout == "slots,of\n390,390\n"
    assert '"slots": 7' in CliRunner().invoke(app, [*run, "--script", str(script)]).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
