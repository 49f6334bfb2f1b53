"""Lines, dots and histograms over the price or in a pane, drawn in dots that are parts of a cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.candles import Inks, Plot, is_candle_glyph, is_under_lines
from tapedeck.console.app.widgets.canvas import with_tint
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
    """Glyphs of a style by their dots: bit `bits[row, column]` of the index is set for each dot."""

    down: int
    bits: NDArray[np.uint8]
    glyphs: Glyphs

    def dots_of(self, glyphs: Glyphs) -> NDArray[np.intp]:
        """Return the dots of each glyph, 0 for a glyph of another kind."""
        order = np.argsort(self.glyphs)
        at = order[np.searchsorted(self.glyphs, glyphs, sorter=order).clip(max=len(order) - 1)]
        dots: NDArray[np.intp] = np.where(self.glyphs[at] == glyphs, at, 0)
        return dots


_DOT_SETS: Final = {
    LineStyle.BRAILLE: _DotSet(
        down=4,
        bits=np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8),
        glyphs=np.arange(0x2800, 0x2900, dtype=np.uint32),
    ),
    LineStyle.BLOCKS: _DotSet(
        down=2,
        bits=np.array([[1, 2], [4, 8]], dtype=np.uint8),
        glyphs=np.array([ord(sign) for sign in " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"], dtype=np.uint32),
    ),
}


def draw_lines(
    plot: Plot, scale: Scale, lines: Sequence[PlottedLine], *, style: LineStyle = LineStyle.BRAILLE
) -> None:
    """Draw all lines of a plot; where they share a cell, it has the ink with the lowest number.

    A line replaces blanks, levels and dividers. Any other character, such as a candle's, keeps its glyph and
    ink, and the line is its background. In one call, since of blocks alone it is not known whether they are
    a line's. What is off the scale is cut off.
    """
    dot_set = _DOT_SETS[style]
    height = dot_set.down * plot.rows
    # The last one drawn into a cell gives its ink.
    ordered = sorted(lines, key=lambda line: -line.ink)
    spans = list(_spans(plot, dot_set, scale, ordered)) if len(plot.columns) else []
    if not spans:
        return
    number, place, first, last = (np.concatenate(parts) for parts in zip(*spans, strict=True))
    first, last = np.maximum(first, 0), np.minimum(last, height - 1)
    counts = np.maximum(last - first + 1, 0)
    starts = np.cumsum(counts) - counts
    dots = np.arange(int(counts.sum())) + np.repeat(first - starts, counts)
    inks = np.array([line.ink for line in ordered], dtype=np.uint16)[np.repeat(number, counts)]
    _put_dots(plot, dot_set, dots, np.repeat(place, counts), inks)


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
    """Runs of dots in one column of dots each: index of the line, the column, first and last row, from 0."""

    number: Indices
    place: Indices
    first: Indices
    last: Indices

    @classmethod
    def of(cls, numbers: Sequence[int], columns: Indices, first: Floats, last: Floats) -> _Spans:
        """Return the spans that are not NaN; `first`, `last`: (lines, columns)."""
        rows, places = np.nonzero(first <= last)
        kept = rows, places
        return cls(
            np.array(numbers, dtype=np.intp)[rows],
            columns[places],
            first[kept].astype(np.intp),
            last[kept].astype(np.intp),
        )


def _spans(plot: Plot, dot_set: _DotSet, scale: Scale, lines: Sequence[PlottedLine]) -> Iterator[_Spans]:
    """Yield the spans of the lines of each form."""
    for form in LineForm:
        numbers = [number for number, line in enumerate(lines) if line.form is form]
        if not numbers:
            continue
        values = np.stack([lines[number].values for number in numbers])
        exact = _dot_rows(scale.positions(values), plot.rows, dot_set.down)
        if form is LineForm.LINE:
            yield _connected(numbers, plot.columns, exact)
            continue
        is_wide = form is LineForm.HISTOGRAM or _are_apart(plot.columns)
        columns, rows = _dots_of_cells(plot.columns, np.floor(exact + 0.5), _ACROSS if is_wide else 1)
        if form is LineForm.HISTOGRAM:
            zero = np.floor(_dot_rows(scale.positions(np.zeros(1)), plot.rows, dot_set.down) + 0.5)
            yield _Spans.of(numbers, columns, np.minimum(rows, zero), np.maximum(rows, zero))
        else:
            yield _Spans.of(numbers, columns, rows, rows)


def _dot_rows(positions: Floats, rows: int, down: int) -> Floats:
    """Return the exact row of dots of each position, 0 in the middle of the uppermost dot.

    The dot of a price lies in the half row in which a candle has that price.
    """
    halves = (1.0 - positions) * (2 * rows - 1)
    exact: Floats = np.clip((halves + 0.5) * (down / 2) - 0.5, -_FAR, _FAR)
    return exact


def _are_apart(columns: Indices) -> bool:
    """Return whether there are blank columns between candles; dots in all columns would look like a line."""
    return bool(np.all(np.diff(columns) > 1))


def _dots_of_cells(columns: Indices, rows: Floats, across: int) -> tuple[Indices, Floats]:
    """Return the first `across` columns of dots of each candle's cell, and its row for each of them."""
    places = _ACROSS * columns[:, None] + np.arange(across)
    return places.ravel(), np.repeat(rows, across, axis=1)


