"""Progress bar of a run: sessions, bars, bars per second, time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from tapedeck.engine.read.snapshot import Snapshot


class RunProgress:
    """A progress bar, redrawn by `show` without a thread; without a terminal it draws nothing."""

    def __init__(self, console: Console | None) -> None:
        self._started = time.perf_counter()
        self._progress: Progress | None = None
        if console is not None:
            self._progress, self._task = _make_bar(console)

    def __enter__(self) -> RunProgress:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Redraw the bar for a snapshot of the run."""
        if self._progress is None:
            return
        over = len(snapshot.finished)
        playing = snapshot.frontier / snapshot.slots if snapshot.slots and snapshot.session > over else 0.0
        seconds = time.perf_counter() - self._started
        bars = snapshot.counts["bars"]
        self._progress.update(
            self._task,
            description=str(snapshot.trading_day or "loading"),
            total=snapshot.sessions,
            completed=over + playing,
            sessions=f"{over}/{snapshot.sessions} sessions",
            bars=f"{bars:,} bars",
            rate=f"{bars / seconds:,.0f}/s" if seconds else "",
        )
        self._progress.refresh()

    def say(self, text: str) -> None:
        """Show a text in place of the trading day."""
        if self._progress is not None:
            self._progress.update(self._task, description=text)
            self._progress.refresh()


def _make_bar(console: Console) -> tuple[Progress, TaskID]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - slow

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[sessions]}"),
        TextColumn("{task.fields[bars]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        console=console,
        auto_refresh=False,  # rich would refresh in a daemon thread
        transient=True,
    )
    return progress, progress.add_task("loading", total=None, sessions="", bars="", rate="")
