"""Strip of symbols: one line with symbol, last price and change; a click focuses one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.message import Message

from tapedeck.console.app.widgets.canvas import Canvas, cells_of, shortened
from tapedeck.console.app.widgets.figures import direction, fixed, signed
from tapedeck.console.app.widgets.painted import Painted

_INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed",
    "symbols--name", "symbols--gain", "symbols--loss", "symbols--focused",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(_INKS)}
_TONES: Final = {1: "gain", -1: "loss", 0: "base"}
_DECIMALS: Final = 2
"""Decimals of the change, in percent."""
_FOCUSED: Final = "▸"
_BEFORE: Final = "‹"
_AFTER: Final = "›"
_GAP: Final = 2
_LONGEST_SYMBOL: Final = 12
_LONGEST_CHANGE: Final = len("+99.99")


@dataclass(frozen=True, slots=True, eq=False)
class StripOfSymbols:
    """Symbols of the strip. `last`: prices, with `decimals`; `change`: in percent; both (S,), NaN unknown."""

    symbols: tuple[str, ...]
    last: NDArray[np.float64]
    change: NDArray[np.float64]
    decimals: int
    focused: str


class SymbolStrip(Painted):
    """As many symbols as the width has, in places of one width; it scrolls with the focused one."""

    INKS = _INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(_INKS)
    EMPTY_TEXT = "no session yet"
    DEFAULT_CSS = """
    SymbolStrip { height: 1; }
    SymbolStrip > .symbols--name { color: $foreground; text-style: bold; }
    SymbolStrip > .symbols--gain { color: $success; }
    SymbolStrip > .symbols--loss { color: $error; }
    SymbolStrip > .symbols--focused { color: $accent; background: $panel; text-style: bold; }
    """

    class Picked(Message):
        """Posted when a symbol is clicked."""

        def __init__(self, strip: SymbolStrip, symbol: str) -> None:
            super().__init__()
            self.strip = strip
            self.symbol = symbol

        @property
        def control(self) -> SymbolStrip:
            """The strip."""
            return self.strip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._data: StripOfSymbols | None = None
        self._first = 0
        self._places: list[tuple[int, int, str]] = []

    def show(self, data: StripOfSymbols | None) -> None:
        """Show symbols; None before the first session."""
        if data is None or not data.symbols:
            self.show_empty()
            return
        self._data = data
        self.data_changed()

    @property
    def shown_symbols(self) -> tuple[str, ...]:
        """The symbols on the line, from left to right."""
        return tuple(symbol for _, _, symbol in self._places)

    def on_click(self, event: events.Click) -> None:
        """Focus the symbol under the mouse; at an edge, the next one beyond it."""
        position, data = event.get_content_offset(self), self._data
        if position is None or data is None or self._notice is not None:
            return
        event.stop()
        symbol = next((name for start, stop, name in self._places if start <= position.x < stop), None)
        if symbol is None:
            last = self._first + len(self._places)
            at = self._first - 1 if position.x == 0 else last
            symbol = data.symbols[at] if 0 <= at < len(data.symbols) else None
        if symbol is not None:
            self.post_message(self.Picked(self, symbol))

    def paint(self, canvas: Canvas) -> None:
        """Draw the symbols around the focused one, with signs for those before and after."""
        data = self._data
        if data is None or not canvas.height or not canvas.width:
            return
        widths = _widths(data)
        place = 1 + sum(widths) + len(widths) - 1
        count = max((canvas.width - 2 + _GAP) // (place + _GAP), 1)
        self._first = _first_shown(self._first, count, data)
        self._places = []
        for number, at in enumerate(range(self._first, min(self._first + count, len(data.symbols)))):
            x = 1 + number * (place + _GAP)
            _paint_symbol(canvas, x, data, at, widths)
            self._places.append((x, x + place, data.symbols[at]))
        if self._first:
            canvas.text(0, 0, _BEFORE, _INK["quiet"])
        if self._first + count < len(data.symbols):
            canvas.text(canvas.width - 1, 0, _AFTER, _INK["quiet"])


def _first_shown(first: int, count: int, data: StripOfSymbols) -> int:
    """Return the first symbol shown: as before, or as little moved as shows the focused one."""
    at = data.symbols.index(data.focused) if data.focused in data.symbols else 0
    first = min(max(first, at - count + 1), at)
    return max(min(first, len(data.symbols) - count), 0)


def _widths(data: StripOfSymbols) -> tuple[int, int, int]:
    """Return the cells of symbol, price and change: the same for all, and for all prices of a size."""
    symbol = min(max(cells_of(name) for name in data.symbols), _LONGEST_SYMBOL)
    largest = float(np.max(data.last, where=np.isfinite(data.last), initial=0.0))
    return symbol, len(fixed(largest, data.decimals)), _LONGEST_CHANGE


def _paint_symbol(
    canvas: Canvas, x: int, data: StripOfSymbols, at: int, widths: tuple[int, int, int]
) -> None:
    for cells, text, ink in _parts(data, at, widths):
        start = x if ink in ("name", "focused") else x + cells - cells_of(text)
        canvas.text(start, 0, text, _INK[ink])
        x += cells + 1


def _parts(data: StripOfSymbols, at: int, widths: tuple[int, int, int]) -> Iterator[tuple[int, str, str]]:
    """Yield the cells, text and ink of sign and symbol, price, change."""
    symbol, price, change = widths
    is_focused = data.symbols[at] == data.focused
    name = shortened(data.symbols[at], symbol)
    yield symbol + 1, (_FOCUSED if is_focused else " ") + name, "focused" if is_focused else "name"
    yield price, fixed(float(data.last[at]), data.decimals), "base"
    moved = float(data.change[at])
    text = shortened(signed(moved, _DECIMALS), change)
    yield change, text, _TONES[direction(moved, _DECIMALS)]
