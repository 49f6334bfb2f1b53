"""Layout: the panels shown and their places, by the screen's size and the user's choice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from textual.geometry import Region, Size

from tapedeck.console.app.division import Cast, Regions, Wanted, Wants, chart_first, grid, table_first
from tapedeck.console.panel_data.registry import Area, RunPart, panel_ids, panels

MEDIUM_WIDTH: Final = 100
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

    `parts`: those of the run, on which its panels depend.
    """

    active: str = "chart"
    front: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    maximised: bool = False
    arrangement: Arrangement = Arrangement.CHART
    parts: frozenset[RunPart] = field(default=frozenset())

    def panel_ids(self, area: Area | None = None) -> tuple[str, ...]:
        """Return the ids of the run's panels, or of one area's, in the order of their keys."""
        return panel_ids(area, parts=self.parts)

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
        """Return the layout with a panel in front, brought back where it was hidden."""
        front = (name, *(other for other in self.front if other != name))
        return replace(self, active=name, front=front, hidden=self.hidden - {name})

    def hiding_active(self, size: Size, wants: Wants) -> Layout:
        """Return the layout without its active panel, the next one active; the last one stays."""
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
        if self.arrangement is Arrangement.GRID:
            return grid(self._grid_names(), wants, size)
        divide = chart_first if self.arrangement is Arrangement.CHART else table_first
        return divide(self._cast(), wants, size)

    def _grid_names(self) -> tuple[str, ...]:
        names = [name for name in self.panel_ids() if name in self.front and name not in self.hidden]
        return tuple(sorted(names, key=lambda name: name != self.active and self.front.index(name) > 3))

    def _cast(self) -> Cast:
        """Return the panels that may be shown, the active one before others at its side."""
        table, chart = (
            next((name for name in self.panel_ids(area) if name not in self.hidden), None)
            for area in (Area.TABLE, Area.CHART)
        )
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
