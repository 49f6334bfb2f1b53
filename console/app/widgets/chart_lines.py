"""Lines, dots and histograms over the price or in a pane, drawn in dots that are parts of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.candles import Inks, Plot, is_solid, is_under_lines
from tapedeck.console.app.widgets.canvas import BLANK, with_tint
from tapedeck.console.app.widgets.chart_data import LineForm

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Glyphs = NDArray[np.uint32]

_ACROSS: Final = 2
"""Dots of a cell from left to right."""
_FAR: Final = 1e6
"""Dots that a value off the scale is away at most."""


class Scale(Protocol):
    """A scale of values: 0 at the bottom of the plot, 1 at its top."""

    def positions(self, values: Floats) -> Floats:
        """Return the position of each value; below 0 or above 1 if off the scale, NaN if missing."""


class LineStyle(Enum):
    """Characters that lines are drawn with."""

    BRAILLE = "braille"
    """2 x 4 dots a cell."""
    BLOCKS = "blocks"
    """2 x 2 quadrants a cell, for fonts without braille."""


@dataclass(frozen=True, slots=True, eq=False)
class PlottedLine:
    """A line of a plot: its values (m,), one for each candle, NaN where missing; its ink and its form."""

    values: Floats
    ink: int
    form: LineForm = LineForm.LINE


@dataclass(frozen=True, slots=True, eq=False)
class _DotSet:
    """Glyphs of a style by their dots: bit `bits[2 * row + column]` of the index is set for each dot.

    `shift`: base-2 logarithm of the rows of dots in a cell. `first`: the first glyph of `dots`, the dots of
    each glyph from there on, 0 for one that is none of a line.
    """

    shift: int
    bits: NDArray[np.uint8]
    glyphs: Glyphs
    first: int
    dots: NDArray[np.uint8]

    @classmethod
    def of(cls, shift: int, bits: Sequence[int], glyphs: Sequence[int]) -> _DotSet:
        """Return the set for glyphs in the order of their bits; the first one has no dot."""
        first = min(glyphs[1:])
        dots = np.zeros(max(glyphs) - first + 1, dtype=np.uint8)
        for number, glyph in enumerate(glyphs[1:], 1):
            dots[glyph - first] = number
        return cls(shift, np.array(bits, np.uint8), np.array(glyphs, np.uint32), first, dots)

    @property
    def down(self) -> int:
        """Rows of dots in a cell."""
        return 1 << self.shift

    def dots_of(self, glyphs: Glyphs) -> NDArray[np.uint8]:
        """Return the dots of each glyph, 0 for a glyph of another kind."""
        places = glyphs.astype(np.intp) - self.first
        is_known = (places >= 0) & (places < len(self.dots))
        return self.dots.take(places, mode="clip") * is_known


_DOT_SETS: Final = {
    LineStyle.BRAILLE: _DotSet.of(2, (0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80), range(0x2800, 0x2900)),
    LineStyle.BLOCKS: _DotSet.of(1, (1, 2, 4, 8), [ord(sign) for sign in " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"]),
}


def draw_lines(
    plot: Plot, scale: Scale, lines: Sequence[PlottedLine], *, style: LineStyle = LineStyle.BRAILLE
) -> None:
    """Draw all lines of a plot; where they share a cell, it has the ink with the lowest number.

    A line replaces blanks, levels and dividers. Any other character, such as a candle's, keeps its glyph and
    ink, and the line is its background. In one call, since of blocks alone it is not known whether they are
    a line's. What is off the scale is cut off.
    """
    if not lines or not len(plot.columns):
        return
    dot_set = _DOT_SETS[style]
    # The last one drawn into a cell gives its ink.
    ordered = sorted(lines, key=lambda line: -line.ink)
    spans = [
        _spans(plot, scale, list(some), form, dot_set.down)
        for form, some in groupby(ordered, key=lambda line: line.form)
    ]
    place, first, last, ink = spans[0] if len(spans) == 1 else _joined(spans)
    first = np.maximum(first, 0.0)
    lengths = np.minimum(last, dot_set.down * plot.rows - 1.0) - first + 1.0
    is_drawn = (lengths > 0.0) & (place < _ACROSS * plot.canvas.width)
    counts = np.where(is_drawn, lengths, 0.0).astype(np.intp)
    starts = np.cumsum(counts) - counts
    rows = np.where(is_drawn, first, 0.0).astype(np.intp) - starts
    which = np.repeat(np.arange(len(counts)), counts)
    _put_dots(plot, dot_set, rows[which] + np.arange(len(which)), place[which], ink[which])


def draw_line(
    plot: Plot,
    scale: Scale,
    values: Floats,
    ink: int,
    *,
    form: LineForm = LineForm.LINE,
    style: LineStyle = LineStyle.BRAILLE,
) -> None:
    """Draw one line, as `draw_lines` does."""
    draw_lines(plot, scale, [PlottedLine(values, ink, form)], style=style)


class _Spans(NamedTuple):
    """Runs of dots in one column of dots each, (n,): the column, first and last row (NaN: none), the ink."""

    place: Indices
    first: Floats
    last: Floats
    ink: Inks


def _spans(plot: Plot, scale: Scale, lines: Sequence[PlottedLine], form: LineForm, down: int) -> _Spans:
    """Return the spans of lines of one form; `down`: rows of dots in a cell."""
    exact = _dot_rows(scale.positions(np.array([line.values for line in lines])), plot.rows, down)
    if form is LineForm.LINE:
        steps = _steps_of(plot.columns.tobytes())
        places = steps.places
        first, last = _connected(steps, exact)
    else:
        is_wide = form is LineForm.HISTOGRAM or _are_apart(plot.columns)
        places, first = _dots_of_cells(plot.columns, np.floor(exact + 0.5), _ACROSS if is_wide else 1)
        last = first
        if form is LineForm.HISTOGRAM:
            zero = np.floor(_dot_rows(scale.positions(np.zeros(1)), plot.rows, down) + 0.5)
            first, last = np.minimum(first, zero), np.maximum(first, zero)
    inks = np.repeat(np.array([line.ink for line in lines], dtype=np.uint16), len(places))
    return _Spans(np.tile(places, len(lines)), first.ravel(), last.ravel(), inks)


def _joined(spans: Sequence[_Spans]) -> _Spans:
    return _Spans(*(np.concatenate(parts) for parts in zip(*spans, strict=True)))


def _dot_rows(positions: Floats, rows: int, down: int) -> Floats:
    """Return the exact row of dots of each position, 0 in the middle of the uppermost dot.

    The dot of a price lies in the half row in which a candle has that price.
    """
    height = (2 * rows - 1) * (down / 2)
    exact: Floats = np.minimum(np.maximum(height + down / 4 - 0.5 - height * positions, -_FAR), _FAR)
    return exact


def _are_apart(columns: Indices) -> bool:
    """Return whether there are blank columns between candles; dots in all columns would look like a line."""
    return bool(np.all(np.diff(columns) > 1))


def _dots_of_cells(columns: Indices, rows: Floats, across: int) -> tuple[Indices, Floats]:
    """Return the first `across` columns of dots of each candle's cell, and its row for each of them."""
    places = _ACROSS * columns[:, None] + np.arange(across)
    return places.ravel(), np.repeat(rows, across, axis=1)


