"""Batch mode: plays a session file without a screen, with progress on a terminal."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.interrupts import Interrupts
from tapedeck.console.cli.run_progress import RunProgress
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.errors import ExportError, TapedeckError
from tapedeck.engine.metrics.performance import PerformanceMetrics, TimerSummary
from tapedeck.engine.read.snapshot import BreakpointHit, RunSummary
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

if TYPE_CHECKING:
    from tapedeck.console.actions.key_script import Script
    from tapedeck.console.cli.script_lines import ScriptLines
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.export.csv_export import CsvExport
    from tapedeck.engine.store.bar_store import BarStore
    from tapedeck.engine.tape.session_record import SessionSink

# Period of the main loop, which notices Ctrl-C and updates the progress bar.
_POLL_S: Final = 0.1
_COLLECTED_AFTER: Final = 10_000
"""Objects made and kept until the next garbage collection; Python's own setting is 700."""


@dataclass(frozen=True, slots=True)
class Determinism:
    """Comparison of two plays: whether strategies did the same; `text`: that, or the first difference."""

    same: bool
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a run. `error`: the error that ended it; `interrupted`: a signal ended it.

    `export`: the folder of its export; `unchanged`: the folder that got none, as nothing was played.

    `stopped_at`: the breakpoint that ended it, or None; `views`: panels as text, at the end of the run.
    `exports`, `export_failures`: of a recording over several days, the folder of each, and what failed.
    `determinism`: None if the file was played once.
    """

    summary: RunSummary
    timers: Mapping[str, TimerSummary]
    export: Path | None
    error: Exception | None
    interrupted: bool
    stopped_at: BreakpointHit | None = None
    views: tuple[str, ...] = ()
    unchanged: Path | None = None
    exports: tuple[Path, ...] = ()
    export_failures: tuple[ExportError, ...] = ()
    determinism: Determinism | None = None


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Options of a batch job: breakpoints, a key script, panels to write (name, form).

    Without a script the run ends at the first breakpoint.
    """

    breaks: Sequence[str] = ()
    script: Script | None = None
    views: Sequence[tuple[str, str]] = ()


def play(
    config: SessionConfig,
    store: BarStore,
    *,
    terminal: Terminal,
    export: Path | None,
    interrupts: Interrupts,
    batch_options: BatchOptions | None = None,
    sinks: Sequence[SessionSink] = (),
) -> Outcome:
    """Play a session file to its end, or until a breakpoint or a signal, and export what was played.

    `sinks`: receive the sessions, too. Only for the main thread. Raises ConfigError, ConditionError,
    CalendarError, StoreError, DataMissingError or ExportError before the start; later errors are in the
    outcome.
    """
    batch_options = batch_options or BatchOptions()
    with ExitStack() as stack:
        sink = stack.enter_context(exporting(config, export))
        receivers = [*sinks] if sink is None else [sink, *sinks]
        lines = None
        if batch_options.script is not None:
            from tapedeck.console.cli.script_lines import ScriptLines  # noqa: PLC0415 - most runs have no script

            lines = ScriptLines(batch_options.script, terminal)
        tape_cache_bytes = None if lines is None else SystemManager.TAPE_CACHE_BYTES
        system = SystemManager(config, store, sinks=receivers, tape_cache_bytes=tape_cache_bytes)
        for condition in batch_options.breaks:
            system.add_breakpoint(condition)
        system.prepare()
        if batch_options.script is not None:
            from tapedeck.console.actions.arguments import RunWords  # noqa: PLC0415 - most runs have no script

            batch_options.script.check(RunWords(system.vocabulary(), joinable=system.joinable_symbols))
        interrupts.hold()
        stack.enter_context(rare_collections())
        system.start(paused=lines is not None)
        end = _End()
        _wait(system, terminal, interrupts, lines, end)
        return _outcome(system, sink, interrupts, end, batch_options)


@dataclass(slots=True)
class _End:
    """End of a run before its last session: a breakpoint, or an error in the script."""

    stopped_at: BreakpointHit | None = None
    error: Exception | None = None


