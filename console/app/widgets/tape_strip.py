"""Tape strip: a session on one line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.message import Message

from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.downsample import slot_bounds, window_means
from tapedeck.console.app.widgets.figures import BOUGHT, SOLD
from tapedeck.console.app.widgets.painted import Painted

Floats = NDArray[np.float64]


class TickKind(Enum):
    """Kinds of ticks, with their characters; of several in one cell, the kind listed last is drawn."""

    GAP = "╎"
    SESSION = "│"
    EVENT = "•"
    SCAN = "○"
    BUY = BOUGHT
    SELL = SOLD
    BOOKMARK = "★"
    BREAK = "◆"
    ERROR = "!"


@dataclass(frozen=True, slots=True)
class StripTick:
    """A tick at a slot."""

    slot: int
    kind: TickKind


@dataclass(frozen=True, slots=True, eq=False)
class StripData:
    """Data of the strip: a session of `slots` slots, played up to `frontier`.

    `complete`: fraction (0 to 1) of the symbols that have a bar, for each slot that is over, shape
    (frontier,). `viewed_frontier`: the earlier frontier on view, None at the present. `opens`, `closes`: the
    session's bounds as text, shown at the ends of the line.
    """

    slots: int
    frontier: int
    complete: Floats
    ticks: tuple[StripTick, ...] = ()
    viewed_frontier: int | None = None
    opens: str = ""
    closes: str = ""


_INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed",
    "strip--full", "strip--fair", "strip--bad", "strip--none", "strip--ahead", "strip--later",
    "strip--now", "strip--past", "strip--label",
    "strip--gap", "strip--mark", "strip--stop", "strip--error",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(_INKS)}
_NARROWEST_WITH_LABELS: Final = 30
# Minimum fraction of bars present, with its character (distinct without colour) and ink.
_LEVELS: Final = ((0.99, "━", "full"), (0.9, "╍", "fair"), (1e-9, "┄", "bad"), (-1.0, "·", "none"))
_TICK_INKS: Final = {
    TickKind.GAP: "gap",
    TickKind.SESSION: "label",
    TickKind.BREAK: "stop",
    TickKind.ERROR: "error",
}
# Minimum distance in cells between ticks of gaps, which are frequent, so that the line stays visible.
_GAP_SPACING: Final = 4
_NOW: Final = "┃"
_PAST: Final = "◉"


class TapeStrip(Painted):
    """A session from open to close: the line's colour is quality; ticks mark events, carets the clock.

    While the past is on view, slots between it and the present are drawn in one dim ink.
    """

    INKS = _INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(_INKS)
    EMPTY_TEXT = "no session yet"
    DEFAULT_CSS = """
    TapeStrip { height: 1; }
    TapeStrip > .strip--full { color: $success; }
    TapeStrip > .strip--fair { color: $warning; }
    TapeStrip > .strip--bad { color: $error; }
    TapeStrip > .strip--none { color: $error; text-style: bold; }
    TapeStrip > .strip--ahead { color: $foreground 40%; }
    TapeStrip > .strip--later { color: $foreground 75%; }
    TapeStrip > .strip--now { color: $foreground; text-style: bold; }
    TapeStrip > .strip--past { color: $background; background: $warning; text-style: bold; }
    TapeStrip > .strip--label { color: $foreground 75%; }
    TapeStrip > .strip--gap { color: $warning; }
    TapeStrip > .strip--mark { color: $accent; text-style: bold; }
    TapeStrip > .strip--stop { color: $error; text-style: bold; }
    TapeStrip > .strip--error { color: $error; text-style: bold reverse; }
    """

    class Seek(Message):
        """Posted when the line is clicked: the first slot of the clicked cell."""

        def __init__(self, strip: TapeStrip, slot: int) -> None:
            super().__init__()
            self.strip = strip
            self.slot = slot

        @property
        def control(self) -> TapeStrip:
            """The strip."""
            return self.strip

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data: StripData | None = None

    def show(self, data: StripData) -> None:
        """Show a session."""
        if data.slots <= 0:
            self.show_empty()
            return
        self._data = data
        self.data_changed()

    def on_click(self, event: events.Click) -> None:
        """Post the slot under the mouse."""
        position, data = event.get_content_offset(self), self._data
        if position is None or data is None or self._notice is not None:
            return
        left, cells = _track(self.size.width, data)
        if left <= position.x < left + cells:
            event.stop()
            self.post_message(self.Seek(self, int(slot_bounds(data.slots, cells)[0][position.x - left])))

    def paint(self, canvas: Canvas) -> None:
        """Draw the line, its ticks and its carets."""
        data = self._data
        if data is None or not canvas.height or not canvas.width:
            return
        left, cells = _track(canvas.width, data)
        if left:
            canvas.text(0, 0, data.opens, _INK["label"])
            canvas.right_text(canvas.width, 0, data.closes, _INK["label"])
        _paint_track(canvas, left, cells, data)
        for cell, kind in _ticks(data, cells):
            canvas.text(left + cell, 0, kind.value, _INK[_TICK_INKS.get(kind, "mark")])
        if data.viewed_frontier is not None:
            _dim_later_slots(canvas, left, cells, data, data.viewed_frontier)
        canvas.text(left + _cell(data.frontier, data.slots, cells), 0, _NOW, _INK["now"])
        if data.viewed_frontier is not None:
            canvas.text(left + _cell(data.viewed_frontier, data.slots, cells), 0, _PAST, _INK["past"])


def _track(width: int, data: StripData) -> tuple[int, int]:
    """Return the first column of the line, and its number of cells."""
    if width < _NARROWEST_WITH_LABELS or not data.opens:
        return 0, width
    left = len(data.opens) + 1
    return left, max(width - left - (len(data.closes) + 1 if data.closes else 0), 1)


def _cell(slot: int, slots: int, cells: int) -> int:
    return min(max(slot * cells // slots, 0), cells - 1)


def _ticks(data: StripData, cells: int) -> list[tuple[int, TickKind]]:
    """Return cell and kind of the ticks in drawing order: gaps first and thinned out, others over them."""
    order = list(TickKind)
    by_kind = {(order.index(tick.kind), _cell(tick.slot, data.slots, cells)) for tick in data.ticks}
    drawn: list[tuple[int, TickKind]] = []
    next_free = 0
    for rank, cell in sorted(by_kind):
        kind = order[rank]
        if kind is TickKind.GAP:
            if cell < next_free:
                continue
            next_free = cell + _GAP_SPACING
        drawn.append((cell, kind))
    return drawn


def _paint_track(canvas: Canvas, left: int, cells: int, data: StripData) -> None:
    means = window_means(data.complete[None, : data.frontier], data.slots, cells)[0]
    signs, inks = _levels(means)
    canvas.glyphs[0, left : left + cells] = signs
    canvas.codes[0, left : left + cells] = inks


def _dim_later_slots(canvas: Canvas, left: int, cells: int, data: StripData, viewed_frontier: int) -> None:
    """Dim the slots after the viewed frontier; their characters stay."""
    first, stop = (_cell(slot, data.slots, cells) for slot in (viewed_frontier, data.frontier))
    canvas.codes[0, left + first + 1 : left + stop] = _INK["later"]


def _levels(means: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Return character and ink of each cell; NaN is a slot that is not over."""
    least = [means >= level for level, _, _ in _LEVELS]
    signs = np.select(least, [ord(sign) for _, sign, _ in _LEVELS], default=ord("─"))
    inks = np.select(least, [_INK[ink] for _, _, ink in _LEVELS], default=_INK["ahead"])
    return signs.astype(np.uint32), inks.astype(np.uint16)
