"""Lines dialog: shows, hides and orders the lines over the price and the panes below it, applied at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tapedeck.console.app.chart_choice import NOTHING, ChartChoice
from tapedeck.console.app.screens.ordered_choice import OrderedChoiceScreen
from tapedeck.engine.intervals import Interval


class LinesScreen(OrderedChoiceScreen):
    """Lists the session indicators of all intervals, those of the chart's first: shown ones first, in order.

    `chart`: the chart's name. `apply`: called with the names of the indicators to show after each change,
    none for the default. `unfit`: returns the names of those shown whose panes do not fit.
    """

    LIST_ID = "lines"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "leave", "back")]

    def __init__(
        self,
        chart: str,
        choice: ChartChoice,
        interval: Interval,
        apply: Callable[[tuple[str, ...]], None],
        unfit: Callable[[], Collection[str]],
    ) -> None:
        super().__init__(lambda names: apply(names or NOTHING))
        self._chart = chart
        self._choice = choice
        self._interval = interval
        self._unfit = unfit
        self._reset_to = apply

    @property
    def heading(self) -> str:
        """The dialog's heading, which names the chart."""
        return f"Lines and panes of the {self._chart}"

    def action_reset(self) -> None:
        """Show the default lines and panes."""
        self._reset_to(())
        self._read()
        self._fill(0)

    def keys(self) -> Sequence[str]:
        """Return the names of all indicators."""
        return self._own_first(tuple(self._choice.available))

    def shown_keys(self) -> Sequence[str]:
        """Return the names of the shown indicators, in order."""
        return self._own_first(self._choice.shown)

    def about(self, key: str, *, is_shown: bool) -> str:
        """Return where an indicator is drawn, and on which interval."""
        if is_shown and key in self._unfit():
            return "does not fit: it needs a taller chart"
        spec = self._choice.available[key]
        place = "over the price" if spec.description.over_price else "pane"
        return f"{place}, {spec.kind} of {spec.interval} bars"

    def _own_first(self, names: Sequence[str]) -> tuple[str, ...]:
        available = self._choice.available
        known = [name for name in names if name in available]
        return tuple(sorted(known, key=lambda name: available[name].interval != self._interval))
