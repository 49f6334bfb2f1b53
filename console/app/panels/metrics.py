"""Metrics panel: speed, threads, timers, memory."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from tapedeck.console.actions.speeds import short_number
from tapedeck.console.app.division import Wanted
from tapedeck.console.app.grid_text import Cell, GridLines, flowed, grid_lines, milliseconds
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import StyledLines
from tapedeck.console.panel_data.panel_tables import metrics_table
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.metrics.performance import TimerSummary

_FRAME_WEIGHT: Final = 0.2
_FRAME_STEP: Final = 0.2
# At maximum speed, with four frames a second, the figures change once a second, to be readable.
_SHOWN_EVERY: Final = 4
_PAIR_GAP: Final = 3
_SCROLLBAR: Final = 1
_SHOWN_ABOVE: Final = ("bars", "sessions")
_LEAST_COLUMNS: Final = 50
"""Columns, frame included, for the timers without their total."""


class MetricsPanel(Panel):
    """Bars per second, frame time, thread table, timers and memory."""

    NAME: ClassVar[str] = "metrics"
    NEEDS_SESSION: ClassVar[bool] = False

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.bars_per_second: float | None = None
        self.frame_ms: float | None = None
        self._mean_ms: float | None = None
        self._shown_ms: float | None = None
        self._updates = 0
        self._view_state: ViewState | None = None
        self._lines = StyledLines()

    def content(self) -> ComposeResult:
        """Compose the figures."""
        yield self._lines

    def wanted(self, _view_state: ViewState) -> Wanted:
        """Return the size of a panel whose lines grow, as wide as its timers."""
        return Wanted(least_columns=_LEAST_COLUMNS)

    def update(self, view_state: ViewState) -> None:
        """Show the figures, also before the first session."""
        self.fill()
        self._view_state = view_state
        self._updates = self._updates + 1 if view_state.is_racing else 0
        if self._updates % _SHOWN_EVERY == 0:
            self._lines.show(self._figures(view_state))

    def show(self, view_state: ViewState) -> None:
        """Show the figures."""
        self.update(view_state)

    def on_resize(self) -> None:
        """Lay the figures out for the new width."""
        if self._view_state is not None:
            self._lines.show(self._figures(self._view_state))

    def _figures(self, view_state: ViewState) -> list[Content]:
        counts = view_state.snapshot.counts
        rate = "–" if self.bars_per_second is None else short_number(self.bars_per_second)
        # The days of a recording have no number.
        of = "" if self.playback.is_live else f"/{view_state.snapshot.sessions}"
        sessions = f"{counts['sessions']:,}{of}"
        width = self.content_size.width - _SCROLLBAR
        pairs = (
            {"bars": f"{counts['bars']:,}", "bars per s": rate, "sessions": sessions, **self._duration()},
            {
                name.replace("_", " "): f"{count:,}"
                for name, count in counts.items()
                if name not in _SHOWN_ABOVE
            },
            {"frame": self._frame_text(), "memory": _memory_text()},
        )
        lines: list[Content] = []
        for some in pairs:
            lines += flowed([_pair(name, text) for name, text in some.items()], width, gap=_PAIR_GAP)
        statuses = view_state.snapshot.threads
        threads = [
            (
                status.name,
                Cell(status.state.value, "$text-error" if status.error else ""),
                f"{status.blocks:,}",
                str(status.waiting),
                str(status.overruns),
            )
            for status in statuses
        ]
        if threads:
            headings = ["thread", "state", "blocks", "queue", "late"]
            lines += [Content(""), *grid_lines(headings, threads, right="llrrr", width=width)]
        lines += [Content.styled(f"! {s.name}: {s.error}", "$text-error") for s in statuses if s.error]
        timers = self.playback.system.metrics.timers()
        if timers:
            lines += [Content(""), *_timer_lines(timers, width)]
        return lines

    def _duration(self) -> dict[str, str]:
        """Return the seconds from start to end of a run that is over, and its bars per second over all."""
        summary = self.playback.system.summary() if self.playback.system.state.is_over else None
        if summary is None or not summary.seconds:
            return {}
        return {"in": f"{summary.seconds:.2f} s", "overall": f"{summary.bars / summary.seconds:,.0f} per s"}

    def _frame_text(self) -> str:
        """Return the duration of a frame, smoothed, as each change of the figure costs a redraw."""
        if self.frame_ms is None:
            return "–"
        mean = self.frame_ms if self._mean_ms is None else self._mean_ms
        self._mean_ms = mean + _FRAME_WEIGHT * (self.frame_ms - mean)
        shown = self._shown_ms
        if shown is None or abs(self._mean_ms - shown) >= max(1.0, _FRAME_STEP * shown):
            self._shown_ms = shown = self._mean_ms
        return f"{shown:.0f} ms"

    def as_table(self, view_state: ViewState) -> Table:
        """Return timers and counters."""
        return metrics_table(self.playback.system.metrics)

    def keyboard_target(self) -> Widget:
        """Return the scrolling text."""
        return self._lines


def _further_counts(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(name.replace("_", " "), count) for name, count in counts.items() if name not in _SHOWN_ABOVE]


def _timer_lines(timers: Mapping[str, TimerSummary], width: int) -> Sequence[Content]:
    """Return the timers as a table, with the total if it fits."""
    rows = [
        (
            name.replace("_", " "),
            f"{timer.count:,}",
            *map(milliseconds, (timer.mean_s, timer.p95_s, timer.max_s, timer.total_s)),
        )
        for name, timer in timers.items()
    ]
    headings = ["step, in ms", "count", "mean", "p95", "max", "total"]
    lines = GridLines(headings, rows, right="lrrrrr", width=width)
    if lines.width(1) > width:
        lines = GridLines(headings[:-1], [row[:-1] for row in rows], right="lrrrr", width=width)
    return lines


def _pair(name: str, text: str) -> Content:
    return Content.assemble((f"{name} ", "$text-muted"), text)


def _memory_text() -> str:
    """Return the peak memory of the process, which the system reports cheaply."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak / (2**20 if sys.platform == 'darwin' else 2**10):,.0f} MB"
