"""A key script in a batch job: what it asks beyond the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from console.key_script import Script, ScriptLine
from console.script_run import ScriptRun
from console.terminal import Terminal
from console.views import view_text
from engine.system import SystemManager

_EXPORTS: Final = ("export_csv", "export_json")


class ScriptLines:
    """Plays a script's lines over a run, which has to keep its days where the script exports them."""

    def __init__(self, script: Script, terminal: Terminal) -> None:
        self._script = script
        self._terminal = terminal
        self._run: ScriptRun | None = None

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
            self._terminal.write(view_text(system, panel, form.strip() or "csv").rstrip("\n"))
        elif line.action in _EXPORTS and line.argument:
            self._export(system, line.action, Path(line.argument).expanduser())
            self._terminal.remark(f"line {line.number}: {line.argument} is written")
        elif line.action in _EXPORTS:
            form = line.action.removeprefix("export_")
            self._terminal.remark(f"line {line.number}: say where to, as in: export {form} out")
        else:
            self._terminal.remark(f"line {line.number}: {line.action} needs the console, and is passed over")

    def _export(self, system: SystemManager, action: str, path: Path) -> None:
        if action == "export_csv":
            system.export_csv(path)
        else:
            system.export_json(path)
