"""A map of rows and cells, shaded by how much is missing: what the gap map and the coverage map share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.message import Message

from tapedeck.console.app.widgets.canvas import Canvas, shortened
from tapedeck.console.app.widgets.downsample import slot_bounds
from tapedeck.console.app.widgets.painted import Painted
from tapedeck.console.panel_data.scores import cut_score

Floats = NDArray[np.float64]


class MapData(Protocol):
    """What every map is given: its rows, and how many slots or days its cells share."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The rows."""
        ...

    @property
    def columns(self) -> int:
        """Slots or days."""
        ...


Data = TypeVar("Data", bound=MapData)

_INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed",
    "map--label", "map--axis", "map--whole", "map--some", "map--many", "map--all",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(_INKS)}
_LONGEST_LABEL: Final = 12
_PCT_WIDTH: Final = 7
_NARROWEST_WITH_PCT: Final = 40
# Fractions of what is missing: none; up to a quarter, up to a half, less than all; all.
_BOUNDS: Final = (1e-9, 0.25, 0.5, 1.0 - 1e-9)
_LEVEL_INKS: Final = np.array(
    [_INK[ink] for ink in ("whole", "some", "some", "many", "all")], dtype=np.uint16
)


class CellMessage(Message):
    """A cell was clicked: its symbol, and what its map adds to that."""

    def __init__(self, shade_map: ShadeMap[Any], symbol: str) -> None:
        super().__init__()
        self.shade_map = shade_map
        self.symbol = symbol

    @property
    def control(self) -> ShadeMap[Any]:
        """The map."""
        return self.shade_map


class ShadeMap(Painted, Generic[Data], can_focus=True):
    """Rows named on the left, cells shaded by the missing fraction, the row's percentage on the right.

    The denser a cell, the more is missing: `SIGNS` has the levels from nothing to all.
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
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data: Data | None = None

    # What the two maps write

    @abstractmethod
    def missing(self, rows: slice, cells: int) -> Floats:
        """Return the missing fraction of each cell of some rows, NaN where nothing is known."""

    @abstractmethod
    def present_pct(self, rows: slice) -> Floats:
        """Return what is there of each row, in percent; NaN where nothing is known."""

    @abstractmethod
    def axis(self, cells: int) -> dict[int, str]:
        """Return cell → label of the line above the map."""

    @abstractmethod
    def chosen(self, symbol: str, column: int) -> CellMessage:
        """Return what is said of a clicked cell; `column`: the first of its slots or days."""

    # Shared

    def show(self, data: Data) -> None:
        """Show these rows, and draw what changed."""
        if not data.symbols or data.columns <= 0:
            self.show_empty()
            return
        self._data = data
        self.take_rows(len(data.symbols) + 1)
        self.data_changed()

    @property
    def data(self) -> Data:
        """What is shown; nothing is drawn before there is something."""
        assert self._data is not None
        return self._data

    def on_click(self, event: events.Click) -> None:
        """Say which cell is under the mouse."""
        place, data = event.get_content_offset(self), self._data
        if place is None or data is None or self._notice is not None:
            return
        left, cells = self.track()
        row = self._row_at(place.y)
        if row is not None and left <= place.x < left + cells:
            event.stop()
            column = int(slot_bounds(data.columns, cells)[0][place.x - left])
            self.post_message(self.chosen(data.symbols[row], column))

    def track(self) -> tuple[int, int]:
        """Return the first column of the cells, and how many there are."""
        width = self.scrollable_content_region.width
        left = min(max((len(label) for label in self._labels()), default=0), _LONGEST_LABEL) + 1
        right = _PCT_WIDTH if width >= _NARROWEST_WITH_PCT else 0
        return left, max(width - left - right, 1)

    def _labels(self) -> tuple[str, ...]:
        return () if self._data is None else self._data.symbols

    def _row_at(self, y: int) -> int | None:
        """Return the row in a line of the screen; None for the axis, or below the last."""
        row = y - 1 + self.scroll_offset.y
        return row if y >= 1 and row < len(self._labels()) else None

    def paint(self, canvas: Canvas) -> None:
        """Draw the axis and the rows that are seen."""
        left, cells = self.track()
        for cell, label in self.axis(cells).items():
            canvas.text(left + cell, 0, label, _INK["axis"], stop=left + cells)
        top = self.scroll_offset.y
        names = self._labels()
        seen = slice(top, min(top + max(canvas.height - 1, 0), len(names)))
        names = names[seen]
        if not names:
            return
        for y, name in enumerate(names, start=1):
            canvas.text(0, y, shortened(name, left - 1), _INK["label"])
        signs, inks = self._shades(self.missing(seen, cells))
        shown = slice(left, min(left + cells, canvas.width))
        canvas.glyphs[1 : 1 + len(names), shown] = signs[:, : shown.stop - left]
        canvas.codes[1 : 1 + len(names), shown] = inks[:, : shown.stop - left]
        if left + cells < canvas.width:
            self._paint_pct(canvas, seen, left + cells + _PCT_WIDTH)

    def _shades(self, missing: Floats) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
        known = ~np.isnan(missing)
        level = np.digitize(np.where(known, missing, 0.0), _BOUNDS, right=True)
        signs = np.array([ord(sign) for sign in self.SIGNS], dtype=np.uint32)
        return np.where(known, signs[level], np.uint32(ord(" "))), _LEVEL_INKS[level]

    def _paint_pct(self, canvas: Canvas, seen: slice, stop: int) -> None:
        for y, pct in enumerate(self.present_pct(seen).tolist(), start=1):
            text = "–" if np.isnan(pct) else f"{cut_score(pct)}%"
            canvas.right_text(stop, y, text, _INK["label"])
