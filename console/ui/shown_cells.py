"""What stands on the terminal already, so that it is not sent again: a slow line has better to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rich.console import Console
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

_MOVE: Final = "\x1b[{};{}H"


class _Piece(NamedTuple):
    """A part of a line: columns [start, stop), and the text with its styles."""

    y: int
    start: int
    stop: int
    text: str


class ShownCells:
    """Remembers what was written where, and writes of an update only what differs.

    Textual paints the whole screen twice when a dialog opens and when it closes, and of every line that
    changes all that stands beside it in a panel.
    """

    def __init__(self) -> None:
        self._lines: dict[int, dict[int, _Piece]] = {}

    def forget(self) -> None:
        """Take it that the terminal shows nothing of what was written: it was resized, or used by others."""
        self._lines.clear()

    def changes(self, update: CompositorUpdate, console: Console) -> str:
        """Return what has to be written for an update, and take it as written."""
        written: list[str] = []
        cursor: tuple[int, int] | None = None
        for piece in _pieces(update, console):
            if not self._take(piece):
                continue
            if cursor != (piece.y, piece.start):
                written.append(_MOVE.format(piece.y + 1, piece.start + 1))
            written.append(piece.text)
            cursor = (piece.y, piece.stop)
        return "".join(written)

    def _take(self, piece: _Piece) -> bool:
        """Note a piece; return whether something else stood there."""
        line = self._lines.setdefault(piece.y, {})
        if line.get(piece.start) == piece:
            return False
        for start, known in list(line.items()):
            if known.start < piece.stop and piece.start < known.stop:
                del line[start]
        line[piece.start] = piece
        return True


class Difference(CompositorUpdate):
    """An update of which only that is written which is not on the terminal yet."""

    def __init__(self, update: CompositorUpdate, shown: ShownCells) -> None:
        self._update = update
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """Return what to write; Textual asks for it once, and writes it."""
        return self._shown.changes(self._update, console)


def _pieces(update: CompositorUpdate, console: Console) -> Iterator[_Piece]:
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            yield from _side_by_side(y, update.region.x, line, console)
    elif isinstance(update, ChopsUpdate):
        for y, start, stop in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x > stop or end <= start:
                    continue
                part = strip if x >= start and end <= stop else strip.crop(0, min(end, stop) - x)
                yield from _side_by_side(y, x, [part], console)


def _side_by_side(y: int, x: int, strips: Iterable[Strip], console: Console) -> Iterator[_Piece]:
    for strip in strips:
        stop = x + strip.cell_length
        if stop > x:
            yield _Piece(y, x, stop, strip.render(console))
        x = stop
