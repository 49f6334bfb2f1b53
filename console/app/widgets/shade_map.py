"""Base class of the gap map and the coverage map: rows of cells, shaded by the missing fraction."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.message import Message

from tapedeck.console.app.widgets.canvas import Canvas, shortened
from tapedeck.console.app.widgets.downsample import slot_bounds
from tapedeck.console.app.widgets.figures import CORRECTED, JOINS_LATER
from tapedeck.console.app.widgets.painted import Painted
from tapedeck.console.panel_data.scores import cut_score

Floats = NDArray[np.float64]


class MapData(Protocol):
    """Data of a map: its rows, and the number of slots or days in each."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the rows."""
        ...

    @property
    def columns(self) -> int:
        """Number of slots or days."""
        ...


Data = TypeVar("Data", bound=MapData)

_INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed",
    "map--label", "map--axis", "map--whole", "map--some", "map--many", "map--all", "map--mark",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(_INKS)}
_MARK: Final = np.uint32(ord(CORRECTED))
_LONGEST_LABEL: Final = 12
_PCT_WIDTH: Final = 7
_NARROWEST_WITH_PCT: Final = 40
# Upper bounds of the missing fraction by level: none, up to 1/4, up to 1/2, less than all; above: all.
_BOUNDS: Final = (1e-9, 0.25, 0.5, 1.0 - 1e-9)
_LEVEL_INKS: Final = np.array(
    [_INK[ink] for ink in ("whole", "some", "some", "many", "all")], dtype=np.uint16
)


class CellMessage(Message):
    """Posted when a cell is clicked: its symbol; subclasses add the day or the slot."""

    def __init__(self, shade_map: ShadeMap[Any], symbol: str) -> None:
        super().__init__()
        self.shade_map = shade_map
        self.symbol = symbol

    @property
    def control(self) -> ShadeMap[Any]:
        """The map."""
        return self.shade_map


class ShadeMap(Painted, Generic[Data], can_focus=True):
    """Symbols on the left, cells shaded by the missing fraction, the percentage present on the right.

    `SIGNS`: characters of the levels, from none missing to all.
    """

    SIGNS: ClassVar[str] = "─░▒▓█"
    INKS = _INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(_INKS)
    DEFAULT_CSS = """
    ShadeMap { height: 1fr; overflow: hidden auto; scrollbar-size-vertical: 1; }
    ShadeMap > .map--label { color: $foreground; }
    ShadeMap > .map--axis { color: $foreground 75%; }
    ShadeMap > .map--whole { color: $success; }
    ShadeMap > .map--some { color: $warning; }
    ShadeMap > .map--many { color: $error; }
    ShadeMap > .map--all { color: $error; text-style: bold; }
    ShadeMap > .map--mark { color: $accent; text-style: bold; }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data: Data | None = None

    # For subclasses

    @abstractmethod
    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the missing fraction of each cell of some rows, shape (rows, cells); NaN if unknown."""

    def marked(self, rows: slice, cells: int) -> NDArray[np.bool_] | None:
        """Return the cells of some rows that get a mark where nothing is missing, or None without any."""
        del rows, cells
        return None

    def is_dimmed(self, symbol: str) -> bool:
        """Whether the row of a symbol is dimmed."""
        del symbol
        return False

    @abstractmethod
    def present_pct(self, rows: slice) -> Floats:
        """Return the percentage present in each of some rows; NaN if unknown."""

    @abstractmethod
    def axis(self, cells: int) -> dict[int, str]:
        """Return cell → label for the line above the map."""

    @abstractmethod
    def click_message(self, symbol: str, column: int) -> CellMessage:
        """Return the message of a clicked cell; `column`: the first of its slots or days."""

    # Drawing and mouse

    def show(self, data: Data) -> None:
        """Show data; only changed lines are redrawn."""
        if not data.symbols or data.columns <= 0:
            self.show_empty()
            return
        self._data = data
        self.take_rows(len(data.symbols) + 1)
        self.data_changed()

    @property
    def data(self) -> Data:
        """The data on view; only for use in drawing, which starts with the first data."""
        assert self._data is not None
        return self._data

    def on_click(self, event: events.Click) -> None:
        """Post the message of the clicked cell."""
        position, data = event.get_content_offset(self), self._data
        if position is None or data is None or self._notice is not None:
            return
        left, cells = self.track()
        row = self._row_at(position.y)
        if row is not None and left <= position.x < left + cells:
            event.stop()
            column = int(slot_bounds(data.columns, cells)[0][position.x - left])
            self.post_message(self.click_message(data.symbols[row], column))

    def track(self) -> tuple[int, int]:
        """Return the first column of the cells, and their number."""
        width = self.scrollable_content_region.width
        left = min(max((len(label) for label in self._labels()), default=0), _LONGEST_LABEL) + 1
        right = _PCT_WIDTH if width >= _NARROWEST_WITH_PCT else 0
        return left, max(width - left - right, 1)

    def _labels(self) -> tuple[str, ...]:
        return () if self._data is None else self._data.symbols

    def _row_at(self, y: int) -> int | None:
        """Return the row on a line of the widget; None on the axis and below the last row."""
        row = y - 1 + self.scroll_offset.y
        return row if y >= 1 and row < len(self._labels()) else None

    def paint(self, canvas: Canvas) -> None:
        """Draw the axis and the visible rows."""
        left, cells = self.track()
        for cell, label in self.axis(cells).items():
            canvas.text(left + cell, 0, label, _INK["axis"], stop=left + cells)
        top = self.scroll_offset.y
        names = self._labels()
        visible = slice(top, min(top + max(canvas.height - 1, 0), len(names)))
        names = names[visible]
        if not names:
            return
        for y, name in enumerate(names, start=1):
            canvas.text(0, y, shortened(name, left - 1), _INK["label"])
        missing = self.missing(visible, cells)
        signs, inks = self._shades(missing)
        if (marked := self.marked(visible, cells)) is not None:
            marked = marked & (missing == 0)
            signs, inks = np.where(marked, _MARK, signs), np.where(marked, _INK["mark"], inks)
        shown = slice(left, min(left + cells, canvas.width))
        canvas.glyphs[1 : 1 + len(names), shown] = signs[:, : shown.stop - left]
        canvas.codes[1 : 1 + len(names), shown] = inks[:, : shown.stop - left]
        if left + cells < canvas.width:
            self._paint_pct(canvas, visible, left + cells + _PCT_WIDTH)
        for y, name in enumerate(names, start=1):
            if self.is_dimmed(name):
                canvas.codes[y] = _INK["quiet"]
                canvas.text(left - 1, y, JOINS_LATER, _INK["quiet"])

    def _shades(self, missing: Floats) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
        known = ~np.isnan(missing)
        level = np.digitize(np.where(known, missing, 0.0), _BOUNDS, right=True)
        signs = np.array([ord(sign) for sign in self.SIGNS], dtype=np.uint32)
        return np.where(known, signs[level], np.uint32(ord(" "))), _LEVEL_INKS[level]

    def _paint_pct(self, canvas: Canvas, visible: slice, stop: int) -> None:
        for y, pct in enumerate(self.present_pct(visible).tolist(), start=1):
            text = "–" if np.isnan(pct) else f"{cut_score(pct)}%"
            canvas.right_text(stop, y, text, _INK["label"])
