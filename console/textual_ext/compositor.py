"""Compositor that draws uncovered widgets directly; in most frames nearly all widgets are uncovered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region, Spacing
from textual.widget import Widget

from tapedeck.console.textual_ext.screen_diff import Piece, PiecesUpdate


class DirectCompositor(Compositor):
    """Textual's compositor with a short path for uncovered widgets, taken while `draws_directly` is set.

    For every update, Textual's own renders all lines of all widgets, and cuts each line at the edges of all
    other widgets. Here the lines of an uncovered widget are written uncut.
    """

    def __init__(self) -> None:
        super().__init__()
        self.draws_directly = False
        self._pending: dict[Widget, set[Region]] = {}
        self._uncovered: dict[Widget, Region] = {}
        self._uncovered_of: Mapping[Widget, tuple[Region, Region]] | None = None

    def clear(self) -> None:
        """Forget all widgets."""
        super().clear()
        self._pending.clear()
        self._uncovered.clear()
        self._uncovered_of = None

    def update_widgets(self, widgets: set[Widget]) -> None:
        """Note which parts of widgets must be redrawn."""
        direct = (
            {widget for widget in widgets if widget in self.free_regions()} if self.draws_directly else set()
        )
        for widget in direct:
            self._pending.setdefault(widget, set()).update(widget._exchange_repaint_regions())
        super().update_widgets(widgets - direct)

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Render the whole screen."""
        self._pending.clear()
        return super().render_full_update(simplify=simplify)

    def render_partial_update(self) -> ChopsUpdate | None:
        """Render the parts that must be redrawn."""
        pieces = sorted(self._pieces(), key=lambda piece: piece[:2])
        self._pending.clear()
        others = super().render_partial_update()
        # Declared as the one kind of update that Textual makes here; every kind is written in the same way.
        return PiecesUpdate(pieces, others) if pieces else others  # type: ignore[return-value]

    def free_regions(self) -> Mapping[Widget, Region]:
        """Return the uncovered widgets with their regions, without their vertical scrollbars."""
        visible = self.visible_widgets
        if visible is not self._uncovered_of:
            in_front: list[Region] = []
            self._uncovered_of, self._uncovered = visible, {}
            for widget, (region, clip) in visible.items():
                free = region
                if widget.show_vertical_scrollbar:  # it takes the last columns
                    free = region.shrink(Spacing(right=widget.scrollbar_size_vertical))
                if clip.contains_region(region) and not any(map(free.overlaps, in_front)):
                    self._uncovered[widget] = free
                in_front.append(region)
        return self._uncovered

    def _pieces(self) -> Iterator[Piece]:
        """Yield the lines of uncovered widgets; hand the others to Textual."""
        free_regions = self.free_regions()
        for widget, dirty in self._pending.items():
            region = free_regions.get(widget)
            if region is None:
                self._hand_to_textual(widget, dirty)
                continue
            lines = {y for part in dirty for y in part.line_range if 0 <= y < region.height}
            if lines:
                first, stop = min(lines), max(lines) + 1
                strips = widget.render_lines(Region(0, first, region.width, stop - first))
                for y, strip in enumerate(strips, first):
                    if y in lines:
                        yield Piece(region.y + y, region.x, region.right, strip)

    def _hand_to_textual(self, widget: Widget, dirty: set[Region]) -> None:
        """Have Textual draw parts of a widget that is covered by now; skip a removed widget."""
        if widget in self.visible_widgets:
            region, clip = self.visible_widgets[widget]
            parts = (clip.intersection(part.translate(region.offset)) for part in dirty)
            self._dirty_regions.update(part for part in parts if part)
