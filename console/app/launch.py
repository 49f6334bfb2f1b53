"""Console launch: opens the console on a run, and closes it; called by the command line."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.gc_scheduler import no_collections
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.ui_state import load_ui_state, save_ui_state
from tapedeck.console.cli.batch import BatchOptions, Outcome, exporting, finish_export
from tapedeck.console.cli.terminal import encoding_notice
from tapedeck.console.textual_ext.terminal_driver import is_terminal_there, restored_job_control
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

if TYPE_CHECKING:
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.export.csv_export import CsvExport
    from tapedeck.engine.store.bar_store import BarStore

log = logging.getLogger(__name__)

_SWITCH_INTERVAL_S: Final = 0.0005


def play_on_screen(
    config: SessionConfig,
    store: BarStore,
    *,
    invocation: Invocation,
    batch_options: BatchOptions | None = None,
    note: str = "",
) -> Outcome:
    """Show a run in the console until it is left; with an export set, the part that was played is exported.

    Must be called in the main thread. Errors that prevent a start are raised before the screen opens.
    """
    batch_options = batch_options or BatchOptions()
    folders, interrupts = invocation.folders, invocation.interrupts
    with ExitStack() as stack:
        sink = stack.enter_context(exporting(config, invocation.settings.export))
        sinks = [] if sink is None else [sink]
        system = SystemManager(config, store, sinks=sinks, tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES)
        stack.callback(system.stop)
        for condition in batch_options.breaks:
            system.add_breakpoint(condition)
        playback = Playback(system)
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
            note=note,
            script=batch_options.script,
            before_run=gc.freeze,
            export=invocation.settings.export,
            log_path=invocation.log_path,
        )
        lines = stack.enter_context(LogLines())
        interrupts.hold()
        interrupts.note_full_screen()
        app = ConsoleApp(playback, store, lines, setup)
        with restored_job_control(), tuned_interpreter():
            app.run()
        system.stop()
        outcome = _outcome(system, sink, app)
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


def _outcome(system: SystemManager, sink: CsvExport | None, app: ConsoleApp) -> Outcome:
    """Finish the export of a run that is over; return the run's outcome."""
    summary = system.summary()
    exported = finish_export(sink, summary, system.metrics)
    return Outcome(
        summary=summary,
        timers=system.metrics.timers(),
        export=exported.folder,
        error=system.error or exported.failure or app.failure,
        interrupted=system.state is RunState.STOPPED and not app.quit_by_script,
        unchanged=exported.unchanged,
    )


def _save_ui_state(folder: Path, app: ConsoleApp) -> None:
    problem = save_ui_state(folder, app.ui_state())
    if problem is not None:
        log.warning("%s", problem)
