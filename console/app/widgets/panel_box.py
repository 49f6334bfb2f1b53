"""Container of panels: places each in the region that a layout gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.containers import Container
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

RegionsOf = Callable[[Size], Mapping[str, Region]]
"""Returns regions by the id of a widget, for the size of the container."""


class _ByRegions(Layout):
    """Places widgets in the regions of their ids; one without a region is not drawn."""

    name = "regions"

    def __init__(self, regions_of: RegionsOf) -> None:
        self._regions_of = regions_of

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Return the places of widgets."""
        found = self._regions_of(size)
        nowhere, none = Region(0, 0, 0, 0), Spacing(0, 0, 0, 0)
        return [
            WidgetPlacement(found.get(child.id or "", nowhere), NULL_OFFSET, none, child)
            for child in children
        ]


class PanelBox(Container):
    """Container whose panels stand in regions; blank where there is none."""

    def __init__(self, *children: Widget, id: str, regions_of: RegionsOf) -> None:
        super().__init__(*children, id=id)
        self._by_regions = _ByRegions(regions_of)

    @property
    def layout(self) -> Layout:
        """The layout by regions, which replaces that of the styles."""
        return self._by_regions
