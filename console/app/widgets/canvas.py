"""Canvas of character cells: drawn with numpy, rendered to Textual strips line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Glyphs = NDArray[np.uint32]
Codes = NDArray[np.uint16]

BASE: Final = 0
"""Code of the widget's own style."""
BACKGROUND: Final = 32
"""A style code is an ink (below 32), plus 32 times the ink whose background it has."""
TINT: Final = BACKGROUND * BACKGROUND
"""Added to a style code, its background is the tint of that ink: its colour mixed with the background."""
BLANK: Final = ord(" ")
_COVERED: Final = "\0"
"""Glyph of the second cell of a wide character."""
ELLIPSIS: Final = "…"


class Canvas:
    """Cells of a widget, shape (height, width): a glyph (a code point) and a style code each.

    It is drawn first and read afterwards. A wide character takes two cells: its glyph, and a covered cell.
    """

    __slots__ = ("_has_wide_characters", "_runs", "codes", "glyphs", "height", "width")

    def __init__(self, width: int, height: int) -> None:
        self.width = max(width, 0)
        self.height = max(height, 0)
        self.glyphs: Glyphs = np.full((self.height, self.width), BLANK, dtype=np.uint32)
        self.codes: Codes = np.zeros((self.height, self.width), dtype=np.uint16)
        self._runs: _Runs | None = None
        self._has_wide_characters = False

    def text(self, x: int, y: int, text: str, code: int = BASE, *, stop: int | None = None) -> int:
        """Write a text from column x on, cut at `stop` or the right edge; return the column after it."""
        stop = self.width if stop is None else min(stop, self.width)
        if not 0 <= y < self.height or x >= stop:
            return x
        points = code_points(text)
        if len(points) != len(text):
            self._has_wide_characters = True
        start = max(x, 0)
        points = points[start - x : stop - x]
        end = start + len(points)
        self.glyphs[y, start:end] = points
        self.codes[y, start:end] = code
        return end

    def right_text(self, stop: int, y: int, text: str, code: int = BASE) -> int:
        """Write a text that ends before column `stop`; return its first column."""
        start = stop - cells_of(text)
        self.text(start, y, text, code, stop=stop)
        return start

    def column(self, x: int, y: int, texts: Sequence[str], codes: Sequence[int]) -> None:
        """Write texts of the same length, without wide characters, on the lines from y on."""
        if not texts:
            return
        block = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32).reshape(len(texts), -1)
        area = slice(y, y + len(texts)), slice(x, x + block.shape[1])
        self.glyphs[area] = block
        self.codes[area] = np.array(codes, dtype=np.uint16)[:, None]

    def set_background(self, y: int, code: int) -> None:
        """Set the background of a line to that of an ink."""
        if 0 <= y < self.height:
            self.codes[y] = self.codes[y] % BACKGROUND + code * BACKGROUND

    def changed_lines(self, earlier: Canvas | None) -> list[int]:
        """Return the lines that differ from an earlier canvas; all lines if the size differs."""
        if earlier is None or earlier.glyphs.shape != self.glyphs.shape:
            return list(range(self.height))
        same = (self.glyphs == earlier.glyphs) & (self.codes == earlier.codes)
        return [int(y) for y in np.flatnonzero(~same.all(axis=1))]

    def line(self, y: int) -> str:
        """Return the text of a line; without wide characters it has one character per column."""
        return self._characters(y).replace(_COVERED, "")

    def _characters(self, y: int) -> str:
        """Return one character per column; cut or overwritten halves of wide characters are blank."""
        characters = str(self.glyphs[y].tobytes(), "utf-32-le")
        return _without_halves(characters) if self._has_wide_characters else characters

    def strip(self, y: int, style_of: Callable[[int], Style]) -> Strip:
        """Return a line as a strip; `style_of` gives the style of a code."""
        if not 0 <= y < self.height or not self.width:
            return Strip.blank(self.width, style_of(BASE))
        runs, text = self._drawn_runs(), self._characters(y)
        first, last = runs.of_line[y], runs.of_line[y + 1]
        starts, codes = runs.starts[first:last], runs.codes[first:last]
        edges = pairwise([*starts, self.width])
        segments = [Segment(text[a:b], style_of(code)) for (a, b), code in zip(edges, codes, strict=True)]
        if self._has_wide_characters:
            segments = [Segment(segment.text.replace(_COVERED, ""), segment.style) for segment in segments]
        return Strip(segments, self.width)

    def codes_used(self) -> set[int]:
        """Return the codes of all cells, and that of the widget's own style."""
        return {BASE, *self._drawn_runs().codes}

    def _drawn_runs(self) -> _Runs:
        if self._runs is None:
            self._runs = _Runs.of(self)
        return self._runs


class _Runs(NamedTuple):
    """Columns where the style changes, with the new code; those of line y start at index `of_line[y]`."""

    starts: list[int]
    codes: list[int]
    of_line: list[int]

    @classmethod
    def of(cls, canvas: Canvas) -> _Runs:
        """Return the runs of a finished canvas."""
        codes = canvas.codes
        begins = np.ones(codes.shape, dtype=bool)
        begins[:, 1:] = codes[:, 1:] != codes[:, :-1]
        lines, columns = np.nonzero(begins)
        of_line = np.searchsorted(lines, np.arange(canvas.height + 1))
        return cls(columns.tolist(), codes[lines, columns].tolist(), of_line.tolist())


def with_tint(codes: Codes, inks: Codes) -> Codes:
    """Return style codes with the tint of an ink as background; of two tints that of the lower ink stays."""
    earlier = np.where(codes >= TINT, (codes - TINT) // BACKGROUND, BACKGROUND)
    tinted: Codes = (codes % BACKGROUND + TINT + BACKGROUND * np.minimum(earlier, inks)).astype(np.uint16)
    return tinted


@lru_cache(maxsize=8192)
def code_points(text: str) -> Glyphs:
    """Return the glyphs of a text, one per cell: a wide character is followed by a covered cell.

    Characters without a width, and unprintable ones, become `?`.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_cells, text))
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


@lru_cache(maxsize=4096)
def _cells(character: str) -> str:
    width = cell_len(character) if character.isprintable() else 0
    return {1: character, 2: character + _COVERED}.get(width, "?")


def _without_halves(line: str) -> str:
    """Replace single halves of wide characters by blanks."""
    kept: list[str] = []
    for character, following in pairwise(f"{line} "):
        if character == _COVERED:
            is_whole = bool(kept) and cell_len(kept[-1]) == 2
        else:
            is_whole = character.isascii() or cell_len(character) == 1 or following == _COVERED
        kept.append(character if is_whole else " ")
    return "".join(kept)


def cells_of(text: str) -> int:
    """Return the number of cells of a text on a canvas."""
    return len(text) if text.isascii() else len(code_points(text))


def shortened(text: str, width: int) -> str:
    """Return a text cut to a number of cells; a cut text ends in an ellipsis."""
    if cells_of(text) <= width:
        return text
    kept = text[: max(width - 1, 0)]
    while cells_of(kept) > width - 1 > 0:
        kept = kept[:-1]
    return kept + ELLIPSIS if width > 0 else ""
