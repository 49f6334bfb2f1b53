"""Layout: the panels shown and their places, by the screen's size and the user's choice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from textual.geometry import Region, Size

from tapedeck.console.app.division import (
    Cast,
    Regions,
    Wanted,
    Wants,
    chart_first,
    grid,
    side_by_side,
    table_first,
)
from tapedeck.console.panel_data.registry import SECOND_CHART, Area, PanelEntry, RunPart, panels

MEDIUM_WIDTH: Final = 100
TWO_CHARTS_WIDTH: Final = 160
"""Columns of a screen from which two charts stand side by side."""
STRIP: Final = "strip"
"""Name of the line of symbols on a narrow screen, in regions."""
_STRIP_ROWS: Final = 1
_DEFAULT_WANT: Final = Wanted()


class Arrangement(Enum):
    """Ways to arrange panels."""

    CHART = "chart"
    """The chart is the largest panel."""
    WATCH = "watch"
    """The symbol table is."""
    GRID = "grid"
    """Only the panels that were brought to the front, in equal parts."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The user's choice. `active` has the focus; `front`: panels that were activated, the latest first.

    `has_second_chart`: whether the second chart is open. `parts`: those of the run, on which its panels
    depend.
    """

    active: str = "chart"
    front: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    maximised: bool = False
    arrangement: Arrangement = Arrangement.CHART
    has_second_chart: bool = False
    parts: frozenset[RunPart] = field(default=frozenset())

    @property
    def entries(self) -> tuple[PanelEntry, ...]:
        """The run's panels in the order of their keys; an open second chart after the first."""
        entries = panels(parts=self.parts)
        if not self.has_second_chart:
            return entries
        at = next(at for at, entry in enumerate(entries, 1) if entry.area is Area.CHART)
        return (*entries[:at], SECOND_CHART, *entries[at:])

    def panel_ids(self, area: Area | None = None) -> tuple[str, ...]:
        """Return the ids of `entries`, or of those of one area."""
        return tuple(entry.id for entry in self.entries if area in (None, entry.area))

    def argument_for(self, entry: PanelEntry) -> str:
        """Return the argument with which a panel's action shows it, also where it is that of two charts."""
        return entry.id if entry.area is Area.CHART and self.has_second_chart else ""

    @property
    def active_chart(self) -> str:
        """The chart that has the focus, or had it last."""
        charts = self._visible_charts or self.panel_ids(Area.CHART)
        return next((name for name in (self.active, *self.front) if name in charts), charts[0])

    @property
    def next_chart(self) -> str:
        """The chart that the charts' key shows: the active one, or the other one if that has the focus."""
        others = (name for name in self.panel_ids(Area.CHART) if name != self.active)
        return next(others, self.active) if self.active == self.active_chart else self.active_chart

    def regions(self, size: Size, wants: Wants) -> Regions:
        """Return the regions of the visible panels in the room for panels, and that of the strip of symbols.

        `wants`: the sizes that panels want, by id.
        """
        width, height = size
        if width < MEDIUM_WIDTH:
            top = 0 if self.active in self.panel_ids(Area.TABLE) else _STRIP_ROWS
            strip = {STRIP: Region(0, 0, width, top)} if top else {}
            return strip | {self.active: Region(0, top, width, max(height - top, 0))}
        if self.maximised:
            return {self.active: Region(0, 0, width, height)}
        known = {name: wants.get(name, _DEFAULT_WANT) for name in self.panel_ids()}
        found = self._divided(size, known)
        if self.active not in found and self.active not in self.hidden:
            # On a low screen the active panel is shown though it has fewer rows than are of use to it.
            known[self.active] = replace(known[self.active], least_rows=_DEFAULT_WANT.least_rows)
            found = self._divided(size, known)
        return found or {self.active: Region(0, 0, width, height)}

    def shown(self, size: Size, wants: Wants) -> tuple[str, ...]:
        """Return the visible panels, in the order of their numbers."""
        found = self.regions(size, wants)
        return tuple(name for name in self.panel_ids() if name in found)

    def activated(self, name: str) -> Layout:
        """Return the layout with a panel in front, brought back where it was hidden, or opened."""
        front = (name, *(other for other in self.front if other != name))
        is_open = self.has_second_chart or name == SECOND_CHART.id
        return replace(self, active=name, front=front, hidden=self.hidden - {name}, has_second_chart=is_open)

    def without_second_chart(self) -> Layout:
        """Return the layout with the second chart closed; the first one gets its focus."""
        front = tuple(name for name in self.front if name != SECOND_CHART.id)
        closed = replace(self, front=front, has_second_chart=False)
        return closed.activated(closed.panel_ids(Area.CHART)[0]) if self.active == SECOND_CHART.id else closed

    def hiding_active(self, size: Size, wants: Wants) -> Layout:
        """Return the layout without its active panel, the next one active; the last one stays."""
        if self.active == SECOND_CHART.id:
            return self.without_second_chart()
        hidden = replace(
            self,
            hidden=self.hidden | {self.active},
            front=tuple(name for name in self.front if name != self.active),
            maximised=False,
        )
        others = [name for name in self.shown(size, wants) if name != self.active]
        others += [name for name in self.panel_ids() if name not in hidden.hidden]
        return replace(hidden, active=others[0]) if others else self

    def _divided(self, size: Size, wants: Wants) -> Regions:
        charts = self._charts_on(size.width)
        if self.arrangement is Arrangement.GRID:
            return grid(self._grid_names(charts), wants, size)
        divide = chart_first if self.arrangement is Arrangement.CHART else table_first
        found = divide(self._cast(charts), wants, size)
        return found | side_by_side(charts, found[charts[0]]) if charts else found

    @property
    def _visible_charts(self) -> tuple[str, ...]:
        return tuple(name for name in self.panel_ids(Area.CHART) if name not in self.hidden)

    def _charts_on(self, width: int) -> tuple[str, ...]:
        """Return the charts that are shown on a screen of some width, from left to right."""
        charts = self._visible_charts
        return charts if width >= TWO_CHARTS_WIDTH or not charts else (self.active_chart,)

    def _grid_names(self, charts: tuple[str, ...]) -> tuple[str, ...]:
        left_out = self.hidden.union(self.panel_ids(Area.CHART)).difference(charts)
        names = [name for name in self.panel_ids() if name in self.front and name not in left_out]
        return tuple(sorted(names, key=lambda name: name != self.active and self.front.index(name) > 3))

    def _cast(self, charts: tuple[str, ...]) -> Cast:
        """Return the panels that may be shown, the active one before others at its side.

        The first of the charts stands for the place of all.
        """
        table = next((name for name in self.panel_ids(Area.TABLE) if name not in self.hidden), None)
        chart = next(iter(charts), None)
        entries = [entry for entry in panels(parts=self.parts) if entry.area is Area.SIDE]
        # What not every run has comes first: it is why this one is run.
        first = sorted((entry for entry in entries if entry.on_first_screen), key=lambda e: e.needs is None)
        at_side = {entry.id for entry in entries}
        others = dict.fromkeys([*self.front, *(entry.id for entry in first)])
        return Cast(
            table, chart, tuple(name for name in others if name in at_side and name not in self.hidden)
        )


BUILT_IN: Final[dict[str, Layout]] = {
    "chart": Layout(),
    "watch": Layout(active="symbols", arrangement=Arrangement.WATCH),
    "data": Layout(
        active="quality",
        front=("quality", "metrics", "events", "log"),
        arrangement=Arrangement.GRID,
    ),
}
"""Layouts that every user has, by name."""
