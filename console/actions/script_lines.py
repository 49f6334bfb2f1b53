"""A key script in a batch job: what it asks beyond the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tapedeck.console.actions.key_script import Script, ScriptLine
from tapedeck.console.actions.output_paths import json_file
from tapedeck.console.actions.script_run import ScriptRun
from tapedeck.console.cli.terminal import Terminal
from tapedeck.console.panel_data.views import headed_view_text, view_text
from tapedeck.engine.system import SystemManager

_EXPORTS: Final = ("export_csv", "export_json")


class ScriptLines:
    """Plays a script's lines over a run, which has to keep its days where the script exports them.

    The content of one view is all that it writes; of several, each has a heading.
    """

    def __init__(self, script: Script, terminal: Terminal) -> None:
        self._script = script
        self._terminal = terminal
        self._run: ScriptRun | None = None
        self._has_several_views = sum(line.action == "view" for line in script.lines) > 1
        self._has_written = False

    def advance(self, system: SystemManager) -> bool:
        """Do the lines whose turn it is; return whether the script is over."""
        if self._run is None:
            self._run = ScriptRun(self._script, system, lambda line: self._do(system, line))
        return self._run.advance()

    def may_go_on(self) -> bool:
        """Whether there is something for `advance` to do."""
        return self._run is None or self._run.may_go_on()

    def _do(self, system: SystemManager, line: ScriptLine) -> None:
        if line.action == "view":
            panel, _, form = line.argument.partition(" ")
            self._write(system, panel, form.strip() or "csv")
        elif line.action in _EXPORTS and line.argument:
            self._export(system, line.action, Path(line.argument).expanduser())
            self._terminal.remark(f"line {line.number}: {line.argument} is written")
        elif line.action in _EXPORTS:
            form = line.action.removeprefix("export_")
            self._terminal.remark(f"line {line.number}: say where to, as in: export {form} out")
        else:
            self._terminal.remark(f"line {line.number}: {line.action} needs the console, and is passed over")

    def _write(self, system: SystemManager, panel: str, form: str) -> None:
        """Write a view; of several all but the first stand behind an empty line."""
        text = (headed_view_text if self._has_several_views else view_text)(system, panel, form).rstrip("\n")
        self._terminal.write(f"\n{text}" if self._has_written else text)
        self._has_written = True

    def _export(self, system: SystemManager, action: str, path: Path) -> None:
        if action == "export_csv":
            system.export_csv(path)
        else:
            system.export_json(json_file(path))
