"""Labels of lines at the right edge of a plot: number and name, where no other label is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tapedeck.console.app.widgets.canvas import Canvas, shortened

_AXIS: Final = "│"


@dataclass(frozen=True, slots=True)
class LineLabel:
    """Number and name of a line, the row of its last value in the plot, and its ink."""

    number: int
    name: str
    row: int
    ink: int


def paint_line_labels(
    canvas: Canvas, axis_left: int, top: int, rows: int, labels: Sequence[LineLabel], taken: Collection[int]
) -> None:
    """Write each label in the nearest row without one; labels that have no row left are not written.

    The number is left of the axis, in column `axis_left - 1`, and the name right of it, if there is an axis.
    `top`, `rows`: rows of the plot. `taken`: rows of the plot in which the axis has a label.
    """
    for label, row in zip(labels, free_rows([label.row for label in labels], taken, rows), strict=True):
        if row is None:
            continue
        canvas.text(axis_left - 1, top + row, str(label.number), label.ink)
        width = canvas.width - axis_left - len(_AXIS)
        canvas.text(axis_left + len(_AXIS), top + row, shortened(label.name, max(width, 0)), label.ink)


def free_rows(wanted: Sequence[int], taken: Collection[int], rows: int) -> list[int | None]:
    """Return a row of its own for each label, the nearest to the wanted one of rows that are not taken.

    From the top on, so that labels keep the order of their lines; None where no row is left.
    """
    free = [row for row in range(rows) if row not in taken]
    found: list[int | None] = [None] * len(wanted)
    for number in sorted(range(len(wanted)), key=lambda number: wanted[number]):
        if free:
            # Of two rows that are equally near, the lower one: the next line is not above this one.
            row = min(free, key=lambda row: (abs(row - wanted[number]), -row))
            free.remove(row)
            found[number] = row
    return found
