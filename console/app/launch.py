"""Console launch: opens the console on a run, and closes it; called by the command line."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.actions.arguments import RunWords
from tapedeck.console.app.breakpoint_files import kept_path
from tapedeck.console.app.chart_choice import ChartChoice
from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.gc_scheduler import no_collections
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.table_choice import TableChoice
from tapedeck.console.app.ui_state import load_ui_state, save_ui_state
from tapedeck.console.app.widgets.chart_lines import LineStyle
from tapedeck.console.cli.batch import BatchOptions, Outcome
from tapedeck.console.cli.live_export import LiveExport
from tapedeck.console.cli.terminal import encoding_notice
from tapedeck.console.textual_ext.terminal_driver import is_terminal_there, restored_job_control
from tapedeck.engine.config.restart_changes import change_that_needs_a_start
from tapedeck.engine.errors import EngineError
from tapedeck.engine.export.daily_exports import DailyExports
from tapedeck.engine.system import SystemManager

if TYPE_CHECKING:
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.export.csv_export import CsvExport
    from tapedeck.engine.feeds.live_options import LiveOptions
    from tapedeck.engine.store.bar_store import BarStore

log = logging.getLogger(__name__)

_SWITCH_INTERVAL_S: Final = 0.0005


def play_on_screen(
    config: SessionConfig,
    store: BarStore,
    *,
    invocation: Invocation,
    batch_options: BatchOptions | None = None,
    session_file: Path | None = None,
    plays_at_once: bool = False,
    note: str = "",
    live: LiveOptions | None = None,
    reread: Callable[[], SessionConfig] | None = None,
) -> Outcome:
    """Show a run in the console until it is left; with an export set, the part that was played is exported.

    It is paused at its start, unless `plays_at_once`; a key script drives it from there. `session_file`: the
    file whose breakpoints are kept; a key script plays without them. `live`: record a live session instead.
    `reread`: returns the session file as it is now, for a restart; without it the run is that of `config`
    again. Must be called in the main thread. Errors that prevent a start are raised before the screen opens.
    """
    batch_options = batch_options or BatchOptions()
    folders, interrupts = invocation.folders, invocation.interrupts
    with ExitStack() as stack:
        runs = stack.enter_context(_Runs(config, store, invocation.settings.export, live, reread))
        playback = Playback(runs.first(batch_options.breaks), watched_speed=invocation.settings.speed)
        stack.callback(playback.stop)
        if batch_options.script is not None:
            columns = TableChoice(playback.plan, is_live=playback.is_live)
            joinable = None if playback.is_live else playback.system.joinable_symbols
            drawn = ChartChoice(lambda: playback.plan.specs)
            batch_options.script.check(RunWords(playback.system.vocabulary(), columns, drawn, joinable))
        ui_state, notice = load_ui_state(folders.state)
        setup = Setup(
            exports=invocation.settings.export or folders.data / "exports",
            ui_state=ui_state,
            config_folder=folders.config,
            notices=tuple(filter(None, [notice, encoding_notice()])),
            key_changes=dict(invocation.settings.keys),
            interrupted=lambda: interrupts.seen or not is_terminal_there(),
            end_at_once=interrupts.end_at_once,
            frames=invocation.settings.frames,
            direct_drawing=invocation.settings.direct_drawing,
            chart_lines=LineStyle(invocation.settings.chart_lines),
            note=note,
            start_paused=not plays_at_once,
            script=batch_options.script,
            breakpoints_file=(
                None
                if session_file is None or batch_options.script is not None
                else kept_path(folders.state, session_file)
            ),
            before_run=freeze_objects,
            new_run=runs.following,
            export=invocation.settings.export,
            log_path=invocation.log_path,
        )
        lines = stack.enter_context(LogLines())
        interrupts.hold()
        interrupts.note_full_screen()
        app = ConsoleApp(playback, store, lines, setup)
        with restored_job_control(), tuned_interpreter():
            app.run()
        playback.stop()
        outcome = runs.finish(playback.system, app)
        _save_ui_state(folders.state, app)
        return outcome


@contextmanager
def tuned_interpreter() -> Iterator[None]:
    """Tune the interpreter for a screen and an engine in one process.

    Threads switch more often than every 5 ms, Python's default, so that a key waits less for a busy engine.
    Automatic garbage collection is off; the application collects at suitable times, and objects frozen by
    `gc.freeze`, its widgets, are skipped.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        with no_collections():
            yield
    finally:
        sys.setswitchinterval(before)


def freeze_objects() -> None:
    """Have garbage collections skip all objects made so far, but for those of a run that was replaced."""
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
    gc.freeze()


class _Runs:
    """The runs of a console, one after the other, each with an export of its own if there is a folder.

    Each run's export begins with it, and is abandoned if another run replaces it, or at an error.
    """

    def __init__(
        self,
        config: SessionConfig,
        store: BarStore,
        folder: Path | None,
        live: LiveOptions | None,
        reread: Callable[[], SessionConfig] | None,
    ) -> None:
        self._config = config
        self._reread = reread
        self._live = live
        self._store = store
        self._folder = folder
        self.export: CsvExport | None = None
        self.recording = LiveExport()

    def __enter__(self) -> _Runs:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None and self.export is not None:
            self.export.abandon()

    def first(self, breaks: Sequence[str]) -> SystemManager:
        """Return the first run, with its breakpoints. Raises as SystemManager and CsvExport."""
        live, sinks = self._live, self._begin_export()
        system = SystemManager(
            self._config,
            self._store,
            sinks=sinks,
            tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES,
            live=live,
        )
        self.recording.follow(system)
        for condition in breaks:
            system.add_breakpoint(condition)
        return system

    def following(self, ended: SystemManager) -> SystemManager:
        """Return a run in place of one that has ended, and replace its export, unless that fails.

        It is of the session file as that is now. Raises as SystemManager and CsvExport; ConfigError if the
        file has faults, EngineError if what has changed in it needs a new start.
        """
        if self._reread is not None:
            config = self._reread()
            changed = change_that_needs_a_start(self._config, config)
            if changed is not None:
                raise EngineError(
                    f"{changed} has changed in the session file: quit, and start again to use it"
                )
            self._config = config
        return ended.renewed(self._replace_export, self._config)

    def _replace_export(self) -> Sequence[CsvExport | DailyExports]:
        if self.export is not None:
            self.export.abandon()
            self.export = None
        return self._begin_export()

    def finish(self, system: SystemManager, app: ConsoleApp) -> Outcome:
        """Finish the export of a run that is over; return the run's outcome."""
        return self.recording.finish(system, interrupted=app.was_interrupted, failure=app.failure)

    def _begin_export(self) -> Sequence[CsvExport | DailyExports]:
        if self._folder is None:
            return ()
        if self._live is not None and self._live.days != 1:
            self.recording = LiveExport(daily=DailyExports(self._folder, self._config))
            return self.recording.sinks
        from tapedeck.engine.export.csv_export import CsvExport  # noqa: PLC0415 - many runs export nothing

        self.export = CsvExport(self._folder, self._config)
        self.recording = LiveExport(single=self.export)
        return self.recording.sinks


def _save_ui_state(folder: Path, app: ConsoleApp) -> None:
    problem = save_ui_state(folder, app.ui_state())
    if problem is not None:
        log.warning("%s", problem)
