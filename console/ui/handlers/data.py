"""Data out of the console: exports, copies, key scripts."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console.failures import describe
from console.key_script import Script
from console.ui.exporting import export_csv, export_folder
from console.ui.grid_text import counted
from console.ui.screen_data import FORMATS, table_text
from console.ui.screens.choice import ChoiceScreen
from engine.errors import EngineError, ExportError, TapedeckError
from engine.export.manifest import SESSION_JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.ui.app import ConsoleApp
    from console.ui.playback import Playback

log = logging.getLogger(__name__)

_FORMS: Final = {"csv": "CSV", "markdown": "Markdown", "json": "JSON"}


class DataHandlers:
    """What writes files, or the clipboard."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._playback = app.playback
        self._one_export = asyncio.Lock()  # two at once would share their temporary files
        self._exports = 0

    def export_csv(self, folder: str) -> None:
        """Export what was played as CSV files, beside the run."""
        self._export("csv", export_csv, self._target(folder))

    def export_json(self, path: str) -> None:
        """Export the state as session.json, beside the run, or as the .json file that is named."""
        target = self._target(path)
        self._export("json", _write_json, target if target.suffix == ".json" else target / SESSION_JSON)

    @property
    def is_exporting(self) -> bool:
        """Whether an export is being written: of the moment at which it was asked for, if nothing moves."""
        return self._exports > 0

    def _target(self, path: str) -> Path:
        if self._playback.system.tape is None and not self._playback.earlier.days():
            raise EngineError("nothing was played yet, so there is nothing to export")
        return Path(path).expanduser() if path else export_folder(self._playback, self._app.setup.exports)

    def _export(self, form: str, write: Callable[[Playback, Path], Path], target: Path) -> None:
        self._app.transport.recording.at_moment("export", f"{form} {target.absolute()}")
        self._exports += 1
        told = SESSION_JSON if form == "json" else _FORMS[form]
        self._app.run_worker(self._write(write, target, told), group="export", exit_on_error=False)

    async def _write(self, write: Callable[[Playback, Path], Path], folder: Path, told: str) -> None:
        try:
            async with self._one_export:
                written = await asyncio.to_thread(write, self._playback, folder)
        except Exception as error:  # nobody else would tell of what ends a worker
            trace = None if isinstance(error, TapedeckError) else error
            log.error("the export to %s failed: %s", folder, error, exc_info=trace)
            self._app.notify(
                describe(error), title="The export failed", severity="error", timeout=15, markup=False
            )
        else:
            self._app.notify(f"exported to {_two_lines(written)}", title=told, timeout=8, markup=False)
        finally:
            self._exports -= 1

    async def copy(self, form: str) -> None:
        """Copy the active panel in a format, asked for where none is given."""
        if not form:

            def chosen(answer: str | None) -> None:
                if answer:
                    self._app.call_later(self._app.do, "copy", answer)

            panel = self._app.main.active_panel.NAME
            await self._app.push_screen(ChoiceScreen(f"Copy {panel} as", _FORMS), chosen)
            return
        if form not in FORMATS:
            raise EngineError(f"{form!r} is no format: give {', '.join(FORMATS)}")
        picture, panel_shown = self._app.picture(), self._app.main.active_panel
        if picture.view is None:
            raise EngineError("no session is loaded yet, so there is nothing to copy")
        table = panel_shown.as_table(picture)
        self._app.copy_to_clipboard(table_text(table, form))
        rows = counted(len(table.rows), "row")
        self._app.notify(f"{panel_shown.NAME}: {rows} copied as {_FORMS[form]}", timeout=4)

    def save_script(self, path: str) -> None:
        """Write what was done so far as a key script."""
        target = Path(path) if path else self._app.setup.exports / "console.keys"
        script = Script.of(self._app.transport.recording.lines())
        self._app.transport.recording.leave_out()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(script.dump(), encoding="utf-8")
        except OSError as error:
            raise ExportError(f"{target} cannot be written: {error.strerror or error}") from error
        count = len(script.lines)
        self._app.notify(
            f"{count} line{'' if count == 1 else 's'} saved to {_two_lines(target)}", timeout=8, markup=False
        )


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