def _outcome(
    system: SystemManager,
    sink: CsvExport | None,
    interrupts: Interrupts,
    end: _End,
    batch_options: BatchOptions,
) -> Outcome:
    """Finish the export of a run that is over, and return its result."""
    summary = system.summary()
    exported = finish_export(sink, summary, system.metrics)
    return Outcome(
        summary=summary,
        timers=system.metrics.timers(),
        export=exported.folder,
        error=system.error or end.error or exported.failure,  # the failure may have ended the run
        # A signal after the last session does not count as an interrupt.
        interrupted=interrupts.seen and not summary.complete,
        stopped_at=end.stopped_at,
        views=_views(system, batch_options.views),
        unchanged=exported.unchanged,
    )


@dataclass(frozen=True, slots=True)
class FinishedExport:
    """End of a run's export: its folder, or the folder left unchanged as nothing was played, or its failure.

    All are None for a run without an export.
    """

    folder: Path | None = None
    unchanged: Path | None = None
    failure: ExportError | None = None


def finish_export(sink: CsvExport | None, summary: RunSummary, metrics: PerformanceMetrics) -> FinishedExport:
    """Finish the export of a run that is over."""
    if sink is None:
        return FinishedExport()
    try:
        manifest = sink.finish(summary, metrics)
    except ExportError as error:
        return FinishedExport(failure=error)
    return FinishedExport(unchanged=sink.folder) if manifest is None else FinishedExport(folder=sink.folder)


def _views(system: SystemManager, requested: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    if not requested:
        return ()
    from tapedeck.console.panel_data.views import view_text  # noqa: PLC0415 - most runs show none

    return tuple(view_text(system, panel, form) for panel, form in requested)


def _wait(
    system: SystemManager, terminal: Terminal, interrupts: Interrupts, lines: ScriptLines | None, end: _End
) -> None:
    """Wait until the run is over, with pauses in which the main thread handles signals."""
    with RunProgress(terminal.progress_console()) as progress:
        while not interrupts.seen and not _has_ended(system, lines, end):
            progress.show(system.snapshot())
        if interrupts.seen:
            progress.say("stopping")
            system.stop()
        progress.show(system.snapshot())


def _has_ended(system: SystemManager, lines: ScriptLines | None, end: _End) -> bool:
    """Wait for a moment; stop the run at a breakpoint or at the end of its script."""
    if lines is None and not system.breakpoints():
        return system.wait(_POLL_S)
    if lines is None:
        # The engine ends this wait, so the run stops at a breakpoint without delay.
        system.wait_for(lambda: system.state.is_over or system.state is RunState.PAUSED, _POLL_S)
        if system.state is RunState.PAUSED:
            end.stopped_at = system.snapshot().stopped_at
            system.stop()
    elif not _advance_script(system, lines, end):
        return False  # the run may be over, but further lines may export it
    return system.state.is_over and system.wait(_POLL_S)


def _advance_script(system: SystemManager, lines: ScriptLines, end: _End) -> bool:
    """Advance the script, and return whether it is over; an error in one of its lines ends the run."""
    try:
        over = lines.advance(system)
    except TapedeckError as error:
        end.error, over = error, True
    if over:
        end.stopped_at = system.snapshot().stopped_at
        system.stop()
    else:
        system.wait_for(lines.can_advance, _POLL_S)
    return over


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect garbage seldom, and not among the objects made before.

    A run keeps what strategies did, hundreds of thousands of small objects. To look through them again and
    again takes a tenth of its time, and finds nothing.
    """
    before, was_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    if before[0]:  # 0: never
        gc.set_threshold(max(before[0], _COLLECTED_AFTER), *before[1:])
    if not was_frozen:
        gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not was_frozen:
            gc.unfreeze()


@contextmanager
def exporting(config: SessionConfig, folder: Path | None) -> Iterator[CsvExport | None]:
    """Yield the export of a run, or None without a folder; remove it if the run cannot start."""
    if folder is None:
        yield None
        return
    from tapedeck.engine.export.csv_export import CsvExport  # noqa: PLC0415 - many runs export nothing

    export = CsvExport(folder, config)
    try:
        yield export
    except BaseException:
        export.abandon()
        raise
