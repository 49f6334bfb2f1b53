"""Which panels are seen, of which symbol, in which order and colours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tapedeck.console.app.screens.coverage import CoverageScreen
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.widgets.table_columns import SYMBOL
from tapedeck.engine.errors import EngineError, nearest
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.coverage import Coverage, measure_coverage

if TYPE_CHECKING:
    from tapedeck.console.app.console_app import ConsoleApp


class PanelHandlers:
    """What changes the screen, and nothing of the run."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._playback = app.playback

    # Symbols

    def symbol(self, steps: str) -> None:
        """Focus the next symbol of the table, or the one before; after the last comes the first."""
        main = self._app.main
        shown = main.symbols.table.shown_symbols or self._playback.plan.symbols
        at = shown.index(main.symbol) + int(steps) if main.symbol in shown else 0
        main.focus_symbol(shown[at % len(shown)])

    async def focus(self, symbol: str) -> None:
        """Focus a symbol by its name, asked for where none is given."""
        if symbol:
            self._app.main.focus_symbol(self._known(symbol))
            return

        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do("symbol", answer)

        prompt = PromptScreen("Symbol", "its name, or how it begins", self._known)
        await self._app.push_screen(prompt, chosen)

    def _known(self, text: str) -> str:
        symbols, wanted = self._playback.plan.symbols, text.strip().upper()
        found = next((s for s in symbols if s.upper() == wanted), None)
        found = found or next((s for s in symbols if s.upper().startswith(wanted)), None)
        if found is None:
            near = nearest(text, symbols)
            hint = f" Did you mean {near!r}?" if near else ""
            raise EngineError(f"{text.strip()!r} is no symbol of this run.{hint}")
        return found

    def sort(self, column: str) -> None:
        """Sort symbols by a column, or by the next one; `none` is the order of the file.

        Names come from A to Z first, numbers from the largest down.
        """
        panel = self._app.main.symbols
        if column:
            panel.table.sort_by(None if column == "none" else column)
        else:
            panel.table.sort_next()
        name, _ = panel.table.sort
        panel.table.sort_by(name, reverse=name not in (None, SYMBOL))
        if not panel.display:
            self._notify(f"sorted by {(name or 'the order of the file').replace('_', ' ')}")

    def _notify(self, sentence: str) -> None:
        """Tell what cannot be seen elsewhere, in place of what was told before."""
        self._app.clear_notifications()
        self._app.notify(sentence, timeout=2)

    def reverse(self, _argument: str) -> None:
        """Turn the order of symbols round."""
        self._app.main.symbols.table.sort_reversed()

    def filter(self, text: str) -> None:
        """Filter the active panel by a text, typed where none is given."""
        main = self._app.main
        if text:
            main.filter_active(text)
        else:
            main.open_filter()

    # Panels and screens

    def show(self, name: str) -> None:
        """Bring a panel to the front."""
        main = self._app.main
        main.take_layout(main.panel_layout.activated(name))

    def maximise(self, _argument: str) -> None:
        """Show the active panel alone, or all again."""
        main = self._app.main
        main.take_layout(replace(main.panel_layout, maximised=not main.panel_layout.maximised))

    def hide(self, _argument: str) -> None:
        """Hide the active panel."""
        main = self._app.main
        layout = main.panel_layout.hiding_active(self._app.size.width)
        if layout is main.panel_layout:
            raise EngineError("this is the last panel: bring another one back by its key first")
        main.take_layout(layout)

    def interval(self, text: str) -> None:
        """Show the chart on an interval, or on the next one that there is."""
        chart, intervals = self._app.main.chart, self._playback.intervals
        if text:
            chart.interval = self._interval(text, intervals)
        else:
            at = intervals.index(chart.interval) if chart.interval in intervals else -1
            chart.interval = intervals[(at + 1) % len(intervals)]
        self._app.main.update_again()
        if not chart.display:
            self._notify(f"chart: {chart.interval}")

    @staticmethod
    def _interval(text: str, intervals: tuple[Interval, ...]) -> Interval:
        found = next((interval for interval in intervals if str(interval) == text), None)
        if found is None:
            known = ", ".join(str(interval) for interval in intervals)
            raise EngineError(f"{text!r} is no interval of this run: it has {known}")
        return found

    def theme(self, name: str) -> None:
        """Take a theme by name, or the next one."""
        names = self._app.theme_names
        if name and name not in names:
            near = nearest(name, names)
            hint = f" Did you mean {near!r}?" if near else f" There are {', '.join(names)}."
            raise EngineError(f"{name!r} is no theme.{hint}")
        at = names.index(self._app.theme) if self._app.theme in names else -1
        self._app.theme = name or names[(at + 1) % len(names)]
        self._notify(f"theme: {self._app.theme}")

    async def coverage(self, _argument: str) -> None:
        """Open the coverage screen."""
        await self._app.push_screen(CoverageScreen(self._measure))

    def _measure(self) -> Coverage:
        plan = self._playback.plan
        intervals = [plan.base, *plan.derived]
        return measure_coverage(plan.symbols, intervals, plan.sessions, self._app.store)

    async def report(self, _argument: str) -> None:
        """Open the report."""
        system = self._playback.system
        await self._app.push_screen(ReportScreen(system.summary(), system.metrics.timers()))
