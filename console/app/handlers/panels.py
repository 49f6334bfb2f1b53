"""Panel handlers: focus, order, filter, layout, interval, theme, pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from textual.screen import Screen

from tapedeck.console.actions.arguments import SORTS, known_symbol
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.panels.chart import ChartPanel
from tapedeck.console.app.screens.columns import ColumnsScreen
from tapedeck.console.app.screens.lines import LinesScreen
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.table_choice import DEFAULT_WORD
from tapedeck.console.app.widgets.table_columns import SYMBOL
from tapedeck.console.panel_data.registry import load, pages
from tapedeck.engine.errors import EngineError, did_you_mean, nearest
from tapedeck.engine.intervals import Interval


class PanelHandlers:
    """Changes the screen, not the run."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._playback = app.playback

    # Symbols

    def symbol(self, steps: str) -> None:
        """Focus the next or previous symbol of the table, around its ends."""
        main = self._app.main
        shown = main.listed_symbols
        at = shown.index(main.symbol) + int(steps) if main.symbol in shown else 0
        main.focus_symbol(shown[at % len(shown)])

    def focus(self, symbol: str) -> None:
        """Focus a symbol by its name."""
        self._app.main.focus_symbol(self._known(symbol))

    async def ask_symbol(self, _argument: str) -> None:
        """Prompt for a symbol, and focus it."""

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("symbol", answer)

        prompt = PromptScreen("Symbol", "name, or its first letters", self._known)
        await self._app.open(prompt, chosen)

    def _known(self, text: str) -> str:
        return known_symbol(text, self._app.symbols)

    def sort(self, column: str) -> None:
        """Sort symbols by a column, or by the next one; `none`: order of the file.

        Names are sorted from A to Z, numbers in descending order.
        """
        panel = self._app.main.symbols
        if column:
            known = column in SORTS
            panel.table.sort_by(
                None if column == "none" else column if known else panel.columns.key_of(column)
            )
        else:
            panel.table.sort_next()
        name, _ = panel.table.sort
        panel.table.sort_by(name, reverse=name not in (None, SYMBOL))
        if not panel.display:
            self._notify(f"sorted by {(name or 'order of the file').replace('_', ' ')}")

    def columns(self, text: str) -> None:
        """Show columns of the symbol table, from left to right; `default`: the default ones."""
        panel = self._app.main.symbols
        self._show_columns(panel.columns.read(text))
        if not panel.display:
            self._notify(f"columns: {' '.join(panel.columns.shown)}")

    async def ask_columns(self, _argument: str) -> None:
        """Open the list of columns; the result is recorded as one action."""
        panel = self._app.main.symbols
        before = panel.columns.chosen

        async def closed(_answer: None) -> None:
            chosen = panel.columns.chosen
            if chosen != before:
                await self._app.do("columns", " ".join(chosen) or DEFAULT_WORD)

        def fitting() -> Collection[str]:
            drawn = panel.table.fitting_columns if panel.display else ()
            return drawn or panel.columns.shown  # the table may not be drawn yet

        await self._app.open(ColumnsScreen(panel.columns, self._show_columns, fitting), closed)

    def lines(self, text: str) -> None:
        """Show indicators on the chart, in order; `default`: the default ones, `none`: none."""
        chart = self._app.main.chart
        self._show_lines(chart, chart.lines.read(text))
        if not chart.display:
            self._notify(f"lines: {' '.join(chart.lines.shown) or 'none'}")

    async def ask_lines(self, _argument: str) -> None:
        """Open the list of lines and panes; the result is recorded as one action."""
        chart = self._app.main.chart
        choice, before = chart.lines, chart.lines.chosen
        if not choice.available:
            raise EngineError("this run has no session indicators: the session file names them")

        async def closed(_answer: None) -> None:
            if choice.chosen != before:
                await self._app.do("lines", " ".join(choice.chosen) or DEFAULT_WORD)

        apply = partial(self._show_lines, chart)
        screen = LinesScreen(chart.name_shown, choice, chart.interval, apply, chart.closed_panes)
        await self._app.open(screen, closed)

    def _show_lines(self, chart: ChartPanel, names: tuple[str, ...]) -> None:
        chart.lines.choose(names)
        self._app.main.update_again()

    def _show_columns(self, keys: tuple[str, ...]) -> None:
        self._app.main.symbols.columns.choose(keys)
        self._app.main.update_again()

    def _notify(self, text: str) -> None:
        """Show a notification in place of earlier ones."""
        self._app.clear_notifications()
        self._app.notify(text, timeout=2)

    def reverse(self, _argument: str) -> None:
        """Reverse the order of the symbols."""
        self._app.main.symbols.table.sort_reversed()

    def filter(self, text: str) -> None:
        """Filter the active panel by a text."""
        self._app.main.filter_active(text)

    def type_filter(self, _argument: str) -> None:
        """Open the filter line."""
        self._app.main.open_filter()

    # Panels and screens

    def show(self, name: str) -> None:
        """Show and activate a panel."""
        main = self._app.main
        main.apply_layout(main.panel_layout.activated(name))

    def maximise(self, _argument: str) -> None:
        """Maximise or restore the active panel."""
        main = self._app.main
        main.apply_layout(replace(main.panel_layout, maximised=not main.panel_layout.maximised))

    def hide(self, _argument: str) -> None:
        """Hide the active panel."""
        main = self._app.main
        layout = main.panel_layout.hiding_active(main.panel_room, main.wants)
        if layout is main.panel_layout:
            raise EngineError("the last panel cannot be hidden: show another one first")
        main.apply_layout(layout)

    def interval(self, text: str) -> None:
        """Set the chart's interval, or take the next one."""
        chart, intervals = self._app.main.chart, self._playback.intervals
        if text:
            chart.interval = self._interval(text, intervals)
        else:
            at = intervals.index(chart.interval) if chart.interval in intervals else -1
            chart.interval = intervals[(at + 1) % len(intervals)]
        self._app.main.update_again()
        if not chart.display:
            self._notify(f"{chart.name_shown}: {chart.interval}")

    @staticmethod
    def _interval(text: str, intervals: tuple[Interval, ...]) -> Interval:
        found = next((interval for interval in intervals if str(interval) == text), None)
        if found is None:
            known = ", ".join(str(interval) for interval in intervals)
            raise EngineError(f"unknown interval {text!r}: this run has {known}")
        return found

    def theme(self, name: str) -> None:
        """Set a theme by name, or the next one."""
        names = self._app.theme_names
        if name and name not in names:
            near = nearest(name, names)
            hint = did_you_mean(near) or f" Use {', '.join(names)}."
            raise EngineError(f"unknown theme {name!r}.{hint}")
        now = self._app.theme_name
        at = names.index(now) if now in names else -1
        chosen = name or names[(at + 1) % len(names)]
        self._app.set_theme(chosen)
        self._notify(f"theme: {chosen}")

    def report_day(self, steps: str) -> None:
        """Show another played day on the report page."""
        screen = self._app.screen
        if not isinstance(screen, ReportScreen):
            raise EngineError("open the report first: it shows one day at a time")
        screen.show_day(int(steps))

    async def page(self, page_id: str) -> None:
        """Open a page."""
        entry = next(page for page in pages() if page.id == page_id)
        make = load(entry.screen)
        assert callable(make)
        screen = make(self._app)
        assert isinstance(screen, Screen)
        await self._app.open(screen)
