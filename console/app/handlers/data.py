"""Data out of the console: exports, copies, key scripts."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.actions.key_script import Script
from tapedeck.console.actions.output_paths import free_name, json_file
from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.exporting import export_csv, export_folder
from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.screens.choice import ChoiceScreen
from tapedeck.console.panel_data.tables import FORMATS, table_text
from tapedeck.engine.errors import EngineError, ExportError
from tapedeck.engine.export.manifest import SESSION_JSON
from tapedeck.engine.export.staged_files import install_files, make_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from tapedeck.console.app.console_app import ConsoleApp
    from tapedeck.console.app.playback import Playback

_SCRIPT_SUFFIX: Final = ".keys"
_FORMS: Final = {"csv": "CSV", "markdown": "Markdown", "json": "JSON"}


class DataHandlers:
    """What writes files, or the clipboard."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._playback = app.playback
        self._one_export = asyncio.Lock()  # two at once would share their temporary files
        self._exports = 0
        self._all_written = asyncio.Event()
        self._all_written.set()
        self._failures: list[str] = []

    def export_csv(self, folder: str) -> None:
        """Export what was played as CSV files, beside the run."""
        self._export("csv", export_csv, self._target(folder))

    def export_json(self, path: str) -> None:
        """Export the state as session.json, beside the run, or as the file that is named."""
        target = self._target(path)
        self._export("json", _write_json, json_file(target) if path else target / SESSION_JSON)

    @property
    def is_exporting(self) -> bool:
        """Whether an export is being written: of the moment at which it was asked for, if nothing moves."""
        return self._exports > 0

    async def idle(self) -> tuple[str, ...]:
        """Wait until all exports are written; return what is told of those that failed meanwhile."""
        before = len(self._failures)
        await self._all_written.wait()
        return tuple(self._failures[before:])

    def _target(self, path: str) -> Path:
        if self._playback.present() is None:
            raise EngineError("nothing was played yet, so there is nothing to export")
        return Path(path).expanduser() if path else export_folder(self._playback, self._app.setup.exports)

    def _export(self, form: str, write: Callable[[Playback, Path], Path], target: Path) -> None:
        self._app.transport.recording.at_moment("export", f"{form} {target.absolute()}")
        self._exports += 1
        self._all_written.clear()
        told = SESSION_JSON if form == "json" else _FORMS[form]
        self._app.run_worker(self._write(write, target, told), group="export", exit_on_error=False)

    async def _write(self, write: Callable[[Playback, Path], Path], folder: Path, told: str) -> None:
        try:
            async with self._one_export:
                export = partial(write, self._playback, folder)
                written = await run_in_background(f"the export to {folder}", export, self._failed)
            if written is not None:
                self._app.notify(f"exported to {_two_lines(written)}", title=told, timeout=8)
        finally:
            self._exports -= 1
            if not self._exports:
                self._all_written.set()

    def _failed(self, sentence: str) -> None:
        self._failures.append(sentence)
        self._app.notify(sentence, title="The export failed", severity="error", timeout=15)

    async def copy(self, form: str) -> None:
        """Copy the active panel in a format, asked for where none is given."""
        if not form:

            async def chosen(answer: str | None) -> None:
                if answer:
                    await self._app.do("copy", answer)

            panel = self._app.main.active_panel.NAME
            await self._app.push_screen(ChoiceScreen(f"Copy {panel} as", _FORMS), chosen)
            return
        if form not in FORMATS:
            raise EngineError(f"{form!r} is no format: give {', '.join(FORMATS)}")
        view_state, panel_shown = self._app.view_state(), self._app.main.active_panel
        if view_state.view is None and panel_shown.NEEDS_SESSION:
            raise EngineError("no session is loaded yet, so there is nothing to copy")
        table = panel_shown.as_table(view_state)
        self._app.copy_to_clipboard(table_text(table, form))
        rows = counted(len(table.rows), "row")
        self._app.notify(f"{panel_shown.NAME}: {rows} copied as {_FORMS[form]}", timeout=4)

    def save_script(self, path: str) -> None:
        """Write what was done so far as a key script: a new one, unless the one that is there is named."""
        target = Path(path).expanduser() if path else self._script_path()
        script = Script.of(self._app.transport.recording.lines())
        self._app.transport.recording.leave_out()
        is_new = not target.exists()
        _write_text(target, script.dump())
        lines, how = counted(len(script.lines), "line"), "saved to" if is_new else "saved in place of"
        self._app.notify(f"{lines} {how} {_two_lines(target)}", timeout=8)

    def _script_path(self) -> Path:
        folder = export_folder(self._playback, self._app.setup.exports)
        return free_name(folder.with_name(f"{folder.name}{_SCRIPT_SUFFIX}"))


def _write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all. Raises ExportError."""
    make_folder(path.parent)
    staged = write_whole(path, text.encode())
    try:
        staged.close()
        install_files([staged])
    except ExportError:
        staged.discard()
        raise


def _write_json(playback: Playback, path: Path) -> Path:
    playback.system.export_json(path)
    return path.parent


def _two_lines(path: Path) -> str:
    """Return a path for a narrow place: its name, and below it the folder that it is in."""
    return f"{path.name}\nin {short_path(path.absolute().parent)}"


def short_path(path: Path) -> str:
    """Return a path with `~` for the user's own folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
