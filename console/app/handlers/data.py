"""Data handlers: exports, copies, key scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tapedeck.console.actions.key_script import Script
from tapedeck.console.actions.output_paths import free_name, json_file
from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.exporting import export_csv, export_folder
from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.screens.choice import ChoiceScreen
from tapedeck.console.panel_data.tables import FORMATS, table_text
from tapedeck.engine.errors import EngineError, ExportError, cause_of
from tapedeck.engine.export.manifest import SESSION_JSON
from tapedeck.engine.output_file import make_folders, write_file
from tapedeck.engine.user_path import expanded

# Columns of text in a toast of Textual's width, without border and padding.
_TOAST_WIDTH: Final = 56
_SCRIPT_SUFFIX: Final = ".keys"
_FORMS: Final = {"csv": "CSV", "markdown": "Markdown", "json": "JSON"}


class DataHandlers:
    """Writes files and the clipboard. `exports`: folder for exports by keys."""

    def __init__(self, app: AppContext, exports: Path) -> None:
        self._app = app
        self._playback = app.playback
        self._exports_folder = exports
        self._one_export = asyncio.Lock()  # a second one into the same folder would be refused
        self._exports = 0
        self._exports_done = asyncio.Event()
        self._exports_done.set()
        self._failures: list[str] = []
        self.written: list[Path] = []
        """Exports that were written, in their order."""

    def export(self, form: str, path: str) -> None:
        """Export the run so far as CSV files, or the state as session.json, in the background."""
        target = self._target(path)
        if form == "csv":
            self._export("csv", export_csv, target)
        else:
            self._export("json", _write_json, json_file(target) if path else target / SESSION_JSON)

    @property
    def is_exporting(self) -> bool:
        """Whether an export is being written; it has the time of its start if the run does not move."""
        return self._exports > 0

    async def idle(self) -> tuple[str, ...]:
        """Wait until all exports are written; return the errors of those that failed in the wait."""
        before = len(self._failures)
        await self._exports_done.wait()
        return tuple(self._failures[before:])

    def _target(self, path: str) -> Path:
        if self._playback.present() is None:
            raise EngineError("cannot export yet: no session is loaded")
        return expanded(path) if path else export_folder(self._playback, self._exports_folder)

    def _export(self, form: str, write: Callable[[Playback, Path], Path], target: Path) -> None:
        self._app.recording.record_at_present("export", f"{form} {target.absolute()}")
        self._exports += 1
        self._exports_done.clear()
        title = SESSION_JSON if form == "json" else _FORMS[form]
        self._app.start_work(self._write(write, target, title), "export")

    async def _write(self, write: Callable[[Playback, Path], Path], folder: Path, title: str) -> None:
        try:
            async with self._one_export:
                export = partial(write, self._playback, folder)
                written = await run_in_background(f"the export to {folder}", export, self._notify_error)
            if written is not None:
                self.written.append(written)
                self._app.notify(with_path("exported to", written), title=title, timeout=8)
        finally:
            self._exports -= 1
            if not self._exports:
                self._exports_done.set()

    def _notify_error(self, text: str) -> None:
        self._failures.append(text)
        self._app.notify(text, title="The export failed", severity="error", timeout=15)

    async def ask_format(self, _argument: str) -> None:
        """Prompt for a format, and copy the active panel in it."""

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("copy", answer)

        panel = self._app.main.active_panel.name_shown
        await self._app.open(ChoiceScreen(f"Copy {panel} as", _FORMS), chosen)

    def copy(self, form: str) -> None:
        """Copy the active panel in a format."""
        if form not in FORMATS:
            raise EngineError(f"unknown format {form!r}: use {', '.join(FORMATS)}")
        view_state, panel_shown = self._app.view_state(), self._app.main.active_panel
        if view_state.view is None and panel_shown.NEEDS_SESSION:
            raise EngineError("cannot copy yet: no session is loaded")
        self._app.main.update(view_state)  # the selected symbol may have left
        table = panel_shown.as_table(view_state)
        self._app.copy_to_clipboard(table_text(table, form))
        rows = counted(len(table.rows), "row")
        self._app.notify(f"{panel_shown.name_shown}: {rows} copied as {_FORMS[form]}", timeout=4)

    def save_script(self, path: str) -> None:
        """Save the actions so far as a key script, in a new file if no path is given."""
        target = expanded(path) if path else self._script_path()
        script = Script.of(self._app.recording.lines())
        self._app.recording.omit_action()
        is_new = not target.exists()
        _write_text(target, script.dump())
        lines, verb = counted(len(script.lines), "line"), "saved to" if is_new else "saved, replacing"
        self._app.notify(with_path(f"{lines} {verb}", target), timeout=8)

    def _script_path(self) -> Path:
        folder = export_folder(self._playback, self._exports_folder)
        return free_name(folder.with_name(f"{folder.name}{_SCRIPT_SUFFIX}"))


def _write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all. Raises ExportError."""
    try:
        make_folders(path.parent)
        write_file(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {cause_of(error)}. Name a file in another folder"
        ) from error


def _write_json(playback: Playback, path: Path) -> Path:
    playback.system.export_json(path)
    return path.parent


def with_path(words: str, path: Path) -> str:
    """Return a toast of words and a path: on one line if they fit, else the path below, name last."""
    text = short_path(path.absolute())
    if len(words) + 1 + len(text) <= _TOAST_WIDTH:
        return f"{words} {text}"
    if len(text) <= _TOAST_WIDTH:
        return f"{words}\n{text}"
    return f"{words}\n{short_path(path.absolute().parent)}/\n{path.name}"


def short_path(path: Path) -> str:
    """Return a path with `~` for the user's home folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
