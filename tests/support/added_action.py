"""Added action: one function and one row; the program runs it by key, palette and scripts.

A separate program, as screens bind the keys of the table on import.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tapedeck.console.actions.arguments import NO_ARGUMENT
from tapedeck.console.actions.context import RunContext
from tapedeck.console.actions.table import PLAY, Action, Effect, register


async def quarter_hour(run: RunContext, _argument: str) -> None:
    await run.step(15)


register(Action("quarter_hour", "h", "quarter", "Quarter hour forward", quarter_hour, PLAY, NO_ARGUMENT, effect=Effect.STEPS))  # fmt: skip # noqa: E501


def main(folder: Path) -> None:
    """Run the action by key, palette and key scripts; save it as a script, and run that."""
    from textual.widgets import Input, OptionList

    from tapedeck.console.actions.key_script import Script
    from tapedeck.console.actions.keys import key_table_markdown
    from tapedeck.console.app.screens.help import help_text
    from tapedeck.console.cli.script_lines import ScriptLines
    from tapedeck.console.cli.terminal import Terminal
    from tapedeck.engine.session_file import parse_session_config
    from tapedeck.engine.system import SystemManager
    from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, document, drive, press, until
    from tests.support.markets import fill_store, open_new_store

    saved = folder / "saved.keys"

    async def by_key_and_palette(console: ConsoleRun, pilot: Any) -> None:
        await press(pilot, "h")
        await until(pilot, lambda: console.frontier == 15 and console.is_paused, "the key")
        await press(pilot, "ctrl+p")
        console.app.screen.query_one(Input).value = "quarter hour"
        commands = console.app.screen.query_one("CommandList", OptionList)
        await until(pilot, lambda: commands.option_count > 0 and commands.display, "the palette's hit")
        await press(pilot, "enter", *(["enter"] if console.app.screen is not console.app.main else []))
        await until(pilot, lambda: console.frontier == 30 and console.is_paused, "the palette")
        await console.app.do("save_script", str(saved))

    async def by_script(console: ConsoleRun, pilot: Any) -> None:
        await until(pilot, lambda: console.frontier == 15 and console.is_paused, "the script")

    def in_batch(script: Script) -> int:
        system = SystemManager(parse_session_config(document(), "batch").config, store)
        lines = ScriptLines(script, Terminal())
        try:
            system.start(paused=True)
            while not lines.advance(system):
                system.wait_for(lines.can_advance, 0.1)
            return system.snapshot().frontier
        finally:
            system.stop()

    assert "| `h` | Quarter hour forward |" in key_table_markdown()
    text = help_text({}, 80).plain.splitlines()
    assert text.count("Play") == 1
    assert any(line.startswith("h ") and line.endswith("Quarter hour forward") for line in text)
    with open_new_store(folder / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-03", missing=0.1)
        with console_run(store, folder) as console:
            drive(console, by_key_and_palette)
        with console_run(store, folder, script=Script.parse("quarter_hour\n")) as console:
            drive(console, by_script)
        assert in_batch(Script.parse("quarter_hour\n")) == 15
        assert in_batch(Script.load(saved)) == 30, saved.read_text()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
