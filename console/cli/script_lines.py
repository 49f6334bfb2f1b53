"""Key script in a batch job, with views and remarks on the terminal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tapedeck.console.actions.key_script import Script, ScriptLine
from tapedeck.console.actions.output_paths import json_file
from tapedeck.console.actions.script_run import ScriptRun
from tapedeck.console.actions.symbol_changes import PendingChange, SymbolCommand, told
from tapedeck.console.cli.terminal import Terminal
from tapedeck.console.panel_data.views import headed_view_text, view_text
from tapedeck.engine.read.events import Event
from tapedeck.engine.system import SystemManager
from tapedeck.engine.user_path import expanded


class ScriptLines:
    """Runs a script's lines. For exports by the script, the run needs a tape cache.

    Several views have a heading each; a single one has none.
    """

    def __init__(self, script: Script, terminal: Terminal) -> None:
        self._script = script
        self._terminal = terminal
        self._run: ScriptRun | None = None
        self._has_several_views = sum(line.action == "view" for line in script.lines) > 1

    def advance(self, system: SystemManager) -> bool:
        """Run the lines that are due; return whether the script is over."""
        if self._run is None:
            output = _TerminalOutput(system, self._terminal, has_headings=self._has_several_views)
            self._run = ScriptRun(self._script, system, output)
        return self._run.advance()

    def can_advance(self) -> bool:
        """Whether `advance` would run a line."""
        return self._run is None or self._run.can_advance()


class _TerminalOutput:
    def __init__(self, system: SystemManager, terminal: Terminal, *, has_headings: bool) -> None:
        self._system = system
        self._terminal = terminal
        self._has_headings = has_headings
        self._has_written = False

    def export(self, line: ScriptLine, form: str, path: str) -> None:
        """Export the run so far to a path."""
        if not path:
            self._terminal.remark(f"line {line.number}: path missing, as in: export {form} out")
            return
        target = expanded(path)
        if form == "csv":
            self._system.export_csv(target)
        else:
            self._system.export_json(json_file(target))
        self._terminal.remark(f"line {line.number}: wrote {path}")

    def view(self, _line: ScriptLine, panel: str, form: str) -> None:
        """Write a view; an empty line separates it from the one before."""
        text = (headed_view_text if self._has_headings else view_text)(self._system, panel, form).rstrip("\n")
        self._terminal.write(f"\n{text}" if self._has_written else text)
        self._has_written = True

    def change_symbols(self, line: ScriptLine, command: SymbolCommand) -> PendingChange:
        """Have a symbol join or leave, in another thread; the main one handles signals meanwhile."""
        pool = ThreadPoolExecutor(1, thread_name_prefix="tapedeck-script-symbols")
        pending = pool.submit(self._change, line, command)
        pending.add_done_callback(lambda _: self._system.mark())  # wakes the script
        pool.shutdown(wait=False)
        return pending

    def _change(self, line: ScriptLine, command: SymbolCommand) -> Event:
        event = command.make(self._system)
        self._terminal.remark(f"line {line.number}: {told(event, self._system)}")
        return event

    def do_on_screen(self, line: ScriptLine) -> None:
        """Report that the action is skipped."""
        self._terminal.remark(f"line {line.number}: {line.action} needs the console; skipped")
