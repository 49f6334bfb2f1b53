"""What stands on the terminal already, so that it is not sent again: a slow line has better to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

_MOVE: Final = "\x1b[{};{}H"


class Piece(NamedTuple):
    """A part of a line: columns [start, stop), and what stands there."""

    y: int
    start: int
    stop: int
    strip: Strip


class PiecesUpdate(CompositorUpdate):
    """Pieces of the screen, and what Textual has put together besides."""

    def __init__(self, pieces: Sequence[Piece], others: CompositorUpdate | None) -> None:
        self.pieces = pieces
        self.others = others

    def render_segments(self, console: Console) -> str:
        """Return what to write."""
        moved = (
            f"{_MOVE.format(y + 1, start + 1)}{strip.render(console)}" for y, start, _, strip in self.pieces
        )
        return "".join(moved) + (self.others.render_segments(console) if self.others else "")


class ScreenDiff:
    """Remembers what was written where, and writes of an update only what differs.

    Textual paints the whole screen twice when a dialog opens and when it closes, and of every line that
    changes all that stands beside it in a panel. `is_thrifty`: of a changed part only the cells that differ
    are sent, which takes some milliseconds a frame to find out.
    """

    def __init__(self) -> None:
        self.is_thrifty = False
        self._lines: dict[int, dict[int, Piece]] = {}

    def forget(self) -> None:
        """Take it that the terminal shows nothing of what was written: it was resized, or used by others."""
        self._lines.clear()

    def changes(self, update: CompositorUpdate, console: Console) -> str:
        """Return what has to be written for an update, and take it as written."""
        written: list[str] = []
        cursor: tuple[int, int] | None = None
        for piece in _pieces(update):
            for start, strip in self._take(piece):
                if cursor != (piece.y, start):
                    written.append(_MOVE.format(piece.y + 1, start + 1))
                written.append(strip.render(console))
                cursor = (piece.y, start + strip.cell_length)
        return "".join(written)

    def _take(self, piece: Piece) -> list[tuple[int, Strip]]:
        """Note a piece; return the parts of it, each with its column, that did not stand there."""
        line = self._lines.setdefault(piece.y, {})
        before = line.get(piece.start)
        if before is not None and before.stop == piece.stop:
            line[piece.start] = piece
            if before.strip == piece.strip:
                return []
            return _difference(before.strip, piece) if self.is_thrifty else [(piece.start, piece.strip)]
        for start, known in list(line.items()):
            if known.start < piece.stop and piece.start < known.stop:
                del line[start]
        line[piece.start] = piece
        return [(piece.start, piece.strip)]


class DiffUpdate(CompositorUpdate):
    """An update of which only that is written which is not on the terminal yet."""

    def __init__(self, update: CompositorUpdate, shown: ScreenDiff) -> None:
        self._update = update
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """Return what to write; Textual asks for it once, and writes it."""
        return self._shown.changes(self._update, console)


# What an update consists of


def _pieces(update: CompositorUpdate) -> Iterator[Piece]:
    if isinstance(update, PiecesUpdate):
        yield from update.pieces
        if update.others is not None:
            yield from _pieces(update.others)
    elif isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            yield from _side_by_side(y, update.region.x, line)
    elif isinstance(update, ChopsUpdate):
        for y, start, stop in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x > stop or end <= start:
                    continue
                part = strip if x >= start and end <= stop else strip.crop(0, min(end, stop) - x)
                yield from _side_by_side(y, x, [part])


def _side_by_side(y: int, x: int, strips: Iterable[Strip]) -> Iterator[Piece]:
    for strip in strips:
        stop = x + strip.cell_length
        if stop > x:
            yield Piece(y, x, stop, strip)
        x = stop


# What differs between two strips of the same width


def _difference(before: Strip, piece: Piece) -> list[tuple[int, Strip]]:
    """Return the parts of a piece that differ from what stood in its place."""
    old_text, new_text = before.text, piece.strip.text
    if len(old_text) != len(new_text) or len(new_text) != piece.stop - piece.start:
        return [(piece.start, piece.strip)]  # signs that are two cells wide
    parts: list[tuple[int, list[Segment]]] = []
    stop = 0
    for start, text, style in _changed(before, old_text, piece.strip):
        if parts and start == stop:
            parts[-1][1].append(Segment(text, style))
        else:
            parts.append((start, [Segment(text, style)]))
        stop = start + len(text)
    return [(piece.start + start, Strip(segments)) for start, segments in parts]


def _changed(before: Strip, old_text: str, after: Strip) -> Iterator[tuple[int, str, Style | None]]:
    """Give the runs of one style that differ: column, text, style."""
    ends, styles = _runs(before)
    at = start = 0
    for text, style, _ in after:
        if not text:
            continue
        stop = start + len(text)
        while ends[at] <= start:
            at += 1
        last = at
        while ends[last] < stop and styles[last] == style:
            last += 1
        if styles[last] != style:
            yield start, text, style
        elif (old := old_text[start:stop]) != text:
            first, end = _between(old, text)
            yield start + first, text[first:end], style
        start = stop


def _runs(strip: Strip) -> tuple[list[int], list[Style | None]]:
    """Return where each run of a style ends, and the style."""
    ends, styles, end = [], [], 0
    for text, style, _ in strip:
        end += len(text)
        ends.append(end)
        styles.append(style)
    return ends, styles


def _between(old: str, new: str) -> tuple[int, int]:
    """Return where the first difference of two texts of the same length begins, and where the last ends."""
    first, end = 0, len(new)
    while old[first] == new[first]:
        first += 1
    while old[end - 1] == new[end - 1]:
        end -= 1
    return first, end
