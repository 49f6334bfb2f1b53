"""Layout: the panels on the screen, by its width, and by what the user has hidden, chosen or maximised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tapedeck.console.panel_data.registry import Area, RunPart, panel_ids

MEDIUM_WIDTH: Final = 100
WIDE_WIDTH: Final = 160


@dataclass(frozen=True, slots=True)
class Layout:
    """The user's choice. `active` has the focus, `side` is the panel in front of those at the side.

    `parts`: those of the run, on which its panels depend.
    """

    active: str = "symbols"
    side: str = "quality"
    hidden: frozenset[str] = frozenset()
    maximised: bool = False
    parts: frozenset[RunPart] = frozenset()

    def panel_ids(self, area: Area | None = None) -> tuple[str, ...]:
        """Return the ids of the run's panels, or of one area's, in the order of their keys."""
        return panel_ids(area, parts=self.parts)

    def shown(self, width: int) -> tuple[str, ...]:
        """Return the visible panels on a screen of `width` columns, in the order of their numbers."""
        if self.maximised or width < MEDIUM_WIDTH:
            return (self.active,)
        behind = set(self.panel_ids(Area.SIDE)) - {self.side} if width < WIDE_WIDTH else set()
        visible = [name for name in self.panel_ids() if name not in behind and name not in self.hidden]
        return tuple(visible) or (self.active,)

    def activated(self, name: str) -> Layout:
        """Return the layout with a panel in front, brought back where it was hidden."""
        side = name if name in self.panel_ids(Area.SIDE) else self.side
        return replace(self, active=name, side=side, hidden=self.hidden - {name})

    def hiding_active(self, width: int) -> Layout:
        """Return the layout without its active panel, the next one active; the last one stays."""
        others = [name for name in self.shown(width) if name != self.active] or [
            name for name in self.panel_ids() if name not in self.hidden and name != self.active
        ]
        if not others:
            return self
        hidden = self.hidden | {self.active}
        side, at_side = self.side, self.panel_ids(Area.SIDE)
        if self.side == self.active:
            side = next((name for name in at_side if name not in hidden), self.side)
        active = side if self.active in at_side and side not in hidden else others[0]
        return replace(self, active=active, side=side, hidden=hidden, maximised=False)
