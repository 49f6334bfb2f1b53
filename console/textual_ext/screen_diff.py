"""Differences between an update and the terminal's contents, so that unchanged cells are not sent."""

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
    """A part of a line: columns [start, stop), and their contents."""

    y: int
    start: int
    stop: int
    strip: Strip


class PiecesUpdate(CompositorUpdate):
    """Pieces of the screen, followed by an update by Textual."""

    def __init__(self, pieces: Sequence[Piece], others: CompositorUpdate | None) -> None:
        self.pieces = pieces
        self.others = others

    def render_segments(self, console: Console) -> str:
        """Return the text to write."""
        moved = (
            f"{_MOVE.format(y + 1, start + 1)}{strip.render(console)}" for y, start, _, strip in self.pieces
        )
        return "".join(moved) + (self.others.render_segments(console) if self.others else "")


class ScreenDiff:
    """Record of the terminal's contents; reduces an update to the parts that differ.

    Textual paints the whole screen twice when a dialog opens and when it closes, and a changed line over the
    full width of its panel. `by_cell`: reduce changed parts to the cells that differ, which costs some
    milliseconds a frame.
    """

    def __init__(self) -> None:
        self.by_cell = False
        self._lines: dict[int, dict[int, Piece]] = {}

    def forget(self) -> None:
        """Clear the record: the terminal was resized, or other programs have written to it."""
        self._lines.clear()

    def changes(self, update: CompositorUpdate, console: Console) -> str:
        """Return the text to write for an update, and record it as written."""
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
        """Record a piece; return its parts that differ from the terminal's contents, each with its column."""
        line = self._lines.setdefault(piece.y, {})
        before = line.get(piece.start)
        if before is not None and before.stop == piece.stop:
            line[piece.start] = piece
            if before.strip == piece.strip:
                return []
            return _difference(before.strip, piece) if self.by_cell else [(piece.start, piece.strip)]
        for start, known in list(line.items()):
            if known.start < piece.stop and piece.start < known.stop:
                del line[start]
        line[piece.start] = piece
        return [(piece.start, piece.strip)]


class DiffUpdate(CompositorUpdate):
    """An update reduced to its differences from the terminal's contents."""

    def __init__(self, update: CompositorUpdate, screen_diff: ScreenDiff) -> None:
        self._update = update
        self._screen_diff = screen_diff

    def render_segments(self, console: Console) -> str:
        """Return the text to write; Textual calls this once, and writes the result."""
        return self._screen_diff.changes(self._update, console)


# The pieces of an update


def _pieces(update: CompositorUpdate) -> Iterator[Piece]:
    if isinstance(update, PiecesUpdate):
        yield from update.pieces
        if update.others is not None:
            yield from _pieces(update.others)
    elif isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            yield from _adjacent_pieces(y, update.region.x, line)
    elif isinstance(update, ChopsUpdate):
        for y, start, stop in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x > stop or end <= start:
                    continue
                part = strip if x >= start and end <= stop else strip.crop(0, min(end, stop) - x)
                yield from _adjacent_pieces(y, x, [part])


def _adjacent_pieces(y: int, x: int, strips: Iterable[Strip]) -> Iterator[Piece]:
    for strip in strips:
        stop = x + strip.cell_length
        if stop > x:
            yield Piece(y, x, stop, strip)
        x = stop


# The differences between two strips of the same width


def _difference(before: Strip, piece: Piece) -> list[tuple[int, Strip]]:
    """Return the parts of a piece that differ from the strip before it in the same place."""
    old_text, new_text = before.text, piece.strip.text
    if len(old_text) != len(new_text) or len(new_text) != piece.stop - piece.start:
        return [(piece.start, piece.strip)]  # characters that are two cells wide
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
    """Yield the runs of one style that differ: column, text, style."""
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
            first, end = _changed_range(old, text)
            yield start + first, text[first:end], style
        start = stop


def _runs(strip: Strip) -> tuple[list[int], list[Style | None]]:
    """Return the end of each run of a style, and its style."""
    ends, styles, end = [], [], 0
    for text, style, _ in strip:
        end += len(text)
        ends.append(end)
        styles.append(style)
    return ends, styles


def _changed_range(old: str, new: str) -> tuple[int, int]:
    """Return the start of the first and the end of the last difference of two texts of the same length."""
    first, end = 0, len(new)
    while old[first] == new[first]:
        first += 1
    while old[end - 1] == new[end - 1]:
        end -= 1
    return first, end
