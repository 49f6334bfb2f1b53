"""Report page: a run session by session, with quality, timers and stamp."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Label, Static

from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.grid_text import MISSING, Cell, counted, grid, percent, quality_style
from tapedeck.console.app.screens.console_screen import ConsoleScreen, bindings_of
from tapedeck.engine.metrics.performance import TimerSummary
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionSummary

_SHORT_DIGEST = 12
_SHOWN_ABOVE = ("bars", "sessions")
_STATES = {"completed": "$text-success bold", "error": "$text-error bold"}


class ReportScreen(ConsoleScreen):
    """Sessions, quality per day, metrics and stamp of a run."""

    MODE = "report"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"escape,{BY_ID[MODE].keys},enter", "leave", "back"),
        *bindings_of(MODE),
    ]

    def __init__(self, summary: RunSummary, timers: dict[str, TimerSummary]) -> None:
        super().__init__()
        self.summary = summary
        self._step_timers = timers

    def compose(self) -> ComposeResult:
        """Compose the report."""
        yield Label(f"Run report: {self.summary.session_name}", classes="page-title", markup=False)
        with VerticalScroll(id="report"):
            yield Static(report_text(self.summary, self._step_timers))
        yield self.footer()

    def on_mount(self) -> None:
        """Focus the report, so that keys scroll it."""
        self.query_one("#report").focus()

    def action_leave(self) -> None:
        """Close the page."""
        self.dismiss(None)


def report_screen(app: AppContext) -> ReportScreen:
    """Return the page for the application's run so far."""
    system = app.playback.system
    return ReportScreen(system.summary(), system.metrics.timers())


def report_text(summary: RunSummary, timers: dict[str, TimerSummary]) -> Content:
    """Return the report as text."""
    rate = summary.bars / summary.seconds if summary.seconds else 0.0
    state = summary.state if summary.state in ("completed", "error") else f"{summary.state}, so far"
    parts = [
        Content.assemble(
            (state, _STATES.get(summary.state, "bold")),
            f"  {summary.exchange}, {summary.first_day} to {summary.last_day}, "
            f"{len(summary.sessions)} of {counted(summary.sessions_planned, 'session')}, "
            f"{counted(len(summary.symbols), 'symbol')}, {summary.base}",
        )
    ]
    if summary.error:
        parts.append(Content.styled(f"! {summary.error}", "$text-error"))
    if summary.seconds:
        bars = counted(summary.bars, "bar")
        parts.append(Content(f"{bars} in {summary.seconds:.2f} s, {rate:,.0f} bars/s"))
    stamp = summary.stamp if summary.sessions else "none: no session is over yet"
    parts.append(Content.assemble(("stamp ", "$text-muted"), (stamp, "bold")))
    parts += [Content.styled(f"warning: {warning}", "$text-warning") for warning in summary.warnings]
    # Few blank lines: a week of sessions and all timers fit 24 lines.
    if summary.sessions:
        parts.append(_sessions(summary.sessions))
    if timers:
        parts += [Content(""), _timer_table(timers)]
    counts = ", ".join(
        f"{name.replace('_', ' ')} {number:,}"
        for name, number in summary.counts.items()
        if name not in _SHOWN_ABOVE
    )
    parts.append(Content.styled(counts, "$text-muted"))
    return Content("\n").join(parts)


def _sessions(sessions: tuple[SessionSummary, ...]) -> Content:
    rows = [
        (
            session.trading_day,
            f"{session.bars:,}",
            _quality(session),
            "" if session.played == session.slots else f"cut short at {session.played} of {session.slots}",
            Cell(session.digest[:_SHORT_DIGEST], "$text-muted"),
        )
        for session in sessions
    ]
    return grid(["session", "bars", "quality", "", "digest"], rows, right="lrr")


def _quality(session: SessionSummary) -> Cell:
    if session.quality_pct is None or not session.played:  # without slots there is no score
        return Cell(MISSING)
    return Cell(percent(session.quality_pct, 2), quality_style(session.quality_pct))


def _timer_table(timers: dict[str, TimerSummary]) -> Content:
    rows = [
        (
            name.replace("_", " "),
            f"{timer.count:,}",
            *(f"{1e3 * value:,.2f}" for value in (timer.mean_s, timer.p95_s, timer.max_s)),
            f"{timer.total_s:,.3f}",
        )
        for name, timer in timers.items()
    ]
    return grid(["step", "count", "mean ms", "p95 ms", "max ms", "total s"], rows, right="lrrrrr")