def _connected(numbers: Sequence[int], columns: Indices, exact: Floats) -> _Spans:
    """Return connected lines through the middles of cells, straight from one candle to the next.

    `exact`: rows of dots, (lines, m).
    """
    places = np.arange(_ACROSS * int(columns[0]), _ACROSS * (int(columns[-1]) + 1))
    middles = _ACROSS * columns + (_ACROSS - 1) / 2
    left = np.clip(np.searchsorted(middles, places, side="right") - 1, 0, len(columns) - 1)
    right = np.minimum(left + 1, len(columns) - 1)
    width = np.maximum(middles[right] - middles[left], 1.0)
    share = np.clip((places - middles[left]) / width, 0.0, 1.0)
    before, after = exact[:, left], exact[:, right]
    rows = before + (after - before) * share
    # A value beside a missing one has the dots of its own cell only.
    own = np.where(places // _ACROSS == columns[left], left, right)
    alone = np.isnan(rows) & (places // _ACROSS == columns[own])
    rows = np.floor(np.where(alone, exact[:, own], rows) + 0.5)
    one, other = rows[:, :-1], rows[:, 1:]
    half = np.floor((one + other) / 2)
    falls, rises = other > one, other < one
    first, last = rows.copy(), rows.copy()
    # Rows between two columns of dots: half of them in the one, half in the other.
    np.copyto(last[:, :-1], half, where=falls)
    np.copyto(first[:, :-1], half + 1, where=rises)
    np.minimum(first[:, 1:], half + 1, out=first[:, 1:], where=falls)
    np.maximum(last[:, 1:], half, out=last[:, 1:], where=rises)
    return _Spans.of(numbers, places, first, last)


def _put_dots(plot: Plot, dot_set: _DotSet, dots: Indices, places: Indices, inks: Inks) -> None:
    """Add dots to cells: those of a later ink are drawn over those of an earlier one.

    `dots`: row of each dot in the plot; `places`: its column of dots.
    """
    width = plot.canvas.width
    is_in = places < _ACROSS * width
    dots, places, inks = dots[is_in], places[is_in], inks[is_in]
    cells = dots // dot_set.down * width + places // _ACROSS
    bits = np.zeros(plot.rows * width, dtype=np.uint8)
    np.bitwise_or.at(bits, cells, dot_set.bits[dots % dot_set.down, places % _ACROSS])
    upper = np.zeros(plot.rows * width, dtype=np.uint16)
    upper[cells] = inks
    drawn = np.flatnonzero(bits)
    area = drawn // width + plot.top, drawn % width
    glyphs, codes, ink = plot.canvas.glyphs[area], plot.canvas.codes[area], upper[drawn]
    # Some quadrants are glyphs of candles that are drawn without colour, too: ▀, ▄ and █.
    earlier = np.where(is_candle_glyph(glyphs) & ~np.isin(codes, inks), 0, dot_set.dots_of(glyphs))
    is_line = (earlier > 0) | is_under_lines(glyphs)
    ink = np.where(earlier > 0, np.minimum(ink, codes), ink)
    plot.canvas.glyphs[area] = np.where(is_line, dot_set.glyphs[bits[drawn] | earlier], glyphs)
    plot.canvas.codes[area] = np.where(is_line, ink, with_tint(codes, ink))
