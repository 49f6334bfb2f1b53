"""Coverage page: stored bars of the session file, symbols by days."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Label, Static

from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.rows import coverage_map
from tapedeck.console.app.screens.console_screen import ConsoleScreen, bindings_of
from tapedeck.console.app.widgets import CoverageMap
from tapedeck.engine.store.coverage import CalendarPart, Coverage, measure_coverage


class CoverageScreen(ConsoleScreen):
    """Symbols by trading days: full, partial, missing."""

    MODE = "coverage"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"escape,{BY_ID[MODE].keys}", "leave", "back"),
        *bindings_of(MODE),
    ]

    def __init__(self, measure: Callable[[], Coverage]) -> None:
        super().__init__()
        self._measure = measure
        self._found: Coverage | None = None
        self.map = CoverageMap()

    def compose(self) -> ComposeResult:
        """Compose the map and the line for the chosen day."""
        yield Label("Data coverage", classes="page-title")
        yield Static(id="coverage-summary")
        yield Static(_legend(), id="coverage-legend")
        yield self.map
        yield Static(id="coverage-day")
        yield self.footer()

    def on_mount(self) -> None:
        """Start the count."""
        self.map.show_loading("counting the stored bars")
        self.count()

    @work
    async def count(self) -> None:
        """Count in the background, as a large store takes time."""
        found = await run_in_background("counting the stored bars", self._measure, self.map.show_failed)
        if found is not None:
            self._show(found)

    def _show(self, found: Coverage) -> None:
        self._found = found
        statuses = {
            status: sum(row.count(status) for row in found.symbols)
            for status in ("full", "partial", "missing")
        }
        days = f"{found.days[0]} to {found.days[-1]}"
        counts = ", ".join(f"{number:,} {status}" for status, number in statuses.items())
        symbols = counted(len(found.symbols), "symbol")
        summary = f"{found.interval} bars, {symbols}, {days}: {counts}"
        lines = [summary, *(f"warning: {warning}" for warning in found.warnings)]
        self.query_one("#coverage-summary", Static).update(Content("\n".join(lines)))
        self.map.show(coverage_map(found))
        self.map.focus()

    @on(CoverageMap.Chosen)
    def _chosen(self, event: CoverageMap.Chosen) -> None:
        if self._found is None:
            return
        row = next(row for row in self._found.symbols if row.symbol == event.symbol)
        day = next(day for day in row.days if day.trading_day == event.day)
        text = f"{event.symbol} {event.day:%a %Y-%m-%d}: {day.bars:,} of {day.expected:,} bars, {day.status}"
        self.query_one("#coverage-day", Static).update(Content(text))

    def action_leave(self) -> None:
        """Close the page."""
        self.dismiss(None)


def coverage_screen(app: AppContext) -> CoverageScreen:
    """Return the page for the run of the application."""

    def measure() -> Coverage:
        plan, system = app.playback.plan, app.playback.system
        backtest, sessions = system.config.backtest_config, plan.sessions
        part = None if backtest is None else CalendarPart(system.time, backtest.start_date, backtest.end_date)
        today = system.snapshot().trading_day
        if app.playback.is_live and today is not None:  # the days after it have no bars yet
            sessions = tuple(session for session in sessions if session.trading_day <= today)
            part = CalendarPart(system.time, sessions[0].trading_day, today)
        return measure_coverage(
            tuple(dict.fromkeys((*plan.symbols, *system.session_data.get_active_symbols()))),
            [plan.base, *plan.derived],
            sessions,
            app.store,
            calendar=part,
            uses_daily_bars=system.config.session_data_config.uses_daily_bars,
        )

    return CoverageScreen(measure)


def _legend() -> Content:
    """Return the legend: denser signs mean more missing bars, as in the gap map."""
    signs = CoverageMap.SIGNS
    return Content.styled(f"{signs[0]} full   {signs[1:-1]} partial   {signs[-1]} missing", "$text-muted")
