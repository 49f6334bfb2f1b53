"""Opening the console on a run, and closing it: the one way in from the command line."""

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
from tapedeck.console.cli.batch import BatchOptions, Outcome, exporting
from tapedeck.console.cli.terminal import encoding_notice
from tapedeck.console.textual_ext.terminal_driver import is_terminal_there, job_control_given_back
from tapedeck.engine.errors import ExportError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

if TYPE_CHECKING:
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.export.csv_export import CsvExport
    from tapedeck.engine.store.bar_store import BarStore

log = logging.getLogger(__name__)

_TURN_S: Final = 0.0005


def play_on_screen(
    config: SessionConfig,
    store: BarStore,
    *,
    invocation: Invocation,
    batch_options: BatchOptions | None = None,
    note: str = "",
) -> Outcome:
    """Watch a run in the console until it is left; whatever was played is exported where that was asked for.

    Must be called in the main thread. Raises what stands in the way of a start, before the screen opens.
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
            frames=invocation.settings.frames,
            direct_drawing=invocation.settings.direct_drawing,
            note=note,
            script=batch_options.script,
            before_run=gc.freeze,
        )
        lines = stack.enter_context(LogLines())
        interrupts.hold()
        app = ConsoleApp(playback, store, lines, setup)
        with job_control_given_back(), beside_an_engine():
            app.run()
        system.stop()
        outcome = _outcome(system, sink, app)
        _remember(folders.state, app)
        return outcome


@contextmanager
def beside_an_engine() -> Iterator[None]:
    """Have screen and engine disturb each other less, in one process.

    Threads take shorter turns than Python's 5 ms: a key then waits less for a busy engine. Garbage is
    collected when the application finds it time, and what is frozen meanwhile (`gc.freeze`), its widgets, is
    left alone.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        with no_collections():
            yield
    finally:
        sys.setswitchinterval(before)


def _outcome(system: SystemManager, sink: CsvExport | None, app: ConsoleApp) -> Outcome:
    """Finish the export of a run that is over, and gather how it went."""
    summary, error = system.summary(), system.error
    exported = None
    if sink is not None:
        try:
            sink.finish(summary, system.metrics)
            exported = sink.folder
        except ExportError as failure:
            error = error or failure
    if error is None and app.failure is not None:
        error = app.failure
    interrupted = system.state is RunState.STOPPED and not app.quit_by_script
    return Outcome(summary, system.metrics.timers(), exported, error, interrupted)


def _remember(folder: Path, app: ConsoleApp) -> None:
    trouble = save_ui_state(folder, app.ui_state())
    if trouble is not None:
        log.warning("%s", trouble)
