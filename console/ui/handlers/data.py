"""Data out of the console: exports, copies, key scripts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from console.key_script import Script
from console.ui.exporting import export_csv, export_folder, export_json
from console.ui.screen_data import FORMATS, table_text
from console.ui.screens.choice import ChoiceScreen
from engine.errors import EngineError, ExportError, TapedeckError

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.ui.app import ConsoleApp


class DataHandlers:
    """What writes files, or the clipboard."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._playback = app.playback
        self._one_export = asyncio.Lock()  # two at once would share their temporary files

    def export_csv(self, folder: str) -> None:
        """Export what was played as CSV files, beside the run."""
        self._export(export_csv, folder)

    def export_json(self, folder: str) -> None:
        """Export the state as session.json, beside the run."""
        self._export(export_json, folder)

    def _export(self, write: Callable[..., Path], folder: str) -> None:
        if self._playback.system.tape is None and not self._playback.days.days():
            raise EngineError("nothing was played yet, so there is nothing to export")
        target = Path(folder) if folder else export_folder(self._playback, self._app.setup.exports)
        self._app.run_worker(self._write(write, target), group="export", exit_on_error=False)

    async def _write(self, write: Callable[..., Path], folder: Path) -> None:
        try:
            async with self._one_export:
                written = await asyncio.to_thread(write, self._playback, folder)
        except TapedeckError as error:
            self._app.notify(str(error), title="The export failed", severity="error", timeout=15)
        else:
            self._app.notify(f"exported to {written}", timeout=8)

    async def copy(self, form: str) -> None:
        """Copy the active panel in a format, asked for where none is given."""
        if not form:
            names = {"csv": "CSV", "markdown": "Markdown", "json": "JSON"}

            def chosen(answer: str | None) -> None:
                if answer:
                    self._app.call_later(self._app.do, "copy", answer)

            panel = self._app.main.active_panel.NAME
            await self._app.push_screen(ChoiceScreen(f"Copy {panel} as", names), chosen)
            return
        if form not in FORMATS:
            raise EngineError(f"{form!r} is no format: give {', '.join(FORMATS)}")
        picture, panel_shown = self._app.picture(), self._app.main.active_panel
        if picture.view is None:
            raise EngineError("no session is loaded yet, so there is nothing to copy")
        table = panel_shown.as_table(picture)
        self._app.copy_to_clipboard(table_text(table, form))
        rows = len(table.rows)
        self._app.notify(
            f"{panel_shown.NAME}: {rows} row{'' if rows == 1 else 's'} copied as {form}", timeout=4
        )

    def save_script(self, path: str) -> None:
        """Write what was done so far as a key script."""
        target = Path(path) if path else self._app.setup.exports / "console.keys"
        script = Script.of(self._app.done)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(script.dump(), encoding="utf-8")
        except OSError as error:
            raise ExportError(f"{target} cannot be written: {error.strerror or error}") from error
        self._app.notify(f"{len(script.lines)} actions saved to {target}", timeout=8)
