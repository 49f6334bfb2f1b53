"""The charts of the main screen: the first, and a second one while it is open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from tapedeck.console.app.layout import Layout
from tapedeck.console.app.panels.chart import ChartPanel
from tapedeck.console.app.ui_state import KeptChart
from tapedeck.engine.intervals import Interval


class ChartPair:
    """Two charts. `layout`: returns the layout, which says whether the second is open, which is active."""

    def __init__(self, first: ChartPanel, second: ChartPanel, layout: Callable[[], Layout]) -> None:
        self.first = first
        self.second = second
        self._layout = layout

    @property
    def open(self) -> tuple[ChartPanel, ...]:
        """The charts that are open, also where there is no room for them."""
        return (self.first, self.second) if self._layout().has_second_chart else (self.first,)

    @property
    def active(self) -> ChartPanel:
        """The chart that has the focus, or had it last."""
        return self.second if self._layout().active_chart == self.second.NAME else self.first

    def prepare_second(self, intervals: Sequence[Interval]) -> None:
        """Have the second chart show the interval after the first's, or the one before the longest.

        `intervals`: those of the run, the shortest first.
        """
        shown = self.first.interval
        longer = [interval for interval in intervals if interval > shown]
        others = [interval for interval in intervals if interval != shown]
        self.second.interval = next(iter(longer), next(reversed(others), shown))

    def unpin_missing(self, there: Collection[str], focused: str) -> Iterator[tuple[str, str]]:
        """Unpin charts whose symbol is not there any more; yield their names and symbols."""
        for chart in self.open:
            if chart.is_pinned and chart.symbol not in there:
                yield chart.name_shown, chart.symbol
                chart.unpin(focused)

    def kept(self) -> tuple[KeptChart, ...]:
        """Return the charts as they are saved; none for a single one that follows the focused symbol."""
        charts = self.open
        if len(charts) == 1 and not self.first.is_pinned:
            return ()
        return tuple(
            KeptChart(
                str(chart.interval),
                chart.symbol if chart.is_pinned else "",
                chart.lines.chosen,
            )
            for chart in charts
        )

    def restore(
        self,
        saved: Sequence[KeptChart],
        intervals: Sequence[Interval],
        symbols: Collection[str],
        focused: str,
    ) -> None:
        """Show what was saved, as far as the run has it; charts of which nothing was saved stay as they are.

        `intervals`, `symbols`: those of the run, or of the session shown. `focused`: the focused symbol.
        """
        for chart, one in zip((self.first, self.second), saved, strict=False):
            if chart is self.second:
                self.prepare_second(intervals)
            known = (interval for interval in intervals if str(interval) == one.interval)
            chart.interval = next(known, chart.interval)
            chart.lines.choose(one.lines)
            if one.pinned in symbols:
                chart.pin(one.pinned)
            else:
                chart.unpin(focused)
