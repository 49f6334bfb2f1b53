"""Batch mode: plays a session file without a screen, with progress on a terminal, and an end in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console.interrupts import Interrupts
from console.run_progress import RunProgress
from console.terminal import Terminal
from engine.errors import ExportError
from engine.monitoring.metrics import TimerSummary
from engine.monitoring.snapshot import RunSummary
from engine.system import SystemManager

if TYPE_CHECKING:
    from engine.config import SessionConfig
    from engine.export.csv_export import CsvExport
    from engine.store.bar_store import BarStore

# How often a run is looked at: so late a Ctrl-C is noticed, so often the progress bar moves.
_LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that is over. `error`: what ended it, if anything did; `interrupted`: it was told to stop."""

    summary: RunSummary
    timers: Mapping[str, TimerSummary]
    export: Path | None
    error: Exception | None
    interrupted: bool


def play(
    config: SessionConfig, store: BarStore, *, terminal: Terminal, export: Path | None, interrupts: Interrupts
) -> Outcome:
    """Play a session file to its end, or until a signal comes; whatever was played is exported.

    Must be called in the main thread. Raises what stands in the way of a start: ConfigError, CalendarError,
    StoreError, DataMissingError, ExportError. What goes wrong later is in the outcome.
    """
    with _exporting(config, export) as sink:
        system = SystemManager(config, store, sinks=[] if sink is None else [sink])
        system.prepare()
        interrupts.hold()
        system.start()
        _wait(system, terminal, interrupts)
        return _outcome(system, sink, interrupts)


def _outcome(system: SystemManager, sink: CsvExport | None, interrupts: Interrupts) -> Outcome:
    """Finish the export of a run that is over, and gather how it went."""
    summary, error = system.summary(), system.error
    exported = None
    if sink is not None:
        try:
            sink.finish(summary, system.metrics)
            exported = sink.folder
        except ExportError as failure:
            error = error or failure  # it may be what ended the run
    return Outcome(
        summary=summary,
        timers=system.metrics.timers(),
        export=exported,
        error=error,
        # A signal that came after the last session has interrupted nothing.
        interrupted=interrupts.seen and not summary.complete,
    )


def _wait(system: SystemManager, terminal: Terminal, interrupts: Interrupts) -> None:
    """Wait until the run is over, in steps in which the main thread hears signals."""
    with RunProgress(terminal.progress_console()) as progress:
        while not system.wait(_LOOK_EVERY_S):
            if interrupts.seen:
                progress.say("stopping")
                system.stop()
            else:
                progress.show(system.snapshot())
        progress.show(system.snapshot())


@contextmanager
def _exporting(config: SessionConfig, folder: Path | None) -> Iterator[CsvExport | None]:
    """Give the export of a run, if one is wanted; it leaves nothing behind where the run cannot start."""
    if folder is None:
        yield None
        return
    from engine.export.csv_export import CsvExport  # noqa: PLC0415 - many runs export nothing

    export = CsvExport(folder, config)
    try:
        yield export
    except BaseException:
        export.abandon()
        raise
