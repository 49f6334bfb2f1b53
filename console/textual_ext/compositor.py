"""Which widgets are drawn by themselves: those that lie under nothing, which at full speed are nearly all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region, Spacing
from textual.widget import Widget

from tapedeck.console.textual_ext.screen_diff import Piece, PiecesUpdate


class DirectCompositor(Compositor):
    """Textual's compositor, which leaves out what need not be put together while `draws_directly`.

    For every update it has all widgets render all their lines, and cuts each at the edges of all others. The
    lines of a widget that nothing covers can be written as they are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.draws_directly = False
        self._waiting: dict[Widget, set[Region]] = {}
        self._uncovered: dict[Widget, Region] = {}
        self._uncovered_of: Mapping[Widget, tuple[Region, Region]] | None = None

    def clear(self) -> None:
        """Let go of all widgets."""
        super().clear()
        self._waiting.clear()
        self._uncovered.clear()
        self._uncovered_of = None

    def update_widgets(self, widgets: set[Widget]) -> None:
        """Note which parts of widgets are to be drawn anew."""
        direct = {widget for widget in widgets if widget in self._alone()} if self.draws_directly else set()
        for widget in direct:
            self._waiting.setdefault(widget, set()).update(widget._exchange_repaint_regions())
        super().update_widgets(widgets - direct)

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Render all of the screen."""
        self._waiting.clear()
        return super().render_full_update(simplify=simplify)

    def render_partial_update(self) -> ChopsUpdate | None:
        """Render what is to be drawn anew."""
        pieces = sorted(self._pieces(), key=lambda piece: piece[:2])
        self._waiting.clear()
        others = super().render_partial_update()
        # By its type it is the one kind of update that Textual makes here; all are written in the same way.
        return PiecesUpdate(pieces, others) if pieces else others  # type: ignore[return-value]

    def _alone(self) -> Mapping[Widget, Region]:
        """Return the widgets that nothing lies on but their own scrollbar, and what that leaves of them."""
        visible = self.visible_widgets
        if visible is not self._uncovered_of:
            in_front: list[Region] = []
            self._uncovered_of, self._uncovered = visible, {}
            for widget, (region, clip) in visible.items():
                free = region
                if widget.show_vertical_scrollbar:  # which has the last columns
                    free = region.shrink(Spacing(right=widget.scrollbar_size_vertical))
                if clip.contains_region(region) and not any(map(free.overlaps, in_front)):
                    self._uncovered[widget] = free
                in_front.append(region)
        return self._uncovered

    def _pieces(self) -> Iterator[Piece]:
        """Give the lines of widgets that are alone; leave the others to Textual."""
        alone = self._alone()
        for widget, dirty in self._waiting.items():
            region = alone.get(widget)
            if region is None:
                self._leave(widget, dirty)
                continue
            lines = {y for part in dirty for y in part.line_range if 0 <= y < region.height}
            if lines:
                first, stop = min(lines), max(lines) + 1
                strips = widget.render_lines(Region(0, first, region.width, stop - first))
                for y, strip in enumerate(strips, first):
                    if y in lines:
                        yield Piece(region.y + y, region.x, region.right, strip)

    def _leave(self, widget: Widget, dirty: set[Region]) -> None:
        """Have Textual draw parts of a widget that something covers by now; of one that is gone, none."""
        if widget in self.visible_widgets:
            region, clip = self.visible_widgets[widget]
            parts = (clip.intersection(part.translate(region.offset)) for part in dirty)
            self._dirty_regions.update(part for part in parts if part)