class _Steps(NamedTuple):
    """Columns of dots from the first to the last candle: the candles around each, and the way between them.

    `own`: the candle in whose cell it is; `is_own`: whether there is one.
    """

    places: Indices
    left: Indices
    right: Indices
    share: Floats
    own: Indices
    is_own: NDArray[np.bool_]


@lru_cache(maxsize=16)
def _steps_of(columns_as_bytes: bytes) -> _Steps:
    """Return the columns of dots of a plot; they are the same from frame to frame."""
    columns = np.frombuffer(columns_as_bytes, dtype=np.intp)
    places = np.arange(_ACROSS * int(columns[0]), _ACROSS * (int(columns[-1]) + 1))
    middles = _ACROSS * columns + (_ACROSS - 1) / 2
    left = np.clip(np.searchsorted(middles, places, side="right") - 1, 0, len(columns) - 1)
    right = np.minimum(left + 1, len(columns) - 1)
    width = np.maximum(middles[right] - middles[left], 1.0)
    share = np.clip((places - middles[left]) / width, 0.0, 1.0)
    own = np.where(places // _ACROSS == columns[left], left, right)
    return _Steps(places, left, right, share, own, places // _ACROSS == columns[own])


def _connected(steps: _Steps, exact: Floats) -> tuple[Floats, Floats]:
    """Return first and last row of dots of connected lines through the middles of cells.

    They are straight from one candle to the next. `exact`: rows of dots, (lines, m).
    """
    before = exact.take(steps.left, axis=1)
    rows = before + (exact.take(steps.right, axis=1) - before) * steps.share
    # A value beside a missing one has the dots of its own cell only.
    if np.isnan(rows.sum()):
        rows = np.where(np.isnan(rows) & steps.is_own, exact.take(steps.own, axis=1), rows)
    rows = np.floor(rows + 0.5)
    one, other = rows[:, :-1], rows[:, 1:]
    half = np.floor((one + other) * 0.5)
    after_half = half + 1.0
    # Rows between two columns of dots: half of them in the one, half in the other. On a line that falls, the
    # upper half is in the column on the left; on one that rises it is the lower half.
    first, last = rows.copy(), rows.copy()
    np.fmax(one, half, out=last[:, :-1])
    np.fmin(one, after_half, out=first[:, :-1])
    np.fmax(last[:, 1:], half, out=last[:, 1:])
    np.fmin(first[:, 1:], after_half, out=first[:, 1:])
    return first, last


def _put_dots(plot: Plot, dot_set: _DotSet, dots: Indices, places: Indices, inks: Inks) -> None:
    """Add dots to cells: those of a later ink are drawn over those of an earlier one.

    `dots`: row of each dot in the plot; `places`: its column of dots.
    """
    width = plot.canvas.width
    cells = (dots >> dot_set.shift) * width + (places >> 1)
    bits = np.zeros(plot.rows * width, dtype=np.uint8)
    np.bitwise_or.at(bits, cells, dot_set.bits[((dots & (dot_set.down - 1)) << 1) | (places & 1)])
    upper = np.zeros(plot.rows * width, dtype=np.uint16)
    upper[cells] = inks
    drawn = np.flatnonzero(bits)
    area = slice(plot.top, plot.top + plot.rows)
    all_glyphs, all_codes = plot.canvas.glyphs[area].reshape(-1), plot.canvas.codes[area].reshape(-1)
    glyphs, codes, ink, added = all_glyphs[drawn], all_codes[drawn], upper[drawn], bits[drawn]
    is_free = glyphs == BLANK
    if not is_free.all():
        earlier = dot_set.dots_of(glyphs)
        # Some quadrants are glyphs of candles that are drawn without colour, too: ▀, ▄ and █.
        solid = is_solid(glyphs)
        if solid.any():
            earlier[solid & ~np.isin(codes, inks)] = 0
        is_line = earlier > 0
        added |= earlier
        ink = np.where(is_line, np.minimum(ink, codes), ink)
        is_free = is_line | is_under_lines(glyphs)
        ink = np.where(is_free, ink, with_tint(codes, ink))
    all_glyphs[drawn] = np.where(is_free, dot_set.glyphs[added], glyphs)
    all_codes[drawn] = ink
