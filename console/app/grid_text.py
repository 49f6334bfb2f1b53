"""Small tables as styled text: aligned columns, numbers on the right, muted headings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import Final, NamedTuple, overload

from textual.content import Content

from tapedeck.console.app.widgets.figures import LEAST_DECIMALS, without_minus_zero
from tapedeck.console.panel_data.scores import Grade, cut_score, grade_of

MISSING: Final = "–"
QUIET: Final = "$text-muted"
_NO_DECIMALS_FROM: Final = 1e6
_GAP: Final = 2
_MIN_TEXT_WIDTH: Final = 16
"""Minimum width of a folded text, in cells."""
_GRADE_STYLES: Final = {
    Grade.GOOD: "$text-success",
    Grade.FAIR: "$text-warning",
    Grade.BAD: "$text-error",
}


class Cell(NamedTuple):
    """Text with a style of the theme; the text alone must carry the meaning."""

    text: str
    style: str = ""


def grid(
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    right: str = "",
    gap: int = 2,
    width: int | None = None,
) -> Content:
    """Return rows under headings as one text: see `grid_lines`."""
    return Content("\n").join(grid_lines(headings, rows, right=right, gap=gap, width=width))


def grid_lines(
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    right: str = "",
    gap: int = 2,
    width: int | None = None,
) -> list[Content]:
    """Return rows under headings, line by line. `right`: one letter per column, `r` for numbers.

    If the columns do not fit `width`, the gap between them is smaller.
    """
    return list(GridLines(headings, rows, right=right, gap=gap, width=width))


class GridLines(Sequence[Content]):
    """Lines of `grid_lines`, each made when it is read, so that long lists open at once."""

    def __init__(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[str | Cell]],
        *,
        right: str = "",
        gap: int = 2,
        width: int | None = None,
    ) -> None:
        self._rows = [[Cell(heading, QUIET) for heading in headings]] if any(headings) else []
        self._rows += [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
        columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in headings)
        self._widths = [max((len(cell.text) for cell in column), default=0) for column in columns]
        self._sides = right.ljust(len(headings), "l")
        self._gap = gap if width is None or self.width(gap) <= width else min(gap, 1)

    def width(self, gap: int) -> int:
        """Return the cells of a line with a gap between its columns."""
        return sum(self._widths) + gap * (len(self._widths) - 1)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, line: int) -> Content: ...

    @overload
    def __getitem__(self, line: slice) -> list[Content]: ...

    def __getitem__(self, line: int | slice) -> Content | list[Content]:
        if isinstance(line, slice):
            return [self[at] for at in range(*line.indices(len(self)))]
        return _line(self._rows[line], self._widths, self._sides, self._gap)


def _line(cells: Sequence[Cell], widths: Sequence[int], sides: str, gap: int) -> Content:
    parts = []
    for at, (cell, width, side) in enumerate(zip(cells, widths, sides, strict=True)):
        text = cell.text.rjust(width) if side == "r" else cell.text.ljust(width)
        last = at == len(cells) - 1
        parts.append(Content.styled(text.rstrip() if last and side != "r" else text, cell.style))
    return Content(" " * gap).join(parts)


def folded(rows: Sequence[tuple[str | Cell, str | Cell]], width: int) -> Content:
    """Return rows of a name and a text; a long text is folded within its column."""
    named = [tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows]
    room = max(width - max(len(name.text) for name, _ in named) - _GAP, _MIN_TEXT_WIDTH)
    lines = [
        (Cell("") if number else name, Cell(line, text.style))
        for name, text in named
        for number, line in enumerate(wrap(text.text, room) or [""])
    ]
    return grid(["", ""], lines, gap=_GAP)


def flowed(parts: Sequence[Content], width: int, *, gap: int = 2) -> list[Content]:
    """Return parts side by side, on as many lines as necessary; parts are not broken."""
    lines: list[list[Content]] = []
    remaining = 0
    for part in parts:
        if not lines or len(part) + gap > remaining:
            lines.append([])
            remaining = width + gap
        lines[-1].append(part)
        remaining -= len(part) + gap
    return [Content(" " * gap).join(line) for line in lines]


def number(value: float | None, decimals: int = LEAST_DECIMALS) -> str:
    """Return a number with fixed decimals, or a dash if it is missing."""
    if value is None or math.isnan(value):
        return MISSING
    return without_minus_zero(f"{value:,.{decimals}f}")


def figure(value: float | None, decimals: int = LEAST_DECIMALS) -> str:
    """Return a number, without decimals from a million up."""
    return number(value, 0 if value is not None and abs(value) >= _NO_DECIMALS_FROM else decimals)


def milliseconds(seconds: float) -> str:
    """Return a duration in milliseconds; at most six cells for less than a hundred seconds."""
    value = 1e3 * seconds
    return number(value, 2 if value < 1_000 else 0)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 bar`, `1,200 bars`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(value: float, decimals: int = 1) -> str:
    """Return a percentage, truncated, not rounded: only 100 % reads 100.0."""
    if math.isnan(value):
        return MISSING
    return f"{cut_score(value, decimals)}%"


def quality_style(value: float) -> str:
    """Return the style of a quality score."""
    grade = grade_of(value)
    return QUIET if grade is None else _GRADE_STYLES[grade]
